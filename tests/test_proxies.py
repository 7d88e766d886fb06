"""Trusted proxies: only their headers are read, and the result is the URL that the client signed."""

import pytest
from stopwatch import within

from oauth2.errors import Error, InvalidURL
from oauth2.middleware._target import octets, origin_form, request_url
from oauth2.middleware.proxies import Origin, TrustedProxies

INNER = Origin(scheme="http", host="inner:8000")
ALL = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix")


def found(proxies, peer, **headers):
    origin = proxies.origin(INNER, peer, {name.replace("_", "-"): value for name, value in headers.items()})
    return origin.scheme, origin.host, origin.prefix


@pytest.mark.parametrize("peer", ["192.0.2.1", "", "127.0.0.2", "not an address", "::2"])
def test_headers_from_an_untrusted_proxy_are_ignored_even_if_malformed(peer):
    proxies = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"], headers=ALL)
    headers = {"x_forwarded_proto": "gopher", "x_forwarded_host": "a/b", "x_forwarded_for": "?", "forwarded": '"'}
    assert found(proxies, peer, **headers) == ("http", "inner:8000", "")


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.200.0.1", "::1", "::ffff:10.0.0.1"])
def test_headers_from_a_trusted_proxy_are_used(peer):
    proxies = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"], headers=ALL)
    headers = {"x_forwarded_proto": "HTTPS", "x_forwarded_host": "api.example", "x_forwarded_prefix": "/v1/"}
    assert found(proxies, peer, **headers) == ("https", "api.example", "/v1")


def test_a_unix_socket_is_trusted_only_by_name():
    assert found(TrustedProxies(["unix"]), "", x_forwarded_proto="https")[0] == "https"
    assert found(TrustedProxies(["0.0.0.0/0", "::/0"]), "", x_forwarded_proto="https")[0] == "http"


def test_a_header_that_is_not_named_is_not_read():
    proxies = TrustedProxies(["127.0.0.1"], headers=["X-Forwarded-Proto"])
    headers = {"x_forwarded_host": "evil.example", "x_forwarded_prefix": "/evil", "forwarded": "host=evil.example"}
    assert found(proxies, "127.0.0.1", x_forwarded_proto="https", **headers) == ("https", "inner:8000", "")
    assert found(TrustedProxies(["127.0.0.1"]), "127.0.0.1", x_forwarded_prefix="/evil")[2] == ""


@pytest.mark.parametrize(
    ("addresses", "protos", "expected"),
    [
        ("203.0.113.9", "https", "https"),
        ("203.0.113.9", "http, https", "https"),  # The client sent the first value.
        ("10.0.0.1, 203.0.113.9", "http, https", "https"),  # The client sent the address of a trusted proxy.
        (
            "203.0.113.9, 10.0.0.1",
            "https, http",
            "https",
        ),  # The outer proxy sent the first value, and the inner proxy the second.
        ("203.0.113.9, 10.0.0.1", "https", "https"),  # The inner proxy passed on the value of the outer proxy.
        ("203.0.113.9, 10.0.0.1", "http, https, http", "https"),
        ("203.0.113.9, 10.0.0.1:4711, [::1]:80, ::1", "https, http, http, http", "https"),
        ("unknown", "http,https", "https"),
        ("", "http, https", "https"),
    ],
)
def test_lists_are_read_from_the_right_up_to_the_first_untrusted_hop(addresses, protos, expected):
    proxies = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"])
    assert found(proxies, "127.0.0.1", x_forwarded_for=addresses, x_forwarded_proto=protos)[0] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=203.0.113.9;proto=https;host=api.example", ("https", "api.example", "")),
        ('For="203.0.113.9";Proto="https";Host="api.example:8443"', ("https", "api.example:8443", "")),
        ('for="[2001:db8::1]:80";proto=https;by=_inner', ("https", "inner:8000", "")),
        ("proto=http;host=evil.example, for=203.0.113.9;proto=https;host=api.example", ("https", "api.example", "")),
        ("for=203.0.113.9;proto=https;host=api.example, for=10.0.0.1;proto=http", ("https", "api.example", "")),
        ("for=203.0.113.9;proto=https, for=10.0.0.1;host=api.example", ("https", "api.example", "")),
        ("for=10.0.0.7;host=evil.example, for=_hidden;proto=https", ("https", "inner:8000", "")),
        ("for=10.0.0.7;host=evil.example, proto=https", ("https", "inner:8000", "")),
        (r'host="api\.example";for=unknown', ("http", "api.example", "")),
        (" , for=10.0.0.1;proto=https ,, ", ("https", "inner:8000", "")),
        ("", ("http", "inner:8000", "")),
    ],
)
def test_forwarded_is_read_from_the_right_up_to_the_first_untrusted_hop(value, expected):
    assert found(TrustedProxies(["10.0.0.0/8"], headers=["Forwarded"]), "10.0.0.1", forwarded=value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "for",
        "for=",
        'for="',
        'for="a',
        "for=a b",
        "for=a;for=b",
        "for=a;,for=b",
        "for=not-an-address",
        "for=300.0.0.1",
        "for=10.0.0.1;proto=gopher",
        "for=10.0.0.1;host=a/b",
        'for=10.0.0.1;host="a b"',
        'for=10.0.0.1;host="a,b"',
        # The quote is not closed before the element that the proxy adds.
        'for=x;by=", for="[2001:db8::1]";proto=https',
        'for=x;by=", for="";proto=https',
        "for=10.0.0.1;host=\xe9",
        'for="\x00"',
    ],
)
def test_a_malformed_forwarded_from_a_trusted_hop_is_refused(value):
    with pytest.raises(Error) as caught:
        found(TrustedProxies(["10.0.0.0/8"], headers=["Forwarded"]), "10.0.0.1", forwarded=value)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_proto": "gopher"},
        {"x_forwarded_proto": "https,"},
        {"x_forwarded_host": "a b"},
        {"x_forwarded_host": "user@host"},
        {"x_forwarded_host": "h:123456"},
        {"x_forwarded_prefix": "api"},
        {"x_forwarded_prefix": "//evil.example"},
        {"x_forwarded_prefix": "/a?b"},
        {"x_forwarded_prefix": "/\r\n"},
        {"x_forwarded_for": "10.0.0.1, ?"},
        {"x_forwarded_for": "10.0.0.1,"},
    ],
)
def test_a_malformed_header_from_a_trusted_hop_is_refused(headers):
    with pytest.raises(Error) as caught:
        found(TrustedProxies(["10.0.0.0/8"], headers=ALL), "10.0.0.1", **headers)
    assert caught.value.status == 400


def test_long_lists_take_linear_time():
    proxies = TrustedProxies(["10.0.0.0/8"], headers=["Forwarded"])
    with within(3):
        found(proxies, "10.0.0.1", forwarded=", ".join(["for=10.0.0.1"] * 10_000))
        for value in ("for=a;" * 10_000, 'for="' + "\\" * 60_000, " " * 60_000 + "x", "," * 60_000 + "x"):
            with pytest.raises(Error):
                found(proxies, "10.0.0.1", forwarded=value)
        with pytest.raises(Error):
            found(TrustedProxies(["10.0.0.0/8"], headers=ALL), "10.0.0.1", x_forwarded_prefix="/a" * 30_000 + "?")


@pytest.mark.parametrize(
    ("hops", "headers", "error"),
    [
        ("127.0.0.1", ALL, TypeError),
        (["127.0.0.1"], "Forwarded", TypeError),
        (["localhost"], ALL, ValueError),
        (["10.0.0.1/8"], ALL, ValueError),
        (["127.0.0.1"], ["X-Real-IP"], ValueError),
        (["127.0.0.1"], ["Forwarded", "X-Forwarded-For"], ValueError),
    ],
)
def test_wrong_arguments_are_refused_by_the_constructor(hops, headers, error):
    with pytest.raises(error):
        TrustedProxies(hops, headers=headers)


# --- the URL -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "path", "expected"),
    [
        (b"/a%2Fb", b"/a/b", "/a%2Fb"),
        (b"/%7Ejane", b"/~jane", "/%7Ejane"),
        (b"/%7ejane", b"/~jane", "/%7ejane"),
        (b"/100%25", b"/100%", "/100%25"),
        (b"/100%", b"/100%", "/100%"),
        (b"/a;v=1,2", b"/a;v=1,2", "/a;v=1,2"),
        (b"/caf%C3%A9", b"/caf\xc3\xa9", "/caf%C3%A9"),
        (b"/caf\xc3\xa9", b"/caf\xc3\xa9", "/caf%C3%A9"),
        (b"/%92", b"/\x92", "/%92"),
        (b"/%92", "/\ufffd".encode(), "/%92"),  # A server that decodes, and replaces invalid octets by U+FFFD.
        (b"/%92/a", "/\ufffd/b".encode(), "/%EF%BF%BD/b"),
        (b"//a//b", b"//a//b", "//a//b"),
        (b"//a//b", b"/a/b", "//a//b"),  # A server that merges two slashes.
        (b"/a#b", b"/a#b", "/a%23b"),
        (b"", b"", "/"),
        (b"?x=1", b"/", "/"),
        (b"/other", b"/a b~%", "/a%20b~%25"),  # The path was rewritten, and the rewritten path is served.
        (b"/a/../b", b"/b", "/b"),
        (None, b'/a b/~;=@:\xc3\xa9%"#?[', "/a%20b/~;=@:%C3%A9%25%22%23%3F%5B"),
        (None, b"", "/"),
    ],
)
def test_the_path_is_as_sent_if_it_is_the_path_that_is_served(target, path, expected):
    assert request_url(Origin(scheme="http", host="h"), target, path, b"") == f"http://h{expected}"


def test_the_query_is_as_sent():
    url = request_url(
        Origin(scheme="https", host="h:443", prefix="/v1"), b"/p?ignored", b"/p", b"a=%7E&b=+%2b;\xc3\xa9#"
    )
    assert url == "https://h:443/v1/p?a=%7E&b=+%2b;%C3%A9%23"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [(None, b"/{}", b""), (b"/{}", b"/{}", b""), (b"/{}", b"/short", b""), (b"/short", b"/short", b"a={}")],
    ids=["path", "target and path", "target", "query"],
)
def test_a_url_of_10_megabytes_is_refused_before_it_costs_anything(target, path, query):
    long = [part and part.replace(b"{}", "é".encode() * 5_000_000) for part in (target, path, query)]
    with within(0.2), pytest.raises(InvalidURL, match="URL is too long"):
        request_url(Origin(scheme="http", host="h"), *long)


def test_a_url_of_the_maximum_length_is_accepted():
    path, query = b"/" + b"x" * (16 * 1024 - 1), b"x" * 1024 * 1024
    url = request_url(Origin(scheme="http", host="h"), path, path, query)
    assert url == f"http://h{path.decode()}?{query.decode()}"
    for longer in ((None, path + b"x", query), (path + b"x", b"/", query), (path, path, query + b"x")):
        with pytest.raises(InvalidURL):
            request_url(Origin(scheme="http", host="h"), *longer)


def test_without_a_host_there_are_path_and_query():
    assert request_url(Origin(scheme="https", host=""), None, b"//evil.example/", b"a=b") == "//evil.example/?a=b"


@pytest.mark.parametrize("path", [b"*", b"h.example:443", b"http://h/", b"@evil.example/"])
def test_a_path_without_a_slash_is_refused(path):
    with pytest.raises(InvalidURL):
        request_url(Origin(scheme="http", host="h"), path, path, b"")


@pytest.mark.parametrize(
    "host",
    ["a,b", "a b", "a/b", "u@h", "h?x", "h#x", "h\\x", "h:x", "[::1", "\xe9", "h:0000080", "h\n", "", "[::1]:80"],
)
def test_an_invalid_host_is_refused(host):
    if host in ("", "[::1]:80"):
        assert Origin(scheme="http", host=host).host == host
        return
    with pytest.raises(InvalidURL):
        Origin(scheme="http", host=host)


def test_absolute_form_with_another_host_is_refused():
    assert origin_form(b"http://H:80/p?q", "h:80") == b"/p?q"
    assert origin_form(b"HTTPS://h", "h") == b""
    assert origin_form(b"/http://other/", "h") == b"/http://other/"
    for target in (b"http://other/p", b"http://u@h/p", b"http://h:80/p", b"http:///p"):
        with pytest.raises(InvalidURL):
            origin_form(target, "h")


def test_text_that_cannot_be_encoded_is_refused():
    assert octets("/\udc92", "utf-8") == b"/\x92"
    for text, encoding in (("/\u20ac", "latin-1"), ("/\ud800", "utf-8")):
        with pytest.raises(InvalidURL):
            octets(text, encoding)


# --- where a request comes from ---------------------------------------------------------


@pytest.mark.parametrize(
    ("addresses", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # The client sent the first value.
        ("nonsense, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.1:4711, ::1", "203.0.113.9"),
        ("[2001:db8::7]:80, 10.0.0.1", "2001:db8::7"),
        ("10.0.0.2, 10.0.0.1", "10.0.0.2"),  # All addresses are trusted proxies.
        ("203.0.113.9, unknown", None),
        ("_hidden, 10.0.0.1", None),
        ("", None),
    ],
)
def test_the_client_is_the_last_address_that_is_not_a_trusted_proxy(addresses, client):
    hops = ["127.0.0.1", "10.0.0.0/8", "::1"]
    assert TrustedProxies(hops).client("127.0.0.1", {"x-forwarded-for": addresses}) == client
    nodes = [node.strip() for node in addresses.split(",") if node]
    forwarded = ", ".join(f'for="{node}"' for node in nodes)
    assert TrustedProxies(hops, headers=["Forwarded"]).client("127.0.0.1", {"forwarded": forwarded}) == client


def test_the_client_address_is_read_from_a_trusted_proxy_only():
    proxies, headers = TrustedProxies(["127.0.0.1"]), {"x-forwarded-for": "203.0.113.9"}
    assert proxies.client("192.0.2.1", headers) == "192.0.2.1"
    assert proxies.client("", headers) is None
    assert TrustedProxies(["unix"]).client("", headers) == "203.0.113.9"
    assert TrustedProxies(["127.0.0.1"], headers=["X-Forwarded-Proto"]).client("127.0.0.1", headers) is None
    with pytest.raises(Error):
        proxies.client("127.0.0.1", {"x-forwarded-for": "203.0.113.9, nonsense"})

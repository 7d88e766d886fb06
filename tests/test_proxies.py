"""Where a request was sent to: only named hops are believed, and the URL is the one that was signed."""

import time

import pytest

from oauth2.errors import Error, InvalidURL
from oauth2.middleware.proxies import Origin, TrustedProxies
from oauth2.middleware.target import octets, origin_form, request_url

INNER = Origin(scheme="http", host="inner:8000")
ALL = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix")


def found(proxies, peer, **headers):
    origin = proxies.origin(INNER, peer, {name.replace("_", "-"): value for name, value in headers.items()})
    return origin.scheme, origin.host, origin.prefix


@pytest.mark.parametrize("peer", ["192.0.2.1", "", "127.0.0.2", "not an address", "::2"])
def test_headers_from_an_untrusted_hop_change_nothing_however_malformed(peer):
    proxies = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"], headers=ALL)
    headers = {"x_forwarded_proto": "gopher", "x_forwarded_host": "a/b", "x_forwarded_for": "?", "forwarded": '"'}
    assert found(proxies, peer, **headers) == ("http", "inner:8000", "")


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.200.0.1", "::1", "::ffff:10.0.0.1"])
def test_a_trusted_hop_is_believed(peer):
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
        ("203.0.113.9", "http, https", "https"),  # the client put one in front
        ("10.0.0.1, 203.0.113.9", "http, https", "https"),  # a hop of ours, says the client
        ("203.0.113.9, 10.0.0.1", "https, http", "https"),  # the outer hop's word, then the inner's
        ("203.0.113.9, 10.0.0.1", "https", "https"),  # the inner hop passed it on
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
        'for=x;by=", for="[2001:db8::1]";proto=https',  # an open quote of the client's swallows the hop's element
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
    started = time.perf_counter()
    found(proxies, "10.0.0.1", forwarded=", ".join(["for=10.0.0.1"] * 10_000))
    for value in ("for=a;" * 10_000, 'for="' + "\\" * 60_000, " " * 60_000 + "x", "," * 60_000 + "x"):
        with pytest.raises(Error):
            found(proxies, "10.0.0.1", forwarded=value)
    with pytest.raises(Error):
        found(TrustedProxies(["10.0.0.0/8"], headers=ALL), "10.0.0.1", x_forwarded_prefix="/a" * 30_000 + "?")
    assert time.perf_counter() - started < 3


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
def test_a_mistake_in_the_configuration_is_said_at_once(hops, headers, error):
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
        (b"/%92", "/\ufffd".encode(), "/%92"),  # a server that decodes, with a mark for what it cannot
        (b"/%92/a", "/\ufffd/b".encode(), "/%EF%BF%BD/b"),
        (b"//a//b", b"//a//b", "//a//b"),
        (b"//a//b", b"/a/b", "//a//b"),  # a server that takes two slashes for one
        (b"/a#b", b"/a#b", "/a%23b"),
        (b"", b"", "/"),
        (b"?x=1", b"/", "/"),
        (b"/other", b"/a b~%", "/a%20b~%25"),  # somebody rewrote the path: what is served counts
        (b"/a/../b", b"/b", "/b"),
        (None, b'/a b/~;=@:\xc3\xa9%"#?[', "/a%20b/~;=@:%C3%A9%25%22%23%3F%5B"),
        (None, b"", "/"),
    ],
)
def test_the_path_is_as_sent_if_that_is_what_is_served(target, path, expected):
    assert request_url(Origin(scheme="http", host="h"), target, path, b"") == f"http://h{expected}"


def test_the_query_is_as_sent():
    url = request_url(
        Origin(scheme="https", host="h:443", prefix="/v1"), b"/p?ignored", b"/p", b"a=%7E&b=+%2b;\xc3\xa9#"
    )
    assert url == "https://h:443/v1/p?a=%7E&b=+%2b;%C3%A9%23"


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
def test_a_host_is_checked(host):
    if host in ("", "[::1]:80"):
        assert Origin(scheme="http", host=host).host == host
        return
    with pytest.raises(InvalidURL):
        Origin(scheme="http", host=host)


def test_absolute_form_has_to_name_the_host():
    assert origin_form(b"http://H:80/p?q", "h:80") == b"/p?q"
    assert origin_form(b"HTTPS://h", "h") == b""
    assert origin_form(b"/http://other/", "h") == b"/http://other/"
    for target in (b"http://other/p", b"http://u@h/p", b"http://h:80/p", b"http:///p"):
        with pytest.raises(InvalidURL):
            origin_form(target, "h")


def test_text_that_cannot_have_arrived_is_refused():
    assert octets("/\udc92", "utf-8") == b"/\x92"
    for text, encoding in (("/\u20ac", "latin-1"), ("/\ud800", "utf-8")):
        with pytest.raises(InvalidURL):
            octets(text, encoding)

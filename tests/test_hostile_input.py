"""For every input of a peer, the result is an ``oauth2.Error`` or the signed parameters, in linear time."""

import contextlib
import dataclasses
import gc
import http.client
import logging
import pkgutil
import sys
import time
import tracemalloc

import django_project
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import settings
from hypothesis import strategies as st
from peer import (
    CONSUMER,
    FORM,
    HMACS,
    HOST,
    NOW,
    PHOTOS,
    TOKEN,
    Peer,
    Sent,
    Service,
    form_of,
    header_of,
    what_is_shown,
)
from unhurried import given

import oauth2
from oauth2._wire.pairs import group_pairs
from oauth2.encoding import percent_decode
from oauth2.errors import (
    InvalidRequest,
    NonceUsed,
    SignatureInvalid,
    StoreUnavailable,
    TimestampRefused,
    VersionRejected,
)
from oauth2.parameters import parse_authorization_header, parse_form

pytestmark = pytest.mark.slow

often = settings(max_examples=300)


def accepted(*args, **kwargs):
    service = kwargs.pop("service", None) or Service()
    return service(*Peer().sign(*args, **kwargs))


# --- ambiguous requests ---------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        'OAuth a="b" x="y"',
        'OAuth a="b"x="y"',
        'OAuth a="b" x=y, c="d"',
        'OAuth a="b"x=y,c="d"',
        'OAuth realm="r" oauth_foo=1, c="d"',
        'OAuth a=b x="y"',
        'OAuth a="b" x=y',
        'OAuth a="b";x="y"',
        'OAuth a="b"&x="y"',
    ],
)
def test_parameters_of_the_header_without_a_comma_between_them_are_refused(header):
    with pytest.raises(InvalidRequest):
        parse_authorization_header(header)


@pytest.mark.parametrize("fragment", ["#", "#&admin=1", "#x?admin=1", "#/../../admin"])
def test_a_url_with_a_fragment_is_refused(fragment):
    """Clients do not send fragments (RFC 7230 section 5.1).

    If a server receives a "#" in a raw request line, the "#" is part of the path or of the query.
    """
    sent = Peer().sign(query=[("a", "1")])
    with pytest.raises(oauth2.Error):
        Service()(sent.method, sent.url + fragment, sent.headers)


def test_two_different_headers_of_one_name_are_refused():
    sent = Peer().sign()
    message = http.client.HTTPMessage()
    message["Authorization"] = sent.headers["Authorization"]
    message["authorization"] = "OAuth "
    with pytest.raises(InvalidRequest):
        Service()(sent.method, sent.url, message)
    other = {"Content-Type": "text/plain", "content-type": FORM}
    with pytest.raises(InvalidRequest):
        Service()("POST", PHOTOS, {**sent.headers, **other}, b"admin=1")


def test_an_empty_version_is_refused():
    """If oauth_version is present, section 3.2 requires the value "1.0"."""
    with pytest.raises(VersionRejected):
        accepted(version="")
    assert accepted(version=None) == {}


@pytest.mark.parametrize("name", ["realm", "Realm", "REALM"])
def test_a_realm_is_left_out_in_any_case_but_only_in_the_header(name):
    sent = Peer().sign().edited("OAuth ", f'OAuth {name}="not, signed", ')
    assert Service()(*sent) == {}
    assert accepted(query=[(name, "signed")]) == {name: "signed"}
    with pytest.raises(InvalidRequest):
        Service()(*Peer().sign(realm="a").edited("OAuth ", f'OAuth {name}="b", '))


def test_a_realm_that_is_spelled_with_escapes_is_refused():
    with pytest.raises(InvalidRequest, match="percent-encoded realm"):
        Service()(*Peer().sign().edited("OAuth ", 'OAuth %72ealm="x", '))


# --- the application gets the parameters that were verified -----------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PAIRS = st.lists(st.tuples(TEXT.filter(lambda name: not name.startswith("oauth_")), TEXT), max_size=5)


@often
@given(PAIRS, PAIRS, st.sampled_from(["header", "query", "body"]))
def test_exactly_what_was_signed_comes_out(query, form, place):
    sent = Peer().sign("POST", query=query, form=form, place=place)
    assert Service()(*sent) == group_pairs([*query, *form])


@often
@given(PAIRS, PAIRS, st.data())
def test_a_change_anywhere_on_the_wire_is_refused_or_means_the_same(query, form, data):
    sent = Peer().sign("POST", query=query, form=form)
    where = data.draw(st.sampled_from(["url", "body", "header"]))
    text = {"url": sent.url, "body": sent.body.decode(), "header": sent.headers["Authorization"]}[where]
    at = data.draw(st.integers(len(HOST) if where == "url" else 0, len(text)))
    piece = data.draw(st.sampled_from([*'&=+%;,"\\# \t?/', "%41", "&a=1", ",a=1", '"', "oauth_token=x", "&&", ""]))
    changed = text[:at] + piece + text[at + data.draw(st.integers(0, 3)) :]
    attacked = {
        "url": lambda: sent._replace(url=changed),
        "body": lambda: sent._replace(body=changed.encode()),
        "header": lambda: sent.with_header(Authorization=changed),
    }[where]()
    try:
        got = Service()(*attacked)
    except oauth2.Error:
        return
    assert sorted_pairs(got) == sorted_pairs(group_pairs([*query, *form]))


def sorted_pairs(grouped):
    return sorted((name, v) for name, value in grouped.items() for v in (value if isinstance(value, list) else [value]))


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(admin="1"),
        lambda r: r.update(a=["1", "1"]),
        lambda r: r.pop("a"),
        lambda r: r.update(oauth_nonce="another"),
        lambda r: r.update(oauth_foo="1"),
        lambda r: r.pop("oauth_token"),
        lambda r: setattr(r, "url", PHOTOS + "?b=2"),
        lambda r: setattr(r, "url", "https://admin.example/photos"),
        lambda r: setattr(r, "method", "DELETE"),
    ],
)
def test_a_request_that_was_changed_after_it_was_read_is_refused(change):
    sent = Peer().sign("POST", form=[("a", "1")])
    request = oauth2.Request.from_request(*sent[:3], body=sent.body)
    change(request)
    with pytest.raises(oauth2.Error):
        Service().verify(request)


def made_directly(sent, **more):
    said = {name: value for name, value in parse_authorization_header(sent.headers["Authorization"]) if name != "realm"}
    return oauth2.Request(sent.method, sent.url, {**said, **more})


def test_a_request_made_directly_is_verified_as_strictly():
    sent = Peer().sign(query=[("a", "1"), ("b", "2")])
    assert Service().verify(made_directly(sent)) == {"a": "1", "b": "2"}
    assert Service().verify(made_directly(sent, a="1")) == {"a": "1", "b": "2"}
    for bad in (
        made_directly(sent, a=["1", "1"]),
        made_directly(sent, c="3"),
        made_directly(sent._replace(url=f"{sent.url}&oauth_foo=1")),
        made_directly(sent._replace(url=f"{sent.url}&c=%zz")),
        made_directly(sent._replace(url=f"{sent.url}&c=%ff")),
        made_directly(sent, oauth_nonce=["nonce-1", "other"]),
        made_directly(sent, oauth_signature=None),
        made_directly(sent, oauth_nonce=None),
    ):
        with pytest.raises(oauth2.Error):
            Service().verify(bad)


@pytest.mark.parametrize("name", ["a", "oauth_nonce", "oauth_consumer_key", "oauth_token", "oauth_body_hash"])
@pytest.mark.parametrize("surrogate", [chr(0xD800), chr(0xDCFF)], ids=ascii)
def test_a_surrogate_in_a_request_made_directly_is_refused(name, surrogate):
    with pytest.raises(oauth2.Error):
        Service().verify(made_directly(Peer().sign(), **{name: surrogate}))


def test_a_request_without_a_url_is_a_value_error():
    said = made_directly(Peer().sign())
    with pytest.raises((ValueError, oauth2.Error)):
        Service().verify(oauth2.Request("GET", None, dict(said)))


# --- unusual arguments of from_request() ------------------------------------------


def test_django_and_wsgi_and_bytes_are_read_alike():
    sent = Peer().sign("POST", query=[("q", "1")], form=[("a", "é"), ("a", "2")])
    authorization = sent.headers["Authorization"]
    environ = {"HTTP_AUTHORIZATION": authorization, "CONTENT_TYPE": FORM, "wsgi.version": (1, 0), "CONTENT_LENGTH": 9}
    for headers, body in (
        (environ, sent.body),
        (sent.headers, sent.body.decode()),
        ({name.upper(): value for name, value in sent.headers.items()}, sent.body),
        ({name.lower().encode(): value.encode() for name, value in sent.headers.items()}, sent.body),
    ):
        assert Service()(sent.method, sent.url, headers, body) == {"q": "1", "a": ["é", "2"]}
        assert Service()(sent.method, sent.url.encode(), headers, body) == {"q": "1", "a": ["é", "2"]}
    merged = {"q": "1", "a": [b"\xc3\xa9", "2"]}
    for http_url, query_string in (
        (PHOTOS, "q=1"),
        (PHOTOS, b"q=1"),
        (sent.url, "q=1"),
        (sent.url, b"q=1"),
        (sent.url, ""),
    ):
        request = oauth2.Request.from_request("POST", http_url, environ, merged, query_string)
        assert Service().verify(request) == {"q": "1", "a": ["é", "2"]}


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_body_of_another_bytes_like_type_is_read(kind):
    sent = Peer().sign("POST", form=[("a", "1")])
    assert Service()(*sent._replace(body=kind(sent.body))) == {"a": "1"}


@pytest.mark.parametrize(
    ("place", "smuggled"),
    [
        ("query_string", {"query_string": "a=1&admin=1"}),
        ("query_string", {"query_string": b"a=2"}),
        ("query_string", {"query_string": "a=1#&admin=1"}),
        ("parameters", {"parameters": {"a": "1", "admin": "1"}}),
        ("parameters", {"parameters": {"a": ["1", "2"]}}),
        ("parameters", {"parameters": {"a": ["1", "1"]}}),
        ("parameters", {"parameters": {"oauth_token": TOKEN.key}}),
        ("parameters", {"parameters": {b"admin": b"1"}}),
        ("parameters", {"parameters": {"a": b"\xff"}}),
        ("parameters", {"parameters": {"a": "\udcff"}}),
        ("parameters", {"parameters": {"a": ["x"] * 1_001}}),
    ],
)
def test_fields_that_a_framework_adds_are_not_accepted_unsigned(place, smuggled):
    sent = Peer().sign(query=[("a", "1")])
    with pytest.raises(oauth2.Error):
        Service().verify(oauth2.Request.from_request(*sent[:3], **smuggled))


@often
@given(
    st.sampled_from(["GET", "POST", "", "get", "M€", "A B", "\udcff"]) | st.text(max_size=4),
    st.text(max_size=20) | st.sampled_from([PHOTOS, "https://h", "https://[", "https://é.", "http://a:b@c:1/", "\0"]),
    st.dictionaries(
        st.sampled_from(["Authorization", "authorization", "HTTP_AUTHORIZATION", "Content-Type", "CONTENT_TYPE", "X"]),
        st.text(max_size=30)
        | st.binary(max_size=30)
        | st.sampled_from([FORM, "OAuth", header_of([("oauth_nonce", "a"), ("b", "c")])])
        | st.text('OAuth realm="%41\\,=', max_size=30).map(lambda text: "OAuth " + text),
        max_size=3,
    ),
    st.binary(max_size=30) | st.text(max_size=30) | st.none(),
    st.text(max_size=10) | st.binary(max_size=10) | st.none(),
    st.dictionaries(
        st.text(max_size=4), st.text(max_size=4) | st.binary(max_size=4) | st.lists(st.binary()), max_size=3
    ),
)
def test_whatever_is_sent_only_an_error_is_raised(method, url, headers, body, query_string, parameters):
    try:
        request = oauth2.Request.from_request(method, url, headers, parameters, query_string, body=body)
        Service().verify(request)
    except oauth2.Error:
        pass
    else:
        pytest.fail("accepted")


SAID = st.sampled_from(
    ["nonce", "timestamp", "version", "signature_method", "body_hash", "callback", "verifier", "foo"]
)
VALUES = st.text(max_size=5) | st.sampled_from(["", "1.0", str(NOW), "PLAINTEXT", "RSA-SHA1"])


@often
@given(st.dictionaries(SAID, VALUES.filter(str.isprintable)))
def test_whatever_is_said_and_signed_only_an_error_is_raised(said):
    methods = [*HMACS, oauth2.SignatureMethod_PLAINTEXT(), oauth2.SignatureMethod_RSA_SHA1()]
    with contextlib.suppress(oauth2.Error):
        assert accepted(service=Service(methods=methods), **said) == {}


# --- timestamps and nonces -------------------------------------------------------


@pytest.mark.parametrize(
    "timestamp",
    [*["", " ", f" {NOW}", f"{NOW} ", f"{NOW}\n", f"-{NOW}", f"+{NOW}", f"{NOW}.0", f"{NOW}e0", "1_700_000_000", "0"],
     *["00", "0x6553F100", "nan", "²", str(NOW).replace("0", "٠"), "9" * 15, "9" * 16, f"{NOW}\0", f"{'0' * 10}{NOW}"]],
)  # fmt: skip
def test_a_timestamp_that_is_no_plain_number_in_the_window_is_refused(timestamp):
    with pytest.raises(oauth2.Error):
        accepted(timestamp=timestamp)


@pytest.mark.parametrize("clock", [NOW, NOW + 0.001, NOW + 0.999])
@pytest.mark.parametrize("threshold", [0, 1, 300])
def test_the_window_has_the_same_edges_in_both_directions(clock, threshold):
    def service():
        return Service(now=lambda: clock, timestamp_threshold=threshold)

    for offset in (-threshold, threshold):
        assert accepted(service=service(), timestamp=str(NOW + offset)) == {}
    for offset in (-threshold - 1, threshold + 1):
        with pytest.raises(TimestampRefused):
            accepted(service=service(), timestamp=str(NOW + offset))


def test_no_replay_succeeds_at_any_time_while_its_timestamp_is_in_the_window():
    clock = [NOW]
    for timestamp in (NOW - 300, NOW, NOW + 300):
        service, peer = Service(now=lambda: clock[0]), Peer()
        sent = peer.sign(timestamp=str(timestamp))
        clock[0] = NOW
        assert service(*sent) == {}
        for clock[0] in range(NOW - 400, NOW + 1000, 13):
            with pytest.raises(oauth2.Error):
                service(*sent)
            if clock[0] % 7 == 0:
                service(*peer.sign(timestamp=str(clock[0] + 300)))


def test_a_threshold_that_is_widened_later_does_not_lock_others_out():
    """A program can change timestamp_threshold while the server is running.

    A client whose clock is ahead must not cause refusals of other clients.
    """
    service, peer = Service(), Peer()
    service.server = oauth2.Server({m.name: m for m in HMACS}, now=lambda: NOW)
    service.server.timestamp_threshold = 3600
    assert service(*peer.sign(timestamp=str(NOW + 3000))) == {}
    sent = peer.sign()
    assert service(*sent) == {}
    with pytest.raises(NonceUsed):
        service(*sent)


def test_numbers_in_a_request_name_the_same_nonce_as_their_texts():
    service = Service()
    sent = Peer().sign(nonce="5")
    assert service.verify(made_directly(sent, oauth_timestamp=NOW, oauth_nonce=5)) == {}
    for again in (made_directly(sent), made_directly(sent, oauth_nonce=b"5"), made_directly(sent, oauth_timestamp=NOW)):
        with pytest.raises(NonceUsed):
            service.verify(again)
    for odd in (True, float(NOW), -NOW, (NOW,)):
        with pytest.raises(oauth2.Error):
            service.verify(made_directly(Peer().sign(nonce="6"), oauth_timestamp=odd))


def test_plaintext_with_half_of_timestamp_and_nonce_is_refused():
    methods = [oauth2.SignatureMethod_PLAINTEXT()]
    assert accepted(service=Service(methods=methods), name="PLAINTEXT", timestamp=None, nonce=None) == {}
    for left_out in ("timestamp", "nonce"):
        with pytest.raises(oauth2.Error):
            accepted(service=Service(methods=methods), name="PLAINTEXT", **{left_out: None})
    service, sent = Service(methods=methods), Peer().sign(name="PLAINTEXT")
    assert service(*sent) == {}
    with pytest.raises(NonceUsed):
        service(*sent)


def test_plaintext_is_refused_over_http():
    service = Service(methods=[oauth2.SignatureMethod_PLAINTEXT()])
    for url in ("http://api.example/photos", "HTTP://api.example/photos", "http://https:80/photos"):
        with pytest.raises(oauth2.Error):
            service(*Peer().sign(uri=url, name="PLAINTEXT"))


# --- credentials of odd types ------------------------------------------------------


class Row:
    """Credentials in an application's own class."""

    def __init__(self, key, secret, **more):
        self.key, self.secret = key, secret
        vars(self).update(more)


def verify(sent, consumer, token, methods=HMACS):
    server = oauth2.Server({method.name: method for method in methods}, now=lambda: NOW)
    return server.verify_request(oauth2.Request.from_request(*sent[:3], body=sent.body), consumer, token)


def test_credentials_may_be_bytes_or_objects_of_ones_own():
    key, secret = TOKEN.key, TOKEN.secret
    consumer = Row(CONSUMER.key.encode(), CONSUMER.secret.encode())
    assert verify(Peer().sign(), consumer, Row(key.encode(), secret.encode())) == {}
    assert verify(Peer().sign(token=None), consumer, {}) == {}
    numbered = oauth2.Consumer(7, CONSUMER.secret)
    assert verify(Peer().sign(consumer=oauth2.Consumer("7", CONSUMER.secret)), numbered, TOKEN) == {}


@pytest.mark.parametrize("name", ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"])
def test_credentials_without_a_secret_are_refused(name):
    """The peer chooses the method, and a token of a client that signs with RSA may have no secret."""
    methods = [*HMACS, oauth2.SignatureMethod_PLAINTEXT()]
    for secret in ("", "None"):
        sent = Peer().sign(name=name, token=oauth2.Token(TOKEN.key, secret))
        with pytest.raises(oauth2.Error):
            verify(sent, CONSUMER, Row(TOKEN.key, None), methods)
        sent = Peer().sign(name=name, consumer=oauth2.Consumer(CONSUMER.key, secret))
        with pytest.raises(oauth2.Error):
            verify(sent, Row(CONSUMER.key, None), TOKEN, methods)


def ec_pem():
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(serialization.Encoding.PEM, info)


@pytest.mark.parametrize(
    "public_key", ["", b"", "not a key", ec_pem(), object()], ids=["empty", "no bytes", "junk", "EC", "object"]
)
def test_an_invalid_public_key_is_refused(public_key):
    """The peer chooses the method, and an invalid public key in the database must not raise another error."""
    consumer = oauth2.Consumer(CONSUMER.key, CONSUMER.secret, public_key=public_key)
    methods = [*HMACS, oauth2.SignatureMethod_RSA_SHA1()]
    with pytest.raises(oauth2.Error):
        verify(Peer().sign(name="RSA-SHA1", signer=lambda text: "QUFBQQ=="), consumer, TOKEN, methods)


def test_a_public_key_is_no_secret_in_whatever_type_it_is_kept():
    key = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL"  # DER in base64, without the lines BEGIN and END of a PEM file
    for public_key, secret in ((key, key), (key.encode(), key), (key, key.encode())):
        consumer = Row(CONSUMER.key, secret, public_key=public_key)
        with pytest.raises(SignatureInvalid):
            verify(Peer().sign(consumer=oauth2.Consumer(CONSUMER.key, key)), consumer, TOKEN)


def test_credentials_that_the_request_does_not_name_do_not_count():
    wrong = [oauth2.Consumer("client-x", CONSUMER.secret), oauth2.Consumer(CONSUMER.key.upper(), CONSUMER.secret), None]
    for consumer in wrong:
        with pytest.raises(SignatureInvalid):
            verify(Peer().sign(), consumer, TOKEN)
    for token in (None, {}, oauth2.Token("token-x", TOKEN.secret)):
        with pytest.raises(SignatureInvalid):
            verify(Peer().sign(), CONSUMER, token)
    with pytest.raises(SignatureInvalid):
        verify(Peer().sign(token=None), CONSUMER, TOKEN)


def test_a_signature_method_of_ones_own_is_verified_in_its_own_way():
    class Reversed(oauth2.SignatureMethod):
        name = "REVERSED"

        def signing_base(self, request, consumer, token):
            parts = (request.method, request.normalized_url, request.get_normalized_parameters())
            return consumer.secret, "&".join(map(oauth2.escape, parts))

        def sign(self, request, consumer, token):
            key, text = self.signing_base(request, consumer, token)
            return f"{key}{text}"[::-1]

    signer = lambda text: f"{CONSUMER.secret}{text}"[::-1]  # noqa: E731
    assert accepted(service=Service(methods=[Reversed()]), name="REVERSED", signer=signer) == {}
    with pytest.raises(SignatureInvalid):
        accepted(service=Service(methods=[Reversed()]), name="REVERSED", signer=lambda text: "é")


@pytest.mark.parametrize("answer", [False, None, 0, ""])
def test_a_store_that_does_not_return_true_refuses_the_nonce(answer):
    class Store:
        window = 300

        def add_nonce(self, nonce, timestamp, consumer_key, token_key):
            return answer

    with pytest.raises(NonceUsed):
        accepted(service=Service(Store()))


def test_every_request_is_refused_while_the_store_is_down():
    class Store:
        window = 300

        def add_nonce(self, nonce, timestamp, consumer_key, token_key):
            raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        accepted(service=Service(Store()))


# --- secrecy ------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [b"&a=\xff", b"&a=%ff", b"&a=%zz", b"&oauth_token=x"])
def test_an_error_does_not_contain_the_rest_of_the_request(broken, caplog):
    """With PLAINTEXT, the body contains the secrets; a crash report shows the causes of an error, too."""
    caplog.set_level(logging.DEBUG)
    peer = Peer()
    sent = peer.sign("POST", form=[("a", "1")], place="body", name="PLAINTEXT")
    with pytest.raises(oauth2.Error) as caught:
        Service(methods=[oauth2.SignatureMethod_PLAINTEXT()])(*sent._replace(body=sent.body + broken))
    shown = what_is_shown(caught.value)
    # The error must show neither the secret nor the percent-encoded secret.
    assert not [text for text in (*peer.sensitive, form_of([("", CONSUMER.secret)])[1:], "%26") if text in shown]
    assert not caplog.records


def records():
    """Yield every dataclass of the package whose repr() lists its fields."""
    for module in pkgutil.walk_packages(oauth2.__path__, "oauth2."):
        if not module.name.endswith("__main__"):
            found = vars(django_project.import_module(module.name)).values()
            classes = [each for each in found if isinstance(each, type) and each.__module__ == module.name]
            # Only a repr() that dataclass() generated has __wrapped__.
            yield from [
                each for each in classes if dataclasses.is_dataclass(each) and hasattr(each.__repr__, "__wrapped__")
            ]


def test_no_repr_lists_what_travels_in_a_request_or_an_answer():
    hidden = "url uri query headers authorization body content data location parameters value normalized"
    secret = "secret consumer_secret token_secret previous_secret verifier session_handle"
    found = {
        f"{each.__module__}.{each.__qualname__}.{field.name}"
        for each in records()
        for field in dataclasses.fields(each)
        if field.repr and field.name in f"{hidden} {secret}".split()
    }
    assert found == set()


@pytest.mark.parametrize("place", ["header", "query", "body"])
@pytest.mark.parametrize("name", ["HMAC-SHA1", "PLAINTEXT"])
def test_no_repr_shows_a_secret_a_token_or_a_signature(place, name):
    peer = Peer()
    sent = peer.sign("POST", form=[("a", "1")], place=place, name=name)
    request = oauth2.Request.from_request(*sent[:3], body=sent.body)
    service = Service()
    shown = f"{request!r} {service.server!r} {service.store!r} {CONSUMER!r} {HMACS!r} {vars(service.server)!r}"
    assert not [text for text in peer.sensitive - {TOKEN.key} if text in shown]
    assert CONSUMER.secret not in shown
    assert TOKEN.secret not in repr(TOKEN)
    assert TOKEN.key not in repr(request)


# --- time and memory -------------------------------------------------------------------


class Unlimited(oauth2.Request):
    max_url = max_header = max_form = max_parameters = sys.maxsize


PATTERNS = [
    "%41",
    "%",
    "&",
    "=",
    "a=b&",
    "a=%ff&",
    "a=%C3%A9&",
    "+",
    '"',
    ",",
    " ",
    "\\",
    '\\"',
    '"="',
    'a="b",',
    "\t,",
]
PATTERNS += ['a="b" ', "oauth_a=1&", ";", "é", "\x01", "#", "@", ":", "/."]
READERS = {
    "header": lambda text: parse_authorization_header(f"OAuth {text}"),
    "value": lambda text: parse_authorization_header(f'OAuth a="{text}"'),
    "realm": lambda text: parse_authorization_header(f'OAuth realm="{text}"'),
    "form": parse_form,
    "decode": percent_decode,
    "from_request header": lambda text: Unlimited.from_request("GET", PHOTOS, {"Authorization": f"OAuth {text}"}),
    "from_request query": lambda text: Unlimited.from_request("GET", f"{PHOTOS}?{text}", None, None, f"{text}&z"),
    "from_request body": lambda text: Unlimited.from_request("POST", PHOTOS, {"Content-Type": FORM}, body=text),
    "from_request path": lambda text: Unlimited.from_request("GET", f"{PHOTOS}/{text}?a=b"),
    "from_request type": lambda text: Unlimited.from_request("GET", f"{PHOTOS}?a=b", {"Content-Type": text}),
    "from_request parameters": lambda text: Unlimited.from_request("GET", PHOTOS, None, {"a": text.split("=")}),
}


def seconds(read, text):
    started = time.process_time()
    with contextlib.suppress(oauth2.Error):
        read(text)
    return time.process_time() - started


@pytest.mark.alone
@pytest.mark.parametrize("reader", READERS)
def test_reading_takes_linear_time(reader):
    """A text of eight times the length takes at most twelve times the time."""
    read = READERS[reader]
    gc.collect()
    gc.disable()
    try:
        for pattern in PATTERNS:
            # Repeat whole patterns, so that the code takes the same branches for the short and the long text.
            short, long = (pattern * (size // len(pattern)) for size in (8 * 1024, 64 * 1024))
            for _ in range(12):  # other processes can disturb a measurement
                fast = min(seconds(read, short) for _ in range(3))
                slow = seconds(read, long)
                if slow <= 12 * fast or slow < 0.004:
                    break
            else:
                pytest.fail(f"{pattern!r}: {fast:.4f} s, then {slow:.4f} s")
    finally:
        gc.enable()


@pytest.mark.parametrize("host", ["é" * 8_000, "é." * 4_000, "a" * 8_000 + "é", "é" * 63 + "." + "a" * 8_000])
def test_a_long_host_outside_ascii_is_refused_before_it_is_encoded(host):
    """A host name has at most 255 octets (RFC 1035). Encoding takes some microseconds for each character."""
    with pytest.raises(oauth2.Error):
        Service()("GET", f"https://{host}/photos", Peer().sign().headers)
    took = min(seconds(lambda url: Service()("GET", url, Peer().sign().headers), f"https://{host}/x") for _ in range(5))
    assert took < 0.01


@pytest.mark.parametrize("body", [b"a=" + b"%41" * 349_000, b"a" * 1_048_576, b"&" * 999, b"a=b&" * 999])
def test_a_form_of_one_megabyte_needs_less_than_a_hundred_megabytes(body):
    tracemalloc.start()
    try:
        oauth2.Request.from_request("POST", PHOTOS, {"Content-Type": FORM}, body=body)
        assert tracemalloc.get_traced_memory()[1] < 100 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("header", Sent("GET", PHOTOS, {"Authorization": 'OAuth a="' + "x" * 16_384 + '"'}, b"")),
        ("query", Sent("GET", f"{PHOTOS}?a={'x' * 1_048_576}", {}, b"")),
        ("form", Sent("POST", PHOTOS, {"Content-Type": FORM}, b"a=" + b"x" * 1_048_576)),
        ("parameters in the query", Sent("GET", f"{PHOTOS}?{'a&' * 1_000}a", {}, b"")),
        ("parameters in a form", Sent("POST", PHOTOS, {"Content-Type": FORM}, b"&" * 1_000)),
        ("parameters of both", Sent("POST", f"{PHOTOS}?{'a&' * 600}", {"Content-Type": FORM}, b"a&" * 600)),
    ],
)
def test_what_is_too_large_is_refused(limit, sent):
    with pytest.raises(InvalidRequest):
        oauth2.Request.from_request(*sent[:3], body=sent.body)


@pytest.mark.parametrize("name", ["nonce", "consumer_key", "token"])
def test_a_long_nonce_or_key_is_refused_and_one_of_255_characters_is_not(name):
    def said(value):
        return {"token": oauth2.Token(value, "s")} if name == "token" else {name: value}

    with pytest.raises(InvalidRequest):
        accepted(**said("é" * 256))
    if name == "nonce":
        assert accepted(**said("é" * 255)) == {}
    else:  # The text is a valid key, but no client has this key.
        with pytest.raises(SignatureInvalid):
            accepted(**said("é" * 255))


@pytest.mark.alone
def test_an_unknown_consumer_costs_what_a_wrong_signature_costs():
    """This must also be true for RSA: otherwise the response time would reveal which consumer keys exist."""
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = rsa.generate_private_key(65537, 4096).public_key().public_bytes(serialization.Encoding.PEM, info)
    client = oauth2.Consumer("client-rsa", "", public_key=pem)
    service = Service(methods=[*HMACS, oauth2.SignatureMethod_RSA_SHA1()], consumers=[client])
    junk = "A" * 683 + "="

    def cost(key):
        sent = Peer().sign(consumer=oauth2.Consumer(key, ""), token=None, name="RSA-SHA1", signer=lambda text: junk)
        return min(refusal(service, sent) for _ in range(200))

    ratios = [cost("client-rsa") / cost("client-xyz") for _ in range(3)]  # other processes can disturb a measurement
    assert any(0.7 < ratio < 1.5 for ratio in ratios), ratios


def refusal(service, sent):
    started = time.perf_counter()
    with pytest.raises(SignatureInvalid):
        service(*sent)
    return time.perf_counter() - started

"""Properties of every request: the verifier accepts each signed request, and refuses each changed request."""

from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from keys import rsa_key
from unhurried import given

import oauth2
from oauth2._methods import MODULES, method_class
from oauth2._wire.base_string import on_the_wire
from oauth2._wire.form import parse_form_as_sent, text_pairs
from oauth2._wire.percent import percent_decode_as_sent, percent_encode_as_sent
from oauth2._wire.uri import encode_illegal, is_all_legal
from oauth2.encoding import percent_decode, percent_encode
from oauth2.errors import NonceUsed
from oauth2.flow import read_callback, read_temporary, read_token
from oauth2.parameters import build_authorization_header, build_form, parse_authorization_header, parse_form
from oauth2.signature import base_string_uri, normalize_parameters

pytestmark = pytest.mark.slow

NOW = 1_700_000_000
FORM = "application/x-www-form-urlencoded"
few = settings(max_examples=50)
many = settings(max_examples=150)


@pytest.fixture(params=[name for name in MODULES if name != "PLAINTEXT-OVER-HTTP"], scope="module")
def method(request):
    cls = method_class(request.param)
    return cls(private_key=rsa_key()) if request.param.startswith("RSA") else cls()


# --- strategies ---------------------------------------------------------------

text = st.text(st.characters(codec="utf-8"), max_size=12)
key = text.filter(bool)
anything = st.text(max_size=40)  # lone surrogates, too
names = text.filter(lambda name: not name.startswith("oauth_"))
pair_lists = st.lists(st.tuples(names, text), max_size=5)
consumers = st.builds(oauth2.Consumer, key, text.filter(lambda secret: "-----BEGIN" not in secret))
tokens = st.none() | st.builds(oauth2.Token, key, text)
hosts = st.sampled_from(["api.example", "API.Example:443", "api.example:8443", "[2001:DB8::1]", "bücher.example"])
paths = st.text(st.characters(codec="utf-8", exclude_characters="?#"), max_size=10)
queries = st.builds(
    lambda pairs, plus: build_form(pairs).replace("%20", "+" if plus else "%20"), pair_lists, st.booleans()
)
urls = st.builds(
    lambda host, path, query: f"https://{host}/{path}" + (f"?{query}" if query else ""), hosts, paths, queries
)
http_methods = st.sampled_from(["GET", "post", "PUT", "DELETE", "X-Own!"])
realms = st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)


@st.composite
def sent_requests(draw, method, placements=("header", "query", "body")):
    """Draw credentials, and a signed request in the form in which it is sent."""
    consumer, token = draw(consumers), draw(tokens)
    verb, url, placement = draw(http_methods), draw(urls), draw(st.sampled_from(placements))
    is_form = placement == "body" or (placement == "header" and draw(st.booleans()))
    # Without a form, a parameter of the dict that is also in the URL is signed once. With the prefix +, the names
    # differ from the names in the URL.
    parameters = draw(pair_lists) if is_form else [(f"+{name}", value) for name, value in draw(pair_lists)]
    parameters = parameters if is_form or placement == "query" else []
    body = b"" if is_form else draw(st.binary(max_size=20))
    grouped = {}
    for name, value in [("oauth_timestamp", str(NOW)), *parameters]:
        grouped.setdefault(name, []).append(value)
    grouped["oauth_timestamp"] = str(NOW)
    request = oauth2.Request.from_consumer_and_token(consumer, token, verb, url, grouped, body, is_form)
    request.sign_request(method, consumer, token)
    headers = {"Content-Type": FORM if is_form else "application/octet-stream"}
    if placement == "header":
        headers |= request.to_header(draw(realms))
        body = build_form(parameters).encode() if is_form else body
    elif placement == "query":
        url = request.to_url()
    else:
        body = request.to_postdata().encode()
    scheme, _, rest = url.partition("://")
    host, _, rest = rest.partition("/")
    path, _, query = rest.partition("?")
    return SimpleNamespace(
        consumer=consumer,
        token=token,
        placement=placement,
        is_form=is_form,
        method=verb,
        scheme=scheme,
        host=host,
        path=on_the_wire(path),
        query=query,
        headers=headers,
        body=body,
        own=sorted([pair for pair in parse_form(query) if pair[0][:6] != "oauth_"] + (parameters if is_form else [])),
    )


def receive(sent):
    url = f"{sent.scheme}://{sent.host}/{sent.path}" + (f"?{sent.query}" if sent.query else "")
    return oauth2.Request.from_request(sent.method, url, sent.headers, body=sent.body)


def server_for(method, **options):
    return oauth2.Server({method.name: method}, now=lambda: NOW, **options)


# --- a signed request is accepted once ----------------------------------------


@few
@given(data=st.data())
def test_what_is_signed_is_accepted_once(method, data):
    sent = data.draw(sent_requests(method))
    server = server_for(method, body_hash_required=True)
    parameters = server.verify_request(receive(sent), sent.consumer, sent.token)
    assert sorted(text_pairs(parameters)) == sent.own
    with pytest.raises(NonceUsed):
        server.verify_request(receive(sent), sent.consumer, sent.token)


# --- a changed request is refused ---------------------------------------------


@st.composite
def changed(draw, text, alphabet=st.characters(codec="utf-8")):  # noqa: B008 - strategies never change
    """Return *text* with one character replaced, added or removed."""
    kinds = ["add"] + (["replace", "drop"] if text else [])
    kind, at = draw(st.sampled_from(kinds)), draw(st.integers(0, max(len(text) - 1, 0)))
    new = "" if kind == "drop" else draw(alphabet)
    result = text[:at] + new + text[at + (kind != "add") :]
    assume(result != text)
    return result


@st.composite
def changed_pairs(draw, pairs):
    """Return *pairs* with one character of a name or value changed, except in oauth_signature, which is not signed."""
    index = draw(st.sampled_from([at for at, (name, _) in enumerate(pairs) if name != "oauth_signature"]))
    name, value = pairs[index]
    if draw(st.booleans()):
        name = draw(changed(name))
        assume(name not in ("", "oauth_signature") and name.lower() != "realm")
    else:
        value = draw(changed(value))
    return [*pairs[:index], (name, value), *pairs[index + 1 :]]


def change_method(draw, sent):
    sent.method = draw(changed(sent.method, st.sampled_from("ABCZ!-")))
    assume(sent.method)


def change_scheme(draw, sent):
    sent.scheme = "http"


def change_host(draw, sent):
    before = base_string_uri(f"https://{sent.host}/")
    sent.host = draw(changed(sent.host, st.sampled_from("aexz-.")))
    with suppress(oauth2.Error):
        assume(base_string_uri(f"https://{sent.host}/") != before)


def change_path(draw, sent):
    sent.path = draw(changed(sent.path, st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="?#")))


def change_query(draw, sent):
    assume(sent.query)
    sent.query = build_form(draw(changed_pairs(parse_form(sent.query))))


def add_to_the_query(draw, sent):
    sent.query = "&".join(filter(None, [sent.query, build_form([draw(st.tuples(text, text))])]))


def change_header(draw, sent):
    assume(sent.placement == "header")
    pairs = [pair for pair in parse_authorization_header(sent.headers["Authorization"]) if pair[0] != "realm"]
    sent.headers["Authorization"] = build_authorization_header(draw(changed_pairs(pairs)))


def add_to_the_header(draw, sent):
    assume(sent.placement == "header")
    pair = (draw(key.filter(lambda name: name.lower() != "realm")), draw(text))
    sent.headers["Authorization"] += ", " + build_authorization_header([pair])[6:]


def change_body(draw, sent):
    if sent.is_form:
        pairs = parse_form(sent.body)
        assume(pairs)
        sent.body = build_form(draw(changed_pairs(pairs)))
    else:
        octets = draw(changed(sent.body.decode("latin-1"), st.characters(max_codepoint=0xFF)))
        sent.body = octets.encode("latin-1")


def make_the_body_a_form(draw, sent):
    assume(not sent.is_form)
    sent.headers["Content-Type"] = FORM
    sent.body = build_form([draw(st.tuples(key, text))])


CHANGES = [
    change_method,
    change_scheme,
    change_host,
    change_path,
    change_query,
    add_to_the_query,
    change_header,
    add_to_the_header,
    change_body,
    make_the_body_a_form,
]


@pytest.mark.parametrize("change", CHANGES)
@few
@given(data=st.data())
def test_one_change_anywhere_is_refused(change, data):
    method = data.draw(st.sampled_from(["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA256"]))
    cls = getattr(oauth2, "SignatureMethod_" + method.replace("-", "_"))
    method = cls(private_key=rsa_key()) if "RSA" in method else cls()
    placements = ("header",) if change in (change_header, add_to_the_header) else ("header", "query", "body")
    sent = data.draw(sent_requests(method, placements))
    change(data.draw, sent)
    with pytest.raises(oauth2.Error):
        server_for(method).verify_request(receive(sent), sent.consumer, sent.token)


@few
@given(data=st.data())
def test_another_secret_is_refused(data):
    method = data.draw(st.sampled_from([oauth2.SignatureMethod_HMAC_SHA1(), oauth2.SignatureMethod_PLAINTEXT()]))
    sent = data.draw(sent_requests(method))
    consumer, token = sent.consumer, sent.token
    if token and data.draw(st.booleans()):
        token = oauth2.Token(token.key, data.draw(changed(token.secret)))
    else:
        consumer = oauth2.Consumer(consumer.key, data.draw(changed(consumer.secret)))
    with pytest.raises(oauth2.Error):
        server_for(method).verify_request(receive(sent), consumer, token)


@few
@given(data=st.data(), wrong=anything)
def test_another_signature_is_refused(data, wrong):
    method = oauth2.SignatureMethod_HMAC_SHA1()
    sent = data.draw(sent_requests(method))
    request = receive(sent)
    assume(wrong != request["oauth_signature"])
    request["oauth_signature"] = wrong
    with pytest.raises(oauth2.Error):
        server_for(method).verify_request(request, sent.consumer, sent.token)


# --- round trips --------------------------------------------------------------


@many
@given(text)
def test_decoding_undoes_encoding(value):
    assert percent_encode(value) == quote(value, safe="~")
    assert percent_decode(percent_encode(value)) == value


@many
@given(st.binary(max_size=40))
def test_octets_survive_being_read_as_sent(octets):
    sent = octets.decode("utf-8", "surrogateescape")
    assert percent_decode_as_sent(percent_encode(octets)) == sent
    assert percent_encode_as_sent(sent) == quote(octets, safe="~")


@many
@given(st.binary(max_size=40) | st.text("%[4éF&=+ a", max_size=20).map(str.encode))
def test_encoding_what_is_illegal_changes_no_parameter(octets):
    text = octets.decode("utf-8", "surrogateescape")
    encoded = encode_illegal(text)
    assert encode_illegal(encoded) == encoded
    assert parse_form_as_sent(encoded) == parse_form_as_sent(text)
    assert not is_all_legal(text) or encoded == text


@many
@given(st.lists(st.tuples(text, text)))
def test_a_form_reads_as_it_was_written(pairs):
    form = build_form(pairs)
    assert parse_form(form) == parse_form(form.encode()) == parse_form_as_sent(form) == pairs


@many
@given(st.lists(st.tuples(key.filter(lambda name: name.lower() != "realm"), text)), realms)
def test_a_header_reads_as_it_was_written(pairs, realm):
    header = build_authorization_header(pairs, realm)
    assert parse_authorization_header(header) == ([] if realm is None else [("realm", realm)]) + pairs
    assert not set(header) & {"\r", "\n", "\0"}


@many
@given(st.data())
def test_the_order_of_parameters_changes_nothing(data):
    pairs = data.draw(st.lists(st.tuples(text, text)))
    encode = partial(quote, safe="~")
    expected = "&".join(f"{name}={value}" for name, value in sorted((encode(n), encode(v)) for n, v in pairs))
    assert normalize_parameters(pairs) == normalize_parameters(data.draw(st.permutations(pairs))) == expected


@many
@given(urls)
def test_normalizing_a_url_twice_is_normalizing_it_once(url):
    once = base_string_uri(url)
    assert base_string_uri(once) == once
    assert once.isascii()


# --- any input of a peer raises only oauth2.Error ------------------------------

pieces = st.sampled_from(
    [
        *("OAuth ", "realm", "oauth_token", "oauth_nonce", "=", '"', ",", "&", ";", "+", " ", "\\", "\t", "\r\n", "\0"),
        *("%", "%4", "%41", "%ff", "%00", "\x01", "a", "1", "é", "\ud800", "\udcff", "\U0001f600"),
    ]
)
junk = st.one_of(anything, st.lists(pieces, max_size=20).map("".join))
junk_octets = st.one_of(st.binary(max_size=40), junk.map(lambda value: value.encode("utf-8", "surrogatepass")))


def only_errors(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except oauth2.Error:
        return None


@many
@given(junk, junk_octets)
def test_readers_raise_nothing_but_errors(value, octets):
    only_errors(percent_decode, value)
    only_errors(parse_authorization_header, value)
    only_errors(parse_authorization_header, "OAuth " + value)
    token = oauth2.Token("oauth_token", "")
    for form in (value, octets):
        only_errors(parse_form, form)
        only_errors(read_temporary, form)
        only_errors(read_token, form)
    only_errors(read_callback, value, token)


@many
@given(
    method=st.sampled_from(["GET", "POST", ""]) | junk,
    url=st.sampled_from(["https://api.example/", "http://api.example/?a=1"]) | junk.map("https://a/?".__add__) | junk,
    headers=st.dictionaries(
        st.sampled_from(["Authorization", "HTTP_AUTHORIZATION", "content-type", b"Content-Type"]) | junk | junk_octets,
        junk.map("OAuth ".__add__) | st.just(FORM) | junk | junk_octets,
    ),
    parameters=st.none() | st.dictionaries(junk | junk_octets, junk | junk_octets | st.lists(junk) | st.integers()),
    query_string=st.none() | junk | junk_octets,
    body=st.none() | junk | junk_octets,
)
def test_receiving_raises_nothing_but_errors(method, url, headers, parameters, query_string, body):
    request = only_errors(oauth2.Request.from_request, method, url, headers, parameters, query_string, body=body)
    assert request is None or all(isinstance(each, str) for pair in text_pairs(request) for each in pair)


@many
@given(
    parameters=st.dictionaries(
        st.sampled_from(
            [
                *("oauth_consumer_key", "oauth_token", "oauth_nonce", "oauth_timestamp", "oauth_version"),
                *("oauth_signature", "oauth_signature_method", "oauth_body_hash"),
            ]
        ),
        text | st.sampled_from(["HMAC-SHA1", "RSA-SHA1", "PLAINTEXT", "ck", "tk", "1.0", str(NOW)]),
    ),
    token=st.none() | st.just(oauth2.Token("tk", "ts")),
)
def test_verifying_raises_nothing_but_errors(parameters, token):
    server = server_for(oauth2.SignatureMethod_RSA_SHA1(public_key=rsa_key().public_key()))
    server.add_signature_method(oauth2.SignatureMethod_HMAC_SHA1())
    server.add_signature_method(oauth2.SignatureMethod_PLAINTEXT())
    parameters = {"oauth_consumer_key": "ck", "oauth_signature": "x", "oauth_timestamp": str(NOW), **parameters}
    url = f"https://api.example/?{build_form(parameters.items())}"
    request = oauth2.Request.from_request("GET", url)
    with pytest.raises(oauth2.Error):
        server.verify_request(request, oauth2.Consumer("ck", "cs"), token)

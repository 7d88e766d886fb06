"""Each fast path gives the same result as its slow path for every input."""

import base64
import hmac

import pytest
from hypothesis import example
from hypothesis import strategies as st
from unhurried import given

import oauth2
from oauth2._wire.form import encode_form, parse_form_as_sent, read_form
from oauth2._wire.header import read_header
from oauth2._wire.pairs import decode_pairs, decode_pairs_as_sent, encode_pairs, group_pairs, has_canonical_escapes
from oauth2._wire.percent import percent_decode_as_sent, percent_encode_as_sent, unescape_canonical
from oauth2.encoding import percent_decode, percent_encode
from oauth2.errors import Error
from oauth2.parameters import build_authorization_header, build_form, parse_authorization_header, parse_form
from oauth2.signature import base_string_uri

pytestmark = [pytest.mark.slow, pytest.mark.portable]

# Random combinations of these pieces are often very similar to the input that a fast path accepts, but not quite valid
# for it.
PIECES = [
    "a",
    "b=1",
    "=",
    "&",
    "%20",
    "%2B",
    "%2b",
    "%41",
    "%C3%A9",
    "%ff",
    "%zz",
    "%",
    "+",
    "é",
    "\0",
    "%00",
    "\1",
    "\2",
]
PIECES += [
    "%26",
    "%3D",
    " ",
    '"',
    ", ",
    ",",
    '="',
    '", ',
    'realm="',
    "realm",
    "REALM",
    "oauth_a",
    "oauth_signature",
    "\\",
]
text = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
pairs = st.lists(st.tuples(text | st.text(), text | st.text()), max_size=8)


def slowly(form, decode):
    segments = [segment.replace("+", " ").partition("=") for segment in form.split("&") if segment]
    return [(decode(name), decode(value)) for name, _, value in segments]


def decoded(read, text):
    return list(decode_pairs(read(text)))


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except Error as error:
        return type(error)


@given(pairs)
@example([("\1", "\2")])
@example([("a", "\udc92"), ("b", "é")])
def test_pairs_are_encoded_one_by_one_or_all_at_once(pairs):
    assert encode_pairs(pairs) == [f"{percent_encode_as_sent(n)} {percent_encode_as_sent(v)}" for n, v in pairs]


@given(text)
@example("a=1&b=%20x")
@example("=%00")
@example("=")
def test_a_form_is_decoded_piece_by_piece_or_at_once(form):
    assert parse_form_as_sent(form) == slowly(form, percent_decode_as_sent)
    assert outcome(parse_form, form) == outcome(slowly, form, percent_decode)


@given(text)
@example("a=1&b=%20x")
@example("a&b=c=d")
@example("a=b=c&d")
def test_a_form_that_is_encoded_already_gives_the_same_pairs(form):
    assert encode_form(form) == encode_pairs(slowly(form, percent_decode_as_sent))
    expected = outcome(slowly, form, percent_decode)
    assert outcome(decoded, read_form, form) == expected
    if not isinstance(expected, type):
        assert read_form(form) == encode_pairs(expected)


headers = st.one_of(
    text.map("OAuth {}".format),
    st.lists(
        st.sampled_from(['a="b"', 'oauth_b="%20"', 'realm="x, y"', 'realm="é"', 'c=""', 'd="%41"', "e=f", 'g="\0"'])
    )
    .map(", ".join)
    .map("OAuth {}".format),
    pairs.map(lambda pairs: build_authorization_header([pair for pair in pairs if _utf8(pair)], "http://a.example")),
)


def _utf8(pair):
    return not any("\ud800" <= char <= "\udfff" for char in "".join(pair))


@given(headers)
@example('OAuth a"v", b="c"')
@example('OAuth a="b", x, c="d"')
@example('OAuth realm="a", realm="b", c="d"')
@example('OAuth %72ealm="x"')
def test_a_header_in_the_common_shape_is_read_as_any_other(header):
    expected = outcome(parse_authorization_header, header)
    if not isinstance(expected, type):
        signed = [pair for pair in expected if pair[0] != "realm"]
        two_realms = len(expected) > len(signed) + 1
        expected = oauth2.errors.InvalidRequest if two_realms else signed
    assert outcome(decoded, lambda value: read_header(value)[0], header) == expected
    if not isinstance(expected, type):
        assert read_header(header) == (encode_pairs(expected), all(name.startswith("oauth_") for name, _ in expected))


@given(st.text() | text, st.sampled_from(["", "%2F", "%2f", "%41", "a", '"', "é", "\x7f"]))
@example('"', "")
@example("\\", "")
@example("\t", "")
@example("\n", "")
@example("\x7f", "")
@example("\x85", "")
@example("\ud800", "")
def test_a_realm_is_read_and_left_out_as_any_other(realm, value):
    header = f'OAuth realm="{realm}", oauth_a="{value}"'
    expected = outcome(parse_authorization_header, header)
    found = outcome(lambda: decoded(lambda text: read_header(text)[0], header))
    if isinstance(expected, type):
        assert found == expected
    else:
        signed = [pair for pair in expected if pair[0] != "realm"]
        assert found in (signed, oauth2.errors.InvalidRequest)
        assert (found == signed) == (len(expected) <= len(signed) + 1)


@given(text, text, st.sampled_from(["sha1", "sha256", "sha512"]))
@example("k" * 200, "", "sha1")
def test_hmac_with_a_cached_key_equals_that_of_the_standard_library(consumer_secret, token_secret, digest):
    method = getattr(oauth2, f"SignatureMethod_HMAC_{digest.upper()}")()
    request = oauth2.Request("GET", "https://api.example/", {"a": "b"})
    credentials = oauth2.Consumer("key", consumer_secret), oauth2.Token("token", token_secret)
    key, signed = method.signing_base(request, *credentials)
    for _ in range(2):
        built = method.sign(request, *credentials)
        assert base64.b64decode(built) == hmac.digest(key, signed, digest)


@given(st.dictionaries(text, text | st.lists(text, max_size=3) | st.integers() | text.map(str.encode)), text, text)
def test_a_snapshot_that_is_outdated_is_not_used(parameters, name, value):
    request = oauth2.Request("GET", "https://api.example/?q=1", parameters)
    request.get_normalized_parameters()
    request[name] = value
    for member in request.values():
        if isinstance(member, list):
            member.append("more")
    fresh = oauth2.Request("GET", "https://api.example/?q=1", dict(request))
    assert request.get_normalized_parameters() == fresh.get_normalized_parameters()
    assert request.to_postdata() == fresh.to_postdata()


@given(text, st.dictionaries(st.sampled_from(["oauth_callback", "oauth_b", "oauth_é"]), text, max_size=2), text)
@example("a=1&b=2", {}, "")
@example("a=1&a=2&b=%20", {"oauth_callback": "oob"}, "c")
@example("oauth_callback=1", {"oauth_callback": "oob"}, "")
def test_a_form_that_is_encoded_already_is_signed_as_one_that_is_not(form, own, value):
    encoded = encode_form(form)
    parameters = group_pairs([*decode_pairs_as_sent(encoded), *own.items()])
    known, plain = (oauth2.Request("POST", "https://a.example/", parameters, is_form_encoded=True) for _ in range(2))
    known._set_encoded_others(encoded)
    for _ in range(2):
        assert known.get_normalized_parameters() == plain.get_normalized_parameters()
        assert (known.to_header(), known.to_postdata()) == (plain.to_header(), plain.to_postdata())
        known["changed"] = plain["changed"] = value


@given(st.text(max_size=20) | st.binary(max_size=20))
def test_few_reserved_characters_are_encoded_as_many_are(value):
    try:
        octets = value if isinstance(value, bytes) else value.encode()
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            percent_encode(value)
        return
    assert percent_encode(value) == percent_encode(octets)
    assert percent_encode(value) == "".join(
        chr(o) if chr(o).isascii() and (chr(o).isalnum() or chr(o) in "-._~") else f"%{o:02X}" for o in octets
    )


@given(st.lists(st.binary(max_size=300) | text.map(lambda each: each.encode("utf-8", "replace")), max_size=3))
@example([b"=", b"\n.\r\n", b"%", b"_ \t"])
def test_canonical_escapes_are_undone_at_once_as_they_are_one_by_one(values):
    encoded = [percent_encode(value) for value in values]
    assert [unescape_canonical(each) for each in encoded] == values
    assert unescape_canonical(" ".join(encoded)) == b"\0".join(values)
    assert all(has_canonical_escapes(each) for each in encoded)


@given(text)
@example("%4")
@example("%c3%a9")
@example("%7E")
def test_escapes_are_canonical_if_section_3_6_would_write_them(value):
    escapes = [part[:2] for part in value.split("%")[1:]]
    canonical = {percent_encode(bytes([octet]))[1:] for octet in range(256)} - {""}
    assert has_canonical_escapes(value) == all(escape in canonical for escape in escapes)


@given(
    st.sampled_from(["https://a.example", "http://b-1.example.", "HTTP://a", "https://A.b", "http://a:80", ""]), text
)
def test_a_uri_with_nothing_to_normalize_is_normalized_as_any_other(start, path):
    url = f"{start}/{path}"
    other = url.replace("://", "://user@", 1)  # user information forces the slow path, and is not part of the result
    assert outcome(base_string_uri, url) == outcome(base_string_uri, other)


# --- verifying the snapshot of from_request(), also if the request is changed later ----


class Overriding(oauth2.Request):
    """A request that always takes the slow path. The results must be the same as on the fast path."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def get_normalized_parameters(self):
        self._snapshot = None
        return super().get_normalized_parameters()


CONSUMER, TOKEN = oauth2.Consumer("key", "secret"), oauth2.Token("token", "secret")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
changes = st.sampled_from(
    [
        lambda request: None,
        lambda request: request.update(a="changed"),
        lambda request: request.update(a=["1", "2"]),
        lambda request: [value.append("1") for value in request.values() if isinstance(value, list)],
        lambda request: request.update(new="1"),
        lambda request: request.update(oauth_new=["1", "2"]),
        lambda request: request.pop("oauth_nonce", None),
        lambda request: request.update(oauth_nonce=""),
        lambda request: request.update(oauth_nonce="n" * 256),
        lambda request: request.update(oauth_token="other"),
        lambda request: request.update(oauth_timestamp="1"),
        lambda request: request.update(oauth_signature=request["oauth_signature"].encode()),
        lambda request: setattr(request, "url", request.url),
        lambda request: request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, TOKEN),
        lambda request: request.clear(),
    ]
)


def verified(request_type, received, change):
    server = oauth2.Server({"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1()})
    url, headers, body = received
    try:
        request = request_type.from_request("POST", url, headers, body=body)
        change(request)
        parameters = server.verify_request(request, CONSUMER, TOKEN)
        assert not any(name.startswith("oauth_") for name in parameters)
        return parameters, request_type.get_normalized_parameters(request), request.to_postdata()
    except Error as error:
        return type(error)


@given(text, st.dictionaries(text | st.just("a"), text, max_size=4), changes, st.sampled_from(["header", "body"]))
@example("", {}, lambda request: None, "header")
@example("oauth_x=1", {"a": "1"}, lambda request: None, "header")
@example("a=1&a=2", {"a": "1"}, lambda request: None, "header")
@example("a=2&a=1", {"b": "1"}, lambda request: request["a"].append("3"), "header")
def test_a_request_as_it_was_read_is_verified_as_any_other(query, form, change, place):
    url = f"https://api.example/?{query}"
    made = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "POST", url, form, is_form_encoded=True)
    made.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, TOKEN)
    headers = {**FORM, **(made.to_header() if place == "header" else {})}
    body = build_form(form.items()) if place == "header" else made.to_postdata()
    received = url, headers, body.encode()
    found = verified(oauth2.Request, received, change)
    assert found == verified(Overriding, received, change)
    if not isinstance(found, type):
        # All parameters that the application receives were signed.
        assert {percent_encode(name) for name in found[0]} <= {pair.partition("=")[0] for pair in found[1].split("&")}


@pytest.mark.parametrize(("when", "returned"), [("before", {"a": "1", "changed": "1"}), ("after", {"a": "1"})])
def test_a_signature_method_that_changes_the_request_changes_the_result_only_if_it_signs_the_change(when, returned):
    class Changing(oauth2.SignatureMethod_HMAC_SHA1):
        def check(self, request, consumer, token, signature):
            if when == "before":
                request["changed"] = "1"
                signature = self.sign(request, consumer, token)
            is_valid = super().check(request, consumer, token, signature)
            request["changed"] = "1"
            return is_valid

    made = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "GET", "https://api.example/?a=1")
    made.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, TOKEN)
    request = oauth2.Request.from_request("GET", "https://api.example/?a=1", made.to_header(), body=b"")
    server = oauth2.Server({"HMAC-SHA1": Changing()})
    assert server.verify_request(request, CONSUMER, TOKEN) == returned


def test_a_signature_method_that_signs_a_change_changes_the_result_although_a_name_occurs_twice():
    class Changing(oauth2.SignatureMethod_HMAC_SHA1):
        def check(self, request, consumer, token, signature):
            del request["b"]
            return super().check(request, consumer, token, signature)

    made = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "GET", "https://api.example/?a=1&a=2")
    made.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, TOKEN)
    request = oauth2.Request.from_request("GET", "https://api.example/?a=1&a=2&b=3", made.to_header(), body=b"")
    server = oauth2.Server({"HMAC-SHA1": Changing()})
    assert server.verify_request(request, CONSUMER, TOKEN) == {"a": ["1", "2"]}


def test_a_request_that_is_signed_again_sends_its_present_parameters():
    consumer, token = oauth2.Consumer("key", "secret"), oauth2.Token("token", "secret")
    request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", "https://api.example/")
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), consumer, token)
    request["oauth_nonce"] = "another"
    request.sign_request(oauth2.SignatureMethod_PLAINTEXT(), consumer, token)  # PLAINTEXT reads no parameter
    sent = dict(parse_authorization_header(request.to_header()["Authorization"]))
    assert sent["oauth_nonce"] == "another"
    assert sent["oauth_signature_method"] == "PLAINTEXT"


def test_a_form_that_is_signed_twice_has_one_signature():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "POST", "https://api.example/", {"a": "1"})
    request.is_form_encoded = True
    for _ in range(2):
        request.sign_request(oauth2.SignatureMethod_PLAINTEXT(), CONSUMER, TOKEN)  # PLAINTEXT reads no parameter
        assert request.to_header()["Authorization"].count("oauth_signature=") == 1
        assert request.to_postdata().count("oauth_signature=") == 1


def test_a_list_added_to_a_form_keeps_the_order_of_its_values():
    request = oauth2.Request("POST", "https://api.example/", {"a": "1"}, is_form_encoded=True)
    assert request.to_postdata() == "a=1"
    request.update(a=["2", "1"], b=[])  # The parameters now have two names and two pairs.
    assert request.to_postdata() == "a=2&a=1"


def test_a_subclass_may_change_the_parameters_that_from_request_gives_it():
    class Without(oauth2.Request):
        def __init__(self, method, url, parameters):
            del parameters["a"]
            super().__init__(method, url, parameters)
            self.is_made_by_subclass = True

    request = Without.from_request("GET", "https://api.example/?a=1&b=2")
    assert request.is_made_by_subclass
    assert request.get_normalized_parameters() == "b=2"


def test_equal_values_with_different_texts_are_different_parameters():
    request = oauth2.Request("GET", "https://api.example/", {"a": 1})
    assert request.get_normalized_parameters() == "a=1"
    request["a"] = True
    assert request.get_normalized_parameters() == "a=True"

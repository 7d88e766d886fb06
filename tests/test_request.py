"""``Request``, the drop-in dict (RFC 5849 section 3): creating, signing, sending and receiving it."""

import copy
import io
import pickle
import re
from types import SimpleNamespace

import pytest

import oauth2
from oauth2.errors import InvalidRequest, InvalidURL, ParameterAbsent
from oauth2.parameters import body_hash, parse_authorization_header, parse_form

URL = "https://api.example/photos"
CONSUMER = oauth2.Consumer("printer", "printer-secret")
TOKEN = oauth2.Token("janes-photos", "token-secret")
HMAC = oauth2.SignatureMethod_HMAC_SHA1()
PLAINTEXT = oauth2.SignatureMethod_PLAINTEXT()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def normalized(*args, **kwargs):
    return oauth2.Request(*args, **kwargs).get_normalized_parameters()


def from_request(url=URL, headers=None, method="GET", **kwargs):
    return oauth2.Request.from_request(method, url, headers, **kwargs)


# --- a dict with a method and a URL -------------------------------------------


def test_a_request_is_a_dict_of_its_parameters():
    request = oauth2.Request("GET", URL, {"size": "original"})
    assert isinstance(request, dict)
    assert request == {"size": "original"}
    request["oauth_token"] = "x"
    assert sorted(request) == ["oauth_token", "size"]


def test_an_empty_request_is_a_get_without_url():
    request = oauth2.Request()
    assert (request, request.method, request.body, request.is_form_encoded) == ({}, "GET", b"", False)
    with pytest.raises(AttributeError):
        request.url  # noqa: B018 - as in 1.9


def test_version_is_1_0():
    assert oauth2.Request().version == oauth2.OAUTH_VERSION == "1.0"
    assert oauth2.HTTP_METHOD == "GET"
    assert oauth2.SIGNATURE_METHOD == "PLAINTEXT"


def test_url_is_kept_as_given_and_normalized_beside():
    request = oauth2.Request("GET", "HTTPS://API.Example:443/photos?size=original#top")
    assert request.url == "HTTPS://API.Example:443/photos?size=original#top"
    assert request.normalized_url == URL


def test_url_can_be_set_again_and_deleted():
    request = oauth2.Request("GET", URL)
    request.url = "http://example.com:80/a?b"
    assert (request.url, request.normalized_url) == ("http://example.com:80/a?b", "http://example.com/a")
    request.url = None
    assert (request.url, request.normalized_url) == (None, None)
    del request.url
    with pytest.raises(AttributeError):
        request.url  # noqa: B018 - as in 1.9


def test_url_may_be_bytes():
    assert oauth2.Request("GET", b"https://api.example/photos").url == URL


@pytest.mark.parametrize("url", ["", "/photos", "ftp://api.example/", "https://", "javascript:alert(1)"])
def test_an_invalid_url_is_a_value_error(url):
    with pytest.raises(ValueError, match="URL"):
        oauth2.Request("GET", url)


@pytest.mark.parametrize("url", [b"https://api.example/\xff", 17])
def test_a_url_that_is_no_text_is_a_type_error(url):
    with pytest.raises(TypeError):
        oauth2.Request("GET", url)


def test_method_is_upper_case_and_writable():
    request = oauth2.Request("post", URL)
    assert request.method == "POST"
    request.method = "Delete"
    assert request.method == "DELETE"


@pytest.mark.parametrize("value", ["海", "海".encode()])
def test_names_and_values_may_be_bytes_and_become_text(value):
    assert oauth2.Request("GET", URL, {"name": value, b"other": [value, value]}) == {
        "name": "海",
        "other": ["海", "海"],
    }


def test_values_that_are_no_text_are_kept_and_sent_as_text():
    request = oauth2.Request("GET", URL, {"n": 17, "f": 1.5, "oauth_timestamp": 1700000000})
    assert request["n"] == 17
    assert request.get_normalized_parameters() == "f=1.5&n=17&oauth_timestamp=1700000000"
    assert request.to_header()["Authorization"] == 'OAuth realm="", oauth_timestamp="1700000000"'
    assert request.to_postdata() == "f=1.5&n=17&oauth_timestamp=1700000000"


def test_the_given_parameters_are_not_changed():
    given = {"a": ["1", "2"]}
    request = oauth2.Request("GET", URL, given)
    request["a"].append("3")
    request["b"] = "4"
    assert given == {"a": ["1", "2"]}


def test_get_parameter_returns_it_or_names_it():
    request = oauth2.Request("GET", URL, {"size": "original"})
    assert request.get_parameter("size") == "original"
    with pytest.raises(oauth2.Error, match="oauth_token"):
        request.get_parameter("oauth_token")


def test_timestamp_and_nonce_are_got_together():
    request = oauth2.Request("GET", URL, {"oauth_timestamp": "1", "oauth_nonce": "2"})
    assert request._get_timestamp_nonce() == ("1", "2")
    for parameters in ({}, {"oauth_timestamp": "1"}, {"oauth_nonce": "2"}):
        with pytest.raises(ParameterAbsent):
            oauth2.Request("GET", URL, parameters)._get_timestamp_nonce()


def test_a_request_without_a_url_has_no_query():
    with pytest.raises(ValueError, match=r"request\.url"):
        oauth2.Request("GET", None, {"a": "b"}).to_url()


def test_other_parameters_than_the_protocols_can_be_read_separately():
    parameters = {"oauth_token": "1", "size": "2", "oauthority": "3", "OAuth_x": "4"}
    assert oauth2.Request("GET", URL, parameters).get_nonoauth_parameters() == {
        "size": "2",
        "oauthority": "3",
        "OAuth_x": "4",
    }


def test_repr_shows_names_and_no_values():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "POST", URL + "?q=1", {"password": "hidden"})
    request.sign_request(PLAINTEXT, CONSUMER, TOKEN)
    assert repr(request).startswith("<Request POST https://api.example/photos ['oauth_body_hash', 'oauth_consumer_key'")
    for hidden in ("hidden", "secret", "janes-photos"):
        assert hidden not in repr(request)
    assert repr(oauth2.Request()) == "<Request GET None []>"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_a_copy_is_a_request_like_it(duplicate):
    header = oauth2.Request("GET", URL, {"oauth_token": "x"}).to_header()
    request = duplicate(from_request(URL + "?a=1", header))
    assert (request, request.url, request.method) == ({"oauth_token": "x", "a": "1"}, URL + "?a=1", "GET")
    assert request.get_normalized_parameters() == "a=1&oauth_token=x"


class Bare(oauth2.Request):
    """A subclass that does not call super().__init__(), as in some programs for python-oauth2 1.9."""

    def __init__(self, method, url, parameters):
        self.url = url
        self.update(parameters)


def test_a_subclass_that_does_not_call_the_constructor_is_signed_and_verified():
    request = Bare("GET", URL + "?a=1", {"oauth_timestamp": "1", "oauth_nonce": "2"})
    assert repr(request) == "<Bare GET https://api.example/photos ['oauth_nonce', 'oauth_timestamp']>"
    request.sign_request(HMAC, CONSUMER, TOKEN)
    received = Bare.from_request("GET", URL + "?a=1", request.to_header(), body=b"")
    server = oauth2.Server({"HMAC-SHA1": HMAC}, nonce_store=None, now=lambda: 1)
    assert server.verify_request(received, CONSUMER, TOKEN) == {"a": "1"}
    assert server.verify_request(request, CONSUMER, TOKEN) == {"a": "1"}


def test_every_attribute_of_a_request_but_its_url_has_the_constructors_default():
    bare, made = oauth2.Request.__new__(oauth2.Request), oauth2.Request()
    names = [*vars(made), "method", "version"]
    assert {name: getattr(bare, name) for name in names} == {name: getattr(made, name) for name in names}
    for request in (bare, made):
        for name in ("url", "normalized_url"):
            assert not hasattr(request, name)  # as in 1.9


# --- normalized parameters, section 3.4.1.3 -----------------------------------


def test_the_urls_query_counts():
    assert normalized("GET", URL + "?b=2&a=1", {"oauth_token": "x"}) == "a=1&b=2&oauth_token=x"


def test_what_is_in_both_the_url_and_the_dict_counts_once():
    assert normalized("GET", URL + "?a=1", {"a": "1"}) == "a=1"
    assert normalized("GET", URL + "?a=1", {"a": ["1", "1", "2"]}) == "a=1&a=1&a=2"
    assert normalized("GET", URL + "?a=1", {"a": "2"}) == "a=1&a=2"


def test_a_form_and_the_query_both_count():
    assert normalized("POST", URL + "?a=1", {"a": "1"}, is_form_encoded=True) == "a=1&a=1"


def test_the_signature_is_left_out_and_nothing_else():
    assert normalized("GET", URL, {"oauth_signature": "x", "oauth_token": "y", "realm": "z"}) == "oauth_token=y&realm=z"


def test_a_form_of_lists_counts_each_member():
    assert normalized("POST", URL, {"a": ("2", b"1"), "b": []}, is_form_encoded=True) == "a=1&a=2"


def test_a_signer_signs_a_query_that_is_not_well_formed():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, None, "GET", URL + "?q=100%&r=%92&s=[1]&t=%zz")
    request.sign_request(HMAC, CONSUMER, None)
    assert request.get_normalized_parameters().endswith("&q=100%25&r=%92&s=%5B1%5D&t=%25zz")


def test_a_subclass_may_normalize_as_it_likes():
    class Odd(oauth2.Request):
        def get_normalized_parameters(self):
            return "a=ü&b c"

    key, base = HMAC.signing_base(Odd("GET", URL), CONSUMER, None)
    assert (key, base) == (b"printer-secret&", b"GET&https%3A%2F%2Fapi.example%2Fphotos&a%3D%C3%BC%26b%20c")


# --- creating, sections 3.1 and 3.3 -------------------------------------------


def test_a_request_to_be_signed_has_all_but_the_signature():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "POST", URL, {"size": "original"})
    assert sorted(request) == [
        "oauth_consumer_key",
        "oauth_nonce",
        "oauth_timestamp",
        "oauth_token",
        "oauth_version",
        "size",
    ]
    assert (request["oauth_consumer_key"], request["oauth_token"]) == ("printer", "janes-photos")
    assert (request.method, request.url, request["oauth_version"]) == ("POST", URL, "1.0")


@pytest.mark.parametrize("token", [None, {}, ""])
def test_no_token_and_an_empty_one_send_no_oauth_token(token):
    request = oauth2.Request.from_consumer_and_token(CONSUMER, token, "GET", URL)
    request.sign_request(HMAC, CONSUMER, token)
    assert "oauth_token" not in request


def test_an_empty_oauth_token_is_signed_where_it_is_sent():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, None, "GET", URL, {"oauth_token": ""})
    request.sign_request(HMAC, CONSUMER, None)
    assert "&oauth_token=&" in request.get_normalized_parameters()
    assert 'oauth_token=""' in request.to_header()["Authorization"]


def test_the_verifier_of_a_token_is_sent():
    token = oauth2.Token("temporary", "secret")
    token.set_verifier("473f82d3")
    request = oauth2.Request.from_consumer_and_token(CONSUMER, token, "GET", URL)
    assert request["oauth_verifier"] == "473f82d3"


def test_given_values_are_not_generated():
    given = {"oauth_timestamp": "1", "oauth_nonce": "2", "oauth_consumer_key": "3", "oauth_version": "1.0a"}
    assert oauth2.Request.from_consumer_and_token(CONSUMER, None, "GET", URL, given) == given


def test_any_objects_with_key_and_secret_are_credentials():
    consumer, token = SimpleNamespace(key=b"k", secret=b"s"), SimpleNamespace(key="tk", secret="ts")
    request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", URL)
    request.sign_request(HMAC, consumer, token)
    assert HMAC.check(request, oauth2.Consumer("k", "s"), oauth2.Token("tk", "ts"), request["oauth_signature"])


def test_a_body_can_be_given_where_the_request_is_made():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, body=b"x", is_form_encoded=True)
    assert (request.body, request.is_form_encoded, request.method) == (b"x", True, "GET")


def test_the_request_for_approval_carries_token_and_callback():
    given = {"lang": "en"}
    request = oauth2.Request.from_token_and_callback(TOKEN, "https://app.example/cb", "GET", URL, given)
    assert request == {"oauth_token": "janes-photos", "oauth_callback": "https://app.example/cb", "lang": "en"}
    assert given == {"lang": "en"}
    assert oauth2.Request.from_token_and_callback(TOKEN) == {"oauth_token": "janes-photos"}


def test_classmethods_create_instances_of_the_subclass():
    class Own(oauth2.Request):
        @classmethod
        def make_nonce(cls):
            return "own-nonce"

        @classmethod
        def make_timestamp(cls):
            return "own-timestamp"

    made = Own.from_consumer_and_token(CONSUMER, None, "GET", URL)
    assert type(made) is Own
    assert made._get_timestamp_nonce() == ("own-timestamp", "own-nonce")
    assert type(Own.from_token_and_callback(TOKEN)) is Own
    assert type(Own.from_request("GET", URL, made.to_header())) is Own
    assert repr(made).startswith("<Own ")


def test_a_timestamp_is_text_of_digits():
    assert re.fullmatch("[0-9]{10}", oauth2.Request.make_timestamp())


def test_a_nonce_is_22_letters_and_digits_and_new_each_time():
    nonces = {oauth2.Request.make_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert all(re.fullmatch("[A-Za-z0-9]{22}", nonce) for nonce in nonces)


# --- signing, section 3.4 -----------------------------------------------------


def signed(method=HMAC, url=URL, consumer=CONSUMER, token=TOKEN, body_hash=True, **kwargs):
    request = oauth2.Request.from_consumer_and_token(consumer, token, "POST", url, **kwargs)
    request.sign_request(method, consumer, token, body_hash=body_hash)
    return request


def test_sign_request_sets_method_and_signature():
    request = signed()
    assert request["oauth_signature_method"] == "HMAC-SHA1"
    assert isinstance(request["oauth_signature"], bytes)
    assert request["oauth_signature"] == HMAC.sign(request, CONSUMER, TOKEN)
    assert HMAC.check(request, CONSUMER, TOKEN, request["oauth_signature"].decode())


def test_sign_request_adds_the_keys_that_are_not_there():
    request = oauth2.Request("GET", URL)
    request.sign_request(HMAC, CONSUMER, TOKEN)
    assert (request["oauth_consumer_key"], request["oauth_token"]) == ("printer", "janes-photos")
    request.sign_request(HMAC, oauth2.Consumer("other", "x"), oauth2.Token("other", "x"))
    assert (request["oauth_consumer_key"], request["oauth_token"]) == ("printer", "janes-photos")


def test_signing_again_after_a_change_signs_the_change():
    request = signed()
    before = request["oauth_signature"]
    request["size"] = "original"
    request.sign_request(HMAC, CONSUMER, TOKEN)
    assert request["oauth_signature"] != before
    assert HMAC.check(request, CONSUMER, TOKEN, request["oauth_signature"])


def test_signing_without_a_url_is_a_value_error():
    with pytest.raises(ValueError, match="url"):
        oauth2.Request("GET").sign_request(HMAC, CONSUMER, TOKEN)
    request = oauth2.Request("GET", URL)
    request.url = None
    with pytest.raises(ValueError, match="url"):
        request.sign_request(HMAC, CONSUMER, TOKEN)


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\xff\xfe", "text", "海", None])
def test_a_request_that_is_no_form_has_the_hash_of_its_body(body):
    octets = body.encode() if isinstance(body, str) else body or b""
    request = signed(body=body)
    assert request["oauth_body_hash"] == body_hash(octets).encode()
    assert f"oauth_body_hash={oauth2.escape(body_hash(octets))}&" in request.get_normalized_parameters()


def test_a_get_has_the_body_hash_too():
    request = oauth2.Request("GET", URL)
    request.sign_request(HMAC, CONSUMER, None)
    assert request["oauth_body_hash"] == body_hash(b"").encode()


def test_a_file_as_body_is_hashed_from_its_position_and_set_back():
    file = io.BytesIO(b"skipped{}")
    file.seek(7)
    assert signed(body=file)["oauth_body_hash"] == body_hash(b"{}").encode()
    assert file.tell() == 7


def test_the_hash_is_that_of_the_signature_method():
    request = signed(oauth2.SignatureMethod_HMAC_SHA256(), body=b"{}")
    assert request["oauth_body_hash"] == body_hash(b"{}", "sha256").encode()


def test_a_form_carries_no_body_hash():
    assert "oauth_body_hash" not in signed(parameters={"a": "1"}, is_form_encoded=True)


def test_the_body_hash_can_be_turned_off():
    assert "oauth_body_hash" not in signed(body=b"{}", body_hash=False)


# --- sending, section 3.5 -----------------------------------------------------

MANY = {"oauth_nonce": 'a,b="c"', "size": "original", "oauth_token": b"x y", "tag": ["sun", "sea"]}


def test_the_header_contains_the_realm_first_and_the_protocol_parameters():
    header = oauth2.Request("GET", URL, MANY).to_header(realm="Photos")
    assert header == {
        "Authorization": 'OAuth realm="Photos", oauth_nonce="a%2Cb%3D%22c%22", oauth_token="x%20y"',
    }


def test_the_header_contains_exactly_the_parameters_whose_names_start_with_oauth():
    parameters = dict.fromkeys(["oauth", "oauth-x", "oauth_", "oauth_x", "oauth_~", "oauth`", "oauthx", "Oauth_x"], "1")
    header = oauth2.Request("GET", URL, parameters).to_header(realm=None)
    assert header == {"Authorization": 'OAuth oauth_="1", oauth_x="1", oauth_~="1"'}


def test_the_realm_is_empty_unless_given_and_none_leaves_it_out():
    request = oauth2.Request("GET", URL, {"oauth_token": "x"})
    assert request.to_header()["Authorization"] == 'OAuth realm="", oauth_token="x"'
    assert request.to_header(realm=None)["Authorization"] == 'OAuth oauth_token="x"'


@pytest.mark.parametrize("realm", ["a\r\nb", "a\nb", "a\0b", "a\x7fb"])
def test_a_realm_with_a_line_break_is_refused(realm):
    with pytest.raises(ValueError, match="realm"):
        oauth2.Request("GET", URL).to_header(realm=realm)


@pytest.mark.parametrize("value", ["a\r\nX: y", 'a"b', "a\0", "海", "a, b", "100%"])
def test_a_value_in_the_header_is_printable_ascii_and_comes_back(value):
    header = oauth2.Request("GET", URL, {"oauth_token": value}).to_header()["Authorization"]
    assert header.isascii()
    assert header.isprintable()
    assert parse_authorization_header(header) == [("realm", ""), ("oauth_token", value)]


def test_the_url_contains_all_parameters():
    assert oauth2.Request("GET", URL, MANY).to_url() == (
        f"{URL}?oauth_nonce=a%2Cb%3D%22c%22&size=original&oauth_token=x%20y&tag=sun&tag=sea"
    )


def test_what_the_url_has_stays_as_it_is_and_is_not_added_again():
    request = oauth2.Request("GET", URL + "?b=%7e+1&a=1#top", {"a": ["1", "2"], "b": "~ 1"})
    assert request.to_url() == URL + "?b=%7e+1&a=1&a=2#top"
    assert oauth2.Request("GET", URL + "?a", {"a": ""}).to_url() == URL + "?a"


def test_empty_values_are_sent():
    request = oauth2.Request("GET", URL, {"a": "", "oauth_token": ""})
    assert request.to_url() == URL + "?a=&oauth_token="
    assert request.to_postdata() == "a=&oauth_token="


def test_the_form_contains_all_parameters_sorted_by_name():
    assert (
        oauth2.Request("POST", URL, MANY).to_postdata()
        == "oauth_nonce=a%2Cb%3D%22c%22&oauth_token=x%20y&size=original&tag=sun&tag=sea"
    )


def test_what_is_sent_is_text_though_the_signature_is_bytes():
    request = signed()
    for sent in (request.to_header()["Authorization"], request.to_url(), request.to_postdata()):
        assert isinstance(sent, str)
        assert oauth2.escape(request["oauth_signature"]) in sent


def test_the_protocol_parameters_keep_the_order_in_which_they_were_set():
    request = oauth2.Request("GET", URL, {"oauth_token": "a b", "size": "1", "oauth_nonce": b"n+"})
    assert request.protocol_pairs() == [("oauth_token", "a b"), ("oauth_nonce", "n+")]
    assert request.protocol_form() == "oauth_token=a%20b&oauth_nonce=n%2B"


# --- receiving, section 3.2 ---------------------------------------------------


def test_a_request_without_parameters_is_none():
    assert from_request() is None
    assert from_request(URL + "?", {"Host": "api.example", "Authorization": "Basic eDp5"}) is None
    assert from_request(URL, {"Authorization": "OAuth"}, parameters={}, query_string="") is None
    assert from_request(URL, JSON, "POST", body=b'{"a": 1}') is None
    assert from_request(URL, FORM, "POST", body=b"") is None


def test_the_parameters_of_header_query_and_form_come_together():
    headers = {**FORM, "Authorization": 'OAuth realm="R", oauth_token="x%20y", oauth_nonce="a+b"'}
    request = from_request(URL + "?a=1&a=2&b=x+y", headers, "POST", body=b"a=3&c")
    assert request == {"oauth_token": "x y", "oauth_nonce": "a+b", "a": ["1", "2", "3"], "b": "x y", "c": ""}
    assert (request.method, request.url, request.is_form_encoded) == ("POST", URL + "?a=1&a=2&b=x+y", True)
    assert request.body == b"a=3&c"


def test_the_body_is_kept_though_it_is_no_form():
    header = oauth2.Request("PUT", URL, {"oauth_token": "x"}).to_header()
    request = from_request(URL, {**JSON, **header}, "PUT", body='{"a": "海"}')
    assert (request, request.body, request.is_form_encoded) == ({"oauth_token": "x"}, '{"a": "海"}'.encode(), False)


def test_each_pair_of_query_and_body_counts_where_the_body_is_given():
    request = from_request(URL + "?a=1&a=1", FORM, "POST", body=b"a=1")
    assert request == {"a": ["1", "1", "1"]}
    assert request.get_normalized_parameters() == "a=1&a=1&a=1"


def test_where_only_a_dict_is_given_what_is_also_in_the_url_counts_once():
    request = from_request(URL + "?a=1&b=2", parameters={"a": "1", "b": ["2", "3"], "c": 4})
    assert request == {"a": "1", "b": ["2", "3"], "c": "4"}
    assert request.get_normalized_parameters() == "a=1&b=2&b=3&c=4"


def test_a_querydict_gives_all_its_values():
    class QueryDict(dict):
        def __getitem__(self, name):
            return dict.__getitem__(self, name)[-1]

        def items(self):
            return [(name, self[name]) for name in self]

        def getlist(self, name):
            return dict.__getitem__(self, name)

    assert from_request(parameters=QueryDict(a=["1", "2"], b=["3"])) == {"a": ["1", "2"], "b": "3"}


def test_a_query_string_apart_from_the_url_counts():
    assert from_request(query_string="a=1&b=x+y") == {"a": "1", "b": "x y"}
    assert from_request(query_string=b"a=1") == {"a": "1"}


def test_a_query_string_that_the_url_has_too_counts_once():
    assert from_request(URL + "?a=1", query_string="a=1") == {"a": "1"}
    assert from_request(URL + "?a=1", query_string=b"a=1&b=2") == {"a": "1", "b": "2"}


def test_a_new_url_is_signed_with_its_own_query():
    request = from_request(URL + "?a=1")
    request.url = URL + "?b=2"
    assert request.get_normalized_parameters() == "a=1&b=2"


def test_a_url_in_bytes_is_received_as_text():
    assert from_request(b"https://api.example/photos?a=1").url == URL + "?a=1"


@pytest.mark.parametrize("url", [b"https://api.example/\xff?a=1", "https://api.example/\ud800?a=1", "/photos?a=1"])
def test_a_received_url_without_base_string_uri_is_refused(url):
    with pytest.raises(InvalidURL) as caught:
        from_request(url)
    assert caught.value.status == 400


def test_a_received_method_is_ascii():
    with pytest.raises(InvalidRequest):
        from_request(URL + "?a=1", method="GÉT")
    assert from_request(URL + "?a=1", method="mkcol").method == "MKCOL"


# --- private names in wide use, and build_xoauth_string -----------------------


@pytest.mark.parametrize("scheme", ["OAuth ", "oauth ", ""])
def test_split_header_accepts_a_header_with_and_without_its_scheme(scheme):
    header = scheme + 'realm="R", oauth_token="x%20y", oauth_callback="realm%3D"'
    assert oauth2.Request._split_header(header) == {"oauth_token": "x y", "oauth_callback": "realm="}


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer abc", 'Digest realm="a"', "OAuth a=%zz", None])
@pytest.mark.parametrize("caught", [AttributeError, IndexError, InvalidRequest])
def test_split_header_can_be_guarded_as_with_1_9(header, caught):
    with pytest.raises(caught) as raised:
        oauth2.Request._split_header(header)
    assert (raised.value.status, raised.value.problem) == (400, "parameter_rejected")
    assert str(raised.value).startswith(("The Authorization header ", "There is no ", "A '%' is not followed"))


@pytest.mark.parametrize("nothing", [None, "", b""])
def test_split_url_string_of_nothing_is_empty(nothing):
    assert oauth2.Request._split_url_string(nothing) == {}


def test_overriding_the_private_readers_of_1_9_does_not_change_verification():
    class Fixed(oauth2.Request):
        @staticmethod
        def _split_url_string(param_str):
            return {"oauth_token": "another", "a": "last value only"}

        @staticmethod
        def _split_header(header):
            return {"oauth_token": "another"}

    header = signed(url=URL + "?a=1&a=2").to_header()
    request = Fixed.from_request("POST", URL + "?a=1&a=2", header, body=b"")
    assert (request["oauth_token"], request["a"]) == ("janes-photos", ["1", "2"])
    assert HMAC.check(request, CONSUMER, TOKEN, request["oauth_signature"])


def test_split_url_string_groups_names_that_occur_twice():
    assert oauth2.Request._split_url_string("a=1&a=2&b=x+y&c") == {"a": ["1", "2"], "b": "x y", "c": ""}
    assert oauth2.Request._split_url_string(b"a=%E6%B5%B7") == {"a": "海"}


def test_the_xoauth_string_is_a_signed_get_of_the_url():
    url = "https://mail.example/mail/b/joe@example.com/imap/"
    method, sent_url, parameters = oauth2.build_xoauth_string(url, CONSUMER, TOKEN).split(" ")
    assert (method, sent_url) == ("GET", url)
    pairs = [element.partition("=") for element in parameters.split(",")]
    assert [name for name, _, _ in pairs] == sorted(name for name, _, _ in pairs)
    assert all(value == f'"{value[1:-1]}"' for _, _, value in pairs)
    request = oauth2.Request("GET", url, dict(parse_form("&".join(f"{n}={v[1:-1]}" for n, _, v in pairs))))
    assert HMAC.check(request, CONSUMER, TOKEN, request["oauth_signature"])
    assert (request["oauth_consumer_key"], request["oauth_token"]) == ("printer", "janes-photos")


def test_the_xoauth_string_needs_no_token():
    assert "oauth_token" not in oauth2.build_xoauth_string(URL, CONSUMER)


# --- values that are not text -----------------------------------------------------


def test_none_leaves_a_parameter_out_wherever_it_is_written():
    parameters = {"a": None, "b": ["1", None], "c": "2", "oauth_callback": None, "oauth_version": None}
    request = oauth2.Request.from_consumer_and_token(
        CONSUMER, TOKEN, "POST", "https://api.example/", parameters, is_form_encoded=True
    )
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, TOKEN)
    written = [
        request.get_normalized_parameters(),
        request.to_postdata(),
        request.to_url(),
        request.to_header()["Authorization"],
    ]
    for text in written:
        assert "None" not in text
        assert "oauth_callback" not in text
        assert "oauth_version" not in text
    assert request.to_postdata().count("b=") == 1
    received = oauth2.Request.from_request("POST", "https://api.example/", FORM, body=request.to_postdata())
    assert oauth2.Server({"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1()}).verify_request(
        received, CONSUMER, TOKEN
    ) == {"b": "1", "c": "2"}


@pytest.mark.parametrize("value", [{"b": 1}, {}])
def test_a_mapping_as_a_value_is_refused_by_its_name(value):
    with pytest.raises(TypeError, match=r"^parameters: the value of 'a' must"):
        oauth2.Request("GET", "https://api.example/", {"a": value})
    with pytest.raises(TypeError, match=r"^parameters: the value of 'a' must"):
        oauth2.Request.from_consumer_and_token(CONSUMER, None, "GET", "https://api.example/", {b"a": value})
    request = oauth2.Request("GET", "https://api.example/")
    request["a"] = value
    with pytest.raises(TypeError, match=r"^parameters: the value of 'a' must"):
        request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, None)


def test_nested_parameters_of_a_peer_are_no_type_error():
    # Some frameworks merge the fields of a JSON document into the parameters.
    with pytest.raises(oauth2.Error):
        oauth2.Request.from_request("POST", "https://api.example/", {}, parameters={"a": {"b": 1}})

"""What a peer sent, read strictly and within limits (RFC 5849 sections 3.1, 3.2, 3.4.1.3.1 and 3.5)."""

from email.message import Message

import pytest

import oauth2
from oauth2.errors import InvalidRequest
from oauth2.received import find_headers, refuse_ambiguity

URL = "https://api.example/photos"
FORM = "application/x-www-form-urlencoded"
HEADER = 'OAuth oauth_token="x"'


def received(url=URL, headers=None, **kwargs):
    return oauth2.Request.from_request("POST", url, headers, **kwargs)


def refused(*args, match=None, **kwargs):
    with pytest.raises(InvalidRequest, match=match) as caught:
        received(*args, **kwargs)
    assert (caught.value.status, caught.value.problem) == (400, "parameter_rejected")


# --- header fields ------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": HEADER, "Content-Type": FORM},
        {"authorization": HEADER, "CONTENT-TYPE": FORM},
        {b"Authorization": HEADER.encode(), b"Content-Type": FORM.encode()},
        {"HTTP_AUTHORIZATION": HEADER, "CONTENT_TYPE": FORM, "wsgi.version": (1, 0), "REQUEST_METHOD": "POST"},
        {"Authorization": f"  {HEADER}\t", "Content-Type": f" {FORM} ", "Cookie": "a=b"},
    ],
    ids=["dict", "other case", "bytes", "WSGI environ or META", "white space around"],
)
def test_header_fields_come_in_any_mapping(headers):
    assert find_headers(headers) == (HEADER, FORM)


def test_header_fields_come_in_a_message_of_the_standard_library():
    message = Message()
    message["authorization"] = HEADER
    assert find_headers(message) == (HEADER, "")


def test_header_fields_that_are_not_there_are_empty():
    assert find_headers({}) == ("", "")
    assert find_headers({"X-Authenticate": "a", "Content-MD55": "b", "HTTP_X_FORWARDED_F": "c"}) == ("", "")


def test_the_same_field_in_two_spellings_is_one():
    assert find_headers({"Authorization": HEADER, "HTTP_AUTHORIZATION": HEADER}) == (HEADER, "")
    assert find_headers({"HTTP_AUTHORIZATION": "", "Authorization": HEADER}) == (HEADER, "")


@pytest.mark.parametrize("name", ["Authorization", "Content-Type"])
def test_two_different_fields_of_one_name_are_refused(name):
    message = Message()
    message[name] = "OAuth a=b"
    message[name] = "OAuth a=c"
    refused(headers=message, match="two different headers")


# --- the header ---------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "OAuth2", "OAut", "OAuthx"])
def test_another_scheme_is_passed_over(scheme):
    assert received(URL + "?a=1", {"Authorization": f'{scheme} oauth_token="%zz"'}) == {"a": "1"}


def test_realm_is_no_parameter_in_the_header_and_is_one_elsewhere():
    headers = {"Authorization": 'OAuth realm="R", oauth_token="x"', "Content-Type": FORM}
    assert received(URL, headers) == {"oauth_token": "x"}
    assert received(URL + "?realm=q", headers, body="realm=b")["realm"] == ["q", "b"]


def test_every_other_parameter_of_the_header_counts():
    assert received(headers={"Authorization": 'OAuth admin="1", oauth_token="x"'}) == {"admin": "1", "oauth_token": "x"}


@pytest.mark.parametrize("value", ['realm="a", realm="a"', 'realm="a", oauth_token="x", Realm="b"'])
def test_two_realms_are_refused(value):
    refused(headers={"Authorization": f"OAuth {value}"}, match="two realms")


@pytest.mark.parametrize("value", ['oauth_token="x', 'oauth_token="%zz"', 'oauth_token="%ff"', 'oauth_token="\0"'])
def test_a_malformed_header_is_refused_and_never_taken_for_none(value):
    refused(URL + "?a=1", {"Authorization": f"OAuth {value}"})


# --- query and form -----------------------------------------------------------


@pytest.mark.parametrize("form", ["a=%zz", "a=%4", "a=%ff", "a=\udcff", "%=a"])
def test_a_query_or_form_that_cannot_be_decoded_is_refused(form):
    refused(f"{URL}?{form}")
    refused(query_string=form)
    refused(headers={"Content-Type": FORM}, body=form)


@pytest.mark.parametrize("form", [b"a=\xff", b"\xff"])
def test_octets_that_are_not_utf8_are_refused(form):
    refused(query_string=form, match="UTF-8")
    refused(headers={"Content-Type": FORM}, body=form, match="UTF-8")


def test_text_without_utf8_form_is_refused_though_it_is_no_form():
    refused(URL + "?a=1", body="\udcff", match="body")


@pytest.mark.parametrize("parameters", [{"a": "\udcff"}, {"\udcff": "a"}, {"a": b"\xff"}, {"a": ["b", b"\xff"]}])
def test_merged_parameters_that_are_not_utf8_are_refused(parameters):
    refused(parameters=parameters, match="UTF-8")


@pytest.mark.parametrize(
    "content_type",
    [FORM, FORM.title(), f"{FORM}; charset=UTF-8", f"{FORM} ;charset=utf-8", f"\t{FORM}", f"{FORM};"],
)
def test_a_form_is_known_by_its_media_type_alone(content_type):
    assert received(headers={"Content-Type": content_type}, body=b"a=1") == {"a": "1"}


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/form-data; boundary=x", f"{FORM}-x", f"text/plain; {FORM}", f"x{FORM}"],
)
def test_another_body_is_no_form(content_type):
    request = received(URL + "?b=2", {"Content-Type": content_type}, body=b"a=1")
    assert (request, request.is_form_encoded) == ({"b": "2"}, False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_form_counts_whatever_the_method(method):
    headers = {"Content-Type": FORM}
    assert oauth2.Request.from_request(method, URL, headers, body=b"a=1") == {"a": "1"}


def test_a_semicolon_separates_nothing():
    assert received(URL + "?a=1;admin=1") == {"a": "1;admin=1"}


def test_a_fragment_is_refused_for_it_is_never_sent():
    with pytest.raises(oauth2.Error):
        received(URL + "#?a=1")


# --- one place, and once ------------------------------------------------------


@pytest.mark.parametrize(
    "places",
    [
        {"url": URL + "?oauth_foo=1"},
        {"url": URL + "?oauth_token=x"},
        {"query_string": "oauth_token=x"},
        {"body": b"oauth_signature=x"},
        {"parameters": {"oauth_token": "y"}},
        {"url": URL + "?%6fauth_token=x"},
    ],
    ids=str,
)
def test_protocol_parameters_in_two_places_are_refused(places):
    refused(headers={"Authorization": HEADER, "Content-Type": FORM}, match="more than one place", **places)


def test_protocol_parameters_in_query_and_body_are_refused():
    refused(URL + "?oauth_token=x", {"Content-Type": FORM}, body=b"oauth_nonce=y", match="more than one place")


@pytest.mark.parametrize("second", ["x", "y"])
def test_a_protocol_parameter_that_stands_twice_is_refused(second):
    form = f"oauth_token=x&oauth_token={second}"
    refused(f"{URL}?{form}", match="twice")
    refused(headers={"Content-Type": FORM}, body=form, match="twice")
    refused(headers={"Authorization": f'OAuth oauth_token="x", oauth_token="{second}"'}, match="twice")
    refused(parameters={"oauth_token": ["x", second]}, match="twice")


def test_protocol_parameters_of_a_merged_dict_that_the_url_has_too_are_the_same_ones():
    assert received(URL + "?oauth_token=x", parameters={"oauth_token": "x"}) == {"oauth_token": "x"}
    refused(URL + "?oauth_token=x", parameters={"oauth_token": "y"})


def test_other_parameters_may_stand_anywhere_and_often():
    refuse_ambiguity([("oauth_token", "x"), ("a", "1")], [("a", "1"), ("a", "1")], [], [("oauthority", "1")])


def test_where_the_body_is_given_merged_parameters_add_only_what_it_has_not():
    merged = {"a": ["1", "2"], "b": "3", "c": "4"}
    request = received(URL + "?b=3", {"Content-Type": FORM}, body=b"a=1&a=2", parameters=merged)
    assert request == {"a": ["1", "2"], "b": "3", "c": "4"}


# --- limits -------------------------------------------------------------------


def header_of(size):
    return {"Authorization": 'OAuth oauth_token="' + "x" * (size - 20) + '"'}


def test_the_header_has_at_most_16_kilobytes():
    assert received(headers=header_of(16 * 1024))
    refused(headers=header_of(16 * 1024 + 1), match="too long")


def test_a_long_header_of_another_scheme_is_not_our_business():
    assert received(URL + "?a=1", {"Authorization": "Negotiate " + "x" * 100_000}) == {"a": "1"}


@pytest.mark.parametrize(
    "place",
    [
        lambda form: {"url": f"{URL}?{form}"},
        lambda form: {"query_string": form},
        lambda form: {"query_string": form.encode()},
        lambda form: {"headers": {"Content-Type": FORM}, "body": form},
    ],
    ids=["query", "query_string", "query_string in bytes", "body"],
)
def test_there_are_at_most_1000_parameters_in_a_mebibyte(place):
    assert received(**place("&".join(["a=1"] * 1000))) == {"a": ["1"] * 1000}
    refused(**place("&".join(["a=1"] * 1001)), match="too many")
    refused(**place("&" * 1000), match="too many")
    assert received(**place("a=" + "x" * (1024 * 1024 - 2)))
    refused(**place("a=" + "x" * (1024 * 1024 - 1)), match="too long")


def test_parameters_of_all_places_count_together():
    form = "&".join(["a=1"] * 500)
    headers = {"Content-Type": FORM, "Authorization": HEADER}
    assert received(f"{URL}?{form}", {"Content-Type": FORM}, body=form)
    refused(f"{URL}?{form}", headers, body=form, match="too many")
    refused(parameters={"a": ["1"] * 1001}, match="too many")
    refused(headers={"Authorization": "OAuth " + ",".join(["a=1"] * 1001)}, match="too many")


def test_limits_are_those_of_the_class():
    class Small(oauth2.Request):
        max_parameters = 2
        max_form = 10
        max_header = 30

    assert Small.from_request("GET", URL + "?a=1&b=2")
    for url, headers in [(URL + "?a=1&b=2&c", {}), (URL + "?abcdefghijk", {}), (URL, header_of(31))]:
        with pytest.raises(InvalidRequest):
            Small.from_request("GET", url, headers)


def test_a_body_that_is_no_form_has_no_limit_here():
    request = received(URL + "?a=1", {"Content-Type": "image/png"}, body=b"\xff" * (1024 * 1024 + 1))
    assert len(request.body) == 1024 * 1024 + 1

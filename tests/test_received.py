"""Received requests are read strictly and within limits (RFC 5849 sections 3.1, 3.2, 3.4.1.3.1 and 3.5)."""

from email.message import Message

import pytest
from stopwatch import within

import oauth2
from oauth2._wire.header import read_header
from oauth2._wire.received import find_headers, refuse_ambiguity
from oauth2.errors import InvalidRequest, InvalidURL

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


FULL = {"REQUEST_METHOD": "POST", "SERVER_NAME": "api.example", "wsgi.url_scheme": "https"}


@pytest.mark.parametrize(
    "environ",
    [
        # HOST, http_proxy and A-B are environment variables of the process, and not header fields.
        {"wsgi.multithread": False, "HOST": "build-7", "http_proxy": "p", "A-B": "c"},
        {"wsgi.multithread": True, "HTTP_HOST": "api.example"},
        FULL,
        {"HTTP_HOST": "api.example"},
        {},
    ],
    ids=["with variables of the process", "as Django's ASGI handler makes it", "copied as text", "HTTP_ only", "both"],
)
def test_variables_count_in_an_environ_or_a_part_of_one(environ):
    assert find_headers({**environ, "HTTP_AUTHORIZATION": HEADER, "CONTENT_TYPE": FORM}) == (HEADER, FORM)
    assert find_headers({**environ, "HTTP_CONTENT_TYPE": FORM}) == ("", "")  # a header Content_Type


@pytest.mark.parametrize(
    "fields",
    [
        {"Host": "api.example"},
        {"HOST": "api.example"},
        {"host": "api.example"},
        {b"host": b"api.example"},
        {"Accept": "*/*"},
        {"AUTHORIZATION": HEADER},
        {"X-A": "b"},
        {"X-A": "b", "REQUEST_METHOD": "POST", "wsgi.multithread": "1", "wsgi.version": "(1, 0)"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [dict, lambda fields: _OnlyItems(fields)], ids=["dict", "items() alone"])
def test_variables_among_header_fields_are_other_fields(fields, kind):
    added = kind({**fields, "HTTP_AUTHORIZATION": 'OAuth oauth_token="y"', "CONTENT_TYPE": FORM})
    assert find_headers(added) == find_headers(kind(fields))


class _OnlyItems:
    def __init__(self, fields):
        self.items = fields.items


@pytest.mark.parametrize("name", ["Content_Type", "content_type", "Content_type", b"Content_Type", b"CONTENT_TYPE"])
@pytest.mark.parametrize("others", [{}, {"Authorization": HEADER}, {"Host": "a", "Content-Type": "text/plain"}, FULL])
def test_a_field_with_an_underscore_is_not_the_content_type(name, others):
    _, content_type = find_headers({**others, name: FORM})
    assert content_type == others.get("Content-Type", "")
    request = received(URL + "?b=2", {**others, name: FORM}, body=b"a=1")
    assert ("a" in request, request.is_form_encoded) == (False, False)


@pytest.mark.parametrize("name", ["Http_Authorization", "http_authorization", b"HTTP_AUTHORIZATION"])
def test_a_field_with_an_underscore_is_not_the_authorization(name):
    assert find_headers({name: HEADER}) == ("", "")


@pytest.mark.parametrize("name", ["Authorization", "Content-Type"])
def test_two_different_fields_of_one_name_are_refused(name):
    message = Message()
    message[name] = "OAuth a=b"
    message[name] = "OAuth a=c"
    refused(headers=message, match="two different headers")


# --- the header ---------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "OAuth2", "OAut", "OAuthx"])
def test_a_header_of_another_scheme_is_ignored(scheme):
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
def test_a_malformed_header_is_refused_and_not_treated_as_absent(value):
    refused(URL + "?a=1", {"Authorization": f"OAuth {value}"})


@pytest.mark.parametrize(
    "value",
    [
        'oauth_token="x"y',
        'oauth_token="x" y',
        'oauth_token="x"y"',
        'oauth_token="x""y"',
        'oauth_token="x", y',
        'oauth_token="x", "',
        'oauth_token="x" oauth_b="c"',
        'oauth_a="b, oauth_token="x"',
        'oauth_a=b"c"',
        'oauth_a=b"c", oauth_token="x"',
        'oauth_a+b="x"',
        'oauth_a b="x"',
        'oauth_é="x"',
        'oauth_token="x y\0"',
        'oauth_token="é"',
        'oauth_token="%"',
        'oauth_token="%4"',
        'realm="\x01", oauth_token="x"',
        'realm="a\x7f", oauth_token="x"',
        'realm="a\r\n b", oauth_token="x"',
        'realm="a\\", oauth_token="x"',
        'realm="a"b", oauth_token="x"',
        'realm="a", realm="b", oauth_token="x"',
        'realm="a", oauth_token="x", Realm="b"',
        'realm="a" oauth_token="x"',
    ],
)
def test_a_header_that_nearly_has_the_common_shape_is_refused(value):
    refused(URL + "?a=1", {"Authorization": f"OAuth {value}"})


@pytest.mark.parametrize(
    ("value", "pairs", "is_protocol"),
    [
        ('oauth_token="x", oauth_nonce="y%20"', ["oauth_token x", "oauth_nonce y%20"], True),
        ('realm="a, b=c", oauth_token=""', ["oauth_token "], True),
        ('oauth_token="x", size="1"', ["oauth_token x", "size 1"], False),
        ('size="1", oauth_token="x"', ["size 1", "oauth_token x"], False),
        ('oauth_a="1", size="2", oauth_b="3"', ["oauth_a 1", "size 2", "oauth_b 3"], False),
        ('OAuth_token="x"', ["OAuth_token x"], False),
        ('oauth_token="a+b"', ["oauth_token a%2Bb"], True),
        ('oauth_token="a b"', ["oauth_token a%20b"], True),
        ('oauth_token="a=b"', ["oauth_token a%3Db"], True),
        ('oauth_token="a/,b"', ["oauth_token a%2F%2Cb"], True),
        ('oauth_token="%7e%2b%41"', ["oauth_token ~%2BA"], True),
        ('%6fauth_%74oken="x"', ["oauth_token x"], True),
        ('oauth_a="b",oauth_c="d"', ["oauth_a b", "oauth_c d"], True),
        ('oauth_a=b, oauth_c="d", ', ["oauth_a b", "oauth_c d"], True),
        ('oauth_a="b", realm="c"', ["oauth_a b"], True),
        ('realm="é 50%", oauth_a="b"', ["oauth_a b"], True),
        ('realm="a\\", oauth_a=\\"", oauth_b="c"', ["oauth_b c"], True),
        ('realm="a\\\\", oauth_b="c"', ["oauth_b c"], True),
    ],
)
def test_a_header_is_read_whether_or_not_it_has_the_common_shape(value, pairs, is_protocol):
    assert read_header(f"OAuth {value}") == (pairs, is_protocol)


@pytest.mark.parametrize("header", ['{}, size="original"', 'size="original", {}', '{}, size="original", oauth_x="y"'])
def test_a_signed_parameter_of_the_header_that_is_not_the_protocols_is_handed_on(header):
    consumer, method = oauth2.Consumer("key", "secret"), oauth2.SignatureMethod_HMAC_SHA1()
    made = oauth2.Request.from_consumer_and_token(consumer, None, "GET", URL + "?a=1", {"size": "original"})
    made.update({"oauth_x": "y"} if "oauth_x" in header else {})
    made.sign_request(method, consumer, None)
    protocol = ", ".join(f'{name}="{oauth2.escape(made[name])}"' for name in made if name not in ("size", "oauth_x"))
    value = "OAuth " + header.format(protocol)
    request = oauth2.Request.from_request("GET", URL + "?a=1", {"Authorization": value}, body=b"")
    server = oauth2.Server({"HMAC-SHA1": method})
    assert server.verify_request(request, consumer, None) == {"a": "1", "size": "original"}


def test_a_url_that_is_set_after_reading_brings_its_own_query():
    consumer, method = oauth2.Consumer("key", "secret"), oauth2.SignatureMethod_HMAC_SHA1()
    made = oauth2.Request.from_consumer_and_token(consumer, None, "GET", URL + "?a=1&b=2")
    made.sign_request(method, consumer, None)
    request = oauth2.Request.from_request("GET", URL + "?a=1", made.to_header(), body=b"")
    request.url = URL + "?a=1&b=2"
    server = oauth2.Server({"HMAC-SHA1": method})
    assert server.verify_request(request, consumer, None) == {"a": "1", "b": "2"}


# --- query and form -----------------------------------------------------------


@pytest.mark.parametrize("form", ["a=%zz", "a=%4", "a=%ff", "a=%FF", "a=\udcff", "%=a"])
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
    [
        "",
        " \t",
        "application/json",
        "application/json;charset=utf-8",
        "application/vnd.api+json ; ext=bulk",
        "multipart/form-data; boundary=----x (y)?=/",
        "APPLICATION/JSON; a=b, c",
        "application/x-www-form",
        "a/b;",
        "!#$%&'*+-.^_`|~09/*",
    ],
)
@pytest.mark.parametrize("body", [b"a=1", "a=1", None])
def test_another_body_is_no_form(content_type, body):
    request = received(URL + "?b=2", {"Content-Type": content_type}, body=body)
    assert (request, request.is_form_encoded) == ({"b": "2"}, False)


@pytest.mark.parametrize(
    "content_type",
    [
        "json",
        "utf-8; charset",
        "/",
        "a/",
        "/b",
        "a/b/c",
        "a b/c",
        "a/b c",
        ";charset=utf-8",
        "text/plain, text/html",
        "text/plain\xa0",
        "\x85text/plain",
        "text\x00/plain",
        "é/plain",
        "text/plain\r\n",
        '"text/plain"',
        "text=plain",
    ],
)
@pytest.mark.parametrize("body", [b"a=1", "a=1", b"", None])
def test_a_content_type_that_is_no_media_type_is_refused(content_type, body):
    refused(URL + "?b=2", {"Content-Type": content_type}, body=body, match="Content-Type is not a media type")


@pytest.mark.parametrize(
    "content_type",
    [
        f"\xa0{FORM}",
        f"{FORM}\xa0",
        f"{FORM}\x85",
        f"\x85{FORM}; charset=utf-8",
        f"{FORM}\xa0;charset=utf-8",
        f"{FORM}, text/plain",
        f"text/plain, {FORM}",
        f"{FORM},",
        f"{FORM}-x",
        f"{FORM}+json",
        f"x{FORM}",
        f"{FORM} x",
        f"text/plain; {FORM}",
        f"multipart/related; type={FORM.upper()}",
        f"{FORM.title()}s",
        f"{FORM}\x0b",
    ],
)
@pytest.mark.parametrize("body", [b"a=1", "a=1", None])
def test_what_resembles_a_forms_type_and_is_none_is_refused(content_type, body):
    refused(URL + "?b=2", {"Content-Type": content_type}, body=body, match="Content-Type (is not|contains)")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_form_counts_whatever_the_method(method):
    headers = {"Content-Type": FORM}
    assert oauth2.Request.from_request(method, URL, headers, body=b"a=1") == {"a": "1"}


def test_a_semicolon_is_no_separator():
    assert received(URL + "?a=1;admin=1") == {"a": "1;admin=1"}


def test_a_fragment_is_refused_for_it_is_never_sent():
    with pytest.raises(oauth2.Error):
        received(URL + "#?a=1")


# --- protocol parameters in one place, each once ------------------------------


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
def test_a_protocol_parameter_that_occurs_twice_is_refused(second):
    form = f"oauth_token=x&oauth_token={second}"
    refused(f"{URL}?{form}", match="twice")
    refused(headers={"Content-Type": FORM}, body=form, match="twice")
    refused(headers={"Authorization": f'OAuth oauth_token="x", oauth_token="{second}"'}, match="twice")
    refused(parameters={"oauth_token": ["x", second]}, match="twice")


@pytest.mark.parametrize(
    ("places", "named"),
    [
        ({"url": URL + "?oauth_foo=1"}, "more than one place: oauth_foo"),
        ({"url": URL + "?oauth_token=x"}, "more than one place: oauth_token"),
        ({"body": b"a=1&oauth_verifier=v"}, "more than one place: oauth_verifier"),
        ({"body": b"oauth_a=1&oauth_a=2"}, "twice: oauth_a"),
        ({"url": URL + "?oauth_" + "a" * 34 + "=1"}, "more than one place: oauth_" + "a" * 34),
    ],
)
def test_the_error_names_the_parameter_in_the_second_place(places, named):
    refused(headers={"Authorization": HEADER, "Content-Type": FORM}, match=f"{named}[.]$", **places)


def test_the_error_names_a_parameter_of_another_place_than_the_signatures():
    headers = {"Authorization": HEADER, "Content-Type": FORM}
    refused(headers=headers, body=b"oauth_nonce=n&oauth_signature=s", match="more than one place: oauth_token[.]$")


@pytest.mark.parametrize("name", ["oauth_a%0D%0AX", "oauth_%C3%A9", "oauth_<b>", "oauth_" + "a" * 35])
def test_the_error_does_not_show_a_long_or_special_name(name):
    refused(URL + f"?{name}=1", {"Authorization": HEADER}, match="more than one place[.]$")
    refused(URL + f"?{name}=1&{name}=1", match="twice[.]$")


class Apart(oauth2.Request):
    may_stand_apart = frozenset({"oauth_callback", "oauth_verifier"})


@pytest.mark.parametrize("form", ["oauth_verifier=v", "a=1&oauth_verifier=v&oauth_callback=oob"])
def test_a_subclass_may_accept_some_parameters_outside_the_header(form):
    expected = {"oauth_token": "x", **dict(pair.split("=") for pair in form.split("&"))}
    headers = {"Authorization": HEADER, "Content-Type": FORM}
    assert Apart.from_request("POST", URL, headers, body=form) == expected
    assert Apart.from_request("GET", f"{URL}?{form}", headers) == expected


@pytest.mark.parametrize(
    ("authorization", "query", "body", "named"),
    [
        ('OAuth oauth_verifier="v"', "", "oauth_verifier=v", "oauth_verifier"),
        ('OAuth oauth_token="x"', "", "oauth_verifier=v&oauth_nonce=n", "oauth_nonce"),
        ('OAuth oauth_token="x"', "oauth_verifier=v", "oauth_callback=oob", "oauth_verifier"),
        ('OAuth oauth_token="x"', "oauth_verifier=v", "oauth_verifier=v", "oauth_verifier"),
        ("Basic abc", "oauth_token=x", "oauth_verifier=v", "oauth_verifier"),
        ('OAuth realm="r"', "oauth_token=x", "oauth_verifier=v", "oauth_verifier"),
    ],
)
def test_such_a_subclass_refuses_everything_else_in_two_places(authorization, query, body, named):
    headers = {"Authorization": authorization, "Content-Type": FORM}
    with pytest.raises(InvalidRequest, match=f"more than one place: {named}[.]$"):
        Apart.from_request("POST", f"{URL}?{query}", headers, body=body)


def test_protocol_parameters_of_a_merged_dict_that_the_url_has_too_are_the_same_ones():
    assert received(URL + "?oauth_token=x", parameters={"oauth_token": "x"}) == {"oauth_token": "x"}
    refused(URL + "?oauth_token=x", parameters={"oauth_token": "y"})


def test_other_parameters_may_be_in_every_place_and_occur_often():
    refuse_ambiguity(["oauth_token", "a"], ["a", "a"], [], ["oauthority"])


def test_with_a_body_merged_parameters_add_only_names_that_it_does_not_have():
    merged = {"a": ["1", "2"], "b": "3", "c": "4"}
    request = received(URL + "?b=3", {"Content-Type": FORM}, body=b"a=1&a=2", parameters=merged)
    assert request == {"a": ["1", "2"], "b": "3", "c": "4"}


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
@pytest.mark.parametrize("method", ["POST", "put", "PATCH", "DELETE"])
def test_the_fields_that_a_framework_found_in_another_body_than_a_form_do_not_count(content_type, method):
    headers = {"Content-Type": content_type, "Authorization": HEADER}
    merged = {"title": "unsigned", "b": ["2", "3"], "oauth_token": "y"}
    request = oauth2.Request.from_request(method, URL + "?b=2", headers, merged)
    assert request == {"oauth_token": "x", "b": "2"}
    assert oauth2.Request.from_request(method, URL, {"CONTENT_TYPE": content_type}, merged) is None


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", "", None])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_fields_of_a_form_count_and_those_of_a_body_of_unknown_type(content_type, method):
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert oauth2.Request.from_request(method, URL, headers, {"a": "1"}) == {"a": "1"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "get"])
def test_the_query_that_a_framework_read_counts_whatever_type_the_server_made_up(method):
    headers = {"CONTENT_TYPE": "text/plain", "wsgi.multithread": True}  # as wsgiref does
    assert oauth2.Request.from_request(method, URL, headers, {"a": "1"}) == {"a": "1"}


# --- limits -------------------------------------------------------------------


def header_of(size):
    return {"Authorization": 'OAuth oauth_token="' + "x" * (size - 20) + '"'}


def test_the_header_has_at_most_16_kilobytes():
    assert received(headers=header_of(16 * 1024))
    refused(headers=header_of(16 * 1024 + 1), match="too long")


def test_a_long_header_of_another_scheme_is_ignored():
    assert received(URL + "?a=1", {"Authorization": "Negotiate " + "x" * 100_000}) == {"a": "1"}


@pytest.mark.parametrize("convert", [str, str.encode])
def test_the_url_without_its_query_has_at_most_16384_characters(convert):
    longest = URL + "/" + "x" * (16 * 1024 - len(URL) - 1)
    for query in ("?a=1", "?a=" + "1" * 16 * 1024):
        assert received(convert(longest + query)) == {"a": query[3:]}
        with pytest.raises(InvalidURL, match="URL is too long") as caught:
            received(convert(longest + "x" + query))
        assert caught.value.status == 400
    with pytest.raises(InvalidURL, match="URL is too long"):
        received(convert(longest + "x"))


@pytest.mark.parametrize(
    "url", [URL + "/" + "é" * 10_000_000, "https://" + "a." * 5_000_000 + "/"], ids=["path", "host"]
)
def test_a_url_of_10_megabytes_is_refused_before_it_costs_anything(url):
    with within(0.1), pytest.raises(InvalidURL):
        received(url, {"Authorization": HEADER})


@pytest.mark.parametrize("value", ["é" * 1024 * 1024, ["x" * 1024] * 999 + ["x" * 25_600]])
def test_merged_parameters_are_as_long_as_a_form_at_most(value):
    assert received(parameters={"": value})
    refused(parameters={"a": value}, match="too long")


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
        max_url = len(URL)

    assert Small.from_request("GET", URL + "?a=1&b=2")
    for url, headers in [
        (URL + "?a=1&b=2&c", {}),
        (URL + "?abcdefghijk", {}),
        (URL, header_of(31)),
        (URL + "/?a=1", {}),
    ]:
        with pytest.raises(InvalidRequest):
            Small.from_request("GET", url, headers)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_form_may_be_any_kind_of_bytes(kind):
    request = received(headers={"Content-Type": FORM}, body=kind(b"a=1"))
    assert (request["a"], request.body) == ("1", b"a=1")


@pytest.mark.parametrize("body", [["a=1"], 1, object()])
def test_a_body_that_is_neither_bytes_nor_text_is_a_type_error(body):
    with pytest.raises(TypeError, match="body: "):
        received(URL + "?a=1", body=body)


def test_a_body_that_is_no_form_has_no_limit_here():
    request = received(URL + "?a=1", {"Content-Type": "image/png"}, body=b"\xff" * (1024 * 1024 + 1))
    assert len(request.body) == 1024 * 1024 + 1

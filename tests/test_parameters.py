"""Reading and writing header, query and form (RFC 5849 sections 3.4.1.3.1 and 3.5), and the body hash."""

import io
from base64 import b64encode
from hashlib import sha1, sha256

import pytest

from oauth2._wire.form import add_to_query, is_form, parse_form_as_sent, query_of, text_pairs
from oauth2._wire.header import is_oauth_header, quote_realm
from oauth2._wire.pairs import encode_texts, group_pairs, subtract
from oauth2._wire.uri import encode_illegal, is_all_legal, is_loopback_host
from oauth2.errors import Error, InvalidRequest
from oauth2.parameters import (
    body_hash,
    build_authenticate_header,
    build_authorization_header,
    build_form,
    parse_authorization_header,
    parse_form,
)

# --- reading the Authorization header, section 3.5.1 --------------------------


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        ('OAuth a="1", b="2"', [("a", "1"), ("b", "2")]),
        ('OAuth a="1",b="2"', [("a", "1"), ("b", "2")]),
        ('OAUTH\ta="1"\t,\tb="2"', [("a", "1"), ("b", "2")]),
        ('OAuth\r\n a="1",\r\n b="2"', [("a", "1"), ("b", "2")]),
        ('OAuth a = "1" , b= "2"', [("a", "1"), ("b", "2")]),
        ('OAuth ,, a="1",, b="2", ,', [("a", "1"), ("b", "2")]),
        ("OAuth a=1, b=%32", [("a", "1"), ("b", "2")]),
        ('OAuth a=1, b="2", c=3', [("a", "1"), ("b", "2"), ("c", "3")]),
        ('OAuth a="b=c,d", e=""', [("a", "b=c,d"), ("e", "")]),
        ('OAuth a="b+c%20d%2Be"', [("a", "b+c d+e")]),
        ('OAuth %61="%E6%B5%B7"', [("a", "海")]),
        ('OAuth a="%2541"', [("a", "%41")]),
        ('OAuth a="1", a="1"', [("a", "1"), ("a", "1")]),
        ("oauth", []),
        ("OAuth ,", []),
    ],
)
def test_a_header_is_a_list_of_names_and_quoted_values(header, pairs):
    assert parse_authorization_header(header) == pairs


@pytest.mark.parametrize(
    ("header", "realm"),
    [
        ('OAuth realm="Photos"', "Photos"),
        ("OAuth realm=Photos", "Photos"),
        ('OAuth a="1", Realm="x, oauth_token=\'y\'"', "x, oauth_token='y'"),
        (r'OAuth realm="a \"b\" \\ \c"', 'a "b" \\ c'),
        ('OAuth realm="100%zz+%41"', "100%zz+%41"),
        ('OAuth realm="é"', "é"),
        ('OAuth realm=""', ""),
    ],
)
def test_the_realm_is_a_quoted_string_and_not_percent_encoded(header, realm):
    assert dict(parse_authorization_header(header))["realm"] == realm


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic YTpi",
        'OAuth2 a="1"',
        'OAuth a="1" b="2"',
        'OAuth a="1"&b="2"',
        'OAuth a="1" b=2',
        'OAuth a="1" b',
        'OAuth a="1',
        'OAuth a="',
        'OAuth a="1", b="',
        'OAuth a=",b=1',
        'OAuth a="1"", b="2"',
        'OAuth a="1"2',
        'OAuth a=1"2"',
        'OAuth a"1"',
        'OAuth "1"',
        'OAuth ="1"',
        'OAuth a="1", ="2"',
        "OAuth =1",
        "OAuth a",
        "OAuth a=",
        "OAuth a=, b=1",
        "OAuth a=b=c",
        "OAuth a=b c",
        'OAuth a b="1"',
        'OAuth a[]="1"',
        'OAuth a="%zz"',
        'OAuth a="%4"',
        'OAuth a="%"',
        'OAuth %="1"',
        'OAuth a="%FF"',
        'OAuth a="é"',
        'OAuth é="1"',
        'OAuth a="1\0"',
        'OAuth a="1\x7f"',
        'OAuth a="\x01"',
        'OAuth realm="\x02"',
        'OAuth a="b\tc"',
        'OAuth a="b\r\n c"',
        'OAuth realm="a\r\nb"',
        r'OAuth a="b\"c"',
        r'OAuth a="b\\c"',
        "OAuth a='1'",
    ],
)
def test_what_is_no_list_of_parameters_is_refused(header):
    with pytest.raises(InvalidRequest):
        parse_authorization_header(header)


def test_the_scheme_is_matched_in_any_case_and_as_a_word():
    assert all(map(is_oauth_header, ["OAuth", "oauth x", "OAUTH\tx", "OAuth\r\n x"]))
    assert not any(map(is_oauth_header, ["", "OAut", "OAuthx", "OAuth,", ' OAuth a="1"', "Basic x"]))


def test_reading_is_linear():
    size = 200_000
    for header in [
        "OAuth " + "," * size,
        "OAuth " + '"' * size,
        "OAuth a=" + "%41" * size,
        'OAuth realm="' + "\\" * size,
    ]:
        try:
            parse_authorization_header(header)
        except Error:
            continue


# --- writing headers ----------------------------------------------------------


def test_names_and_values_in_a_header_are_encoded():
    assert build_authorization_header([("a b", 'c"d,é'), ("e", "")]) == 'OAuth a%20b="c%22d%2C%C3%A9", e=""'


def test_a_realm_is_quoted_and_comes_first():
    assert build_authorization_header([("a", "1")], 'x "y" \\z') == r'OAuth realm="x \"y\" \\z", a="1"'
    assert build_authorization_header([("a", "1")], "") == 'OAuth realm="", a="1"'
    assert build_authorization_header([]) == "OAuth"


@pytest.mark.parametrize("char", ["\r", "\n", "\0", "\t", "\x1f", "\x7f"])
def test_a_realm_with_a_control_character_is_refused(char):
    for build in (quote_realm, build_authenticate_header, lambda realm: build_authorization_header([], realm)):
        with pytest.raises(ValueError, match="realm"):
            build(f"a{char}b")


def test_the_authenticate_header_names_the_realm():
    assert build_authenticate_header() == {"WWW-Authenticate": 'OAuth realm=""'}
    assert build_authenticate_header(realm='a"b') == {"WWW-Authenticate": r'OAuth realm="a\"b"'}


# --- query and form, section 3.4.1.3.1 ----------------------------------------


@pytest.mark.parametrize(
    ("form", "pairs"),
    [
        ("", []),
        ("a=1&b=2&a=1", [("a", "1"), ("b", "2"), ("a", "1")]),
        ("a&b=", [("a", ""), ("b", "")]),
        ("&&a=1&", [("a", "1")]),
        ("=x&=", [("", "x"), ("", "")]),
        ("a=b==&c==", [("a", "b=="), ("c", "=")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("a+b=c+d%2B%20", [("a b", "c d+ ")]),
        ("a=%7e%7E%61%C3%a9", [("a", "~~aé")]),
        ("b5=%3D%253D", [("b5", "=%3D")]),
        ("a=[é]海", [("a", "[é]海")]),
        ("a=%00%0A", [("a", "\0\n")]),
    ],
)
def test_a_form_is_read_strictly_and_as_sent_alike_where_it_is_valid(form, pairs):
    for read in (parse_form, parse_form_as_sent):
        assert read(form) == read(form.encode()) == pairs


@pytest.mark.parametrize(
    ("form", "pairs"),
    [
        (b"a=100%", [("a", "100%")]),
        (b"a=%zz&b=%4", [("a", "%zz"), ("b", "%4")]),
        (b"a=%92", [("a", "\udc92")]),
        (b"a=\x92", [("a", "\udc92")]),
    ],
)
def test_what_is_not_valid_is_read_as_sent_and_strictly_refused(form, pairs):
    assert parse_form_as_sent(form) == pairs
    with pytest.raises(InvalidRequest):
        parse_form(form)


def test_a_form_is_written_with_each_name_and_value_encoded():
    assert build_form([("a b", "c&d"), ("a b", ""), ("", "="), ("é", "~")]) == "a%20b=c%26d&a%20b=&=%3D&%C3%A9=~"
    assert build_form([("a", "\udc92")]) == "a=%92"
    assert build_form([]) == ""


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-Urlencoded", True),
        (" application/x-www-form-urlencoded\t; charset=UTF-8", True),
        ("application/x-www-form-urlencoded\xa0", False),
        ("\x85application/x-www-form-urlencoded", False),
        ("application/x-www-form-urlencoded\r\n", False),
        ("application/x-www-form-urlencoded, text/plain", False),
        ("", False),
        ("application/x-www-form-urlencoded-foo", False),
        ("xapplication/x-www-form-urlencodedx", False),
        ("application/json; application/x-www-form-urlencoded", False),
    ],
)
def test_a_form_is_known_by_its_media_type(content_type, expected):
    assert is_form(content_type) is expected


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("http://h/", ""),
        ("http://h/?", ""),
        ("http://h/?a=1", "a=1"),
        ("http://h?a=1#b?c", "a=1"),
        ("http://h/#a?b", ""),
        ("http://h/?a?b=?", "a?b=?"),
    ],
)
def test_the_query_is_the_part_between_question_mark_and_fragment(url, query):
    assert query_of(url) == query


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/", "http://h/?x=1"),
        ("http://h/?", "http://h/?x=1"),
        ("http://h/?a=%7e+", "http://h/?a=%7e+&x=1"),
        ("http://h/?a&", "http://h/?a&x=1"),
        ("http://h/?a=b?", "http://h/?a=b?&x=1"),
        ("http://h/a&", "http://h/a&?x=1"),
        ("http://h/#top?a", "http://h/?x=1#top?a"),
        ("http://h/#", "http://h/?x=1#"),
    ],
)
def test_what_is_added_to_a_query_leaves_the_rest_as_it_is(url, expected):
    assert add_to_query(url, "x=1") == expected
    assert add_to_query(url, "") == url


# --- pairs and dicts ----------------------------------------------------------


def test_the_pairs_of_a_dict_are_text():
    parameters = {
        "a": "1",
        b"b": b"\xe6\xb5\xb7",
        "c": 3,
        "d": ["4", b"5", 6],
        "e": ("7",),
        "f": [],
        "g": None,
        "h": ["8", None],
    }
    assert text_pairs(parameters) == [
        ("a", "1"),
        ("b", "海"),
        ("c", "3"),
        ("d", "4"),
        ("d", "5"),
        ("d", "6"),
        ("e", "7"),
        ("h", "8"),
    ]


@pytest.mark.parametrize(
    "value", [{"b": 1}, {}, [{"b": 1}], ["a", ["b"]], ("a", ("b",)), [{"b"}], [frozenset()], ({},)], ids=str
)
def test_a_nested_value_is_refused_by_its_name(value):
    with pytest.raises(TypeError, match=r"^parameters: the value of 'a' must be text, a number, or a flat list"):
        text_pairs({"a": value})


def test_bytes_that_are_not_utf8_are_no_parameter():
    with pytest.raises(TypeError):
        text_pairs({"a": b"\xff"})


def test_pairs_are_grouped_by_name_in_order():
    pairs = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "1")]
    assert group_pairs(pairs) == {"a": ["1", "3", "1"], "b": "2"}
    assert text_pairs(group_pairs(pairs)) == [("a", "1"), ("a", "3"), ("a", "1"), ("b", "2")]


def test_without_removes_each_pair_as_often_as_it_occurs():
    a, b, c = ("a", "1"), ("b", "2"), ("a", "2")
    assert subtract([a, b, a, c], [a, c, b]) == [a]
    assert subtract([a], []) == [a]
    assert subtract([], [a]) == []


# --- oauth_body_hash ----------------------------------------------------------


def base64_of(digested):
    return b64encode(digested.digest()).decode()


@pytest.mark.parametrize("convert", [bytes, bytearray, memoryview, io.BytesIO])
def test_a_body_is_bytes_or_a_file(convert):
    assert body_hash(convert(b"{}")) == base64_of(sha1(b"{}"))
    assert body_hash(convert(b"{}"), "sha256") == base64_of(sha256(b"{}"))


def test_a_large_file_is_read_in_pieces_and_put_back(tmp_path):
    content = b"x" * (2 * 1024 * 1024 + 1)
    path = tmp_path / "large"
    path.write_bytes(b"skipped" + content)
    with path.open("rb") as file:
        file.seek(7)
        assert body_hash(file) == base64_of(sha1(content))
        assert file.read() == content


class Unseekable(io.BytesIO):
    def tell(self):
        raise OSError("not seekable")


@pytest.mark.parametrize("body", ["text", None, 17, iter([b"a"]), Unseekable(b"a")])
def test_a_body_that_can_be_read_only_once_is_none(body):
    with pytest.raises(TypeError, match="body"):
        body_hash(body)


def test_an_unknown_digest_is_a_value_error():
    with pytest.raises(ValueError):
        body_hash(b"", "sha0")


def test_a_subclass_of_text_is_one_text_too():
    class Text(str):
        __slots__ = ()

    assert text_pairs({"a": Text("bc"), "d": [Text("e")]}) == [("a", "bc"), ("d", "e")]


# --- characters that are not allowed in a query or a form ---------------------


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", ""),
        ("a=1&b=%20+%7e&c=%c3%a9", "a=1&b=%20+%7e&c=%c3%a9"),
        ("-._~!$&'()*+,;=:@/?", "-._~!$&'()*+,;=:@/?"),
        ('[]{}|\\^`"<> #\x7f\0', "%5B%5D%7B%7D%7C%5C%5E%60%22%3C%3E%20%23%7F%00"),
        ("é\udcff", "%C3%A9%FF"),
        ("%", "%25"),
        ("%%41%4", "%25%41%254"),
        ("%[5", "%25%5B5"),
        ("%4[1", "%254%5B1"),
        ("%é1", "%25%C3%A91"),
    ],
)
def test_only_characters_that_a_query_cannot_contain_are_encoded(text, encoded):
    assert encode_illegal(text) == encoded
    assert encode_illegal(encoded) == encoded


@pytest.mark.parametrize(
    ("text", "legal"),
    [("a=%20+b!&c", True), ("", True), ("a=%zz", False), ("[", False), ("#", False), ("é", False), ("\ud800", False)],
)
def test_text_that_is_all_legal_is_known(text, legal):
    assert is_all_legal(text) == legal


def test_a_surrogate_that_pep_383_did_not_create_is_an_error():
    with pytest.raises(UnicodeEncodeError):
        encode_illegal("\ud800")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_a_loopback_host_is_recognised_in_a_url_and_as_an_address(host):
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["", "127.0.0.1:80", "127.0.0.2", "localhost.example", "[::]", "0.0.0.0"])
def test_no_other_host_is_a_loopback_host(host):
    assert not is_loopback_host(host)


def test_a_dict_is_encoded_in_one_pass_if_it_contains_only_text_and_utf_8():
    assert encode_texts({"a b": "1", "c": "é".encode()}) == ["a%20b 1", "c %C3%A9"]
    for value in (1, None, ["1"], b"\xff", "\ud800", "\1", "\2"):
        assert encode_texts({"a": value}) is None

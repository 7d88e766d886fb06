"""Percent-encoding (RFC 5849 section 3.6) and the drop-in text helpers."""

import string

import pytest

import oauth2
from oauth2._wire.percent import percent_decode_as_sent, percent_encode_as_sent
from oauth2._wire.text import is_utf8, read_digits, to_text
from oauth2.encoding import percent_decode, percent_encode
from oauth2.errors import InvalidRequest

UNRESERVED = string.ascii_letters + string.digits + "-._~"


def test_unreserved_characters_are_never_encoded_and_all_others_always():
    for octet in range(0x80):
        char = chr(octet)
        expected = char if char in UNRESERVED else f"%{octet:02X}"
        assert percent_encode(char) == percent_encode(char.encode()) == expected


@pytest.mark.parametrize("octets", [bytes(range(256)), b"\xff\xfe", b""])
def test_octets_are_encoded_as_they_are(octets):
    encoded = percent_encode(octets)
    assert percent_decode_as_sent(encoded).encode("utf-8", "surrogateescape") == octets


@pytest.mark.parametrize("value", [None, 17, ["a"], bytearray(b"a")])
def test_what_is_neither_text_nor_bytes_cannot_be_encoded(value):
    with pytest.raises(TypeError, match="text"):
        percent_encode(value)


def test_text_without_utf8_form_cannot_be_encoded_unless_it_was_read_as_sent():
    with pytest.raises(UnicodeEncodeError):
        percent_encode("\udc92")
    assert percent_encode_as_sent("é\udc92") == "%C3%A9%92"
    assert percent_encode_as_sent("é") == "%C3%A9"
    with pytest.raises(UnicodeEncodeError):
        percent_encode_as_sent("\ud800")


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("", ""),
        ("abc~", "abc~"),
        ("a%20b+c", "a b+c"),
        ("%7e%7E%41", "~~A"),
        ("%e6%B5%b7", "海"),
        ("海%20é", "海 é"),
        ("%2541", "%41"),
        ("%00", "\0"),
    ],
)
def test_decoding_is_done_once(encoded, text):
    assert percent_decode(encoded) == percent_decode_as_sent(encoded) == text


@pytest.mark.parametrize(
    "encoded", ["%", "a%", "%4", "%zz", "%4g", "%g4", "%%41", "% 1", "%+1", "%0x", "%\u0661\u0661"]
)
def test_a_verifier_refuses_a_stray_percent_sign_and_a_signer_reads_it_as_itself(encoded):
    with pytest.raises(InvalidRequest, match="hexadecimal"):
        percent_decode(encoded)
    assert percent_decode_as_sent(encoded) == encoded.replace("%41", "A")


@pytest.mark.parametrize("encoded", ["%ff", "%C3", "%ED%A0%80", "%C0%AF", "\udc92", "%20\udc92", "é%80"])
def test_what_is_not_utf8_is_refused_by_a_verifier(encoded):
    with pytest.raises(InvalidRequest, match="UTF-8"):
        percent_decode(encoded)


def test_octets_that_are_not_utf8_survive_a_signer():
    assert percent_decode_as_sent("%92%C3") == "\udc92\udcc3"
    assert percent_encode_as_sent(percent_decode_as_sent("%92%C3\udc93")) == "%92%C3%93"


def test_to_text_returns_the_text_that_is_sent():
    assert [to_text(value) for value in ("é", "é".encode(), 17, None, 1.5)] == ["é", "é", "17", "None", "1.5"]
    with pytest.raises(TypeError):
        to_text(b"\xff")


def test_is_utf8_is_true_only_for_text_with_a_utf8_form():
    assert is_utf8("")
    assert is_utf8("海")
    assert not is_utf8("\udc92")
    assert not is_utf8(None)


# --- drop-in helpers ----------------------------------------------------------


def test_escape_is_percent_encoding_to_text():
    assert oauth2.escape("a b~/é") == oauth2.escape("a b~/é".encode()) == "a%20b~%2F%C3%A9"


def test_string_types_are_text_and_bytes():
    assert isinstance("", oauth2.STRING_TYPES)
    assert isinstance(b"", oauth2.STRING_TYPES)
    assert not isinstance(0, oauth2.STRING_TYPES)


@pytest.mark.parametrize("value", ["海", "海".encode()])
def test_text_and_utf8_go_both_ways(value):
    assert oauth2.to_unicode(value) == oauth2.to_unicode_if_string(value) == "海"
    assert oauth2.to_utf8(value) == oauth2.to_utf8_if_string(value) == "海".encode()
    assert oauth2.to_unicode_optional_iterator(value) == "海"
    assert oauth2.to_utf8_optional_iterator(value) == "海".encode()


@pytest.mark.parametrize("convert", [oauth2.to_unicode, oauth2.to_utf8])
@pytest.mark.parametrize("value", [None, 17, ["a"], b"\xff"])
def test_what_is_no_text_is_a_type_error(convert, value):
    with pytest.raises(TypeError):
        convert(value)


def test_an_error_about_bytes_does_not_contain_them():
    with pytest.raises(TypeError) as caught:
        oauth2.to_unicode(b"hidden\xff")
    assert "hidden" not in repr(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("value", [None, 17, 1.5])
def test_other_values_than_strings_are_returned_unchanged(value):
    for convert in (
        oauth2.to_unicode_if_string,
        oauth2.to_utf8_if_string,
        oauth2.to_unicode_optional_iterator,
        oauth2.to_utf8_optional_iterator,
    ):
        assert convert(value) is value


@pytest.mark.parametrize("convert", [list, tuple, iter])
def test_members_are_converted_and_given_as_a_list(convert):
    members = ["é", "é".encode(), 17, None]
    assert oauth2.to_unicode_optional_iterator(convert(members)) == ["é", "é", 17, None]
    assert oauth2.to_utf8_optional_iterator(convert(members)) == ["é".encode(), "é".encode(), 17, None]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("0", 0), ("17", 17), ("007", 7), ("12345", 12345), ("123456", None), ("", None), ("-1", None), ("+1", None)],
        *[("1_0", None), (" 1", None), ("1\n", None), ("\u0661", None), ("\u00b2", None), ("1.0", None)],
    ],
)
def test_digits_are_ascii_only_and_of_limited_length(text, number):
    assert read_digits(text, 5) == number

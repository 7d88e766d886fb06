"""Header fields in a dict whose names can have any case, and can be bytes."""

import pytest

from oauth2._sending.fields import Fields, text_of


def test_a_field_is_found_in_any_case_and_under_a_name_in_bytes():
    fields = Fields({"content-TYPE": "a/b", b"Host": b"api.example"})
    assert (fields["Content-Type"], fields.get("host")) == ("a/b", "api.example")
    assert "CONTENT-type" in fields
    assert (sorted(fields), len(fields)) == (["content-type", "host"], 2)


def test_a_field_that_does_not_exist_is_empty_or_the_given_default():
    assert Fields({}).get("Host") == ""
    assert Fields({}).get("Host", None) is None
    with pytest.raises(KeyError):
        Fields({"Hosts": "a"})["Host"]


def test_setting_a_field_replaces_all_its_spellings_in_the_dict():
    raw = {"accept": "1", b"ACCEPT": "2", "Host": "a"}
    fields = Fields(raw)
    fields["Accept"] = "3"
    assert raw == {"Host": "a", "Accept": "3"}
    assert fields.raw is raw


def test_deleting_a_field_deletes_all_its_spellings():
    raw = {"accept": "1", b"ACCEPT": "2", "Host": "a"}
    fields = Fields(raw)
    del fields["Accept"]
    fields.discard("host", "cookie")
    assert raw == {}


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (b"\xe9", "é"), (5, "5")])
def test_a_value_is_text(value, text):
    assert text_of(value) == text

"""Consumer and Token: client and token credentials (RFC 5849 section 1.1)."""

import pickle
import re
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

import oauth2
from oauth2._checks import are_credentials
from oauth2.clients._xoauth import require_credentials


@pytest.mark.parametrize("cls", [oauth2.Consumer, oauth2.Token])
def test_credentials_have_a_key_and_a_secret(cls):
    credentials = cls("k", "s")
    assert (credentials.key, credentials.secret) == ("k", "s")
    credentials = cls(key=b"k", secret="")
    assert (credentials.key, credentials.secret) == (b"k", "")


@pytest.mark.parametrize("cls", [oauth2.Consumer, oauth2.Token])
@pytest.mark.parametrize(("key", "secret"), [(None, "s"), ("k", None), (None, None)])
def test_neither_key_nor_secret_may_be_none(cls, key, secret):
    with pytest.raises(ValueError, match="must be set"):
        cls(key, secret)


@pytest.mark.parametrize("cls", [oauth2.Consumer, oauth2.Token])
def test_a_subclass_that_does_not_call_the_constructor_works(cls):
    class Row(cls):
        def __init__(self, key, secret):
            self.key, self.secret = key, secret

    row, made = Row("k", "s"), cls("k", "s")
    assert (str(row), repr(row)) == (str(made), "<Row 'k'>")
    for name in vars(made):
        assert getattr(row, name) == getattr(made, name)
    consumer, token = (row, None) if cls is oauth2.Consumer else (oauth2.Consumer("c", "s"), row)
    request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", "https://api.example/")
    method = oauth2.SignatureMethod_HMAC_SHA1()
    request.sign_request(method, consumer, token)
    server = oauth2.Server({"HMAC-SHA1": method})
    received = oauth2.Request.from_request("GET", "https://api.example/", request.to_header(), body=b"")
    assert server.verify_request(received, consumer, token) == {}


@pytest.mark.parametrize("cls", [oauth2.Consumer, oauth2.Token])
def test_credentials_without_a_secret_never_verify(cls):
    class Row(cls):
        def __init__(self, key):
            self.key = key

    consumer = Row("c") if cls is oauth2.Consumer else oauth2.Consumer("c", "s")
    token = Row("t") if cls is oauth2.Token else None
    method = oauth2.SignatureMethod_HMAC_SHA1()
    for secret in ("", "None"):
        request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", "https://api.example/")
        guessed = [cls(each.key, secret) if type(each) is Row else each for each in (consumer, token)]
        request.sign_request(method, *guessed)
        received = oauth2.Request.from_request("GET", "https://api.example/", request.to_header(), body=b"")
        with pytest.raises(oauth2.errors.SignatureInvalid):
            oauth2.Server({"HMAC-SHA1": method}).verify_request(received, consumer, token)


@pytest.mark.parametrize("cls", [oauth2.Consumer, oauth2.Token])
def test_repr_shows_the_key_and_never_the_secret(cls):
    class Own(cls):
        pass

    assert repr(cls("k", "hidden")) == f"<{cls.__name__} 'k'>"
    assert repr(Own("k", "hidden")) == "<Own 'k'>"


def test_str_of_a_consumer_is_a_form_with_its_secret():
    assert str(oauth2.Consumer("a&b", "c d%")) == "oauth_consumer_key=a%26b&oauth_consumer_secret=c+d%25"
    assert str(oauth2.Consumer(b"k", "é".encode())) == "oauth_consumer_key=k&oauth_consumer_secret=%C3%A9"


def test_str_of_a_token_is_what_from_string_reads():
    token = oauth2.Token("a&b", "c d%")
    assert str(token) == token.to_string() == "oauth_token=a%26b&oauth_token_secret=c+d%25"
    again = oauth2.Token.from_string(str(token))
    assert (again.key, again.secret, again.callback_confirmed) == ("a&b", "c d%", None)


def test_a_confirmed_callback_is_kept():
    token = oauth2.Token("k", "s")
    token.set_callback("https://app.example/cb")
    assert token.callback_confirmed == "true"
    assert parse_qs(str(token))["oauth_callback_confirmed"] == ["true"]
    assert oauth2.Token.from_string(str(token)).callback_confirmed == "true"


@pytest.mark.parametrize("convert", [str, str.encode])
def test_a_token_is_read_from_text_and_bytes(convert):
    token = oauth2.Token.from_string(convert("oauth_token_secret=%C3%A9+s&x=%zz&oauth_token=k&oauth_token=other"))
    assert (token.key, token.secret) == ("k", "é s")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("convert", [str, str.encode])
def test_a_line_end_behind_a_stored_token_is_not_part_of_it(convert, end, caplog):
    token = oauth2.Token.from_string(convert(f"oauth_token=k&oauth_token_secret=s{end}"))
    assert (token.key, token.secret) == ("k", "s")
    last = oauth2.Token.from_string(convert(f"oauth_token=k&oauth_token_secret=s&oauth_callback_confirmed=true{end}"))
    assert last.callback_confirmed == "true"
    assert caplog.text == ""


def test_a_stored_secret_with_whitespace_around_it_is_warned_of_and_not_shown(caplog):
    token = oauth2.Token.from_string("oauth_token=k&oauth_token_secret=hush%0A")
    assert token.secret == "hush\n"
    assert "oauth_token_secret starts or ends with whitespace" in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        b"",
        "x",
        "oauth_token=k",
        "oauth_token_secret=s",
        "oauth_token=&oauth_token_secret=s",
        "oauth_token=k&oauth_token_secret=",
        "oauth_token=k&oauth_token_secret",
        "oauth_token=%ff&oauth_token_secret=s",
        b"oauth_token=k&oauth_token_secret=\xff",
    ],
)
def test_text_without_a_token_is_a_value_error(text):
    with pytest.raises(ValueError, match="oauth_token"):
        oauth2.Token.from_string(text)


def test_such_an_error_does_not_show_the_secret():
    with pytest.raises(ValueError) as caught:
        oauth2.Token.from_string("oauth_token_secret=hidden")
    assert "hidden" not in repr(caught.value)


def test_a_verifier_is_given_or_made_of_at_least_64_bits():
    token = oauth2.Token("k", "s")
    token.set_verifier("473f82d3")
    assert token.verifier == "473f82d3"
    token.set_verifier()
    assert re.fullmatch("[0-9]{20}", token.verifier)
    token.set_verifier("")
    assert token.verifier == ""


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        ("https://app.example/cb", "https://app.example/cb?oauth_verifier=a%26b"),
        ("https://app.example/cb?", "https://app.example/cb?oauth_verifier=a%26b"),
        ("https://app.example/cb?x=%7e+1&y", "https://app.example/cb?x=%7e+1&y&oauth_verifier=a%26b"),
        ("https://app.example/cb;p?x=1#top", "https://app.example/cb;p?x=1&oauth_verifier=a%26b#top"),
        ("https://app.example/cb#a?b", "https://app.example/cb?oauth_verifier=a%26b#a?b"),
        ("", ""),
        (None, None),
    ],
)
def test_the_callback_url_carries_the_verifier(callback, expected):
    token = oauth2.Token("k", "s")
    token.set_callback(callback)
    token.set_verifier("a&b")
    assert token.get_callback_url() == expected


def test_without_a_verifier_the_callback_url_is_as_it_was_set():
    token = oauth2.Token("k", "s")
    token.set_callback("https://app.example/cb?x=1")
    assert token.get_callback_url() == "https://app.example/cb?x=1"


def test_a_public_key_is_kept_for_the_server():
    assert oauth2.Consumer("k", "", public_key="key").public_key == "key"
    assert oauth2.Consumer("k", "").public_key is None


def test_credentials_survive_pickling():
    token = oauth2.Token("k", "s")
    token.set_verifier("v")
    again = pickle.loads(pickle.dumps(token))
    assert (again.key, again.secret, again.verifier) == ("k", "s", "v")


def test_imap_and_smtp_require_the_classes_consumer_and_token():
    consumer, token = oauth2.Consumer("k", "s"), oauth2.Token("k", "s")
    require_credentials(consumer, token)
    require_credentials(consumer, None)
    other = SimpleNamespace(key="k", secret="s")
    for wrong in (None, other, token):
        with pytest.raises(ValueError, match="consumer"):
            require_credentials(wrong, token)
    for wrong in ({}, other, consumer):
        with pytest.raises(ValueError, match="token"):
            require_credentials(consumer, wrong)


def test_a_token_is_read_from_text_or_bytes_only():
    for value in (None, 17):
        with pytest.raises(TypeError, match="s:"):
            oauth2.Token.from_string(value)


def test_credentials_are_any_object_with_a_key_and_a_secret():
    assert are_credentials(oauth2.Consumer("k", "s"))
    assert are_credentials(SimpleNamespace(key="k", secret="s"))
    assert not are_credentials("key")
    assert not are_credentials(SimpleNamespace(key="k"))
    assert not are_credentials(SimpleNamespace(secret="s"))
    # The class itself is refused, although it has both attributes.
    assert not are_credentials(oauth2.Consumer)

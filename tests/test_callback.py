"""Which callbacks may be registered: RFC 5849 section 2.1."""

import pytest

from oauth2.provider.callbacks import check_callback

TAKEN = [
    "oob",
    "https://app.example/cb",
    "https://app.example",
    "https://app.example:8443/cb?a=1&b=%20",
    "http://127.0.0.1:8765/callback",
    "http://[::1]:8765/",
    "https://app.example/a/..b/c.",
    "com.example.program:/oauth",
    "com.example.program://oauth/callback",
]
REFUSED = [
    "",
    "OOB",
    "app.example/cb",
    "//app.example/cb",
    "javascript:alert(1)",
    "JavaScript://app.example/%0aalert(1)",
    "vbscript:x",
    "data:text/html,x",
    "file:///etc/passwd",
    "about:blank",
    "ftp://app.example/",
    "program:/cb",
    "https://app.example@evil.example/cb",
    "https://user:pw@app.example/cb",
    "https://app.example\\@evil.example/cb",
    "https://app.example/cb#fragment",
    "https://app.example/cb\r\nSet-Cookie: a=b",
    "https://app.example/cb\n",
    "https://app.example/\0",
    "https://app.example/a b",
    "https://app.example/é",
    "https://app.example/cb/../evil",
    "https://app.example/./cb",
    "https://app.example/cb/..",
    "https:///cb",
    "https:app.example",
    "https://",
    " https://app.example/cb",
    "https://[x",
    "https://[zz]/",
    "https://[1:2]/",
    "https://x]/",
    "https://:::/",
    "https://app.example:99999/",
    "https://%zz/",
    "https://a%2fb/",
    "https://app.example:/",
]


@pytest.mark.parametrize("callback", TAKEN)
def test_a_valid_callback_is_accepted(callback):
    check_callback(callback)


@pytest.mark.parametrize("callback", REFUSED)
def test_a_callback_that_browsers_interpret_differently_is_refused(callback):
    with pytest.raises(ValueError, match="callback"):
        check_callback(callback)


def test_a_callback_must_be_a_str():
    with pytest.raises(TypeError, match="callback"):
        check_callback(b"oob")

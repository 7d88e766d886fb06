"""HTTP messages as values: their ``repr`` hides the parts that may contain secrets."""

import pytest

from oauth2.cli.body import Data
from oauth2.cli.message import Message
from oauth2.http import HTTPRequest, HTTPResponse


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.example/photos?oauth_signature=hush", "https://api.example/photos"),
        ("https://joe:hush@api.example", "https://api.example"),
        ("https://api.example?hush://x@y", "https://api.example"),
        ("https://api.example/#hush", "https://api.example/"),
        ("https://joe:hush@api.example/https://b@c/", "https://api.example/https://b@c/"),
        ("/photos/a@b?hush", "/photos/a@b"),
    ],
)
def test_the_repr_of_a_request_shows_method_and_path_only(url, shown):
    headers = [("Authorization", "hush")]
    assert repr(HTTPRequest("POST", url, headers, b"hush")) == f"HTTPRequest(method='POST', url={shown!r})"
    assert repr(Message(method="POST", url=url, headers=tuple(headers), body=b"hush")) == f"<Message POST {shown}>"


def test_the_repr_of_a_response_shows_its_status_only():
    response = HTTPResponse(302, [("Location", "https://app.example/?oauth_verifier=hush")], b"hush")
    assert repr(response) == "HTTPResponse(status=302)"


def test_the_repr_of_the_bodys_options_shows_none():
    assert "hush" not in repr(Data(data=("password=hush",)))

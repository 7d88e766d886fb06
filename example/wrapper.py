"""A wrapper of one service: a subclass of ``Client`` that contains the URL, and reads and writes JSON."""

from __future__ import annotations

import json
from typing import Any

import oauth2 as oauth


class PhotosError(Exception):
    """The service refused a request.

    Args:
        status: The HTTP status.
        text: The body of the response.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Photos(oauth.Client):
    """The photos of a user.

    Args:
        base_url: The URL of the service, such as ``"https://photos.example"``.
        consumer: The client credentials of this program.
        token: The token credentials of the user.
    """

    def __init__(self, base_url: str, consumer: oauth.Consumer, token: oauth.Token) -> None:
        super().__init__(consumer, token, timeout=10)
        self.set_signature_method(oauth.SignatureMethod_HMAC_SHA256())
        self._base_url = base_url

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Send a request to *path* with *content* as JSON, and return the decoded JSON of the response.

        If *content* is None, the request has no body.

        Raises:
            PhotosError: The status is not 2xx.
        """
        body = b"" if content is None else json.dumps(content).encode()
        headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
        response, answer = self.request(f"{self._base_url}{path}", method, body, headers)
        if not 200 <= response.status < 300:
            raise PhotosError(response.status, answer.decode("utf-8", "replace"))
        return json.loads(answer)

    def photos(self) -> Any:
        """Return all photos."""
        return self.call("GET", "/photos")

    def add(self, title: str) -> Any:
        """Add a photo."""
        return self.call("POST", "/photos", {"title": title})

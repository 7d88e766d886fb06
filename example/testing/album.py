"""A small client program. The program reads the photo album of a user and adds photos to it.

The tests of the program are in ``test_album.py``.
"""

from dataclasses import dataclass

import requests
from urllib3 import Retry

from oauth2.clients.requests import OAuth1
from oauth2.credentials import Credentials

_TIMEOUT = 10  # Seconds to wait for the service.


class AlbumError(Exception):
    """The service refused the request; the user must approve the program again."""


@dataclass(frozen=True)
class Photo:
    """One photo of an album."""

    title: str
    tags: tuple[str, ...] = ()


class Album:
    """A photo album at a service.

    Args:
        url: The URL of the album.
        consumer: The client credentials of this program.
        token: The token credentials of the user.
    """

    def __init__(self, url: str, consumer: Credentials, token: Credentials) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.auth = OAuth1(consumer, token)
        retry = Retry(2, status_forcelist=[503], allowed_methods=None)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retry))

    def photos(self, tag: str = "") -> list[Photo]:
        """Return the photos with *tag*, or all photos if *tag* is empty."""
        answer = self._session.get(self._url, params={"tag": tag} if tag else {}, timeout=_TIMEOUT)
        return [Photo(each["title"], tuple(each["tags"])) for each in self._checked(answer).json()]

    def add(self, photo: Photo) -> None:
        """Add a photo."""
        form = {"title": photo.title, "tag": list(photo.tags)}
        self._checked(self._session.post(self._url, data=form, timeout=_TIMEOUT))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _checked(self, answer: requests.Response) -> requests.Response:
        if answer.status_code == 401:
            raise AlbumError("The service refused the credentials.")
        answer.raise_for_status()
        return answer

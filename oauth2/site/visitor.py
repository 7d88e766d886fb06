"""A minimal browser for the demo: cookies, pages and forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

__all__ = ["Page", "Visitor"]

_TIMEOUT = 30.0  # Seconds to wait for a response.


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, or a redirect.

    Attributes:
        status: HTTP status.
        location: The URL of the redirect; None for a page.
        text: The HTML text.
    """

    status: int
    location: str | None = field(repr=False)
    text: str = field(repr=False)

    @property
    def title(self) -> str:
        """The heading of the page; empty if the page has no heading."""
        reader = _Reader("", "", "h1")
        reader.feed(self.text)
        return reader.text.strip()

    def hidden(self, action: str) -> dict[str, str]:
        """Return the hidden fields of the form that is sent to the path *action*."""
        reader = _Reader(action)
        reader.feed(self.text)
        return reader.fields

    def text_of(self, identifier: str) -> str:
        """Return the text of the element with this ``id``; empty if the page has no such element."""
        reader = _Reader("", identifier)
        reader.feed(self.text)
        return reader.text


class Visitor:
    """A browser that stores cookies and does not follow redirects.

    Args:
        base_url: The base URL of the site.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _Stay())

    def get(self, path: str) -> Page:
        """Open a page."""
        return self._open(Request(self.base_url + path))  # noqa: S310 - base_url is http or https

    def send(self, path: str, fields: Mapping[str, Any]) -> Page:
        """Send a form with exactly these fields."""
        form = urlencode(fields, doseq=True).encode()
        return self._open(Request(self.base_url + path, form))  # noqa: S310 - as above

    def fill(self, path: str, **fields: Any) -> Page:
        """Open the page at *path*, and send its form with its hidden fields and *fields*."""
        action = path.partition("?")[0]
        return self.send(action, {**self.get(path).hidden(action), **fields})

    def _open(self, request: Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=_TIMEOUT)
        except HTTPError as exc:  # urllib raises HTTPError for errors, and also for redirects that it does not follow.
            answer = exc
        with answer:
            return Page(
                status=answer.status or 0,
                location=answer.headers["Location"],
                text=answer.read().decode("utf-8", "replace"),
            )


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


class _Reader(HTMLParser):
    def __init__(self, action: str, identifier: str = "", tag: str = "") -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.text = ""
        self._action = action
        self._identifier = identifier
        self._tag = tag
        self._is_in_form = False
        self._open: list[str] = []  # This list contains the requested element and the open elements inside it.

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._is_in_form = found.get("action") == self._action
        if self._is_in_form and tag == "input" and found.get("type") == "hidden":
            self.fields[found.get("name") or ""] = found.get("value") or ""
        is_match = tag == self._tag or (self._identifier and found.get("id") == self._identifier)
        if self._open or is_match:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.text += data

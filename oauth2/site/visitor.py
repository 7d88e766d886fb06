"""A browser of few words, for the story: cookies and forms over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back.

    Attributes:
        status: HTTP status.
        location: Where it redirects to, or None.
        text: HTML.
    """

    status: int
    location: str | None
    text: str = field(repr=False)

    @property
    def title(self) -> str:
        """The heading of the page; empty if there is none."""
        reader = _Reader("", "", "h1")
        reader.feed(self.text)
        return reader.text.strip()

    def hidden(self, action: str) -> dict[str, str]:
        """Return the hidden fields of the form that is sent to the path *action*."""
        reader = _Reader(action)
        reader.feed(self.text)
        return reader.fields

    def text_of(self, identifier: str) -> str:
        """Return the text of the element with this ``id``; empty if there is none."""
        reader = _Reader("", identifier)
        reader.feed(self.text)
        return reader.text


class Visitor:
    """Somebody at a browser: it keeps cookies, and follows no redirect unasked.

    Args:
        base_url: The site.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _Stay())

    def get(self, path: str) -> Page:
        """Open a page."""
        return self._open(Request(self.base_url + path))  # noqa: S310 - base_url is http or https

    def send(self, path: str, fields: Mapping[str, Any]) -> Page:
        """Send a form as it stands."""
        form = urlencode(fields, doseq=True).encode()
        return self._open(Request(self.base_url + path, form))  # noqa: S310 - as above

    def fill(self, path: str, **fields: Any) -> Page:
        """Open the page at *path*, fill in its form, and send it with what is hidden in it."""
        action = path.partition("?")[0]
        return self.send(action, {**self.get(path).hidden(action), **fields})

    def _open(self, request: Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=_TIMEOUT)
        except HTTPError as exc:  # any answer but 200, the redirects included
            answer = exc
        with answer:
            return Page(
                status=answer.status, location=answer.headers["Location"], text=answer.read().decode("utf-8", "replace")
            )


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
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
        self._open: list[str] = []  # elements, from the one that is looked for inwards

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._is_in_form = found.get("action") == self._action
        if self._is_in_form and tag == "input" and found.get("type") == "hidden":
            self.fields[found.get("name") or ""] = found.get("value") or ""
        is_wanted = tag == self._tag or (self._identifier and found.get("id") == self._identifier)
        if self._open or is_wanted:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.text += data

"""Absolute http and https URLs, and the base URL of a service behind a proxy."""

from __future__ import annotations

from ..errors import InvalidURL
from .base_string import base_string_uri


def is_http_url(url: object) -> bool:
    """Return whether *url* is an absolute http or https URL without whitespace and control characters."""
    if not isinstance(url, str) or any(character <= " " or character == "\x7f" for character in url):
        return False
    try:
        base_string_uri(url)
    except ValueError:
        return False
    return True


def checked_base_url(url: object) -> str:
    """Return the argument *base_url* without a slash at the end.

    Raises:
        TypeError: *url* is not a str.
        ValueError: *url* is not an http or https URL, or has userinfo, a query or a fragment.
    """
    if not isinstance(url, str):
        raise TypeError("base_url: must be a str or None")
    if not is_http_url(url):
        raise ValueError("base_url: must be an http or https URL")
    if "?" in url or "#" in url or "@" in url:
        raise ValueError("base_url: must have no userinfo, query or fragment")
    return url.rstrip("/")


def with_base_url(base_url: str | None, url: str) -> str:
    """Return *base_url* with the path and query of *url*; return *url* if *base_url* is None.

    Args:
        base_url: The return value of :func:`checked_base_url`, or None.
        url: An absolute URL, or a path with a query.

    Raises:
        InvalidURL: *url* is neither an absolute URL nor a path. For example, ``http://host%2Fphotos`` is refused: this
            URL has no path, but a server could decode the slash and serve the path ``/photos``.
    """
    if base_url is None:
        return url
    if url.startswith("/"):
        return base_url + url
    scheme, _, rest = url.partition("://")
    start = min([index for index in map(rest.find, "/?#") if index >= 0], default=len(rest))
    if scheme.lower() not in ("http", "https") or "%" in rest[:start] or "\\" in rest[:start]:
        raise InvalidURL("The URL is neither an absolute http or https URL nor a path.")
    return base_url + rest[start:]

"""The paths of a provider: its endpoints, and the paths that it protects."""

from __future__ import annotations

import posixpath
import re
import string
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from .._checks import is_coroutine_function, require_prefix
from .._wire.percent import percent_decode_as_sent
from ..http import HTTPRequest
from ..provider import AsyncProvider, Provider

Paths: TypeAlias = Callable[[str], bool] | Iterable[str] | None

# Characters that some frameworks remove from a path: whitespace, control characters, and the replacement characters for
# octets that are not UTF-8.
_DROPPED = re.compile(r"[\x00-\x20\x7f\s\ufffd\ud800-\udfff]+")
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+/?")  # All frameworks interpret such a path in the same way.
_TAIL = re.compile(r"[;?#][^/]*")
_SLASHES = re.compile(r"/+")
_UNDERSCORES = str.maketrans(dict.fromkeys(string.punctuation.replace("/", ""), "_"))


def endpoints_of(provider: Provider | AsyncProvider, prefix: str) -> dict[str, Callable[[HTTPRequest], Any]]:
    """Return a dict that maps the path of each endpoint (section 2) to the method of *provider*.

    Raises:
        TypeError: *prefix* is not a str.
        ValueError: *prefix* ends with a slash, or is not empty and does not start with a slash.
    """
    require_prefix("prefix", prefix)
    return {f"{prefix}/request_token": provider.request_token, f"{prefix}/access_token": provider.access_token}


def known_realm(provider: Provider | AsyncProvider, realm: str | None) -> str | None:
    """Return *realm*, which must be None or one of the realms of *provider*.

    Raises:
        ValueError: *realm* is neither None nor one of the realms of *provider*.
    """
    if realm is not None and realm not in provider.realms:
        raise ValueError("realm: must be one of the realms of the provider")
    return realm


def covers(paths: Paths) -> Callable[[str, str], bool] | None:
    """Return a function that returns whether a path is protected; None if all paths are protected.

    The function is called with the decoded mount point, and with the decoded path below the mount point. An application
    may remove a prefix from the path. The function therefore removes each possible prefix of the whole path, up to each
    slash, and compares the rest with the protected paths. Not all frameworks read an unusual path in the same way. The
    function therefore checks each form in which a known framework may read the path.

    Args:
        paths: See :class:`~oauth2.middleware._base.BaseProtected`.

    Returns:
        The function; None if all paths are protected. If the result is None, the caller need not decode paths.

    Raises:
        TypeError: *paths* is one str, or a coroutine function.
        ValueError: One of *paths* does not start with a slash.
    """
    if paths is None:
        return None
    if isinstance(paths, str):
        raise TypeError("paths: must be a list of paths, or a function, not one str")
    if is_coroutine_function(paths):
        raise TypeError("paths: must not be a coroutine function")
    if callable(paths):
        return lambda _mount, path: paths(path)
    listed = list(paths)
    if not all(path.startswith("/") or not path for path in listed):
        raise ValueError("paths: each must start with a slash")
    roots = [_folded(path) for path in listed]

    def is_covered(mount: str, path: str) -> bool:
        whole = mount + path
        if any(root in f"{whole}/" for root in roots):
            # Fast path: _readings() would yield a form that contains this root, so the slow path would return True.
            return True
        wholes = [whole] if path.startswith("/") else [whole, f"{mount}/{path}"]
        return any(root in reading for each in wholes for reading in _readings(each) for root in roots)

    return is_covered


def _readings(path: str) -> Iterator[str]:
    """Yield each form in which a known framework may read *path*; each form is normalized by :func:`_folded`."""
    if _PLAIN.fullmatch(path):
        yield _folded(path)
        return
    once = _DROPPED.sub("", path)
    for text in (once, _DROPPED.sub("", percent_decode_as_sent(once))):
        text = text.replace("\\", "/")
        for each in (text, _TAIL.sub("", text)):
            yield _folded(each)
            yield _folded(posixpath.normpath(f"/{each}"))


def _folded(path: str) -> str:
    # "_" replaces punctuation, because in CherryPy the handler my_api also serves "/my.api".
    return _SLASHES.sub("/", f"/{_DROPPED.sub('', path).casefold().translate(_UNDERSCORES)}/")

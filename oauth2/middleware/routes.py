"""Which requests are a provider's: the paths of its endpoints, and those that it protects."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ..http import HTTPRequest, HTTPResponse
    from ..provider import Provider

Paths: TypeAlias = "Callable[[str], bool] | Iterable[str] | None"

_CONTROL = re.compile(r"[\x00-\x20\x7f]+")


def endpoints_of(provider: Provider, prefix: str) -> dict[str, Callable[[HTTPRequest], HTTPResponse]]:
    """Return the endpoints of *provider* (section 2) by path.

    Raises:
        ValueError: *prefix* neither starts with a slash nor is empty, or it ends with one.
    """
    if (prefix and not prefix.startswith("/")) or prefix.endswith("/"):
        raise ValueError("prefix: a path such as /oauth wanted, without a slash at its end")
    return {f"{prefix}/request_token": provider.request_token, f"{prefix}/access_token": provider.access_token}


def known_realm(provider: Provider, realm: str | None) -> str | None:
    """Return *realm*.

    Raises:
        ValueError: It is none of the provider's.
    """
    if realm is not None and realm not in provider.realms:
        raise ValueError("realm: not one of the provider's realms")
    return realm


def covers(paths: Paths) -> Callable[[str], bool]:
    """Return what tells whether a decoded path is protected.

    Args:
        paths: A predicate; or paths, each with all below it; or None for every one.

    Raises:
        TypeError: One str.
        ValueError: A path that does not start with a slash.
    """
    if paths is None:
        return lambda _: True
    if isinstance(paths, str):
        raise TypeError("paths: a list or a predicate wanted, not one str")
    if callable(paths):
        return paths
    roots = [path.rstrip("/") for path in paths]
    if not all(root.startswith("/") or not root for root in roots):
        raise ValueError("paths: each has to start with a slash")

    def is_covered(path: str) -> bool:
        # A framework may take "//api", "/x/../api" or "/api\n" for "/api": both readings are protected.
        plain = posixpath.normpath("/" + _CONTROL.sub("", path).lstrip("/"))
        return any(each == root or each.startswith(f"{root}/") for each in (path, plain) for root in roots)

    return is_covered

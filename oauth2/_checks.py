"""Checks of the arguments that a program passes, and of secrets that come from a file or a service."""

from __future__ import annotations

from functools import partial

_COROUTINE_FLAGS = 0x80 | 0x100  # inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE


def are_credentials(value: object) -> bool:
    """Return whether *value* has the attributes ``key`` and ``secret`` of the protocol :class:`Credentials`."""
    return hasattr(value, "key") and hasattr(value, "secret") and not isinstance(value, type)


def require_keys(consumer: object, token: object) -> None:
    """Refuse a *consumer* or *token* that has no key or no secret. *token* may also be None or a false value.

    Raises:
        TypeError: *consumer* or *token* is refused; the message starts with the argument's name.
    """
    if not are_credentials(consumer):
        raise TypeError("consumer: must be an object with key and secret, such as Consumer(key, secret)")
    if token and not are_credentials(token):
        raise TypeError("token: must be an object with key and secret, such as Token(key, secret), or None")


def strip_line_ends(text: str | bytes) -> str | bytes:
    """Return *text* without trailing line ends. Files and many services add a line end after the last value."""
    return text.rstrip("\r\n") if isinstance(text, str) else text.rstrip(b"\r\n")


def has_outer_whitespace(secret: str) -> bool:
    """Return whether *secret* starts or ends with whitespace. People often copy whitespace together with a secret."""
    return secret != secret.strip()


def warn_of_whitespace(name: str, secret: str) -> None:
    """Log a warning if *secret* starts or ends with whitespace; the warning does not contain the secret.

    Whitespace is not an error, because a secret may contain whitespace.
    """
    if has_outer_whitespace(secret):
        # logging is imported on first use, because importing logging takes more time than `import oauth2`.
        from logging import getLogger

        getLogger("oauth2").warning(
            "%s starts or ends with whitespace. Remove the whitespace unless it is part of the secret.",
            name,
        )


def require_max_body(name: str, size: object) -> None:
    """Refuse a *size* that is not a number of bytes.

    Raises:
        TypeError: *size* is not an int; the message starts with *name*.
        ValueError: *size* is negative.
    """
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"{name}: must be an int, in bytes")
    if size < 0:
        raise ValueError(f"{name}: must not be negative")


def require_prefix(name: str, prefix: object) -> None:
    """Refuse a *prefix* that is not the start of a path.

    Raises:
        TypeError: *prefix* is not a str; the message starts with *name*.
        ValueError: *prefix* ends with a slash, or is not empty and does not start with a slash.
    """
    if not isinstance(prefix, str):
        raise TypeError(f"{name}: must be a str")
    if (prefix and not prefix.startswith("/")) or prefix.endswith("/"):
        raise ValueError(f"{name}: must be a path such as /oauth, without a slash at the end")


def is_coroutine_function(function: object) -> bool:
    """Return whether a call of *function* (function, method, partial or callable object) returns a coroutine.

    :func:`inspect.iscoroutinefunction` is not used for two reasons: it does not recognize a callable object, and
    importing :mod:`inspect` takes longer than ``import oauth2``.
    """
    while isinstance(function, partial):
        function = function.func
    call = getattr(type(function), "__call__", None)  # noqa: B004 - the code of the method is read
    code = getattr(function, "__code__", None) or getattr(call, "__code__", None)
    return bool(getattr(code, "co_flags", 0) & _COROUTINE_FLAGS)


def has_coroutine_functions(store: object, protocol: type[object]) -> bool:
    """Return whether *store* implements a method of *protocol* as a coroutine function."""
    names = [name for name in dir(protocol) if not name.startswith("_")]
    return any(is_coroutine_function(getattr(store, name, None)) for name in names)

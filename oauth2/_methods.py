"""The list of the signature methods of this package. All other modules read this list.

``import oauth2`` reads only the names. The class of a signature method is loaded on first use, so that a process loads
:mod:`oauth2.rsa` only if the process needs RSA.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ._checks import is_coroutine_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .signature import SignatureMethod

__all__ = [
    "MODULES",
    "class_name",
    "family",
    "hmac_methods",
    "method_class",
    "methods_by_name",
    "require_method",
    "sent_names",
]

#: Key: the name of a signature method. Value: the module of its class. The documentation lists the methods in the order
#: of this dict. The name is also the value of ``oauth_signature_method``. The only exception is PLAINTEXT-OVER-HTTP:
#: for this method, clients send PLAINTEXT.
MODULES = {
    "HMAC-SHA1": "signature",
    "HMAC-SHA256": "signature",
    "HMAC-SHA512": "signature",
    "RSA-SHA1": "rsa",
    "RSA-SHA256": "rsa",
    "RSA-SHA512": "rsa",
    "PLAINTEXT": "signature",
    "PLAINTEXT-OVER-HTTP": "signature",
}


def family(name: str) -> str:
    """Return the first part of the name of a signature method, such as ``HMAC`` for ``HMAC-SHA1``."""
    return name.partition("-")[0]


def sent_names() -> tuple[str, ...]:
    """Return all values of ``oauth_signature_method`` that clients send, without duplicates."""
    return tuple(dict.fromkeys(name.removesuffix("-OVER-HTTP") for name in MODULES))


def class_name(name: str) -> str:
    """Return the name of the class of a signature method: ``SignatureMethod_HMAC_SHA1`` for ``HMAC-SHA1``."""
    return f"SignatureMethod_{name.replace('-', '_')}"


def method_class(name: str) -> type[SignatureMethod]:
    """Return the class of a signature method.

    Raises:
        ValueError: *name* is not the name of a signature method of this package.
    """
    if name not in MODULES:
        raise ValueError(f"signature_method: must be one of {', '.join(MODULES)}")
    from importlib import import_module

    found: type[SignatureMethod] = getattr(import_module(f".{MODULES[name]}", __package__), class_name(name))
    return found


def hmac_methods() -> list[SignatureMethod]:
    """Return one object of each HMAC class. A provider allows these methods by default."""
    return [method_class(name)() for name in MODULES if name.startswith("HMAC-")]


def require_method(argument: str, method: object) -> None:
    """Refuse *method* unless it is a signature method: an object, not a class or a name.

    Raises:
        TypeError: *method* is refused; the message starts with *argument*.
    """
    check = getattr(method, "check", None)
    if isinstance(method, type) or check is None or not hasattr(method, "name"):
        raise TypeError(f"{argument}: must be an object, such as SignatureMethod_HMAC_SHA1(), not a class or a name")
    if is_coroutine_function(check):
        raise TypeError(f"{argument}: check() must not be a coroutine function")


def methods_by_name(
    methods: Mapping[str, SignatureMethod] | Iterable[SignatureMethod] | None, argument: str = "signature_methods"
) -> dict[str, SignatureMethod]:
    """Return a dict that maps the name of each method in *methods* to the method.

    If *methods* is already a dict, the result is this dict itself and not a copy.

    Raises:
        TypeError: *methods* contains a class or another object that is not a signature method; the message starts
            with *argument*.
    """
    if methods is None:
        return {}
    if not hasattr(methods, "__iter__"):
        raise TypeError(f"{argument}: must be a list of signature methods, or a dict from names to signature methods")
    found: Any = methods
    members = list(found.values() if isinstance(methods, Mapping) else found)
    for method in members:
        require_method(argument, method)
    return found if isinstance(methods, dict) else {method.name: method for method in members}

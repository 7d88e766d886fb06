"""Code that the modules of all frameworks share: the consent page, and the realms of protected views."""

from __future__ import annotations

from ..errors import PermissionDenied
from ..provider import Access

#: Header fields of the response after the user's decision. Because of these fields, the verifier is neither cached nor
#: sent in the Referer header.
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
#: The text for a user who has denied access to a client without a callback URL.
NO_ACCESS = "The application does not get access."


def code_line(verifier: str) -> str:
    """Return the text that shows the verifier, if the client has no callback URL.

    The user types the verifier into the client.
    """
    return f"Type this code into the application: {verifier}"


def checked_realm(access: Access, realm: str | None) -> Access:
    """Return *access* if it gives access to *realm*.

    Each request is verified only once. The realm must be checked again, because the verification may have been for
    another realm.

    Raises:
        PermissionDenied: The token credentials do not give access to *realm*.
    """
    if realm is not None and (access.token is None or realm not in access.token.realms):
        raise PermissionDenied("The token credentials do not give access to this realm.")
    return access

"""The parts of a signed request that a client keeps for ``explain()``."""

from __future__ import annotations

from .._wire.form import FORM, is_form
from ..http import shown_url
from .outgoing import Outgoing
from .record import Sent
from .signer import Signer

#: Maximum number of characters of a URL, and maximum number of characters or bytes of a form. A longer text is not
#: kept.
MAX_KEPT = 64 * 1024
#: Reasons why only the method and the shown URL of a request are kept.
TOO_LONG = "it is too long"
SECRET = "it contains the secrets themselves"  # noqa: S105 - a reason, and no secret

_SHOWN = 200  # Maximum number of characters that are stored of a URL that is too long.
_PASSWORD = "x_auth_password"  # noqa: S105 - the name of a parameter


def keep(signed: Outgoing, signer: Signer) -> Sent:
    """Store *signed*, which the client is about to send, in the record of *signer*.

    The record stores only references to texts. It stores no stream, and no body except a form. With PLAINTEXT and
    xAuth, the request contains secrets, so the record stores only the method and the URL without its query.
    """
    record, uri, missing = signer.record, signed.uri, ""
    if signed.body or len(uri) > MAX_KEPT or _PASSWORD in uri or signer.signature_method.name == "PLAINTEXT":
        signed, missing = _reduced(signed, signer.signature_method.name)
    sent = Sent(record.key, signed, missing)
    record.keep(sent)
    return sent


def _reduced(signed: Outgoing, method: str) -> tuple[Outgoing, str]:
    """Return the parts of a request that may be kept, and the reason if only method and URL are kept (or ``""``)."""
    verb, uri, body, content_type, authorization, names, _, host = signed
    # A body with oauth_body_hash is not a form. The comparison with FORM is faster than is_form().
    is_kept = "oauth_body_hash" not in names and isinstance(body, (str, bytes))
    is_kept = is_kept and (content_type == FORM or is_form(content_type))
    if len(uri) > MAX_KEPT or (is_kept and len(body) > MAX_KEPT):
        return Outgoing(verb, shown_url(uri)[:_SHOWN]), TOO_LONG
    if method == "PLAINTEXT" or _PASSWORD in uri or (is_kept and _has_password(body)):
        return Outgoing(verb, shown_url(uri)[:_SHOWN]), SECRET
    return (signed if is_kept else Outgoing(verb, uri, None, content_type, authorization, names, None, host)), ""


def _has_password(form: str | bytes) -> bool:
    return _PASSWORD in form if isinstance(form, str) else _PASSWORD.encode() in form

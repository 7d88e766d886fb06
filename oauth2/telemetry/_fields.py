"""The attributes of an event that may be shown. Logs, metrics and traces use the same names for these attributes."""

from __future__ import annotations

import hashlib

from ..provider.audit import Event, Handled, Refused
from ..provider.diagnoses import Diagnosed

Value = str | int | float | None
# These parts of a base string contain no parameters of the request, so logs may show them.
_SHOWN = frozenset({"method", "base string URI"})


def name_of(event: Event) -> str:
    """Return the name of an event, such as ``refused``."""
    return type(event).__name__.lower()


def outcome_of(event: Handled) -> str:
    """Return ``accepted`` or ``refused``."""
    return "accepted" if event.refused is None else "refused"


def problem_of(event: Event) -> str:
    """Return the ``oauth_problem`` of a refusal.

    Return ``other`` if the refusal has no ``oauth_problem``, and ``""`` if *event* is not about a refusal.
    """
    refused = event.refused if isinstance(event, (Handled, Diagnosed)) else event
    return (refused.problem or "other") if isinstance(refused, Refused) else ""


def mistake_of(event: Diagnosed) -> str:
    """Return the key of the first finding; ``""`` if the diagnosis has no finding."""
    return event.diagnosis.findings[0].key if event.diagnosis.findings else ""


def token_id(key: str) -> str:
    """Return an identifier of a token for logs. The token cannot be computed from this identifier.

    A token has the same identifier in each event. The identifier of a grant is the identifier of its first token.

    Args:
        key: The key of a token, a grant or temporary credentials.

    Returns:
        The first 16 hexadecimal digits of the SHA-256 of *key*.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fields_of(event: Event) -> dict[str, Value | list[dict[str, str]] | list[str]]:
    """Return the attributes of an event that a log shows. An attribute whose value is None is omitted."""
    found: dict[str, Value | list[dict[str, str]] | list[str]] = {"event": name_of(event)}
    found["consumer_key"] = event.consumer_key
    for name in ("token_key", "earlier_key", "temporary_key", "grant"):
        key = getattr(event, name, None)
        found[f"{name.removesuffix('_key')}_id"] = None if key is None else token_id(key)
    found["user"] = getattr(event, "user", None)
    if isinstance(event, Handled):
        found |= {"endpoint": event.endpoint, "outcome": outcome_of(event), "seconds": round(event.seconds, 6)}
    refused = event if isinstance(event, Refused) else getattr(event, "refused", None)
    if isinstance(refused, Refused):
        found |= {"status": refused.status, "problem": refused.problem, "reason": refused.message}
    if isinstance(event, Diagnosed):
        found |= {
            "token_id": None if event.refused.token_key is None else token_id(event.refused.token_key),
            "verdict": event.diagnosis.verdict,
            "mistakes": _mistakes(event),
            "ruled_out": list(event.diagnosis.ruled_out) or None,
            "arrived": event.arrived,
            "verified": event.verified,
            "advice": event.advice or None,
            "dropped": event.dropped,
        }
    return {name: value for name, value in found.items() if value is not None}


def _mistakes(event: Diagnosed) -> list[dict[str, str]]:
    found = []
    for each in event.diagnosis.findings:
        mistake = {"key": each.key, "sentence": each.sentence, "repair": each.repair}
        if each.evidence is not None and each.evidence.piece in _SHOWN:
            mistake |= {"piece": each.evidence.piece, "signed": each.evidence.signed, "verified": each.evidence.arrived}
        found.append(mistake)
    return found

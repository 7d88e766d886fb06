"""The parts of a diagnosis: findings with evidence and repair, the comparison, and the pieces of the base string."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._catalogue import MISTAKES


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece of a base string in two forms: the form that RFC 5849 requires, and the form that the sender signed.

    For the finding ``consumer-key``, the piece is ``oauth_consumer_key``: *arrived* is the key in the request, and
    *signed* is the key of the given credentials.

    Attributes:
        piece: Name of the piece: "method", "base string URI", "parameters", "base string" or "oauth_consumer_key".
        arrived: The form that RFC 5849 requires for the received request; ``REDACTED`` replaces secrets.
        signed: The form that the sender signed; ``REDACTED`` replaces secrets.
    """

    piece: str
    arrived: str = field(repr=False)
    signed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake.

    Attributes:
        key: Stable name, for programs: a key of :data:`~oauth2.doctor.MISTAKES`.
        sentence: A sentence for people about the mistake in this request, without secrets.
        evidence: Both forms of the piece that differs; None if the finding has no such piece.
        is_proven: Whether signing with the mistake results in the signature that was sent, or in the other side's base
            string.
    """

    key: str
    sentence: str
    evidence: Evidence | None = None
    is_proven: bool = False

    @property
    def repair(self) -> str:
        """The instruction for the developer."""
        return MISTAKES[self.key].repair


def finding(key: str, sentence: str = "", evidence: Evidence | None = None, *, is_proven: bool = False) -> Finding:
    """Return the finding for a key of the catalogue; *sentence* defaults to the meaning in the catalogue."""
    return Finding(key=key, sentence=sentence or MISTAKES[key].meaning, evidence=evidence, is_proven=is_proven)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The first difference between the other side's base string and our base string. ``REDACTED`` replaces secrets.

    Attributes:
        position: Index of the first character that differs.
        piece: The piece that contains the position: "method", "base string URI" or "parameters".
        ours: A part of our base string, which starts shortly before the position.
        theirs: A part of the other side's base string, which starts at the same index as *ours*.
        only_ours: Encoded parameters, as ``name=value``, that only our base string has; at most 20.
        only_theirs: Encoded parameters, as ``name=value``, that only the other side's base string has; at most 20.
    """

    position: int
    piece: str
    ours: str = field(repr=False)
    theirs: str = field(repr=False)
    only_ours: tuple[str, ...] = field(default=(), repr=False)
    only_theirs: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """The pieces of a signature base string: method, base string URI and parameters. ``REDACTED`` replaces secrets.

    Attributes:
        method: HTTP request method, upper case.
        base_string_uri: Base string URI (section 3.4.1.2).
        parameters: The sorted list of encoded pairs (section 3.4.1.3.2).
        places: The place of each pair in the request: "header", "query" or "form".
        base_string: The whole signature base string.
    """

    method: str
    base_string_uri: str = field(repr=False)
    parameters: tuple[tuple[str, str], ...] = field(repr=False)
    places: tuple[str, ...] = field(repr=False)
    base_string: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The mistakes in a request.

    Attributes:
        verdict: "right": the signature is right, and the request has no mistake. "mistaken": the findings contain the
            mistakes. "unexplained": the signature is wrong, the signature cannot be checked, or the base string of the
            other side differs; no known mistake explains this.
        signature_is_right: Whether the signature is the signature that RFC 5849 requires.
        findings: The mistakes; proven mistakes are first.
        pieces: The pieces of the base string that RFC 5849 requires.
        comparison: The difference from the other side's base string; None if the base strings are equal, or if the
            caller passed no base string.
        tried: Number of base strings that were tried.
        ruled_out: Sentences about causes that the search rules out; empty if a finding explains the signature.
    """

    verdict: str
    signature_is_right: bool
    findings: tuple[Finding, ...]
    pieces: Pieces | None = None
    comparison: Comparison | None = None
    tried: int = 0
    ruled_out: tuple[str, ...] = ()

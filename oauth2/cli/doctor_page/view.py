"""Convert a diagnosis to the values that the page shows.

The functions are pure, and their results contain no secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..._wire.percent import percent_encode_as_sent
from ...doctor import Comparison, Diagnosis, Evidence, Finding, Pieces

__all__ = [
    "ORIGINS",
    "Difference",
    "Row",
    "Segment",
    "difference",
    "labels",
    "origins",
    "parts",
    "proof",
    "rows",
    "segments",
    "shown",
    "sides",
    "steps",
    "tried",
    "uses_secrets",
]

#: Key: the part of the request from which a text of the signature base string comes. Value: its name on the page.
ORIGINS = {
    "method": "Method",
    "url": "URL",
    "query": "Query",
    "form": "Form body",
    "header": "Authorization header",
}
_STEPS = {"method": 1, "base string URI": 2, "parameters": 3, "base string": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the signature base string. *origin* is a key of :data:`ORIGINS`, or ``""`` for a separator."""

    text: str
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An encoded parameter. *origin* is a key of :data:`ORIGINS`: the part of the request that has the parameter."""

    name: str
    value: str = field(repr=False)
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A text in three parts. Only the middle part differs from the text that was compared with it."""

    before: str
    differs: str
    after: str = ""

    def __bool__(self) -> bool:
        return bool(self.before or self.differs or self.after)


def rows(pieces: Pieces) -> list[Row]:
    """Return the signed parameters, encoded and sorted (section 3.4.1.3.2)."""
    named = zip(pieces.parameters, pieces.places, strict=True)
    return [Row(name=name, value=value, origin=place) for (name, value), place in named]


def segments(pieces: Pieces) -> list[Segment]:
    """Return the parts of the signature base string (section 3.4.1.1), in order. Joined, they are the base string."""
    made = list(_segments(pieces))
    if "".join([each.text for each in made]) == pieces.base_string:
        return made
    # The doctor removes secrets and the ends of long texts from the base string. The parts still contain the removed
    # text. In this case, the joined parts are not equal to the base string, and must not be shown.
    return [Segment(text=pieces.base_string)]


def _segments(pieces: Pieces) -> Iterator[Segment]:
    yield Segment(text=percent_encode_as_sent(pieces.method), origin="method")
    yield Segment(text="&")
    yield Segment(text=percent_encode_as_sent(pieces.base_string_uri), origin="url")
    yield Segment(text="&")
    for number, each in enumerate(rows(pieces)):
        if number:
            yield Segment(text="%26")
        pair = f"{percent_encode_as_sent(each.name)}%3D{percent_encode_as_sent(each.value)}"
        yield Segment(text=pair, origin=each.origin)


def origins(pieces: Pieces) -> dict[str, str]:
    """Return the items of :data:`ORIGINS` that occur in this base string."""
    found = {"method", "url", *pieces.places}
    return {name: text for name, text in ORIGINS.items() if name in found}


def steps(findings: Sequence[Finding]) -> set[int]:
    """Return the numbers of the steps on the page in which the findings show a mistake."""
    pieces = [each.evidence.piece for each in findings if each.evidence is not None]
    return {_STEPS[piece] for piece in pieces if piece in _STEPS}


def difference(one: str, other: str) -> Difference:
    """Return *one* in three parts; only the middle part differs from *other*."""
    shortest = min(len(one), len(other))
    start = next((at for at in range(shortest) if one[at] != other[at]), shortest)
    most = shortest - start
    end = next((at for at in range(most) if one[-1 - at] != other[-1 - at]), most)
    return Difference(before=one[:start], differs=one[start : len(one) - end], after=one[len(one) - end :])


def sides(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the parameters that occur in only one base string, sorted, each with the label of this base string."""
    ours = [(text, "Expected") for text in comparison.only_ours]
    return sorted([*ours, *((text, "Reported") for text in comparison.only_theirs)])


def parts(evidence: Evidence | Comparison) -> tuple[Difference, Difference]:
    """Return the expected and the other text of an evidence or a comparison, each split at the difference."""
    if isinstance(evidence, Comparison):
        ours, theirs = evidence.ours, evidence.theirs
    else:
        ours, theirs = evidence.arrived, evidence.signed
    return difference(ours, theirs), difference(theirs, ours)


def labels(evidence: Evidence) -> tuple[str, str]:
    """Return the labels of the two texts of an evidence."""
    # If the evidence is about a protocol parameter, the two values come from the request and from the credentials.
    # Otherwise the values are the expected and the signed value.
    is_named = evidence.piece.startswith("oauth_")
    return ("In the request", "In the credentials") if is_named else ("Expected", "Signed")


def proof(diagnosis: Diagnosis) -> str:
    """Return a sentence that says how the findings are proven."""
    proven = [each for each in diagnosis.findings if each.is_proven]
    subject = "The proof: this mistake gives" if len(proven) == 1 else "The proof: the proven mistakes together give"
    is_reported = any(each.sentence.startswith("According to") for each in proven)
    return (
        f"{subject} exactly the {'base string that the service reports' if is_reported else 'signature that was sent'}."
    )


def tried(diagnosis: Diagnosis) -> list[str]:
    """Return sentences about the base strings that were tried, and about the causes that are not possible."""
    if diagnosis.ruled_out:
        return list(diagnosis.ruled_out)
    if diagnosis.signature_is_right:
        return ["The base string of RFC 5849 gives the signature that was sent."]
    if not diagnosis.tried:
        return ["The signature was not checked."]
    known = "the right base string, and base strings with one or two known mistakes"
    is_found = any(each.is_proven and not each.sentence.startswith("According to") for each in diagnosis.findings)
    end = (
        ("The last base string gives the signature that was sent.")
        if is_found
        else "No base string gives the signature that was sent."
    )
    count = f"{diagnosis.tried:,} base string{'' if diagnosis.tried == 1 else 's'}"
    return [f"{count}: {known}. {end}"]


def uses_secrets(pieces: Pieces) -> bool:
    """Return whether the signature method of the request uses the secrets (section 3.4.2)."""
    return not dict(pieces.parameters).get("oauth_signature_method", "").upper().startswith("RSA")


def shown(diagnosis: Diagnosis) -> dict[str, object]:
    """Return the values that the template of the result shows."""
    pieces = diagnosis.pieces
    return {
        "diagnosis": diagnosis,
        "steps": steps(diagnosis.findings),
        "rows": [] if pieces is None else rows(pieces),
        "segments": [] if pieces is None else segments(pieces),
        "origins": {} if pieces is None else origins(pieces),
        "uses_secrets": pieces is not None and uses_secrets(pieces),
        "names": ORIGINS,
        "parts": parts,
        "sides": [] if diagnosis.comparison is None else sides(diagnosis.comparison),
        "labels": labels,
        "proof": proof(diagnosis),
        "tried": tried(diagnosis),
    }

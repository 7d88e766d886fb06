"""A diagnosis as lines of text for a person.

The lines contain texts from the request and from the other side. Escape each line before you show the line in a
terminal.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._finding import Comparison, Diagnosis, Finding, Pieces

__all__ = ["comparison_lines", "lines", "pieces_lines", "verdict"]


def lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the verdict, the findings with proof and repair, the comparison, and the causes that are ruled out.

    The lines contain no secrets.
    """
    yield verdict(diagnosis)
    for each in diagnosis.findings:
        yield from _finding(each)
    if diagnosis.comparison is not None:
        yield ""
        yield from comparison_lines(diagnosis.comparison)
    if diagnosis.ruled_out:
        yield ""
    yield from diagnosis.ruled_out


def verdict(diagnosis: Diagnosis) -> str:
    """Return the result of a diagnosis in one sentence."""
    count = len(diagnosis.findings)
    if diagnosis.verdict == "mistaken":
        valid = "The signature is valid, but " if diagnosis.signature_is_right else ""
        return f"{valid}{count} {'mistake was' if count == 1 else 'mistakes were'} found."
    if diagnosis.verdict == "right":
        return "The signature is valid, and no mistake was found."
    if diagnosis.signature_is_right:
        return "The signature is valid, but the other side reports another base string."
    return "The signature is not valid, and no known mistake explains it."


def comparison_lines(comparison: Comparison, ours: str = "expected", theirs: str = "reported") -> Iterator[str]:
    """Yield the first difference between two base strings, and the parameters that only one of them contains.

    Args:
        comparison: The attribute ``comparison`` of a diagnosis.
        ours: The name of our base string.
        theirs: The name of the base string of the other side.
    """
    width = max(len(ours), len(theirs))
    yield f"The base strings differ from character {comparison.position + 1} on, in the {comparison.piece}:"
    yield f"  {ours:<{width}}  {comparison.ours}"
    yield f"  {theirs:<{width}}  {comparison.theirs}"
    for name, only in ((ours, comparison.only_ours), (theirs, comparison.only_theirs)):
        yield from [f"  only {name}  {each}" for each in only]


def pieces_lines(pieces: Pieces, most: int | None = None) -> Iterator[str]:
    """Yield the pieces of a signature base string, and then the base string (section 3.4.1.1).

    Args:
        pieces: The attribute ``pieces`` of a diagnosis.
        most: The maximum number of parameters; None for all parameters.
    """
    yield f"  method      {pieces.method}"
    yield f"  URI         {pieces.base_string_uri}"
    shown = list(zip(pieces.places, pieces.parameters, strict=True))[:most]
    for place, (name, value) in shown:
        yield f"  {place:<12}{name}={value}"
    if len(pieces.parameters) > len(shown):
        yield f"  ... and {len(pieces.parameters) - len(shown)} more"
    yield f"  base string {pieces.base_string}"


def _finding(found: Finding) -> Iterator[str]:
    yield ""
    yield f"{found.key}: {found.sentence}"
    if found.evidence is not None:
        yield f"  {found.evidence.piece}"
        yield f"    expected  {found.evidence.arrived}"
        yield f"    signed    {found.evidence.signed}"
    proof = " (This mistake gives exactly the signature that was sent.)" if found.is_proven else ""
    yield f"  Repair: {found.repair}{proof}"

"""Deviations in names with brackets, which PHP and other languages use for arrays and nested objects."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ._parameters import deviation, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._message import Parameter
    from ._parameters import Change, Parameters
    from ._signed import Deviation

_LAST_KEY = re.compile(r"\[[^\[\]]*+\]\Z")
_KEY = re.compile(r"\[([^\[\]]++)\]")


def array_deviations() -> Iterator[Deviation]:
    """Yield the deviations in names with brackets; the most common deviation is first."""
    yield deviation("array-indices-added", _indexed)
    sentence = "Indices were added to a name that is sent more than once: x= was signed as x[0]=."
    yield deviation("array-indices-added", _repeated(lambda name, number: f"{name}[{number}]"), sentence)
    yield deviation("array-brackets-added", _repeated(lambda name, _number: f"{name}[]"))
    yield deviation("array-indices-removed", _renamed(lambda name: _LAST_KEY.sub("[]", name)))
    yield deviation("array-keys-lost", _renamed(lambda name: _LAST_KEY.sub("", name)))
    yield deviation("array-keys-lost", _renamed(_base))
    yield deviation("array-keys-lost", _renamed(lambda name: name.replace("[]", "")), "x[]= was signed as x=.")
    yield deviation("array-dots", _renamed(lambda name: _KEY.sub(r".\1", name)))
    for text in ("Array", "[object Object]", ""):
        yield deviation("array-as-text", _as_text(text))
    yield deviation("arrays-not-signed", without(lambda each: "[" in each.name))


def _base(name: str) -> str:
    return name.partition("[")[0]


def _renamed(how: Callable[[str], str]) -> Change:
    return lambda parameters: tuple(
        replace(each, name=how(each.name)) if "[" in each.name else each for each in parameters
    )


def _indexed(parameters: Parameters) -> Parameters:
    counts: Counter[str] = Counter()
    found = []
    for each in parameters:
        head, brackets, tail = each.name.partition("[]")
        if brackets:
            # The whole name is the key of the counter, so that x[][a] and x[][b] are counted separately.
            found.append(replace(each, name=f"{head}[{counts[each.name]}]{tail}"))
            counts[each.name] += 1
        else:
            found.append(each)
    return tuple(found)


def _repeated(how: Callable[[str, int], str]) -> Change:
    def change(parameters: Parameters) -> Parameters:
        totals = Counter(each.name for each in parameters)
        counts: Counter[str] = Counter()
        found = []
        for each in parameters:
            name = how(each.name, counts[each.name]) if totals[each.name] > 1 else each.name
            counts[each.name] += 1
            found.append(replace(each, name=name))
        return tuple(found)

    return change


def _as_text(text: str) -> Change:
    def change(parameters: Parameters) -> Parameters:
        arrays: dict[str, list[Parameter]] = {}
        for each in parameters:
            if "[" in each.name:
                arrays.setdefault(_base(each.name), []).append(each)
        joined = [
            replace(same[0], name=name, value=text or ",".join([each.value for each in same]))
            for name, same in arrays.items()
        ]
        return (*[each for each in parameters if "[" not in each.name], *joined)

    return change

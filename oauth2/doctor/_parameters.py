"""Deviations in the choice of signed parameters, and in their values: RFC 5849 section 3.4.1.3.1."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from unicodedata import normalize as normalize_unicode

from .._wire.percent import percent_decode_as_sent
from ._message import Parameter, read_form
from ._signed import Deviation, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._message import Message
    from ._signed import Signed

    Parameters = tuple[Parameter, ...]
    Change = Callable[[Parameters], Parameters]
    Test = Callable[[Parameter], bool]

_MAX_SINGLE = 40  # Maximum number of deviations that leave out one name. For further names, no deviation is tried.
_MAX_FRAGMENT = 4096  # Maximum number of characters of a fragment that are read.
_MAX_SHOWN = 60  # Maximum number of characters of a name that are shown.
# Only these charsets of a form are decoded, because some codecs of Python take quadratic time.
_CHARSET = re.compile(
    r"charset=[\"']?(iso-8859-1?\d|windows-125\d|koi8-[ru]|shift_jis|euc-jp|euc-kr|gbk|gb2312|gb18030|big5)\b",
    re.IGNORECASE,
)
# If an octet is not UTF-8, decoding it with surrogateescape results in a surrogate in this range.
_STRAY_OCTET = re.compile("[\udc80-\udcff]")


def parameter_deviations(message: Message) -> Iterator[Deviation]:
    """Yield the deviations in the signed parameters of *message*; the most common deviation is first."""
    yield from _places(message)
    yield from _protocol(message)
    yield from _duplicates()
    yield from _values()
    yield from _octets(message)
    yield from _dropped()


def single_deviations(message: Message) -> Iterator[Deviation]:
    """For each name in *message*, yield the deviation in which parameters with this name were not signed."""
    for name in list(dict.fromkeys(each.name for each in message.parameters))[:_MAX_SINGLE]:
        if name != "oauth_signature":
            sentence = f"The parameter {shortened(name)!r} was sent and not signed."
            yield deviation("parameter-not-signed", without(_is_named(name)), sentence)


def shortened(text: str) -> str:
    """Return a short form of *text* for use in a sentence."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def deviation(key: str, change: Change, sentence: str = "") -> Deviation:
    """Return a deviation in which *change* changes the signed parameters.

    Args:
        key: The key of a mistake in the catalogue.
        change: A function that is called with the parameters, and returns the changed parameters.
        sentence: A sentence for people about the deviation; ``""`` for the meaning in the catalogue.
    """

    def changed(signed: Signed) -> Signed | None:
        parameters = change(signed.parameters)
        return None if parameters == signed.parameters else replace(signed, parameters=parameters)

    return Deviation(key=key, change=changed, sentence=sentence)


def without(test: Test) -> Change:
    """Return a function that removes each parameter for which *test* returns True."""
    return lambda parameters: tuple(each for each in parameters if not test(each))


def adding(*added: Parameter) -> Change:
    """Return a function that adds the parameters *added*, which must all have the same place.

    The added parameters follow the last parameter of this place. If no parameter has this place, they are added at the
    end.
    """

    def change(parameters: Parameters) -> Parameters:
        before = [at for at, each in enumerate(parameters, 1) if each.place == added[0].place]
        at = before[-1] if before else len(parameters)
        return (*parameters[:at], *added, *parameters[at:])

    return change


def _is_in(*places: str) -> Test:
    return lambda each: each.place in places


def _is_other(place: str) -> Test:
    return lambda each: each.place == place and not each.name.startswith("oauth_")


def _is_named(name: str) -> Test:
    return lambda each: each.name == name


def _doubled(test: Test) -> Change:
    return lambda parameters: (*parameters, *filter(test, parameters))


def _each_parameter(how: Callable[[Parameter], str], test: Test) -> Change:
    return lambda parameters: tuple(replace(each, value=how(each)) if test(each) else each for each in parameters)


def _each_value(how: Callable[[str], str], test: Test = lambda _each: True) -> Change:
    return _each_parameter(lambda each: how(each.value), test)


def _each_text(how: Callable[[str], str], test: Test = lambda _each: True) -> Change:
    return lambda parameters: tuple(
        replace(each, name=how(each.name), value=how(each.value)) if test(each) else each for each in parameters
    )


# --- Places and protocol parameters


def _places(message: Message) -> Iterator[Deviation]:
    for place in ("query", "form", "header"):
        yield deviation(f"{place}-not-signed", without(_is_in(place)))
        # In this deviation, the protocol parameters in one place (header, query or form) were signed, and the other
        # parameters in this place were not.
        yield deviation(f"{place}-not-signed", without(_is_other(place)))
        yield deviation(f"{place}-signed-twice", _doubled(_is_in(place)))
        yield deviation(f"{place}-signed-twice", _doubled(_is_other(place)))
    yield deviation("only-protocol-signed", without(lambda each: not each.name.startswith("oauth_")))
    fragment = message.url.partition("#")[2].partition("?")[2]
    if fragment and not message.is_too_large:
        added = [message.made(each.name, each.value, "query") for each in read_form(fragment[:_MAX_FRAGMENT], "query")]
        yield deviation("fragment-signed", adding(*added))


def _protocol(message: Message) -> Iterator[Deviation]:
    if message.realm is not None:
        yield deviation("realm-signed", adding(message.made("realm", message.realm, "header")))
    for value in ("", message.first("oauth_signature") or ""):
        yield deviation("oauth-signature-signed", adding(message.made("oauth_signature", value, "header")))
    for name in ("oauth_callback", "oauth_verifier", "oauth_body_hash", "oauth_version", "oauth_token"):
        key = f"{name.replace('_', '-')}-not-signed"
        yield deviation(key, without(_is_named(name)))
    added = (
        ("oauth_token", ""),
        ("oauth_version", "1.0"),
        ("oauth_callback", "oob"),
        ("oauth_callback", ""),
        ("oauth_verifier", ""),
    )
    for name, value in added:
        if message.first(name) is None:
            key = f"{name.replace('_', '-')}-signed-not-sent"
            yield deviation(key, adding(Parameter(name, value, "header")))


# --- Names that are sent more than once


def _duplicates() -> Iterator[Deviation]:
    yield deviation("duplicates-to-first", _first)
    yield deviation("duplicates-to-last", _last)
    yield deviation(
        "duplicates-to-last",
        lambda parameters: _last(_query_first(parameters)),
        "For a name in both query and form, only the value of the form was signed.",
    )
    yield deviation(
        "duplicates-to-first",
        lambda parameters: _first(_query_first(parameters)),
        "For a name in both query and form, only the value of the query was signed.",
    )
    yield deviation(
        "duplicates-to-last",
        lambda parameters: _only_of("form", "query", parameters),
        "For a name in both query and form, only the values of the form were signed.",
    )
    yield deviation(
        "duplicates-to-first",
        lambda parameters: _only_of("query", "form", parameters),
        "For a name in both query and form, only the values of the query were signed.",
    )
    for separator in (",", ", "):
        yield deviation("duplicates-joined", _joined(separator))
    yield deviation(
        "equal-pairs-to-one",
        lambda parameters: tuple({(each.name, each.value): each for each in parameters}.values()),
    )


def _query_first(parameters: Parameters) -> Parameters:
    return tuple(sorted(parameters, key=lambda each: each.place != "query"))


def _first(parameters: Parameters) -> Parameters:
    found: dict[str, Parameter] = {}
    for each in parameters:
        found.setdefault(each.name, each)
    return tuple(found.values())


def _last(parameters: Parameters) -> Parameters:
    return tuple({each.name: each for each in parameters}.values())


def _only_of(place: str, other: str, parameters: Parameters) -> Parameters:
    names = {each.name for each in parameters if each.place == place}
    return tuple(each for each in parameters if each.place != other or each.name not in names)


def _joined(separator: str) -> Change:
    def change(parameters: Parameters) -> Parameters:
        found: dict[str, list[Parameter]] = {}
        for each in parameters:
            found.setdefault(each.name, []).append(each)
        return tuple(replace(same[0], value=separator.join([each.value for each in same])) for same in found.values())

    return change


# --- Values


def _values() -> Iterator[Deviation]:
    for places in (("query",), ("form",), ("query", "form")):
        yield deviation("plus-read-literally", _each_parameter(_plus_literally, _is_in(*places)))
    for place in ("query", "form", "header"):
        yield deviation(f"{place}-encoded-twice", _each_value(encode, _is_in(place)))
        if place != "header":
            yield deviation(f"{place}-encoded-twice", _each_text(encode, _is_in(place)))
        if place != "header":
            yield deviation(f"{place}-signed-as-sent", _each_parameter(_as_sent, _is_in(place)))
    is_callback = _is_named("oauth_callback")
    yield deviation("oauth-callback-encoded-twice", _each_value(encode, is_callback))
    yield deviation("oauth-callback-decoded-twice", _each_value(percent_decode_as_sent, is_callback))
    yield deviation("decoded-twice", _each_value(percent_decode_as_sent))
    yield deviation("decoded-twice", _each_text(percent_decode_as_sent))
    yield deviation("decoded-twice", _each_value(lambda text: percent_decode_as_sent(text.replace("+", " "))))
    yield deviation("crlf-as-lf", _each_value(lambda text: text.replace("\r\n", "\n")))
    yield deviation("lf-as-crlf", _each_value(lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n")))
    yield deviation("values-trimmed", _each_value(lambda text: text.strip()))


def _as_sent(each: Parameter) -> str:
    return each.value if each.raw is None else each.raw


def _plus_literally(each: Parameter) -> str:
    return each.value if each.raw is None or "+" not in each.raw else percent_decode_as_sent(each.raw)


def _octets(message: Message) -> Iterator[Deviation]:
    yield deviation("unicode-form", _each_text(lambda text: normalize_unicode("NFC", text)))
    yield deviation("unicode-form", _each_text(lambda text: normalize_unicode("NFD", text)))
    named = _CHARSET.search(message.header("content-type"))
    if named:
        sentence = f"The text was sent in {named[1]} and signed as UTF-8."
        yield deviation("form-in-other-charset", _each_text(_misread(named[1], is_utf8=False)), sentence)
    for charset, shown in (("latin-1", "ISO-8859-1"), ("cp1252", "windows-1252")):
        misread = _misread(charset, is_utf8=True)
        yield deviation("utf-8-as-latin-1", _each_value(misread))
        yield deviation("utf-8-as-latin-1", _each_text(misread))
        sentence = f"The text was sent in {shown} and signed as UTF-8."
        yield deviation("form-in-other-charset", _each_text(_misread(charset, is_utf8=False)), sentence)


def _misread(charset: str, *, is_utf8: bool) -> Callable[[str], str]:
    def how(text: str) -> str:
        octets = b"" if text.isascii() else text.encode("utf-8", "surrogateescape")
        if not octets or is_utf8 is bool(_STRAY_OCTET.search(text)):
            return text
        return octets.decode(charset, "replace")

    return how


def _dropped() -> Iterator[Deviation]:
    yield deviation("blank-values-dropped", without(lambda each: not each.value and not each.name.startswith("oauth_")))
    yield deviation("blank-values-dropped", without(lambda each: not each.value))
    yield deviation("names-without-equals-dropped", without(lambda each: not each.has_equals))

"""The requests to sign and verify. All requests have different URLs, so caching the last URL saves no time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

_ORIGIN = "https://api.example.com/1.1"
_JSON_OCTETS = 2048


class Call(NamedTuple):
    """A request before it is signed.

    Attributes:
        method: HTTP request method, upper case.
        url: URL with its query.
        form: Decoded parameters of a form body.
        body: Raw body, which ``oauth_body_hash`` covers.
    """

    method: str
    url: str
    form: dict[str, str] | None = None
    body: bytes | None = None


_numbers = count(100_000)


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of request.

    Attributes:
        key: Name on the command line, in JSON and in the chart.
        title: Name that people read.
        make: A function that returns the request with the given number.
    """

    key: str
    title: str
    make: Callable[[int], Call]

    def batch(self, size: int) -> list[Call]:
        """Return the given number of new requests."""
        return [self.make(next(_numbers)) for _ in range(size)]


def query_call(names: int) -> Callable[[int], Call]:
    """Return a function that makes a GET with *names* query parameters, each with a space in its value."""
    starts = [f"key{index:05d}=value%20{index}-" for index in range(names)]

    def make(number: int) -> Call:
        query = "&".join([f"{start}{number}" for start in starts])
        return Call("GET", f"{_ORIGIN}/search/{number}.json?{query}")

    return make


def _two(number: int) -> Call:
    return Call("GET", f"{_ORIGIN}/statuses/{number}/show.json?id={number}&include_entities=true")


def _form(number: int) -> Call:
    form = {
        "status": f"Reading {number} pages, then a walk & some tea!",
        "author": f"Søren Åström {number}",
        "place": "北海道 札幌市",
        "query": f"one two {number}",
        "note": "",
        "home": "~anna",
        "share": "75%",
        "pair": f"left={number}&right=2",
        "greeting": "Добрый день",
        "id": f"{number}",
    }
    return Call("POST", f"{_ORIGIN}/statuses/{number}/update.json", form)


_ITEMS = json.dumps([{"id": index, "name": f"item number {index}", "price": index * 1.25} for index in range(60)])


def _json(number: int) -> Call:
    text = f'{{"batch": {number}, "items": {_ITEMS}'[: _JSON_OCTETS - 1] + "}"
    return Call("POST", f"{_ORIGIN}/items/{number}", None, text.encode())


def _many_short(number: int) -> Call:
    return Call("GET", f"{_ORIGIN}/grid/{number}?" + "&".join([f"p{index}={number % 97}" for index in range(60)]))


_LONG = "the quick brown fox jumps over the lazy dog ".replace(" ", "%20") * 70


def _few_long(number: int) -> Call:
    return Call("GET", f"{_ORIGIN}/texts/{number}?left={number}{_LONG}&right={_LONG}{number}")


_UNICODE = {
    "greek": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία ",
    "russian": "Съешь ещё этих мягких французских булок ",
    "japanese": "いろはにほへと ちりぬるを わかよたれそ ",
    "arabic": "نص حكيم له سر قاطع وذو شأن عظيم ",
    "emoji": "🦊 🐕 🌍 ",
    "имя": "значение ",
}


def _unicode(number: int) -> Call:
    return Call("POST", f"{_ORIGIN}/notes/{number}", {name: f"{text}{number}" for name, text in _UNICODE.items()})


def _escaped(number: int) -> Call:
    # The values are URLs that are already percent-encoded. Signing must encode the percent signs of each value a second
    # time.
    inner = quote(f"https://app.example.net/back?n={number}&q=100%25 a+b", safe="")
    query = "&".join([f"to%5B{index}%5D={inner}" for index in range(8)])
    return Call("GET", f"{_ORIGIN}/links/{number}?{query}")


def _form_escapes(number: int) -> Call:
    # The form is valid, but not normalized: "+" for a space, lower-case escapes, and "~" as an escape.
    query = "&".join([f"q{index}=caf%c3%a9+au+lait+%7E{number}" for index in range(8)])
    return Call("GET", f"{_ORIGIN}/menu/{number}?{query}")


def _duplicates(number: int) -> Call:
    return Call("GET", f"{_ORIGIN}/tags/{number}?" + "&".join([f"tag=t{(number * 7 + i) % 41}" for i in range(30)]))


def _long_path(number: int) -> Call:
    path = "/".join([f"folder-{index}_{number}" for index in range(50)])
    return Call("GET", f"{_ORIGIN}/{path}?version={number}")


def _no_query(number: int) -> Call:
    return Call("GET", f"{_ORIGIN}/items/{number}")


#: The four workloads for which goals.py has goals.
MAIN = (
    Workload("a", "GET, 2 query parameters", _two),
    Workload("b", "POST, form of 10 parameters with unicode and spaces", _form),
    Workload("c", "POST, 2 KB of JSON with oauth_body_hash", _json),
    Workload("d", "GET, 100 query parameters", query_call(100)),
)

#: Other workloads. They are measured, too, so that the package is not optimized only for the workloads in MAIN.
SHAPES = (
    Workload("short", "GET, 60 short query parameters", _many_short),
    Workload("long", "GET, 2 query parameters of 4 KB", _few_long),
    Workload("unicode", "POST, form of 6 long unicode parameters", _unicode),
    Workload("escaped", "GET, 8 query parameters whose values are percent-encoded URLs", _escaped),
    Workload("plus", "GET, 8 query parameters with + and lower-case escapes", _form_escapes),
    Workload("twice", "GET, 30 query parameters with the same name", _duplicates),
    Workload("path", "GET, path of 50 segments", _long_path),
    Workload("bare", "GET, no query", _no_query),
)

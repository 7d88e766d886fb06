"""A picture of a terminal, as SVG: ``docs/doctor.svg`` shows a verdict of the doctor.

The text of the picture is the output in docs/command.md. A test compares this output with the output of the command.
"""

from __future__ import annotations

import re
from html import escape
from textwrap import wrap

from .rows import ROOT

_COLUMNS = 96
_ROW, _LEFT, _TOP, _CELL = 21, 22, 56, 8.0  # In pixels.
_STYLE = """text { font: 13.3px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #ece9e1 }
.window { fill: #14181a; stroke: #57605b }
.prompt, .expected { fill: #5cc7b2 }
.verdict { fill: #f1cd7a; font-weight: 700 }
.signed { fill: #ff9a8f }
.repair { fill: #9db8ff }"""
_KINDS = {  # key: the beginning of a line; value: the class of the line
    r"\$ ": "prompt",
    r"\d+ mistakes? ": "verdict",
    r"[a-z-]+: ": "verdict",
    r" +expected ": "expected",
    r" +signed ": "signed",
    r" +Repair: ": "repair",
}


def output() -> list[str]:
    """Return the lines of the first example of ``oauth2 doctor`` in docs/command.md."""
    page = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    match = re.search(r"^\$ oauth2 doctor sent --url .*?(?=^\$ )", page, re.DOTALL | re.MULTILINE)
    if match is None:
        raise ValueError('docs/command.md: must have an example that begins with "$ oauth2 doctor sent --url"')
    return match[0].splitlines()


def terminal(lines: list[str]) -> str:
    """Return a picture of a terminal with these lines; long lines are wrapped."""
    rows = [(part, _kind(line)) for line in lines for part in _wrapped(line)]
    height, width = _TOP + _ROW * len(rows) + 6, _LEFT * 2 + _COLUMNS * _CELL
    texts = [
        f'<text class="{kind}" x="{_LEFT}" y="{_TOP + number * _ROW}" xml:space="preserve">{escape(text)}</text>'
        for number, (text, kind) in enumerate(rows)
        if text
    ]
    dots = "".join(f'<circle cx="{24 + 18 * number}" cy="20" r="5.5" fill="#57605b"/>' for number in range(3))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}"'
    return "\n".join(
        [
            f'{head} height="{height}" role="img" aria-labelledby="title">',
            '<title id="title">The verdict of oauth2 doctor in a terminal</title>',
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="window" x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1}" rx="10"/>{dots}',
            *texts,
            "</svg>\n",
        ]
    )


def _wrapped(line: str) -> list[str]:
    indent = re.match(" *", line)
    return wrap(line, _COLUMNS, subsequent_indent=(indent[0] if indent else "") + "  ", drop_whitespace=True) or [""]


def _kind(line: str) -> str:
    return next((kind for pattern, kind in _KINDS.items() if re.match(pattern, line)), "plain")

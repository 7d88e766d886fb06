"""Write the documentation as HTML: ``python3 debian/pages.py FOLDER``."""

import re
import shutil
import sys
from pathlib import Path

import markdown

ROOT = Path(__file__).parent.parent
#: The pages at the top of the repository. All pages in docs/ are added to them.
PAGES = (
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "STYLE.md",
    "CODE_OF_CONDUCT.md",
)
EXAMPLES = "../examples/"
HTML = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 sans-serif; max-width: 50rem; margin: auto; padding: 1rem; }}
pre {{ overflow-x: auto; border: 1px solid #8888; padding: .5rem; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
td, th {{ border: 1px solid #8888; padding: .25rem .5rem; text-align: left; vertical-align: top; }}
img {{ max-width: 100%; background: white; }}
</style>
</head>
<body>
<p><a href="index.html">oauth2</a></p>
{body}
</body>
</html>
"""


def name_of(source: str) -> str:
    """Return the name of the HTML file of a Markdown file; all pages are in one folder."""
    return "index.html" if source == "README.md" else Path(source).with_suffix(".html").name


def slug(text: str, separator: str) -> str:
    """Return the anchor of a heading, as the links in the documents write it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", separator)


def broken_links(folder: Path) -> list[str]:
    """Return each link between the pages in *folder* whose page or anchor does not exist."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}
    broken = []
    for name, text in texts.items():
        for target in re.findall(r'href="([^":]+)"', text):
            page, _, anchor = target.partition("#")
            there = texts.get(page or name)
            if target == EXAMPLES:
                continue
            if there is None or (anchor and f'id="{anchor}"' not in there):
                broken.append(f"{name}: {target}")
    return broken


def main(folder: Path) -> None:
    """Write each page, with links between the pages, and the pictures.

    Raises:
        SystemExit: A link has no target.
    """
    sources = [*PAGES, *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))]
    known = {name_of(source) for source in sources}
    folder.mkdir(parents=True, exist_ok=True)

    def link(match: re.Match[str]) -> str:
        target, _, anchor = match[1].partition("#")
        if not target or "://" in target:
            return match[0]
        if "example" in Path(target).parts:
            return f'<a href="{EXAMPLES}">{match[2]}</a>'
        page = name_of(Path(target).name)
        if page not in known:
            return match[2]  # a file that the package does not have, such as a benchmark
        return f'<a href="{page}{"#" + anchor if anchor else ""}">{match[2]}</a>'

    for source in sources:
        text = (ROOT / source).read_text(encoding="utf-8")
        body = markdown.markdown(
            text, extensions=["extra", "sane_lists", "toc"], extension_configs={"toc": {"slugify": slug}}
        )
        title = re.search(r"^# (.*)$", text, re.MULTILINE)[1].replace("`", "")
        body = re.sub(r'<a href="([^"]+)">(.*?)</a>', link, body, flags=re.DOTALL).replace('src="docs/', 'src="')
        (folder / name_of(source)).write_text(HTML.format(title=title, body=body), encoding="utf-8")
    for picture in ROOT.glob("docs/*.svg"):
        shutil.copy(picture, folder)
    if broken := broken_links(folder):
        raise SystemExit("Error: These links have no target: " + ", ".join(broken))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

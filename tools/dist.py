"""Build the source distribution and the wheel into ``dist``: ``python -m tools.dist``, or ``make dist``.

Both archives are built twice. The files of the two builds have the same content, but different modes and times. Both
builds must create the same bytes. The bytes depend on the files of the checkout, the time of the last commit (or
SOURCE_DATE_EPOCH) and the version of setuptools. Only files that git tracks are packed. In an unpacked source
distribution, which is not a git repository, the files that SOURCES.txt lists are packed.
"""

from __future__ import annotations

import configparser
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)\s]+)(?=\))")
_IMAGE = re.compile(r"(!\[[^\]]*\]\()(?!https?://)([^)\s]+)(?=\))")


def tracked() -> list[str]:
    """Return the path of each file to pack, relative to the checkout."""
    if (ROOT / "PKG-INFO").exists():
        listed = (ROOT / "oauth2.egg-info" / "SOURCES.txt").read_text(encoding="utf-8").splitlines()
        return sorted(name for name in listed if not name.startswith("oauth2.egg-info/") and (ROOT / name).exists())
    listed = _git("ls-files", "-z").split("\0")
    return sorted(name for name in listed if name and (ROOT / name).is_file())


def time_of_sources() -> int:
    """Return SOURCE_DATE_EPOCH in seconds.

    If SOURCE_DATE_EPOCH is not set, return the time of the last commit, or of the source distribution.
    """
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    if (ROOT / "PKG-INFO").exists():
        return int((ROOT / "PKG-INFO").stat().st_mtime)
    return int(_git("log", "-1", "--format=%ct"))


def source_url(setup_cfg: str) -> str | None:
    """Return the project URL named "Source" in *setup_cfg*, the content of a setup.cfg; None if it has no such URL."""
    config = configparser.ConfigParser()
    config.read_string(setup_cfg)
    urls = config["metadata"].get("project_urls", "")
    found = re.search(r"^Source\s*=\s*(\S+)$", urls, re.MULTILINE)
    return found[1].rstrip("/") if found else None


def with_absolute_links(text: str, base: str, tag: str) -> str:
    """Return Markdown in which each relative link is replaced by the URL of the file at *tag* in the repository *base*.

    A package index shows the README, but does not have the linked files. A link to a picture gets the URL of the image
    itself. Any other link gets the URL of the page that shows the file.
    """
    text = _IMAGE.sub(rf"\g<1>{base}/raw/{tag}/\g<2>", text)
    return _LINK.sub(rf"\g<1>{base}/blob/{tag}/\g<2>", text)


def build(folder: Path, epoch: int) -> list[Path]:
    """Build both distributions below *folder*; return their paths."""
    source, built = folder / "source", folder / "built"
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
        (source / name).chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)
    base = source_url((source / "setup.cfg").read_text(encoding="utf-8"))
    if base is not None:
        readme = source / "README.md"
        version = _version(source)
        readme.write_text(with_absolute_links(readme.read_text(encoding="utf-8"), base, version), encoding="utf-8")
    _run_build("--sdist", source, built, epoch)
    (packed,) = built.glob("*.tar.gz")
    _normalize(packed, epoch)
    if lacking := set(tracked()) - _names(packed):
        raise SystemExit(f"Error: MANIFEST.in leaves out {sorted(lacking)}.\nHint: Add these files to MANIFEST.in.")
    # The wheel is built from the source distribution, so that both have the same content.
    with tarfile.open(packed) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    _run_build("--wheel", unpacked, built, epoch)
    return sorted(built.iterdir())


def main() -> None:
    """Build twice, compare the results, and store the first result in ``dist``.

    Raises:
        SystemExit: A build fails, the two builds differ, or a file is missing in the source distribution.
    """
    epoch = time_of_sources()
    if not (ROOT / "PKG-INFO").exists() and _git("status", "--porcelain"):
        print("Note: The checkout has changes that are not committed. These changes are also packed.")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        first = build(Path(one), epoch)
        mask = os.umask(0o077)
        second = build(Path(other), epoch)
        os.umask(mask)
        if [_digest(path) for path in first] != [_digest(path) for path in second]:
            raise SystemExit("Error: Two builds of the same files have different bytes.")
        target = ROOT / "dist"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for path in first:
            shutil.copy(path, target)
            print(f"{_digest(path)}  dist/{path.name}")


def _run_build(kind: str, source: Path, built: Path, epoch: int) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", kind, f"--outdir={built}", str(source)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    # The files in the wheel get the modes of the files that the build creates. With a fixed umask, these modes do not
    # depend on the umask of the user.
    done = subprocess.run(command, env=environment, umask=0o022, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Error: The build failed.\n{done.stdout}{done.stderr}")


def _normalize(packed: Path, epoch: int) -> None:
    """Write the archive again with sorted names, but without the times, modes and users of this machine."""
    with tarfile.open(packed) as archive:
        members = sorted(archive.getmembers(), key=lambda member: member.name)
        contents = [archive.extractfile(member) if member.isfile() else None for member in members]
        plain = packed.with_suffix("")
        with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as normal:
            for member, content in zip(members, contents, strict=True):
                member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
                member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                member.pax_headers = {}
                normal.addfile(member, content)
    with packed.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, epoch) as compressed:
        compressed.write(plain.read_bytes())
    plain.unlink()


def _names(packed: Path) -> set[str]:
    """Return the names of the files in the source distribution, relative to its top folder."""
    with tarfile.open(packed) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def _version(source: Path) -> str:
    text = (source / "oauth2" / "_version.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.*)"', text, re.MULTILINE)
    return str(version)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            "Error: This folder is neither a git checkout nor a source distribution.\n"
            "Hint: Clone the repository, or unpack a source distribution."
        ) from None


if __name__ == "__main__":
    main()

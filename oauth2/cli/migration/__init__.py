"""Find the code whose behaviour a migration from python-oauth2 1.9 or another OAuth 1 library changes.

``sources`` reads a code base, ``finder`` finds the uses in the syntax tree of one file, ``fixes`` rewrites the uses
that a program can rewrite, and ``report`` writes the findings for people and for programs. ``rules.toml`` has the
rules. The code base is neither imported nor run.
"""

__all__: list[str] = []

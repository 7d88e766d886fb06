"""Find uses whose behaviour changes with this package: of python-oauth2 1.9, and of other OAuth 1 libraries.

``sources`` reads a code base, ``finder`` finds the uses in the syntax tree of one file, ``fixes`` rewrites the uses
that a program can rewrite, and ``report`` writes the findings for people and for programs. ``rules.toml`` has the
rules. Nothing of the code base is imported or run.
"""

__all__: list[str] = []

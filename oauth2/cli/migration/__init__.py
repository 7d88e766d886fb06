"""Find the code whose behaviour a migration from python-oauth2 1.9 or another OAuth 1 library changes.

``sources`` reads a code base. ``finder`` finds the uses of a library in the syntax tree of one file. ``fixes`` rewrites
simple uses. ``report`` converts the findings to text or JSON. ``rules.toml`` has the rules. The code base is neither
imported nor run.
"""

__all__: list[str] = []

"""The version.

The build reads the version from this file without importing oauth2, so this module contains only the version.
"""

__version__ = "2.0.0.dev0"

# These names are drop-in: this module of python-oauth2 1.9 has the same names.
verstr = __version__
manual_verstr, auto_build_num = "2.0", "0.dev0"

"""The version.

The build reads the version from this file without importing oauth2, so this module contains only the version.
"""

__version__ = "2.0.0.dev0"

# The module _version of python-oauth2 1.9 has these three names, so existing programs may use them.
verstr = __version__
manual_verstr, auto_build_num = "2.0", "0.dev0"

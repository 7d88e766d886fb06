"""Convert octets to encoded parameters and back: percent-encoding, forms, the Authorization header, received requests.

This package contains the fast paths. The code of each fast path is next to its slow path, and both give the same
result. The package is internal: programs must import from :mod:`oauth2.encoding` and :mod:`oauth2.parameters` instead.
"""

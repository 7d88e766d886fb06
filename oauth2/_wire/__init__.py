"""Convert octets to encoded parameters and back: percent-encoding, forms, the Authorization header, received requests.

This package contains the fast paths. Each fast path is beside the slow path that gives the same result. The package is
internal: programs must import from :mod:`oauth2.encoding` and :mod:`oauth2.parameters` instead.
"""

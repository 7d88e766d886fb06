"""Find out why a signature is invalid: the diagnosis of one request, without I/O.

A signature proves a mistake: if signing with a known mistake results in exactly the signature that was sent, the sender
has made this mistake. :func:`diagnose` signs the request again with every known mistake, and then with pairs of known
mistakes, until the result is equal to the signature that was sent.

In this package, a *deviation* is a known mistake that changes the signature base string.
"""

from ._catalogue import MISTAKES, Mistake
from ._diagnosis import diagnose
from ._finding import Comparison, Diagnosis, Evidence, Finding, Pieces
from ._their_words import find_base_string

__all__ = [
    "MISTAKES",
    "Comparison",
    "Diagnosis",
    "Evidence",
    "Finding",
    "Mistake",
    "Pieces",
    "diagnose",
    "find_base_string",
]

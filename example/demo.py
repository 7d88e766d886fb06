"""The whole flow of RFC 5849 against a provider on loopback, step by step; run it with ``make demo``.

The story, and the code to learn from, is ``oauth2/site/story.py``; ``oauth2 demo`` tells it, too.
"""

import sys

from oauth2.site import demo

if __name__ == "__main__":
    sys.exit(demo())

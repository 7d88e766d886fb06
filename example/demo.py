"""Run the complete flow of RFC 5849 against a provider on loopback. ``make demo`` runs this file.

The code of the steps is in ``oauth2/site/story.py``; ``oauth2 demo`` runs the same steps.
"""

import sys
from pathlib import Path

from oauth2.site import demo

NEXT = """
Try next:
  {folder}/oauth2 serve           # the provider of this demo, with its pages, at http://127.0.0.1:8080
  {folder}/oauth2 doctor --web    # a page that finds the mistake in the signature of a request
  {folder}/oauth2 services        # the services that have a profile: URLs, and deviations from the standard
"""


def main() -> int:
    """Run the demo, and print three commands to try next."""
    code = demo()
    folder = Path(sys.executable).parent
    here = Path.cwd()
    print(NEXT.format(folder=folder.relative_to(here) if folder.is_relative_to(here) else folder), end="")
    return code


if __name__ == "__main__":
    sys.exit(main())

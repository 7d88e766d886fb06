"""Send signed requests to ``example/server.py``.

Run it with ``python example/client.py [URL]``.
"""

import json
import sys
from typing import Any

import oauth2 as oauth

CONSUMER = oauth.Consumer("printer", "printer-secret")
TOKEN = oauth.Token("janes-photos", "token-secret")


def main() -> None:
    """Send a GET, a form POST and a JSON POST, and print the responses."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/photos"
    client = oauth.Client(CONSUMER, TOKEN)
    client.set_signature_method(oauth.SignatureMethod_HMAC_SHA256())
    calls: list[dict[str, Any]] = [
        {"uri": f"{url}?size=original&file=vacation%20%26%20sea.jpg"},
        {"uri": url, "method": "POST", "body": "title=Sea+%26+sun&tag=a&tag=b"},
        {
            "uri": url,
            "method": "POST",
            "body": json.dumps({"title": "海"}),
            "headers": {"Content-Type": "application/json"},
        },
    ]
    for call in calls:
        try:
            response, content = client.request(**call)
        except ConnectionRefusedError:
            raise SystemExit(f"Error: No server responds at {url}.\nHint: Run: python example/server.py") from None
        print(response.status, content.decode())
    client.close()


if __name__ == "__main__":
    main()

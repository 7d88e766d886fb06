"""Get a token that a user approves, and call the service with this token.

Run it with ``python example/three_legged.py BASE_URL KEY SECRET``. The service must have its endpoints at the paths
below. The user opens a page, approves, and types the code that the page shows.
"""

import sys

import oauth2 as oauth
from oauth2.authorize import authorize
from oauth2.flow import Endpoints


def ask(url: str) -> str:
    """Ask the user to approve at *url*, and return the code."""
    print(f"Open this page to approve: {url}")
    return input("The code that the page shows: ")


def get_token(base_url: str, consumer: oauth.Consumer) -> oauth.Token:
    """Return a token that the user has approved."""
    endpoints = Endpoints(
        temporary=f"{base_url}/oauth/request_token",
        authorize=f"{base_url}/oauth/authorize",
        token=f"{base_url}/oauth/access_token",
    )
    return authorize(consumer, endpoints, callback="oob", ask=ask)


def main() -> None:
    """Get a token, send a signed request with this token, and print the response."""
    if len(sys.argv) != 4:
        raise SystemExit("Usage: python example/three_legged.py BASE_URL KEY SECRET")
    base_url, key, secret = sys.argv[1:]
    consumer = oauth.Consumer(key, secret)
    try:
        token = get_token(base_url, consumer)
        client = oauth.Client(consumer, token)
        response, content = client.request(f"{base_url}/photos?size=original")
        client.close()
    except oauth.Error as error:
        raise SystemExit(f"Error: {error.message}\nHint: Check the key, the secret and the code.") from None
    except ConnectionRefusedError:
        raise SystemExit(f"Error: No server answers at {base_url}.\nHint: Check the URL.") from None
    print(response.status, content.decode())


if __name__ == "__main__":
    main()

"""Sign a request without sending it, and print the result as an Authorization header, as a URL and as a form.

Run it with ``python example/signing.py``.
"""

import oauth2 as oauth

CONSUMER = oauth.Consumer("printer", "printer-secret")
TOKEN = oauth.Token("janes-photos", "token-secret")
URL = "https://photos.example/photos"


def signed(method: str, url: str, parameters: dict[str, str]) -> oauth.Request:
    """Return a request with its signature.

    Args:
        method: The HTTP request method.
        url: The URL, with its query.
        parameters: The fields of a form if *method* is POST; otherwise parameters of the query.
    """
    request = oauth.Request.from_consumer_and_token(CONSUMER, TOKEN, method, url, parameters)
    request.sign_request(oauth.SignatureMethod_HMAC_SHA1(), CONSUMER, TOKEN)
    return request


def main() -> None:
    """Print an Authorization header, a URL and a form."""
    print("Authorization:", signed("GET", f"{URL}?size=original", {}).to_header(realm="photos")["Authorization"])
    print("URL:", signed("GET", URL, {"size": "original"}).to_url())
    print("Form:", signed("POST", URL, {"title": "Sea & sun"}).to_postdata())


if __name__ == "__main__":
    main()

"""An API in Flask whose view accepts only signed requests.

Run it with ``flask --app example/with_flask/photos_flask.py run --port 8080``, and call it with
``python example/client.py http://127.0.0.1:8080/photos``. docs/flask.md adds the page where a user approves.
"""

from flask import Flask

from oauth2.integrations.flask import OAuth1Provider, current_access
from oauth2.provider import Provider
from oauth2.stores import MemoryStore, TokenCredentials

store = MemoryStore()
provider = Provider(store, base_url="http://127.0.0.1:8080")
provider.register(key="printer", secret="printer-secret", name="Printer")  # noqa: S106 - a made-up secret
store.add_token(TokenCredentials(key="janes-photos", secret="token-secret", consumer_key="printer", user="jane"))  # noqa: S106

app = Flask(__name__)
oauth = OAuth1Provider(app, provider=provider)


@app.route("/photos", methods=["GET", "POST"])
@oauth.required
def photos() -> dict[str, object]:
    """Return a response with the user and the signed parameters."""
    return {"user": current_access.user, "parameters": current_access.parameters}

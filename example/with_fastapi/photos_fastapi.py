"""An API in FastAPI whose route accepts only signed requests.

Run it with ``uvicorn --app-dir example/with_fastapi photos_fastapi:app --port 8080``, and call it with
``python example/client.py http://127.0.0.1:8080/photos``. docs/fastapi.md adds the page where a user approves.
"""

from typing import Annotated

from fastapi import Depends, FastAPI

from oauth2.integrations.fastapi import OAuth1Provider
from oauth2.provider import Access, Provider
from oauth2.stores import MemoryStore, TokenCredentials

store = MemoryStore()
provider = Provider(store, base_url="http://127.0.0.1:8080")
provider.register(key="printer", secret="printer-secret", name="Printer")  # noqa: S106 - a made-up secret
store.add_token(TokenCredentials(key="janes-photos", secret="token-secret", consumer_key="printer", user="jane"))  # noqa: S106

app = FastAPI()
oauth = OAuth1Provider(provider)
oauth.install(app)


@app.get("/photos")
@app.post("/photos")
def photos(access: Annotated[Access, Depends(oauth.access())]) -> dict[str, object]:
    """Return a response with the user and the signed parameters."""
    return {"user": access.user, "parameters": access.parameters}

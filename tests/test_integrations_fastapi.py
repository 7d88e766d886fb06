"""The dependency for FastAPI, its security scheme, the endpoints, and the consent page."""

import asyncio
import json
import tracemalloc
from typing import Annotated
from urllib.parse import parse_qsl

import httpx
import pytest
import requests
from served import CLIENT, FORM, HMAC, TOKEN, make_provider, part, signed

import oauth2
from oauth2.http import HTTPResponse
from oauth2.provider import Access, AsyncProvider, Provider
from oauth2.stores import MemoryStore

fastapi = part("fastapi")
part("python_multipart")
from fastapi import Depends, FastAPI, File, Form, Request, UploadFile  # noqa: E402 - skipped without FastAPI

from oauth2.integrations._replay import Replay  # noqa: E402
from oauth2.integrations.fastapi import AccessRefused, OAuth1Provider, access_refused  # noqa: E402

pytestmark = pytest.mark.slow

ORIGIN = "http://testserver"


def make_async_provider(**options):
    return AsyncProvider(make_provider().store, **options)


def make(provider=None, *, app=None, **options):
    """Return an application with some routes, and its ``OAuth1Provider``."""
    oauth = OAuth1Provider(provider or make_provider(realms=["photos", "prints"]), **options)
    app = app or FastAPI()
    oauth.install(app)
    photos = Annotated[Access, Depends(oauth.access("photos"))]
    anyone = Annotated[Access, Depends(oauth.access())]

    @app.head("/photos", include_in_schema=False)
    @app.get("/photos")
    def read_photos(access: photos, again: anyone):
        assert again == access
        return {"user": access.user, "parameters": access.parameters}

    @app.get("/prints")
    def read_prints(access: Annotated[Access, Depends(oauth.access("prints"))]):
        return "prints"

    @app.post("/form")
    async def read_form(access: anyone, request: Request, caption: Annotated[str | None, Form()] = None):
        return {"form": caption, "again": dict(await request.form()), "parameters": access.parameters}

    @app.post("/late")
    async def read_late(access: anyone, request: Request):
        body = (await request.body()).decode()
        return {"body": body, "form": dict(await request.form()), "parameters": access.parameters}

    @app.post("/json")
    def read_json(access: anyone, photo: dict[str, int]):
        return {"json": photo, "parameters": access.parameters}

    @app.post("/upload")
    async def upload(access: anyone, photo: Annotated[UploadFile, File()]):
        return {"size": len(await photo.read()), "parameters": access.parameters}

    @app.get("/open")
    def opened(request: Request):
        return {"verified": "oauth2.access" in request.scope}

    @app.post("/open")
    async def count(request: Request):
        return len(await request.body())

    return app, oauth


@pytest.fixture(params=["blocking", "asyncio"])
def app(request):
    make_it = make_provider if request.param == "blocking" else make_async_provider
    return make(make_it(realms=["photos", "prints"]))[0]


def send(app, path, method="GET", authorization=None, *, root="", headers=(), **options):
    fields = [*headers, *([("Authorization", authorization)] if authorization else [])]
    if isinstance(options.get("content"), list):
        options["content"] = in_chunks(options["content"])

    async def request():
        transport = httpx.ASGITransport(app=app, root_path=root)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await asyncio.wait_for(client.request(method, path, headers=fields, **options), 60)

    return asyncio.run(request())


async def in_chunks(pieces):
    for piece in pieces:
        yield piece


def call(app, path, method="GET", *, token=TOKEN, form=(), sign=None, **options):
    """Send a signed request to *app*."""
    body = b"" if form else options.get("content", b"")
    authorization = signed(method, sign or f"{ORIGIN}{path}", form, token, body)
    if form:
        options["data"] = dict(form)
    return send(app, path, method, authorization, **options)


def without_body_hash(path):
    request = oauth2.Request.from_consumer_and_token(CLIENT, TOKEN, "POST", f"{ORIGIN}{path}")
    request.sign_request(HMAC, CLIENT, TOKEN, body_hash=False)
    return request.to_header()["Authorization"]


def assert_refused(answer, status, problem=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == FORM
    if status in (400, 401):
        assert answer.headers["WWW-Authenticate"].startswith("OAuth ")
    if problem is not None:
        assert dict(parse_qsl(answer.text))["oauth_problem"] == problem


# --- the dependency --------------------------------------------------------------------


def test_a_signed_request_reaches_the_route_with_its_parameters(app):
    answer = call(app, "/photos?size=big&a=caf%C3%A9")
    assert answer.json() == {"user": "jane", "parameters": {"size": "big", "a": "caf\xe9"}}


def test_an_unsigned_request_is_refused(app):
    assert_refused(send(app, "/photos"), 400, "parameter_absent")
    assert_refused(send(app, "/form", "POST", data={"caption": "x"}), 400, "parameter_absent")
    assert_refused(send(app, "/photos", headers=[("oauth2.access", "x"), ("oauth2_access", "x")]), 400)


def test_a_forged_request_is_refused(app):
    authorization = signed("GET", f"{ORIGIN}/photos?size=big")
    assert_refused(send(app, "/photos?size=small", authorization=authorization), 401, "signature_invalid")


def test_a_request_is_accepted_once(app):
    authorization = signed("GET", f"{ORIGIN}/photos")
    assert send(app, "/photos", authorization=authorization).status_code == 200
    assert_refused(send(app, "/photos", authorization=authorization), 401, "nonce_used")


def test_a_token_for_another_realm_is_refused(app):
    assert_refused(call(app, "/prints"), 401, "permission_denied")


def test_a_second_dependency_demands_its_realm_too():
    app, oauth = make()

    @app.get("/both", dependencies=[Depends(oauth.access())])
    def both(access: Annotated[Access, Depends(oauth.access("prints"))]):
        return "both"

    assert_refused(call(app, "/both"), 401, "permission_denied")


def test_a_request_with_two_authorization_headers_is_refused(app):
    first, second = signed("GET", f"{ORIGIN}/photos"), signed("GET", f"{ORIGIN}/photos")
    assert_refused(send(app, "/photos", authorization=first, headers=[("Authorization", second)]), 400)


def test_a_head_request_is_verified_and_a_refusal_has_no_body(app):
    assert call(app, "/photos", "HEAD").status_code == 200
    answer = send(app, "/photos", "HEAD")
    assert (answer.status_code, answer.content) == (400, b"")
    assert send(app, "/photos", "HEAD", signed("GET", f"{ORIGIN}/photos")).status_code == 401
    refused = AccessRefused(oauth2.errors.SignatureInvalid("no"), HTTPResponse(401, [("Content-Length", "2")], b"no"))
    response = asyncio.run(access_refused(Request({"type": "http", "method": "HEAD"}), refused))
    assert (response.body, response.headers["Content-Length"]) == (b"", "2")  # httpx ignores a body


def test_a_form_is_signed_whether_it_is_parsed_before_or_after_the_verification(app):
    signed_form = {"caption": "caf\xe9 & x"}
    answer = call(app, "/form", "POST", form=signed_form)
    assert answer.json() == {"form": "caf\xe9 & x", "again": signed_form, "parameters": signed_form}
    answer = call(app, "/late", "POST", form=signed_form)
    assert answer.json() == {"body": "caption=caf%C3%A9+%26+x", "form": signed_form, "parameters": signed_form}
    for path in ("/form", "/late"):
        authorization = signed("POST", f"{ORIGIN}{path}", {"caption": "genuine"})
        answer = send(app, path, "POST", authorization, data={"caption": "forged"})
        assert_refused(answer, 401, "signature_invalid")


@pytest.mark.parametrize("path", ["/form", "/late"])
def test_a_multipart_field_is_no_signed_parameter(app, path):
    answer = send(app, path, "POST", without_body_hash(path), files={"caption": (None, "forged")})
    assert answer.status_code == 200, answer.text
    assert "forged" in answer.text
    assert answer.json()["parameters"] == {}


def test_an_upload_is_checked_against_its_body_hash(app):
    sent = requests.Request("POST", ORIGIN, files={"photo": ("a.jpg", b"x" * 1000)}).prepare()
    fields = [("Content-Type", sent.headers["Content-Type"])]
    assert call(app, "/upload", "POST", content=sent.body, headers=fields).json() == {"size": 1000, "parameters": {}}
    authorization = signed("POST", f"{ORIGIN}/upload", body=sent.body)
    changed = sent.body.replace(b"xxx", b"yyy")
    assert_refused(send(app, "/upload", "POST", authorization, content=changed, headers=fields), 401)


def test_json_is_checked_against_its_body_hash(app):
    fields = [("Content-Type", "application/json")]
    answer = call(app, "/json", "POST", content=b'{"a": 1}', headers=fields)
    assert answer.json() == {"json": {"a": 1}, "parameters": {}}
    authorization = signed("POST", f"{ORIGIN}/json", body=b'{"a": 1}')
    assert_refused(send(app, "/json", "POST", authorization, content=b'{"a": 2}', headers=fields), 401)


@pytest.mark.parametrize("path", ["/form", "/late", "/oauth/request_token"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(path, chunked):
    app, _ = make(max_body=100)
    body = [b"caption=", b"x" * 50, b"x" * 50, b"x"] if chunked else b"caption=" + b"x" * 101
    fields = [("Content-Type", FORM)]
    answer = send(app, path, "POST", content=body, headers=fields)
    assert_refused(answer, 413)


def test_a_provider_does_not_wait_for_a_body_that_another_provider_did_not_keep():
    app, _ = make(max_body=10)
    larger = OAuth1Provider(make_provider(), prefix="/larger", max_body=1000)
    larger.install(app)

    @app.post("/larger")
    async def route(access: Annotated[Access, Depends(larger.access())], caption: Annotated[str, Form()]):
        return caption

    assert call(app, "/larger", "POST", form={"caption": "x"}).json() == "x"
    pieces = [b"caption=", b"x" * 20, b"x" * 20]
    assert_refused(send(app, "/larger", "POST", content=pieces, headers=[("Content-Type", FORM)]), 413)


def test_only_the_start_of_a_large_body_is_kept():
    async def receive():
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def read(replay):
        reader = replay.reader()
        return [len((await reader())["body"]) for _ in range(50)]

    replay = Replay(receive, 100)
    assert asyncio.run(read(replay)) == [60] * 50
    assert len(replay._kept) == 120


def test_messages_with_little_content_fill_no_memory():
    messages = 20_000

    async def read():
        sent = iter([{"type": "http.request", "body": b"", "more_body": True}] * messages)

        async def receive():
            return next(sent, {"type": "http.request", "body": b"x", "more_body": False})

        replay = Replay(receive, 1000)
        first, found = replay.reader(), b""
        tracemalloc.start()
        try:
            for _ in range(messages):
                found += (await first())["body"]
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert await first() == {"type": "http.request", "body": b"x", "more_body": False}
        assert await replay.reader()() == {"type": "http.request", "body": b"x", "more_body": False}
        return found, most

    found, most = asyncio.run(read())
    assert found == b""
    assert most < 50_000


def wrapped(method):
    return lambda *args, **options: method(*args, **options)


class Wrapping(AsyncProvider):
    """An AsyncProvider whose method is not recognized as a coroutine function."""

    authenticate = wrapped(AsyncProvider.authenticate)


def test_a_coroutine_of_a_subclass_does_not_count_as_an_access():
    app, _ = make(Wrapping(make_provider().store, realms=["photos", "prints"]))
    assert call(app, "/photos").json()["user"] == "jane"
    assert_refused(send(app, "/photos"), 400)


def test_an_open_route_can_read_a_larger_body():
    app, _ = make(max_body=100)
    assert send(app, "/open", "POST", content=[b"x" * 60] * 5).json() == 300
    assert send(app, "/open").json() == {"verified": False}


def test_exceptions_of_the_application_are_not_handled():
    app, oauth = make()

    @app.get("/broken")
    def broken(access: Annotated[Access, Depends(oauth.access())]):
        raise {"a": KeyError, "b": oauth2.errors.SignatureInvalid}[access.parameters["kind"]]("broken")

    with pytest.raises(KeyError):
        call(app, "/broken?kind=a")
    with pytest.raises(oauth2.errors.SignatureInvalid):
        call(app, "/broken?kind=b")


def test_an_outage_of_the_store_is_a_refusal():
    provider = make_provider(realms=["photos", "prints"])
    app, _ = make(provider)

    def fail(*_):
        raise oauth2.errors.StoreUnavailable("The store cannot be read.")

    provider.store.find = fail
    answer = call(app, "/photos")
    assert_refused(answer, 503)
    assert answer.headers["Retry-After"]


def test_code_that_is_no_dependency_can_verify_a_request():
    app, oauth = make()

    @app.post("/direct")
    async def direct(request: Request):
        before = await request.body()
        access = await oauth.authenticate(request, "photos")
        return {"user": access.user, "body": before.decode()}

    assert call(app, "/direct", "POST", form={"a": "b"}).json() == {"user": "jane", "body": "a=b"}
    assert_refused(send(app, "/direct", "POST"), 400)


# --- applications with a root path, mounted applications, and threads --------------------


def test_an_application_with_a_root_path_verifies_the_url_that_was_signed():
    app, _ = make()
    assert call(app, "/photos?a=b", root="/v1", sign=f"{ORIGIN}/v1/photos?a=b").status_code == 200
    assert call(app, "/photos?a=b", root="/v1", sign=f"{ORIGIN}/photos?a=b").status_code == 401


def test_a_mounted_application_verifies_the_url_that_was_signed():
    outer, (inner, _) = FastAPI(), make()
    outer.mount("/v1", inner)
    answer = call(outer, "/v1/photos?a=%2Fb")
    assert answer.json()["parameters"] == {"a": "/b"}
    assert_refused(call(outer, "/v1/photos", sign=f"{ORIGIN}/photos"), 401)
    assert_refused(send(outer, "/v1/oauth/request_token", "POST"), 400, "parameter_absent")


def test_an_application_mounted_in_one_that_is_installed_needs_only_the_handler():
    outer, oauth = make()

    def read_form(access: Annotated[Access, Depends(oauth.access())], caption: Annotated[str, Form()]):
        return access.parameters

    with_handler = FastAPI(exception_handlers={AccessRefused: access_refused})
    for path, inner in (("/plain", FastAPI()), ("/api", with_handler)):
        inner.post("/form")(read_form)
        outer.mount(path, inner)
        assert call(outer, f"{path}/form", "POST", form={"caption": "x"}).json() == {"caption": "x"}
    answer = send(outer, "/plain/form", "POST", data={"caption": "x"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (400, "OAuth ")
    assert_refused(send(outer, "/api/form", "POST", data={"caption": "x"}), 400, "parameter_absent")


def test_applications_of_a_process_have_their_own_providers():
    authorization = signed("GET", f"{ORIGIN}/photos")
    for app in (make()[0], make()[0]):
        assert send(app, "/photos", authorization=authorization).status_code == 200


def test_a_route_of_an_application_without_a_provider_fails():
    app = FastAPI()
    oauth = OAuth1Provider(make_provider())

    @app.get("/")
    def reached(access: Annotated[Access, Depends(oauth.access())]):
        return "reached"

    with pytest.raises(RuntimeError, match="install"):
        call(app, "/")


def test_a_client_that_disconnects_uses_up_no_nonce():
    provider = make_provider(realms=["photos", "prints"])
    app, _ = make(provider)
    headers = [(b"host", b"testserver"), (b"content-length", b"3"), (b"authorization", b"OAuth x")]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/late", "raw_path": b"/late"}
    scope.update(root_path="", query_string=b"", headers=headers, scheme="http", server=("testserver", 80))
    messages = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]
    sent = []

    async def receive():
        return messages.pop(0)

    async def keep(message):
        sent.append(message)

    asyncio.run(app(scope, receive, keep))
    assert sent[0]["status"] == 400
    assert "not%20complete" in sent[1]["body"].decode()


# --- the document of the API ----------------------------------------------------------------


def test_the_document_of_the_api_has_the_security_scheme():
    found = make()[0].openapi()
    (name, scheme), *others = found["components"]["securitySchemes"].items()
    assert (name, others, scheme["type"], scheme["scheme"]) == ("OAuth1", [], "http", "OAuth")
    demanded = found["paths"]["/photos"]["get"]["security"]  # FastAPI 0.115 repeats it for each dependency
    assert demanded in ([{"OAuth1": []}], [{"OAuth1": []}] * 2)
    assert "security" not in found["paths"]["/open"]["get"]
    assert set(found["paths"]["/oauth/request_token"]) == {"post"}
    assert "access" not in json.dumps(found["paths"]["/photos"]["get"].get("parameters", []))


def test_a_test_of_the_application_can_replace_the_dependency():
    app, oauth = make()
    jane = Access(consumer=CLIENT, token=None, user="jane", parameters={})
    for realm in (None, "photos"):
        assert oauth.access(realm) is oauth.access(realm)
        app.dependency_overrides[oauth.access(realm)] = lambda: jane
    assert send(app, "/photos").json() == {"user": "jane", "parameters": {}}


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"provider": Provider}, TypeError, "provider"),
        ({"prefix": "oauth"}, ValueError, "prefix"),
        ({"prefix": "/oauth/"}, ValueError, "prefix"),
        ({"prefix": 1}, TypeError, "prefix"),
        ({"proxies": ["127.0.0.1"]}, TypeError, "proxies"),
        ({"max_body": "1"}, TypeError, "max_body"),
        ({"max_body": -1}, ValueError, "max_body"),
    ],
)
def test_a_mistake_of_the_caller_is_reported(options, error, match):
    with pytest.raises(error, match=match):
        OAuth1Provider(**{"provider": make_provider(), **options})


def test_an_unknown_realm_and_a_wrong_application_are_reported():
    oauth = OAuth1Provider(Provider(MemoryStore()))
    with pytest.raises(ValueError, match="realm"):
        oauth.access("none")
    with pytest.raises(TypeError, match="app"):
        oauth.install(FastAPI)


def test_the_handler_raises_other_exceptions():
    with pytest.raises(KeyError):
        asyncio.run(access_refused(None, KeyError()))

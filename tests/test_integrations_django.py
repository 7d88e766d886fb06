"""The Django app: protected views, the endpoints, the consent page, the settings and the system checks."""

import asyncio
import json
from io import BytesIO
from urllib.parse import parse_qsl, urlencode, urlsplit

import django_project
import pytest
from django_project import ORIGIN, authorization, without_body_hash
from served import CLIENT, FORM

import oauth2
from oauth2.provider import Access, RequestPolicy
from oauth2.stores import CombinedStore, MemoryStore, TokenCredentials

django_project.set_up()

from asgiref.sync import iscoroutinefunction, sync_to_async  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.checks import run_checks  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.test import AsyncClient, Client, RequestFactory, override_settings  # noqa: E402
from django.test.client import AsyncRequestFactory  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django.views import View  # noqa: E402

from oauth2.integrations.django import oauth_required, provider  # noqa: E402
from oauth2.integrations.django.access import verify  # noqa: E402
from oauth2.integrations.django.models import UsedNonce  # noqa: E402
from oauth2.integrations.django.received import read  # noqa: E402
from oauth2.integrations.django.views import approve, deny  # noqa: E402
from oauth2.stores.django import DjangoStore  # noqa: E402

pytestmark = pytest.mark.slow

READY = "https://printer.example/ready"


# --- the views under test ------------------------------------------------------------


def shown(request):
    found = {"user": request.user.get_username(), "parameters": request.oauth.parameters}
    return JsonResponse({**found, "post": request.POST.dict(), "body": request.body.decode()})


@oauth_required(realm="photos")
def photos(request, name="all"):
    return shown(request)


@oauth_required
def anything(request):
    return shown(request)


@oauth_required(realm="prints")
def prints(request):
    return shown(request)


@oauth_required(realm="photos")
async def async_photos(request):
    assert await request.auser() == request.user
    return shown(request)


@method_decorator(oauth_required(realm="photos"), name="dispatch")
class Decorated(View):
    def get(self, request):
        return shown(request)


class AsyncView(View):
    async def get(self, request):
        return shown(request)


@oauth_required
def failing(request):
    get_user_model().objects.create_user("rolled-back")
    raise ZeroDivisionError


@oauth_required
@transaction.non_atomic_requests
def failing_without_transaction(request):
    get_user_model().objects.create_user("kept")
    raise ZeroDivisionError


@oauth_required
def outer(request):
    return photos(request)


@oauth_required
def outer_prints(request):
    return prints(request)


@oauth_required
def cached_in_public(request):
    return HttpResponse("shown", headers={"Cache-Control": "public, max-age=60"})


def own_consent(request):
    return approve(request, request.GET["oauth_token"])


urlpatterns = [
    path("photos", photos),
    path("photos/<str:name>", photos),
    path("anything", anything),
    path("prints", prints),
    path("async", async_photos),
    path("decorated", Decorated.as_view()),
    path("view", oauth_required(AsyncView.as_view())),
    path("failing", failing),
    path("failing-without", failing_without_transaction),
    path("outer", outer),
    path("outer-prints", outer_prints),
    path("cached", cached_in_public),
    path("own-consent", own_consent),
    path("oauth/", include("oauth2.integrations.django.urls")),
]


@pytest.fixture(scope="module")
def made():
    with override_settings(ROOT_URLCONF=__name__), django_project.project() as made:
        yield made


@pytest.fixture
def token(made):
    return made[1]


@pytest.fixture
def user(made):
    yield made[0]
    get_user_model().objects.exclude(pk=made[0].pk).delete()


@pytest.fixture
def client(made):
    return Client(enforce_csrf_checks=True, headers={"host": "api.example"})


def call(client, method, path, token, *, form=(), body=b"", content_type=FORM, sign=None, origin=ORIGIN, **options):
    signed = authorization(method, sign or path, token, form, b"" if form else body, origin=origin)
    data = urlencode(form) if form else body
    return client.generic(method, path, data, content_type if data else "", **{**signed, **options})


def problem(answer):
    assert answer["Content-Type"] == FORM
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code, dict(parse_qsl(answer.content.decode())).get("oauth_problem")


# --- protected views -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/photos", "/photos/one", "/async", "/decorated", "/view", "/outer"])
def test_a_signed_request_reaches_the_view_and_an_unsigned_one_does_not(client, token, path):
    answer = call(client, "GET", f"{path}?size=big&a=caf%C3%A9", token)
    assert answer.status_code == 200, answer.content
    found = {"user": "jane", "parameters": {"size": "big", "a": "caf\xe9"}}
    assert {key: answer.json()[key] for key in found} == found
    assert problem(client.get(path)) == (400, "parameter_absent")
    assert client.get(path)["WWW-Authenticate"].startswith("OAuth ")


@pytest.mark.parametrize("path", ["/photos", "/async"])
def test_a_request_is_accepted_once(client, token, path):
    signed = authorization("GET", path, token)
    assert client.get(path, **signed).status_code == 200
    assert problem(client.get(path, **signed)) == (401, "nonce_used")


@pytest.mark.parametrize("path", ["/photos", "/async"])
def test_a_forged_request_is_refused(client, token, path):
    assert problem(call(client, "GET", f"{path}?size=small", token, sign=f"{path}?size=big")) == (
        401, "signature_invalid")  # fmt: skip


@pytest.mark.parametrize("path", ["/prints", "/outer-prints"])
def test_a_token_for_another_realm_is_refused(client, token, path):
    assert problem(call(client, "GET", path, token)) == (401, "permission_denied")


def test_a_signed_form_reaches_the_view_without_a_csrf_token(client, token):
    answer = call(client, "POST", "/photos?size=big", token, form={"caption": "caf\xe9 & x"})
    assert answer.json()["parameters"] == {"size": "big", "caption": "caf\xe9 & x"}
    assert answer.json()["post"] == {"caption": "caf\xe9 & x"}
    assert answer.json()["body"] == "caption=caf%C3%A9+%26+x"


@pytest.mark.parametrize("path", ["/anything", "/async"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_that_is_not_signed_is_refused(client, token, path, content_type):
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nforged\r\n--x--\r\n'
    answer = client.generic("POST", path, body, content_type, **without_body_hash("POST", path, token))
    assert problem(answer) == (400, "parameter_absent")


def test_a_body_whose_hash_is_signed_reaches_the_view(client, token):
    answer = call(client, "POST", "/anything", token, body=b'{"a": 1}', content_type="application/json")
    assert answer.json()["body"] == '{"a": 1}'
    signed = authorization("POST", "/anything", token, body=b'{"a": 1}')
    answer = client.generic("POST", "/anything", b'{"a": 2}', "application/json", **signed)
    assert answer.status_code == 401


def test_unsigned_bodies_can_be_allowed(client, token):
    with override_settings(OAUTH2_POLICY=RequestPolicy()):
        signed = without_body_hash("POST", "/anything", token)
        answer = client.generic("POST", "/anything", b"{}", "application/json", **signed)
    assert (answer.status_code, answer.json()["parameters"]) == (200, {})


def test_a_head_request_is_verified_and_a_refusal_has_no_body(client, token):
    assert call(client, "HEAD", "/photos", token).status_code == 200
    answer = client.head("/photos")
    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize("limit", [{"OAUTH2_MAX_BODY": 10}, {"DATA_UPLOAD_MAX_MEMORY_SIZE": 10}])
def test_a_body_that_is_too_large_is_refused(client, token, limit):
    with override_settings(**limit):
        answer = call(client, "POST", "/anything", token, form={"a": "b" * 20})
    assert problem(answer)[0] == 413


def test_a_body_that_does_not_match_its_length_is_refused(client, token):
    short = {"CONTENT_LENGTH": "9", "wsgi.input": BytesIO(b"a=b")}
    assert problem(call(client, "POST", "/anything", token, form={"a": "b"}, **short))[0] == 400
    assert problem(call(client, "POST", "/anything", token, form={"a": "b"}, CONTENT_LENGTH="x"))[0] == 400


def test_two_authorization_headers_are_refused(client, token):
    first, second = (authorization("GET", "/photos", token)["HTTP_AUTHORIZATION"] for _ in range(2))
    assert problem(client.get("/photos", HTTP_AUTHORIZATION=f"{first},{second}"))[0] == 400


def test_a_request_without_a_token_has_no_user(client):
    store = provider().store
    store.add_consumer(oauth2.stores.ClientCredentials(key="robot", secret="robot-secret", two_legged=True))
    request = oauth2.Request.from_consumer_and_token(
        oauth2.Consumer("robot", "robot-secret"), http_method="GET", http_url=f"{ORIGIN}/anything"
    )
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA256(), oauth2.Consumer("robot", "robot-secret"), None)
    answer = client.get("/anything", HTTP_AUTHORIZATION=request.to_header()["Authorization"])
    assert (answer.status_code, answer.json()["user"]) == (200, "")


@pytest.mark.parametrize("who", ["999999", "a name", "inactive"])
def test_the_token_of_a_user_who_is_gone_or_not_active_is_refused(client, user, who):
    if who == "inactive":
        who = str(get_user_model().objects.create_user("old", is_active=False).pk)
    another = TokenCredentials(key=f"of {who}", secret="s", consumer_key="printer", user=who)
    provider().store.add_token(another)
    assert problem(call(client, "GET", "/anything", another)) == (401, "permission_denied")


def test_a_signed_request_is_not_that_of_the_session_in_its_cookie(client, user, token):
    client.force_login(get_user_model().objects.create_user("mallory"))
    assert call(client, "GET", "/anything", token).json()["user"] == "jane"
    assert client.get("/anything").status_code == 400  # the session cookie does not replace the signature


def test_the_response_is_private_unless_the_view_says_otherwise(client, token):
    answer = call(client, "GET", "/photos", token)
    assert (answer["Cache-Control"], "Authorization" in answer["Vary"]) == ("private", True)
    assert call(client, "GET", "/cached", token)["Cache-Control"] == "public, max-age=60"


def test_the_cache_middleware_gives_a_signed_response_to_nobody(client, token):
    from django.conf import settings

    inside = ["django.middleware.cache.FetchFromCacheMiddleware"]
    around = ["django.middleware.cache.UpdateCacheMiddleware"]
    with override_settings(MIDDLEWARE=[*around, *settings.MIDDLEWARE, *inside]):
        client = Client(headers={"host": "api.example"})
        for path in ("/photos", "/cached"):
            assert call(client, "GET", path, token).status_code == 200
            assert client.get(path).status_code == 400


# --- URLs --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/photos/caf%C3%A9", "/photos/a%20b", "/photos/%7Ea", "/photos/a;b=c"])
def test_an_escaped_path_is_verified_as_the_client_signed_it(client, token, path):
    assert call(client, "GET", path, token, RAW_URI=path).status_code == 200
    for options in ({}, {"RAW_URI": "/other"}):  # Without the real RAW_URI, the view cannot see "%7E".
        answer = call(client, "GET", path, token, **options)
        assert answer.status_code == (401 if "%7E" in path else 200)


def test_the_path_that_is_served_is_the_path_that_is_verified(client, token):
    assert call(client, "GET", "/photos/two", token, sign="/photos/one", RAW_URI="/photos/one").status_code == 401


@pytest.mark.parametrize("raw", ["/v1/photos/a%7Eb", "/photos/a%7Eb", None])
def test_a_project_below_a_prefix_verifies_the_prefix(client, token, raw):
    url = "/v1/photos/a%7Eb" if raw else "/v1/photos/a~b"
    with override_settings(FORCE_SCRIPT_NAME="/v1"):
        options = {"RAW_URI": raw} if raw else {}
        assert call(client, "GET", "/photos/a~b", token, sign=url, **options).status_code == 200
        assert call(client, "GET", "/photos/a~b", token, **options).status_code == 401
    with override_settings(OAUTH2_BASE_URL=f"{ORIGIN}/v1"):
        assert call(client, "GET", "/photos/a~b", token, sign="/v1/photos/a~b").status_code == 200


@pytest.mark.parametrize("root", ["", "/v1"])
def test_a_request_under_asgi_is_verified_as_under_wsgi(made, token, root):
    async def send():
        client = AsyncClient()
        signed = authorization("GET", f"{root}/async?a=caf%C3%A9", token)["HTTP_AUTHORIZATION"]
        headers = {"authorization": signed}
        try:
            return [await client.get("/async?a=caf%C3%A9", headers=headers) for _ in range(2)]
        finally:
            # sync_to_async() closes the connections in the thread that verified the requests.
            await sync_to_async(connections.close_all)()

    with override_settings(FORCE_SCRIPT_NAME=root or None, ALLOWED_HOSTS=["testserver"]):
        first, second = asyncio.run(send())
    assert (first.status_code, first.json()["parameters"]) == (200, {"a": "caf\xe9"})
    assert problem(second) == (401, "nonce_used")


def test_the_raw_path_of_asgi_is_used():
    request = AsyncRequestFactory().get("/photos/a~b")
    request.scope["raw_path"] = b"/photos/a%7Eb"
    assert urlsplit(read(request, 100).url).path == "/photos/a%7Eb"


# --- transactions --------------------------------------------------------------------------


@pytest.fixture
def atomic_requests():
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    yield
    connections.settings["default"]["ATOMIC_REQUESTS"] = False


def test_a_nonce_stays_used_if_the_transaction_of_the_view_is_rolled_back(client, user, token, atomic_requests):
    for url, is_kept in (("/failing", False), ("/failing-without", True)):
        signed = authorization("GET", url, token)
        with pytest.raises(ZeroDivisionError):
            client.get(url, **signed)
        assert get_user_model().objects.filter(username__in=["rolled-back", "kept"]).exists() is is_kept
        assert problem(client.get(url, **signed)) == (401, "nonce_used")


def test_a_transaction_and_a_coroutine_function_do_not_go_together(client, token, atomic_requests):
    with pytest.raises(RuntimeError, match="ATOMIC_REQUESTS with async views"):
        call(client, "GET", "/async", token)


def test_a_request_inside_a_transaction_is_not_verified(made, token):
    request = RequestFactory(headers={"host": "api.example"}).get("/photos", **authorization("GET", "/photos", token))
    with transaction.atomic(), pytest.raises(RuntimeError, match="before a transaction begins"):
        verify(request)


# --- mistakes ----------------------------------------------------------------------------


def test_the_decorator_refuses_what_is_no_view_and_an_unknown_realm():
    with pytest.raises(TypeError, match="view: must be a function; pass a realm as realm="):
        oauth_required("photos")
    with pytest.raises(ValueError, match="realm: must be one of OAUTH2_REALMS"):
        oauth_required(realm="potos")
    with pytest.raises(ValueError, match="realm: must be one of OAUTH2_REALMS"):
        verify(None, "potos")


def test_a_decorated_coroutine_function_is_one():
    assert iscoroutinefunction(async_photos)
    assert not iscoroutinefunction(photos)


def test_a_body_that_was_read_before_is_a_mistake_of_the_program(made, token):
    request = RequestFactory().post("/photos", {"a": "b"})  # multipart
    assert request.POST
    with pytest.raises(RuntimeError, match="Verify the request first"):
        verify(request)


def test_a_client_that_goes_away_is_refused(made):
    class Gone(BytesIO):
        def read(self, *_):
            raise OSError

        def seekable(self):
            return False

    request = RequestFactory().post("/photos", {"a": "b"}, FORM)
    request._stream = Gone()
    with pytest.raises(oauth2.errors.InvalidRequest, match="cannot be read"):
        verify(request)


# --- the endpoints and the consent page ----------------------------------------------------


def temporary_for(client, callback="oob", realm=None):
    signed = authorization("POST", "/oauth/request_token", None, oauth_callback=callback)
    if realm:
        signed = {"HTTP_AUTHORIZATION": signed["HTTP_AUTHORIZATION"].replace('realm=""', f'realm="{realm}"')}
    answer = client.generic("POST", "/oauth/request_token", **signed)
    assert answer.status_code == 200, answer.content
    found = dict(parse_qsl(answer.content.decode()))
    return oauth2.Token(found["oauth_token"], found["oauth_token_secret"])


def csrf(page):
    return page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]


def decide(client, temporary, answer="allow", path="/oauth/authorize", **fields):
    page = client.get(path, {"oauth_token": temporary.key})
    assert page.status_code == 200, page.content
    data = {"csrfmiddlewaretoken": csrf(page), "oauth_token": temporary.key, "answer": answer, **fields}
    origin = {"origin": ORIGIN, "referer": f"{ORIGIN}{path}"}
    return client.post(path, data, headers=origin, secure=True)


def redeem(client, temporary, verifier):
    signed = authorization("POST", "/oauth/access_token", temporary, oauth_verifier=verifier)
    return client.generic("POST", "/oauth/access_token", **signed)


def test_a_user_approves_a_client_which_gets_a_token(client, user):
    temporary = temporary_for(client)
    page = client.get("/oauth/authorize", {"oauth_token": temporary.key})
    assert (page.status_code, page["Location"].partition("?")[0]) == (302, "/admin/login/")
    client.force_login(user)
    page = client.get("/oauth/authorize", {"oauth_token": temporary.key})
    assert "no-store" in page["Cache-Control"]
    assert page["X-Frame-Options"] == "DENY"
    assert "printer asks for access" in page.content.decode()
    page = decide(client, temporary, realm=["photos", "unknown"])
    assert "no-store" in page["Cache-Control"]
    verifier = page.content.decode().partition('id="verifier">')[2].partition("<")[0]
    answer = redeem(client, temporary, verifier)
    assert answer.status_code == 200
    (found,) = [each for each in provider().tokens_of(str(user.pk)) if each.key in answer.content.decode()]
    assert found.realms == ("photos",)
    assert call(client, "GET", "/photos", found).json()["user"] == "jane"
    assert call(client, "GET", "/prints", found).status_code == 401
    assert redeem(client, temporary, verifier).status_code == 401


@pytest.mark.parametrize("callback", [READY, "com.example.printer:/ready"])
def test_a_user_returns_to_the_callback(client, user, callback):
    provider().store.add_consumer(oauth2.stores.ClientCredentials(
        key="printer", secret="printer-secret", callbacks=(READY, "com.example.printer:/ready", "oob")))  # fmt: skip
    client.force_login(user)
    temporary = temporary_for(client, callback)
    answer = decide(client, temporary)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (303, callback)
    assert answer["Referrer-Policy"] == "no-referrer"
    returned = dict(parse_qsl(urlsplit(answer["Location"]).query))
    assert redeem(client, temporary, returned["oauth_verifier"]).status_code == 200


def test_a_user_denies(client, user):
    client.force_login(user)
    answer = decide(client, temporary_for(client, READY), "deny")
    assert "oauth_problem=permission_denied" in answer["Location"]
    assert b"does not get access" in decide(client, temporary_for(client), "deny").content
    assert b"does not get access" in decide(client, temporary_for(client), "").content


def test_a_decision_needs_the_csrf_token_and_the_same_site(client, user):
    client.force_login(user)
    temporary = temporary_for(client)
    fields = {"oauth_token": temporary.key, "answer": "allow"}
    assert client.post("/oauth/authorize", fields, secure=True).status_code == 403
    assert client.post("/oauth/authorize", fields, headers={"origin": "https://evil.example"}).status_code == 403
    assert provider().store.get_temporary(temporary.key).user is None


def test_an_unknown_token_is_a_page_with_status_401(client, user):
    client.force_login(user)
    temporary = temporary_for(client)
    page = client.get("/oauth/authorize", {"oauth_token": "none"})
    assert page.status_code == 401
    assert b"cannot be approved" in page.content
    assert decide(client, temporary).status_code == 200
    for answer in ("allow", "deny"):
        fields = {
            "oauth_token": temporary.key,
            "answer": answer,
            "csrfmiddlewaretoken": client.cookies["csrftoken"].value,
        }
        again = client.post("/oauth/authorize", fields, headers={"referer": ORIGIN}, secure=True)
        assert again.status_code == 401
    assert client.options("/oauth/authorize").status_code == 405


def test_a_consent_page_of_the_project_uses_approve(client, user):
    client.force_login(user)
    temporary = temporary_for(client)
    assert b'id="verifier"' in client.get("/own-consent", {"oauth_token": temporary.key}).content
    assert client.get("/own-consent", {"oauth_token": temporary.key}).status_code == 401


def test_a_template_of_the_project_replaces_the_page(client, user, tmp_path):
    from django.conf import settings

    folder = tmp_path / "oauth2"
    folder.mkdir()
    (folder / "authorize.html").write_text("Hello {{ user }}: {{ pending.consumer.key }}")
    with override_settings(TEMPLATES=[{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]):
        client.force_login(user)
        page = client.get("/oauth/authorize", {"oauth_token": temporary_for(client).key})
    assert page.content == b"Hello jane: printer"


def test_a_page_shows_names_as_text(client, user):
    hostile = "<script>alert(1)</script>"
    provider().store.add_consumer(oauth2.stores.ClientCredentials(
        key="printer", secret="printer-secret", callbacks=("oob", READY), name=hostile))  # fmt: skip
    client.force_login(user)
    page = client.get("/oauth/authorize", {"oauth_token": temporary_for(client).key})
    assert hostile not in page.content.decode()
    assert "&lt;script&gt;" in page.content.decode()
    provider().store.add_consumer(CLIENT)


def test_the_endpoints_refuse_what_is_not_signed(client, token):
    for url in ("/oauth/request_token", "/oauth/access_token"):
        assert problem(client.generic("POST", url)) == (400, "parameter_absent")
        assert problem(client.generic("POST", url, b"x", "text/plain", CONTENT_LENGTH="99999999"))[0] == 413


@pytest.mark.parametrize("endpoint", ["request_token", "access_token"])
def test_the_endpoints_run_outside_of_a_transaction(client, atomic_requests, endpoint):
    signed = authorization("POST", f"/oauth/{endpoint}", None, oauth_callback="oob")
    before = UsedNonce.objects.count()
    client.generic("POST", f"/oauth/{endpoint}", **signed)
    assert UsedNonce.objects.count() == before + 1


# --- settings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"OAUTH2_BASE_URL": ""}, "OAUTH2_BASE_URL: must be set"),
        ({"OAUTH2_BASE_URL": "ftp://api.example"}, "OAUTH2_BASE_URL: must"),
        ({"OAUTH2_REALMS": ["a b"]}, "OAUTH2_REALMS: must"),
        ({"OAUTH2_POLICY": "json.dumps"}, "OAUTH2_POLICY: must"),
        ({"OAUTH2_AUDIT": "nowhere.audit"}, "OAUTH2_AUDIT: must be an object, or its dotted path"),
        ({"OAUTH2_DATABASE": "nowhere"}, "OAUTH2_DATABASE: must be the alias"),
        ({"OAUTH2_STORE": MemoryStore, "OAUTH2_CIPHER": None}, "OAUTH2_STORE: must"),
        ({"OAUTH2_REALMS": "photos"}, "OAUTH2_REALMS: must be a list of realms"),
        ({"OAUTH2_MAX_BODY": "1"}, "OAUTH2_MAX_BODY: must be an int"),
        ({"OAUTH2_MAX_BODY": -1}, "OAUTH2_MAX_BODY: must not be negative"),
        (
            {"OAUTH2_STORE": MemoryStore(), "OAUTH2_CIPHER": object()},
            "OAUTH2_CIPHER: must not be set with OAUTH2_STORE",
        ),
    ],
)
def test_a_mistake_in_a_setting_names_the_setting(changed, message):
    with override_settings(**changed):
        with pytest.raises(ImproperlyConfigured, match=message):
            provider()
        assert [each.id for each in run_checks(tags=["oauth2"])] == ["oauth2.E001"]


def test_the_settings_are_those_of_the_provider():
    events, store = [], MemoryStore()
    settings = {"OAUTH2_REALM": "Photos", "OAUTH2_AUDIT": events.append, "OAUTH2_STORE": store}
    with override_settings(**settings, OAUTH2_LIFETIMES=oauth2.provider.Lifetimes(temporary=60)):
        made = provider()
        assert (made.realm, made.realms, made.store) == ("Photos", ("photos", "prints"), store)
        assert (made.base_url, made.lifetimes.temporary) == (ORIGIN, 60)
        assert made.policy.body_hash_required
    assert provider() is not made
    assert provider() is provider()
    assert isinstance(provider().store, DjangoStore)
    assert provider().store.using == "default"


def test_an_audit_function_is_found_by_its_path(client, made):
    with override_settings(OAUTH2_AUDIT=f"{__name__}.EVENTS.append"), pytest.raises(ImproperlyConfigured):
        provider()  # The setting must name an attribute of a module.
    with override_settings(OAUTH2_AUDIT=f"{__name__}.audited"):
        client.get("/photos")
    assert [type(each).__name__ for each in EVENTS] == ["Refused"]


EVENTS = []


def audited(event):
    EVENTS.append(event)


# --- system checks -----------------------------------------------------------------------


def found(*, deploy=False, **changed):
    with override_settings(**changed):
        return [each.id for each in run_checks(tags=["oauth2"], include_deployment_checks=deploy)]


def test_settings_without_a_mistake_have_no_message():
    assert found() == []
    assert found(OAUTH2_BASE_URL="http://127.0.0.1:8000", DEBUG=True, ALLOWED_HOSTS=[]) == []
    assert found(deploy=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")) == []
    assert found(deploy=True, CSRF_TRUSTED_ORIGINS=[ORIGIN]) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"ALLOWED_HOSTS": ["other.example"]}, "oauth2.E002"),
        ({"OAUTH2_BASE_URL": "http://api.example"}, "oauth2.E003"),
        ({"FORCE_SCRIPT_NAME": "/v1", "OAUTH2_BASE_URL": f"{ORIGIN}/v1"}, "oauth2.W004"),
        ({"OAUTH2_STORE": MemoryStore()}, "oauth2.W001"),
        ({"deploy": True}, "oauth2.W003"),
        ({"deploy": True, "OAUTH2_BASE_URL": "http://127.0.0.1:8000", "ALLOWED_HOSTS": ["127.0.0.1"]}, "oauth2.W002"),
    ],
)
def test_a_setting_that_breaks_the_provider_is_found(changed, expected):
    assert found(**changed) == [expected]


def test_nonces_in_memory_are_found_behind_other_stores():
    kept = DjangoStore()
    assert found(OAUTH2_STORE=CombinedStore(credentials=kept, temporary=kept, nonces=MemoryStore())) == ["oauth2.W001"]
    assert found(OAUTH2_STORE=CombinedStore(credentials=kept, temporary=kept, nonces=kept)) == []


def test_transactions_that_break_the_provider_are_found(atomic_requests, monkeypatch):
    framework = {"DEFAULT_AUTHENTICATION_CLASSES": ["oauth2.integrations.rest_framework.OAuth1Authentication"]}
    assert found() == []
    assert found(REST_FRAMEWORK=framework) == ["oauth2.W005"]
    monkeypatch.setitem(connections.settings["default"], "AUTOCOMMIT", False)
    assert found() == ["oauth2.E004"]


def test_a_database_without_returning_is_found(monkeypatch):
    def messages(databases=("default",)):
        return [each for each in run_checks(tags=["database"], databases=databases) if each.id.startswith("oauth2")]

    assert messages() == []
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    (message,) = messages()
    assert (message.id, "SQLite before 3.35" in message.msg) == ("oauth2.E005", True)
    assert messages(databases=[]) == []
    monkeypatch.setattr(type(connections["default"]), "vendor", "mysql")
    (message,) = messages()
    assert "is MySQL" in message.msg


def test_the_access_of_a_view_is_typed():
    assert oauth2.integrations.django.SignedRequest.__annotations__ == {"oauth": "Access"}
    assert json.dumps(Access.__name__) == '"Access"'


def received(scope, body=b""):
    """Return an ASGI request with the fields of *scope*, which may omit the Content-Length."""
    from django.core.handlers.asgi import ASGIRequest

    headers = [(b"host", b"api.example"), *scope.pop("headers", ())]
    return ASGIRequest({"type": "http", "method": "GET", "path": "/photos", **scope, "headers": headers}, BytesIO(body))


def test_a_body_without_a_length_is_verified_under_asgi(made, token):
    for body, content_type in ((b"caption=forged", FORM), (b'{"a": 1}', "application/json")):
        signed = authorization("POST", "/photos", token)["HTTP_AUTHORIZATION"]
        headers = [(b"authorization", signed.encode()), (b"content-type", content_type.encode())]
        with pytest.raises(oauth2.Error):
            verify(received({"method": "POST", "headers": headers}, body))  # HTTP/2 needs no Content-Length.
    assert read(received({"method": "POST"}, b"body"), 4).body == b"body"
    with pytest.raises(oauth2.errors.InvalidRequest, match="too large"):
        read(received({"method": "POST"}, b"body"), 3)
    for length in (b"3", b"5"):
        with pytest.raises(oauth2.errors.InvalidRequest, match="differs from the Content-Length"):
            read(received({"method": "POST", "headers": [(b"content-length", length)]}, b"body"), 9)
    chunked = {"method": "POST", "headers": [(b"transfer-encoding", b"chunked")]}
    assert read(received(chunked, b"body"), 9).body == b"body"


def test_a_scope_without_a_raw_path_is_accepted():
    assert urlsplit(read(received({"raw_path": None}), 100).url).path == "/photos"


def test_the_octets_of_the_query_of_asgi_are_verified():
    assert read(received({"query_string": "a=\xe9".encode()}), 100).url.endswith("?a=%C3%A9")
    assert read(received({"query_string": "a=\u20ac".encode()}), 100).url.endswith("?a=%E2%82%AC")


@pytest.mark.parametrize("path", ["/photos", "/async", "/oauth/request_token"])
def test_a_project_that_requires_a_login_for_each_page_serves_clients(client, token, path):
    from django.conf import settings

    login = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, login]):
        client = Client(headers={"host": "api.example"})
        if path == "/oauth/request_token":
            assert temporary_for(client).key
        else:
            assert call(client, "GET", path, token).status_code == 200
        assert client.get(path).status_code == 400


def test_a_consent_page_of_the_project_needs_a_login(client):
    temporary = temporary_for(client)
    with pytest.raises(ValueError, match="request: must have a user who is logged in"):
        client.get("/own-consent", {"oauth_token": temporary.key})
    request = RequestFactory().get("/")
    with pytest.raises(ValueError, match="request: must have a user who is logged in"):
        deny(request, temporary.key)
    assert provider().pending(temporary.key).consumer == CLIENT


@pytest.mark.parametrize("hostile", ["\0", "", "\udc80", "x" * 5000, "%"])
def test_a_hostile_token_on_the_consent_page_is_refused(client, user, hostile):
    client.force_login(user)
    query = urlencode({"oauth_token": hostile}, errors="surrogatepass")
    page = client.generic("GET", "/oauth/authorize", QUERY_STRING=query)
    assert (page.status_code, "no-store" in page["Cache-Control"], page["X-Frame-Options"]) == (401, True, "DENY")


@pytest.mark.parametrize("raw", ["/photos/a%7Eb", "/v1/photos/a%7Eb", "/photos/a%7Eb?x", "/v1/photos/a%7Eb?x"])
def test_a_path_that_begins_like_the_prefix_is_verified_as_the_client_signed_it(raw):
    for prefix in ("/v1", "/pho"):
        sent = raw.replace("/v1", prefix)
        with override_settings(FORCE_SCRIPT_NAME=prefix):
            request = RequestFactory().get("/photos/a~b", RAW_URI=sent)
            assert urlsplit(read(request, 100).url).path == f"{prefix}/photos/a%7Eb"


def test_the_form_grants_only_realms_that_the_client_asked_for(client, user):
    client.force_login(user)
    temporary = temporary_for(client, realm="prints")
    page = client.get("/oauth/authorize", {"oauth_token": temporary.key}).content.decode()
    assert ('value="prints"' in page, 'value="photos"' in page) == (True, False)
    page = decide(client, temporary, realm=["photos", "prints", "", "\0"])
    verifier = page.content.decode().partition('id="verifier">')[2].partition("<")[0]
    answer = redeem(client, temporary, verifier)
    (found,) = [each for each in provider().tokens_of(str(user.pk)) if each.key in answer.content.decode()]
    assert found.realms == ("prints",)

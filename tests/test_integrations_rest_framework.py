"""The authentication class for Django REST framework, its permission, and its security scheme."""

import sys

import django_project
import pytest
from django_project import authorization, without_body_hash
from served import FORM

import oauth2
from oauth2.provider.audit import Refused
from oauth2.stores import MemoryStore, TokenCredentials

django_project.set_up()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import path as url  # noqa: E402
from rest_framework.authentication import SessionAuthentication  # noqa: E402
from rest_framework.decorators import api_view, authentication_classes, permission_classes  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from oauth2.integrations.django import oauth_required, provider  # noqa: E402
from oauth2.integrations.rest_framework import OAuth1Authentication, realm_required  # noqa: E402

pytestmark = pytest.mark.slow


class Photos(APIView):
    """Photos."""

    authentication_classes = (OAuth1Authentication, SessionAuthentication)
    permission_classes = (IsAuthenticated & realm_required("photos"),)

    def get(self, request):
        return Response({"user": request.user.get_username(), "parameters": request.auth.parameters})

    def post(self, request):
        return Response({"data": request.data, "parameters": request.auth.parameters})


@api_view(["GET"])
@authentication_classes([OAuth1Authentication])
@permission_classes([realm_required("prints")])
def prints(request):
    return Response("prints")


@api_view(["GET", "POST"])
@authentication_classes([OAuth1Authentication])
@permission_classes([])
def anyone(request):
    return Response({"user": request.user.get_username(), "is signed": request.auth is not None})


urlpatterns = [
    url("photos", Photos.as_view()),
    url("verified-first", oauth_required(Photos.as_view())),
    url("prints", prints),
    url("anyone", anyone),
]


@pytest.fixture(scope="module")
def made():
    with override_settings(ROOT_URLCONF=__name__), django_project.project() as made:
        yield made


@pytest.fixture
def token(made):
    return made[1]


@pytest.fixture
def client(made):
    return APIClient(enforce_csrf_checks=True, headers={"host": "api.example"})


@pytest.mark.parametrize("path", ["/photos", "/verified-first"])
def test_a_signed_request_is_authenticated_once(client, token, path):
    signed = authorization("GET", f"{path}?a=caf%C3%A9", token)
    answer = client.get(f"{path}?a=caf%C3%A9", **signed)
    assert answer.json() == {"user": "jane", "parameters": {"a": "caf\xe9"}}
    assert client.get(f"{path}?a=caf%C3%A9", **signed).status_code == 401


def test_a_refusal_says_why_and_how_to_authenticate(client, token):
    signed = authorization("GET", "/photos?a=b", token)
    answer = client.get("/photos?a=c", **signed)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'OAuth realm=""')
    assert answer.json() == {"detail": "The signature is invalid.", "oauth_problem": "signature_invalid"}
    answer = client.get("/photos", HTTP_AUTHORIZATION='OAuth oauth_consumer_key="printer"')
    assert (answer.status_code, answer.json()["oauth_problem"]) == (400, "parameter_absent")


def test_a_request_that_is_not_signed_is_left_to_the_permissions(client, made):
    answer = client.get("/photos")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'OAuth realm=""')
    assert client.get("/anyone").json() == {"user": "", "is signed": False}
    assert client.get("/anyone", HTTP_AUTHORIZATION="Bearer x").json() == {"user": "", "is signed": False}
    client.force_login(made[0])
    assert client.get("/photos").status_code == 403  # A session gives access to no realm.


def test_a_token_for_another_realm_is_forbidden(client, token):
    answer = client.get("/prints", **authorization("GET", "/prints", token))
    assert (answer.status_code, answer.json()) == (
        403, {"detail": "The token credentials do not give access to this realm."})  # fmt: skip
    with pytest.raises(ValueError, match="realm: must be one of OAUTH2_REALMS"):
        realm_required("potos")


@pytest.mark.parametrize("where", ["query", "form"])
def test_parameters_in_the_query_or_in_a_form_are_a_signature(client, token, where):
    consumer = oauth2.Consumer("printer", "printer-secret")
    method = "GET" if where == "query" else "POST"
    request = oauth2.Request.from_consumer_and_token(
        consumer, token, method, "https://api.example/anyone", is_form_encoded=True
    )
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA256(), consumer, token)
    sent = ("GET", request.to_url()) if where == "query" else ("POST", "/anyone", request.to_postdata(), FORM)
    assert client.generic(*sent).json() == {"user": "jane", "is signed": True}
    assert client.generic(*sent).status_code == 401


def test_a_form_and_a_body_with_a_signed_hash_reach_the_view(client, token):
    signed = authorization("POST", "/photos", token, {"caption": "x y"})
    answer = client.generic("POST", "/photos", "caption=x+y", FORM, **signed)
    assert answer.json() == {"data": {"caption": "x y"}, "parameters": {"caption": "x y"}}
    signed = authorization("POST", "/photos", token, body=b'{"a": 1}')
    answer = client.generic("POST", "/photos", b'{"a": 1}', "application/json", **signed)
    assert answer.json() == {"data": {"a": 1}, "parameters": {}}


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_is_not_signed_is_refused(client, token, content_type):
    answer = client.generic("POST", "/photos", b"{}", content_type, **without_body_hash("POST", "/photos", token))
    assert (answer.status_code, answer.json()["oauth_problem"]) == (400, "parameter_absent")


def test_a_user_who_is_not_active_is_refused(client):
    user = get_user_model().objects.create_user("old", is_active=False)
    token = TokenCredentials(key="old", secret="s", consumer_key="printer", user=str(user.pk), realms=("photos",))
    provider().store.add_token(token)
    answer = client.get("/photos", **authorization("GET", "/photos", token))
    assert (answer.status_code, answer.json()["detail"]) == (401, "The user who approved this client is not active.")


def test_a_store_that_does_not_answer_is_a_503_which_the_audit_hook_sees(client, token):
    class Broken(MemoryStore):
        def find(self, *_):
            raise oauth2.errors.StoreUnavailable("The store cannot be used.")

    events = []
    with override_settings(OAUTH2_STORE=Broken(), OAUTH2_AUDIT=events.append):
        answer = client.get("/photos", **authorization("GET", "/photos", token))
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        client.generic("POST", "/photos", b"x", "text/plain", HTTP_AUTHORIZATION="OAuth x", CONTENT_LENGTH="99999999")
    assert [type(each) for each in events] == [Refused, Refused]


def test_a_nonce_stays_used_if_the_view_is_in_a_transaction(client, token):
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        assert client.get("/verified-first", **authorization("GET", "/verified-first", token)).status_code == 200
        with pytest.raises(RuntimeError, match="Apply oauth_required to the view"):
            client.get("/photos", **authorization("GET", "/photos", token))
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False


def test_the_openapi_schema_has_the_security_scheme(made):
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.openapi import AutoSchema

    Photos.schema = AutoSchema()
    views = [url("photos", Photos.as_view())]
    schema = SchemaGenerator(patterns=views).get_schema(public=True)
    scheme = schema["components"]["securitySchemes"]["OAuth1"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "OAuth")
    assert {"OAuth1": []} in schema["paths"]["/photos"]["get"]["security"]


def test_drf_spectacular_is_not_necessary(monkeypatch):
    for name in ("oauth2.integrations.rest_framework", "oauth2.integrations._openapi"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "drf_spectacular.extensions", None)
    import oauth2.integrations.rest_framework as again

    assert again.OAuth1Authentication is not OAuth1Authentication


def test_another_scheme_is_left_to_other_authentication_classes(client, made):
    for header in ("OAuth2 abc", "OAuthX", "", " "):
        assert client.get("/anyone", HTTP_AUTHORIZATION=header).json() == {"user": "", "is signed": False}
    for header in ("OAuth", "oauth ", "OAUTH\tx", " OAuth x"):
        assert client.get("/anyone", HTTP_AUTHORIZATION=header).status_code == 400

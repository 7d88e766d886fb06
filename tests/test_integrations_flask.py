"""The extension for Flask: protected views, the endpoints, and the consent page."""

from functools import wraps
from urllib.parse import parse_qsl

import pytest
import requests
from served import CLIENT, FORM, HMAC, TOKEN, make_provider, part, signed

import oauth2
from oauth2.middleware.wsgi import ACCESS, Protected
from oauth2.provider import Provider
from oauth2.stores import MemoryStore

flask = part("flask")
part("flask.views")

from oauth2.integrations.flask import OAuth1Provider, current_access  # noqa: E402 - skipped without Flask

pytestmark = pytest.mark.slow

ORIGIN = "http://localhost"


def make(**options):
    """Return an application with some views, and its extension."""
    oauth = OAuth1Provider(provider=make_provider(realms=["photos", "prints"], **options))
    app = flask.Flask("app")

    @app.route("/photos", methods=["GET", "POST"])
    @oauth.required(realm="photos")
    def photos():
        return {"user": current_access.user, "parameters": current_access.parameters}

    @app.get("/prints")
    @oauth.required(realm="prints")
    def prints():
        return "prints"

    @app.post("/body")
    @oauth.required
    def body():
        return {"form": flask.request.form.to_dict(), "parameters": current_access.parameters}

    @app.post("/json")
    @oauth.required
    def read_json():
        return {"json": flask.request.get_json(), "data": flask.request.get_data(as_text=True)}

    @app.get("/open")
    def opened():
        return {"verified": bool(current_access)}

    oauth.init_app(app)
    return app, oauth


@pytest.fixture
def app():
    return make()[0]


def call(app, path, method="GET", *, mount="", token=TOKEN, form=(), sign=None, **options):
    """Send a signed request to *app*."""
    url = f"{ORIGIN}{mount}{path}"
    authorization = signed(method, sign or url, form, token, options.get("data", b"") if not form else b"")
    return send(app, path, method, authorization, mount=mount, form=form, **options)


def send(app, path, method="GET", authorization=None, *, mount="", form=(), headers=(), **options):
    fields = [*headers, *([("Authorization", authorization)] if authorization else [])]
    if form:
        options["data"] = dict(form)
    return app.test_client().open(path, method=method, base_url=f"{ORIGIN}{mount}", headers=fields, **options)


def assert_refused(answer, status, problem=None):
    assert answer.status_code == status, answer.data
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == FORM
    if status in (400, 401):
        assert answer.headers["WWW-Authenticate"].startswith("OAuth ")
    if problem is not None:
        assert dict(parse_qsl(answer.get_data(as_text=True)))["oauth_problem"] == problem


# --- protected views ---------------------------------------------------------------


def test_a_signed_request_reaches_the_view_with_its_parameters(app):
    answer = call(app, "/photos?size=big&a=caf%C3%A9")
    assert answer.get_json() == {"user": "jane", "parameters": {"size": "big", "a": "caf\xe9"}}


def test_an_unsigned_request_is_refused(app):
    assert_refused(send(app, "/photos"), 400, "parameter_absent")
    assert_refused(send(app, "/photos", environ_overrides={"HTTP_OAUTH2_ACCESS": "x"}), 400)


def test_a_forged_request_is_refused(app):
    authorization = signed("GET", f"{ORIGIN}/photos?size=big")
    assert_refused(send(app, "/photos?size=small", authorization=authorization), 401, "signature_invalid")


def test_a_request_is_accepted_once(app):
    authorization = signed("GET", f"{ORIGIN}/photos")
    assert send(app, "/photos", authorization=authorization).status_code == 200
    assert_refused(send(app, "/photos", authorization=authorization), 401, "nonce_used")


def test_a_request_is_accepted_once_also_inside_one_application_context(app):
    authorization = signed("GET", f"{ORIGIN}/photos")
    with app.app_context():
        assert send(app, "/photos", authorization=authorization).status_code == 200
        assert_refused(send(app, "/photos"), 400)
        assert send(app, "/open").get_json() == {"verified": False}


def test_a_token_for_another_realm_is_refused(app):
    assert_refused(call(app, "/prints"), 401, "permission_denied")


def test_a_request_with_two_authorization_headers_is_refused(app):
    first, second = signed("GET", f"{ORIGIN}/photos"), signed("GET", f"{ORIGIN}/photos")
    assert_refused(send(app, "/photos", authorization=first, headers=[("Authorization", second)]), 400)


def test_a_head_request_is_verified_and_a_refusal_has_no_body(app):
    assert call(app, "/photos", "HEAD").status_code == 200
    answer = send(app, "/photos", "HEAD")
    assert (answer.status_code, answer.data) == (400, b"")
    assert send(app, "/photos", "HEAD", signed("GET", f"{ORIGIN}/photos")).status_code == 401


def test_flask_answers_options_of_a_protected_view_itself(app):
    answer = send(app, "/photos", "OPTIONS")
    assert (answer.status_code, answer.data) == (200, b"")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("mount", ["/v1", "/a%20b/c~"])
def test_an_application_below_a_prefix_verifies_the_url_that_was_signed(app, mount):
    assert call(app, "/photos?a=b", mount=mount, sign=f"{ORIGIN}{mount}/photos?a=b").status_code == 200
    assert call(app, "/photos?a=b", mount=mount, sign=f"{ORIGIN}/photos?a=b").status_code == 401


def test_a_form_is_signed_and_the_view_can_read_it(app):
    answer = call(app, "/body", "POST", form={"caption": "caf\xe9 & x"})
    assert answer.get_json() == {"form": {"caption": "caf\xe9 & x"}, "parameters": {"caption": "caf\xe9 & x"}}
    authorization = signed("POST", f"{ORIGIN}/body", {"caption": "genuine"})
    assert_refused(send(app, "/body", "POST", authorization, form={"caption": "forged"}), 401, "signature_invalid")


def test_a_multipart_field_is_no_signed_parameter(app):
    fields = {"caption": (None, "forged")}
    sent = requests.Request("POST", f"{ORIGIN}/body", files=fields).prepare()
    request = oauth2.Request.from_consumer_and_token(CLIENT, TOKEN, "POST", f"{ORIGIN}/body")
    request.sign_request(HMAC, CLIENT, TOKEN, body_hash=False)
    authorization = request.to_header()["Authorization"]
    answer = send(app, "/body", "POST", authorization, data=sent.body, content_type=sent.headers["Content-Type"])
    assert answer.get_json() == {"form": {"caption": "forged"}, "parameters": {}}


def test_json_is_checked_against_its_body_hash(app):
    options = {"data": b'{"a": 1}', "content_type": "application/json"}
    assert call(app, "/json", "POST", **options).get_json() == {"json": {"a": 1}, "data": '{"a": 1}'}
    authorization = signed("POST", f"{ORIGIN}/json", body=b'{"a": 1}')
    answer = send(app, "/json", "POST", authorization, data=b'{"a": 2}', content_type="application/json")
    assert_refused(answer, 401)


def test_a_body_that_is_too_large_is_refused_before_the_view():
    oauth = OAuth1Provider(provider=make_provider())
    app = flask.Flask("app")
    app.config["OAUTH2_MAX_BODY"] = 3
    oauth.init_app(app)
    app.add_url_rule("/", "view", oauth.required(lambda: flask.request.get_data()), methods=["POST"])
    assert call(app, "/", "POST", data=b"abc").data == b"abc"
    assert_refused(call(app, "/", "POST", data=b"abcd"), 413)
    assert_refused(send(app, "/oauth/request_token", "POST", data=b"abcd"), 413)


def test_exceptions_of_the_application_are_not_handled():
    app, oauth = make()

    @app.get("/broken")
    @oauth.required
    def broken():
        raise {"a": KeyError, "b": oauth2.errors.SignatureInvalid}[current_access.parameters["kind"]]("broken")

    app.testing = True
    with pytest.raises(KeyError):
        call(app, "/broken?kind=a")
    with pytest.raises(oauth2.errors.SignatureInvalid):
        call(app, "/broken?kind=b")


def test_an_outage_of_the_store_is_a_refusal(app):
    def fail(*_):
        raise oauth2.errors.StoreUnavailable("The store cannot be read.")

    app.extensions["oauth2"].provider.store.find = fail
    answer = call(app, "/photos")
    assert_refused(answer, 503)
    assert answer.headers["Retry-After"]


def test_an_async_view_is_protected():
    pytest.importorskip("asgiref")
    app, oauth = make()

    @app.get("/async")
    @oauth.required
    async def view():
        return current_access.user

    assert call(app, "/async").data == b"jane"
    assert_refused(send(app, "/async"), 400)


# --- which views are protected -------------------------------------------------------


def test_the_decorator_protects_above_the_route_too():
    app, oauth = make()

    @oauth.required(realm="photos")
    @app.get("/reversed")
    def view():
        return current_access.user

    assert_refused(send(app, "/reversed"), 400)
    assert call(app, "/reversed").data == b"jane"


def test_a_view_stays_protected_below_a_decorator_that_hides_it():
    app, oauth = make()

    def hiding(view):
        return lambda: view()

    app.add_url_rule("/hidden", "hidden", hiding(oauth.required(realm="photos")(lambda: current_access.user)))
    app.add_url_rule("/both", "both", oauth.required(hiding(oauth.required(realm="prints")(lambda: "prints"))))
    assert_refused(send(app, "/hidden"), 400)
    assert call(app, "/hidden").data == b"jane"
    assert_refused(call(app, "/both"), 401, "permission_denied")


def test_a_method_of_a_view_class_is_protected():
    app, oauth = make()

    class Albums(flask.views.MethodView):
        init_every_request = False

        def get(self):
            return "open"

        @oauth.required(realm="photos")
        def post(self):
            return current_access.user

    class All(flask.views.MethodView):
        decorators = [oauth.required]  # noqa: RUF012

        def get(self):
            return current_access.user

    app.add_url_rule("/albums", view_func=Albums.as_view("albums"))
    app.add_url_rule("/all", view_func=All.as_view("all"))
    app.add_url_rule("/bound", "bound", oauth.required(Albums().get))
    assert send(app, "/albums").data == b"open"
    assert_refused(send(app, "/albums", "POST"), 400)
    assert call(app, "/albums", "POST").data == b"jane"
    for path in ("/all", "/bound"):
        assert_refused(send(app, path), 400)
        assert call(app, path).status_code == 200


def test_a_protected_application_refuses_all_but_its_public_views():
    app, oauth = make()
    oauth.protect(app)

    @app.get("/public")
    @oauth.public
    def public():
        return "public"

    for path in ("/open", "/none", "/photos", "/static/x.css"):
        assert_refused(send(app, path), 400)
    assert call(app, "/open").get_json() == {"verified": True}
    assert call(app, "/none").status_code == 404
    assert call(app, "/photos").status_code == 200
    assert_refused(call(app, "/prints"), 401, "permission_denied")
    assert send(app, "/public").data == b"public"
    assert_refused(send(app, "/oauth/request_token", "POST"), 400, "parameter_absent")


def test_a_protected_blueprint_has_a_realm_that_a_view_can_replace():
    app, oauth = make()
    api = flask.Blueprint("api", "api", url_prefix="/api")
    oauth.protect(api, realm="prints")
    api.add_url_rule("/prints", "prints", lambda: "prints")
    api.add_url_rule("/photos", "photos", oauth.required(realm="photos")(lambda: "photos"))
    api.add_url_rule("/public", "public", oauth.public(lambda: "public"))
    app.register_blueprint(api)
    assert_refused(send(app, "/api/prints"), 400)
    assert_refused(call(app, "/api/prints"), 401, "permission_denied")
    assert call(app, "/api/photos").data == b"photos"
    assert send(app, "/api/public").data == b"public"
    assert send(app, "/open").status_code == 200


def test_two_protections_of_a_request_verify_it_once_and_demand_both_realms():
    app, oauth = make()
    api = flask.Blueprint("api", "api", url_prefix="/api")
    oauth.protect(app, realm="photos")
    oauth.protect(api)
    api.add_url_rule("/photos", "photos", lambda: "photos")
    other = flask.Blueprint("other", "other", url_prefix="/other")
    oauth.protect(other, realm="prints")
    other.add_url_rule("/prints", "prints", lambda: "prints")
    app.register_blueprint(api)
    app.register_blueprint(other)
    assert call(app, "/api/photos").data == b"photos"
    assert_refused(call(app, "/other/prints"), 401, "permission_denied")


def test_a_body_that_was_read_before_the_verification_is_a_mistake_of_the_application():
    oauth = OAuth1Provider(provider=make_provider())
    app = flask.Flask("app")
    app.testing = True

    @app.before_request
    def read():
        flask.request.get_data()

    oauth.init_app(app)
    app.add_url_rule("/", "view", oauth.required(lambda: "reached"), methods=["GET", "POST"])
    assert call(app, "/").data == b"reached"
    with pytest.raises(RuntimeError, match="read before"):
        call(app, "/", "POST", form={"a": "b"})


def test_an_access_of_a_middleware_is_not_taken_for_that_of_the_extension(app):
    app.wsgi_app = Protected(app.wsgi_app, provider=make_provider())
    assert call(app, "/open").get_json() == {"verified": True}
    strict = flask.Flask("strict")
    oauth = OAuth1Provider(strict, provider=Provider(MemoryStore()))  # This provider has no client.
    strict.add_url_rule("/", "view", oauth.required(lambda: "reached"))
    strict.wsgi_app = Protected(strict.wsgi_app, provider=make_provider())
    assert_refused(call(strict, "/"), 401)


def test_the_access_of_a_middleware_is_the_current_access():
    app = flask.Flask("app")
    app.add_url_rule("/", "view", lambda: current_access.user)
    app.wsgi_app = Protected(app.wsgi_app, provider=make_provider())
    assert call(app, "/").data == b"jane"


def test_current_access_of_an_unverified_request_is_false_and_has_no_attributes(app):
    with app.test_request_context("/open"):
        assert not current_access
        with pytest.raises(RuntimeError, match="was not verified"):
            _ = current_access.user


# --- applications --------------------------------------------------------------------


def test_applications_of_a_process_have_their_own_providers():
    first, second = make()[0], make()[0]
    authorization = signed("GET", f"{ORIGIN}/photos")
    for app in (first, second):
        assert send(app, "/photos", authorization=authorization).status_code == 200


def test_one_extension_serves_several_applications_with_their_settings():
    oauth = OAuth1Provider()
    view = oauth.required(realm="photos")(lambda: current_access.user)
    apps = []
    for prefix in ("/oauth", "/other"):
        app = flask.Flask("app")
        store = make_provider().store
        app.config.update(OAUTH2_STORE=store, OAUTH2_REALMS=["photos"], OAUTH2_PREFIX=prefix, OAUTH2_REALM=prefix[1:])
        oauth.init_app(app)
        app.add_url_rule("/photos", "photos", view)
        apps.append(app)
    for app, prefix in zip(apps, ("/oauth", "/other"), strict=True):
        assert call(app, "/photos").data == b"jane"
        answer = send(app, f"{prefix}/request_token", "POST")
        assert f'realm="{prefix[1:]}"' in answer.headers["WWW-Authenticate"]
        with app.app_context():
            assert oauth.provider is app.extensions["oauth2"].provider
    assert send(apps[0], "/other/request_token", "POST").status_code == 404


def test_a_view_of_an_application_without_a_provider_fails():
    oauth = OAuth1Provider(provider=make_provider())
    app = flask.Flask("app")
    app.testing = True
    app.add_url_rule("/", "view", oauth.required(lambda: "reached"))
    with pytest.raises(RuntimeError, match="init_app"):
        send(app, "/")


@pytest.mark.parametrize(
    ("config", "error", "match"),
    [
        ({}, ValueError, "provider"),
        ({"OAUTH2_STORE": MemoryStore}, TypeError, "store"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_REALMS": "photos"}, TypeError, "realms"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_BASE_URL": "ftp://x"}, ValueError, "base_url"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_PREFIX": "oauth"}, ValueError, "OAUTH2_PREFIX"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_PREFIX": "/oauth/"}, ValueError, "OAUTH2_PREFIX"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_PREFIX": 1}, TypeError, "OAUTH2_PREFIX"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_MAX_BODY": "1"}, TypeError, "OAUTH2_MAX_BODY"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_MAX_BODY": -1}, ValueError, "OAUTH2_MAX_BODY"),
        ({"OAUTH2_STORE": MemoryStore(), "OAUTH2_PROXIES": ["127.0.0.1"]}, TypeError, "OAUTH2_PROXIES"),
    ],
)
def test_a_mistake_in_the_settings_is_reported_by_init_app(config, error, match):
    app = flask.Flask("app")
    app.config.update(config)
    with pytest.raises(error, match=match):
        OAuth1Provider(app)
    assert "oauth2" not in app.extensions


def test_mistakes_of_the_caller_are_reported_when_the_views_are_made():
    app, oauth = make()
    with pytest.raises(ValueError, match="realm"):
        oauth.required(realm="none")
    with pytest.raises(ValueError, match="realm"):
        oauth.protect(flask.Blueprint("x", "x"), realm="none")
    with pytest.raises(TypeError, match="realm="):
        oauth.required("photos")
    with pytest.raises(TypeError, match="target"):
        oauth.protect("api")
    with pytest.raises(TypeError, match="view"):
        oauth.public("api")
    for one, two in ((oauth.public, oauth.required), (oauth.required, oauth.public)):
        with pytest.raises(ValueError, match="both decorators"):
            two(one(lambda: ""))
    with pytest.raises(ValueError, match="already"):
        OAuth1Provider(app, provider=make_provider())
    with pytest.raises(TypeError, match="provider"):
        OAuth1Provider(provider=Provider)
    late = OAuth1Provider()
    late.required(realm="photos")
    fresh = flask.Flask("x")
    fresh.config["OAUTH2_STORE"] = MemoryStore()
    with pytest.raises(ValueError, match="photos must be one of the realms"):
        late.init_app(fresh)
    both = flask.Flask("x")
    both.config["OAUTH2_STORE"] = MemoryStore()
    with pytest.raises(ValueError, match="do not use both"):
        OAuth1Provider(both, provider=make_provider())


def test_the_name_and_the_arguments_of_a_view_are_kept():
    app, oauth = make()

    @app.get("/albums/<int:number>")
    @oauth.required
    def album(number):
        """Show."""
        return str(number)

    @wraps(album)
    def outer(number):
        return album(number)

    assert (album.__name__, album.__doc__) == ("album", "Show.")
    app.add_url_rule("/outer/<int:number>", "outer", outer)
    assert call(app, "/albums/7").data == call(app, "/outer/7").data == b"7"


class Wrapping(Provider):
    """A Provider whose method is not recognized as a coroutine function."""

    def authenticate(self, request, realm=None):
        async def later():
            return super().authenticate(request, realm=realm)

        return later()


def test_a_coroutine_of_a_subclass_does_not_count_as_an_access():
    app, oauth = flask.Flask("app"), OAuth1Provider(provider=Wrapping(MemoryStore()))
    oauth.init_app(app)
    app.add_url_rule("/photos", view_func=oauth.required(lambda: "reached"))
    app.testing = True
    with pytest.raises(TypeError, match=r"^provider: "):
        app.test_client().get("/photos")


def test_the_access_is_in_the_environ(app):
    with app.test_request_context("/photos", headers={"Authorization": signed("GET", f"{ORIGIN}/photos")}):
        assert app.preprocess_request() is None
        assert flask.request.environ[ACCESS].user == "jane"

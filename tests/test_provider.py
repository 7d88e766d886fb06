"""Provider: RFC 5849 sections 2.1, 2.2, 2.3 and 3, the session and problem extensions, xAuth."""

import dataclasses
import inspect
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from hosted import APP, CALLBACK, ORIGIN, OTHER_APP, Hosted, as_http, credentials, fields, problem
from keys import public_octets, rsa_key
from over_asyncio import OverAsyncio
from peer import HMACS, NOW, what_is_shown

import oauth2
from oauth2 import errors
from oauth2.http import HTTPRequest, HTTPResponse
from oauth2.provider import AsyncProvider, Lifetimes, Provider, RequestPolicy, audit
from oauth2.rsa import SignatureMethod_RSA_SHA256
from oauth2.stores import ClientCredentials, MemoryStore, TokenCredentials

REALMS = ("photos", "prints")
FORM = "application/x-www-form-urlencoded"
TRUSTED = dataclasses.replace(APP, key="trusted", xauth=True)
PUBLIC_PEM = public_octets(rsa_key()).decode()


@pytest.fixture(autouse=True, params=[Provider, OverAsyncio], ids=["blocking", "asyncio"])
def provider_type(request, monkeypatch):
    """Every test of this file runs with a Provider and with an AsyncProvider."""
    monkeypatch.setattr("hosted.Provider", request.param)
    return request.param


@pytest.fixture
def hosted():
    return Hosted()


def refused(call, *args, **kwargs):
    with pytest.raises(oauth2.Error) as caught:
        call(*args, **kwargs)
    return caught.value


# --- temporary credentials, section 2.1 ----------------------------------------


def test_temporary_credentials_are_issued_for_a_signed_request(hosted):
    answer = hosted.ask(CALLBACK)
    found = fields(answer)
    assert answer.status == 200
    assert dict(answer.headers)["Content-Type"] == "application/x-www-form-urlencoded"
    assert dict(answer.headers)["Cache-Control"] == "no-store"
    assert found.keys() == {"oauth_token", "oauth_token_secret", "oauth_callback_confirmed"}
    assert found["oauth_callback_confirmed"] == "true"
    assert len(found["oauth_token"]) == len(found["oauth_token_secret"]) == 22
    assert hosted.ask(CALLBACK).body != answer.body


@pytest.mark.parametrize(
    ("method", "place"), [("POST", "header"), ("POST", "query"), ("POST", "body"), ("GET", "header"), ("GET", "query")]
)
def test_the_protocol_parameters_may_be_in_header_query_or_form(hosted, place, method):
    assert hosted.provider.request_token(hosted.sent("/rt", method, place=place, callback="oob")).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "PATCH", "get\r\n"])
def test_credentials_are_issued_to_post_and_get_only(hosted, method):
    answer = hosted.provider.request_token(dataclasses.replace(hosted.sent("/rt", callback="oob"), method=method))
    assert answer.status == 400


def test_a_callback_is_mandatory_and_the_answer_names_what_is_absent(hosted):
    answer = hosted.provider.request_token(hosted.sent("/rt"))
    assert problem(answer) == (400, "parameter_absent")
    assert fields(answer)["oauth_parameters_absent"] == "oauth_callback"
    assert problem(hosted.ask("")) == (400, "parameter_absent")


@pytest.mark.parametrize("callback", [CALLBACK + "/", CALLBACK.upper(), CALLBACK + "?a=1", "http://app.example/cb"])
def test_a_callback_must_equal_a_registered_one(hosted, callback):
    assert problem(hosted.ask(callback)) == (400, "parameter_rejected")


def test_out_of_band_must_be_registered_too():
    hosted = Hosted(consumers=[dataclasses.replace(APP, callbacks=(CALLBACK,))])
    assert problem(hosted.ask("oob")) == (400, "parameter_rejected")
    assert hosted.ask(CALLBACK).status == 200


def test_an_invalid_callback_is_refused_even_if_it_is_registered():
    script = "javascript:alert(1)"
    hosted = Hosted(consumers=[dataclasses.replace(APP, callbacks=(script,))])
    assert problem(hosted.ask(script)) == (400, "parameter_rejected")


def test_a_request_for_temporary_credentials_with_a_token_is_refused(hosted):
    token = hosted.token()
    assert problem(hosted.ask(token=token)) == (401, "signature_invalid")


# --- a callback or verifier outside the header, section 3.5 --------------------


@pytest.mark.parametrize(("method", "place"), [("POST", "form"), ("POST", "query"), ("GET", "query")])
def test_callback_and_verifier_may_be_outside_the_header(hosted, method, place):
    answer = hosted.ask(None, method=method, **{place: [("oauth_callback", CALLBACK)]})
    temporary = credentials(answer)
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    beside = {place: [("oauth_verifier", verifier)]}
    assert hosted.call(credentials(hosted.exchange(temporary, None, method=method, **beside))).user == "jane"


def test_a_verifier_outside_the_header_is_signed(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    sent = hosted.sent("/access_token", token=temporary, form=[("oauth_verifier", verifier)])
    changed = dataclasses.replace(sent, body=sent.body.replace(verifier.encode(), b"wrong"))
    assert problem(hosted.provider.access_token(changed)) == (401, "signature_invalid")
    assert hosted.provider.access_token(sent).status == 200


def test_a_verifier_in_two_places_is_refused_by_name(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    answer = hosted.exchange(temporary, verifier, form=[("oauth_verifier", verifier)])
    assert problem(answer) == (400, "parameter_rejected")
    assert fields(answer)["oauth_problem_advice"].endswith(" more than one place: oauth_verifier.")
    assert hosted.exchange(temporary, verifier).status == 200


@pytest.mark.parametrize("name", ["oauth_token", "oauth_session_handle", "oauth_version", "oauth_foo"])
def test_no_other_protocol_parameter_may_be_outside_the_header(hosted, name):
    answer = hosted.ask("oob", version=None, form=[(name, "1.0")])
    assert problem(answer) == (400, "parameter_rejected")
    assert fields(answer)["oauth_problem_advice"].endswith(f": {name}.")


@pytest.mark.parametrize("name", ["oauth_callback", "oauth_verifier"])
def test_an_authenticated_request_has_callback_and_verifier_in_one_place(hosted, name):
    error = refused(hosted.call, hosted.token(), query=[(name, "x")])
    assert (error.status, error.problem) == (400, "parameter_rejected")


# --- the body hash ---------------------------------------------------------------


def test_a_policy_can_allow_the_sha1_of_a_body():
    hashed = {"name": "HMAC-SHA256", "body": b"{}", "body_hash": "vyGp6PvFo4RvsFtPoIWeCReyIC8="}
    token = (strict := Hosted()).token()
    error = refused(strict.call, token, method="POST", **hashed)
    assert error.message == "oauth_body_hash is the SHA-1 of the body. Send the SHA-256 with HMAC-SHA256."
    told = Hosted(strict.store, policy={"sha1_body_hash_allowed": True})
    assert told.call(token, method="POST", **hashed | {"nonce": "another"}).user == "jane"


# --- transport: https and base_url ------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://api.example", "http://127.0.0.1:8080", "http://localhost"])
def test_no_credentials_are_issued_over_plain_http(hosted, origin):
    assert problem(hosted.ask(origin=origin)) == (400, "permission_denied")
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    assert problem(hosted.exchange(temporary, verifier, origin=origin)) == (400, "permission_denied")
    assert hosted.exchange(temporary, verifier).status == 200


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80/"])
def test_plain_http_on_a_loopback_host_is_allowed_by_the_base_url(base_url):
    hosted = Hosted(base_url=base_url)
    assert hosted.ask(origin=base_url.removesuffix(":80/")).status == 200


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1.evil.example", "http://localhost.example:80", "http://10.0.0.1"]
)
def test_plain_http_on_another_host_is_refused(base_url):
    hosted = Hosted(base_url=base_url)
    assert problem(hosted.ask(origin=base_url.removesuffix(":80"))) == (400, "permission_denied")


@pytest.mark.parametrize("arrived", ["http://10.0.0.7:8000", "http://evil.example", "https://api.example/v1", ""])
def test_the_base_url_replaces_the_origin_of_the_request(arrived):
    hosted = Hosted(base_url="https://api.example/v1")
    token = Hosted.token(Hosted(hosted.store))
    query = [("url", "a/b://c?d")]
    sent = hosted.sent("/photos", "GET", origin="https://api.example/v1", token=token, query=query)
    target = sent.url.removeprefix("https://api.example/v1")
    if arrived == "https://api.example/v1":  # If the proxy does not remove the prefix, the URL contains it twice.
        assert refused(hosted.provider.authenticate, dataclasses.replace(sent, url=arrived + target)).status == 401
    else:
        access = hosted.provider.authenticate(dataclasses.replace(sent, url=arrived + target))
        assert access.parameters == dict(query)


@pytest.mark.parametrize(
    "arrived", ["https://h%2Fphotos", "https://h\\photos", "%2Fphotos", "photos", "?a", "photos?://h"]
)
def test_a_url_whose_path_is_hidden_is_not_verified_as_the_base_url(arrived):
    consumer = oauth2.Consumer(APP.key, APP.secret)
    store = MemoryStore()
    store.add_consumer(dataclasses.replace(APP, two_legged=True))
    request = oauth2.Request.from_consumer_and_token(consumer, None, "GET", "https://api.example")
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA256(), consumer, None)
    received = HTTPRequest("GET", arrived, list(request.to_header().items()))
    with pytest.raises(errors.InvalidURL, match="nor a path"):
        Provider(store, base_url="https://api.example").authenticate(received)


@pytest.mark.parametrize(
    "base_url", ["", "api.example", "ftp://api.example", "https://", "https://a/?b", "https://u@a/"]
)
def test_an_invalid_base_url_is_refused(base_url):
    with pytest.raises(ValueError, match="base_url"):
        Provider(MemoryStore(), base_url=base_url)


# --- approval, section 2.2 -----------------------------------------------------


def test_pending_returns_what_the_consent_page_shows():
    hosted = Hosted(realms=REALMS)
    temporary = hosted.temporary(CALLBACK, realm="prints")
    hosted.now += 7
    pending = hosted.provider.pending(temporary.key)
    assert (pending.consumer, pending.callback, pending.realms, pending.age) == (APP, CALLBACK, ("prints",), 7)


def test_an_approval_leads_to_the_callback_with_token_and_verifier(hosted):
    temporary = hosted.temporary(CALLBACK)
    approved = hosted.provider.approve(temporary.key, user="jane")
    assert approved.url == f"{CALLBACK}?oauth_token={temporary.key}&oauth_verifier={approved.verifier}"
    assert approved.verifier not in repr(approved)


def test_a_callback_keeps_its_query():
    callback = "https://app.example/cb?a=1"
    hosted = Hosted(consumers=[dataclasses.replace(APP, callbacks=(callback,))])
    approved = hosted.provider.approve(hosted.temporary(callback).key, user="jane")
    assert approved.url.startswith(callback + "&oauth_token=")


def test_out_of_band_the_verifier_is_for_a_person_to_type(hosted):
    approved = hosted.provider.approve(hosted.temporary().key, user="jane")
    assert approved.url is None
    assert approved.verifier.isalnum()
    assert len(approved.verifier) == 13  # 13 characters of an alphabet of 31 have 64 bits.


def test_an_approval_cannot_be_repeated_by_the_same_or_another_user(hosted):
    temporary = hosted.temporary()
    hosted.provider.approve(temporary.key, user="jane")
    for call in (hosted.provider.pending, hosted.provider.deny):
        assert refused(call, temporary.key).problem == "token_rejected"
    assert refused(hosted.provider.approve, temporary.key, user="mallory").problem == "token_rejected"
    assert hosted.store.get_temporary(temporary.key).user == "jane"


def test_of_concurrent_approvals_exactly_one_succeeds(hosted):
    temporary = hosted.temporary()

    def approve(user):
        try:
            return hosted.provider.approve(temporary.key, user=user)
        except oauth2.Error:
            return None

    with ThreadPoolExecutor(16) as pool:
        assert len([each for each in pool.map(approve, [f"user{i}" for i in range(32)]) if each]) == 1


def test_an_approval_needs_a_user(hosted):
    with pytest.raises(ValueError, match="user"):
        hosted.provider.approve(hosted.temporary().key, user="")


def test_a_denial_deletes_the_credentials_and_redirects_to_the_client(hosted):
    temporary = hosted.temporary(CALLBACK)
    url = hosted.provider.deny(temporary.key)
    assert url == f"{CALLBACK}?oauth_token={temporary.key}&oauth_problem=permission_denied"
    assert refused(hosted.provider.approve, temporary.key, user="jane").problem == "token_rejected"
    assert problem(hosted.exchange(temporary, "x")) == (401, "signature_invalid")
    assert hosted.provider.deny(hosted.temporary().key) is None


def test_an_approval_that_loses_a_race_is_refused(hosted, monkeypatch):
    temporary = hosted.temporary()
    monkeypatch.setattr(hosted.store, "approve", lambda *args: False)
    assert refused(hosted.provider.approve, temporary.key, user="jane").problem == "token_rejected"
    monkeypatch.setattr(hosted.store, "redeem", lambda key: None)
    assert refused(hosted.provider.deny, temporary.key).problem == "token_rejected"
    hosted.store.remove_consumer(APP.key)
    monkeypatch.setattr(hosted.store, "get_temporary", lambda key: MemoryStore.get_temporary(Hosted().store, key))
    assert refused(hosted.provider.pending, temporary.key).problem == "token_rejected"


def test_temporary_credentials_of_a_removed_client_are_not_pending(hosted):
    temporary = hosted.temporary()
    kept = hosted.store.get_temporary(temporary.key)
    hosted.store.remove_consumer(APP.key)
    hosted.store.issue(kept)
    assert refused(hosted.provider.pending, temporary.key).problem == "token_rejected"


@pytest.mark.parametrize("key", ["", "unknown", "x" * 256, "a\0b", "\ud800", None, 7])
def test_an_unknown_token_key_is_not_pending(hosted, key):
    for call in (hosted.provider.pending, hosted.provider.deny):
        assert refused(call, key).problem == "token_rejected"
    assert refused(hosted.provider.approve, key, user="jane").problem == "token_rejected"
    assert hosted.provider.revoke(key) is False


# --- token credentials, section 2.3 --------------------------------------------


def test_token_credentials_are_issued_for_the_verifier_once(hosted):
    temporary = hosted.temporary(CALLBACK)
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    answer = hosted.exchange(temporary, verifier)
    assert fields(answer).keys() == {"oauth_token", "oauth_token_secret"}
    assert hosted.call(credentials(answer)).user == "jane"
    assert problem(hosted.exchange(temporary, verifier)) == (401, "signature_invalid")


def test_a_verifier_has_five_tries(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    for _ in range(4):
        assert problem(hosted.exchange(temporary, "wrong")) == (401, "verifier_invalid")
    assert hosted.exchange(temporary, verifier).status == 200
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    for _ in range(5):
        assert problem(hosted.exchange(temporary, "wrong")) == (401, "verifier_invalid")
    assert problem(hosted.exchange(temporary, verifier)) == (401, "token_rejected")


def test_a_wrong_signature_does_not_count_as_a_try(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    forged = oauth2.Token(temporary.key, "guessed")
    for _ in range(10):
        assert problem(hosted.exchange(forged, "wrong")) == (401, "signature_invalid")
    assert hosted.exchange(temporary, verifier).status == 200


def test_temporary_credentials_live_ten_minutes(hosted):
    early, late = hosted.temporary(), hosted.temporary()
    verifiers = [hosted.provider.approve(each.key, user="jane").verifier for each in (early, late)]
    waiting = hosted.temporary()
    hosted.now += 599
    assert hosted.exchange(early, verifiers[0]).status == 200
    hosted.now += 1
    assert problem(hosted.exchange(late, verifiers[1])) == (401, "token_rejected")
    assert refused(hosted.provider.pending, waiting.key).problem == "token_rejected"


def test_temporary_credentials_cannot_be_redeemed_before_the_approval(hosted):
    temporary = hosted.temporary()
    for verifier in ("None", "null", "x"):
        assert problem(hosted.exchange(temporary, verifier)) == (401, "token_rejected")


@pytest.mark.parametrize(
    "typed",
    [
        lambda code: f"{code[:5]} {code[5:10]} {code[10:]}",
        lambda code: f" {code}\r\n",
        lambda code: "\u00a0".join(code).upper(),
        str.title,
    ],
    ids=["groups", "line end", "capitals", "title"],
)
def test_a_verifier_may_be_typed_in_groups(hosted, typed):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    assert hosted.exchange(temporary, typed(verifier)).status == 200


def test_a_typed_verifier_is_compared_whole(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    for wrong in (verifier[:-1], f"{verifier}x", " ", f"{verifier[1:]}{verifier[0]}-"):
        assert problem(hosted.exchange(temporary, wrong)) == (401, "verifier_invalid")


def test_a_verifier_in_a_redirect_is_compared_exactly(hosted):
    for spoilt in (str.swapcase, lambda code: f"{code[:5]} {code[5:]}", lambda code: f"{code}\n"):
        temporary = hosted.temporary(CALLBACK)
        verifier = hosted.provider.approve(temporary.key, user="jane").verifier
        assert problem(hosted.exchange(temporary, spoilt(verifier))) == (401, "verifier_invalid")
        assert hosted.exchange(temporary, verifier).status == 200


def test_a_missing_verifier_is_refused(hosted):
    temporary = hosted.temporary()
    hosted.provider.approve(temporary.key, user="jane")
    answer = hosted.exchange(temporary, None)
    assert problem(answer) == (400, "parameter_absent")
    assert fields(answer)["oauth_parameters_absent"] == "oauth_verifier"
    assert problem(hosted.exchange(temporary, "")) == (400, "parameter_absent")


def test_an_exchange_without_a_token_is_refused(hosted):
    assert problem(hosted.exchange(None, "x")) == (400, "parameter_absent")


def test_temporary_credentials_of_another_client_are_refused(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    assert problem(hosted.exchange(temporary, verifier, consumer=OTHER_APP)) == (401, "signature_invalid")
    assert hosted.exchange(temporary, verifier).status == 200


def test_a_redemption_that_loses_a_race_is_refused(hosted, monkeypatch):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    monkeypatch.setattr(hosted.store, "redeem_for_token", lambda key, token: False)
    assert problem(hosted.exchange(temporary, verifier)) == (401, "token_rejected")


# --- authenticated requests, section 3 -----------------------------------------


def test_access_has_the_client_the_user_and_the_signed_parameters(hosted):
    token = hosted.token()
    access = hosted.call(token, query=[("size", "big"), ("tag", "a"), ("tag", "b")])
    assert (access.consumer, access.token.key, access.user) == (APP, token.key, "jane")
    assert access.parameters == {"size": "big", "tag": ["a", "b"]}


def test_a_replayed_request_is_refused(hosted):
    token = hosted.token()
    sent = hosted.sent("/photos", "GET", token=token)
    hosted.provider.authenticate(sent)
    assert refused(hosted.provider.authenticate, sent).problem == "nonce_used"


def test_temporary_credentials_do_not_authenticate_a_request(hosted):
    temporary = hosted.temporary()
    hosted.provider.approve(temporary.key, user="jane")
    assert refused(hosted.call, temporary).problem == "signature_invalid"


def test_a_token_of_another_client_is_refused(hosted):
    assert refused(hosted.call, hosted.token(), consumer=OTHER_APP).problem == "signature_invalid"


def test_unknown_client_unknown_token_and_wrong_signature_have_the_same_error(hosted):
    token = hosted.token()
    wrong = oauth2.Token(token.key, "wrong")
    unknown = oauth2.Token("unknown", token.secret)
    found = [
        refused(hosted.call, wrong),
        refused(hosted.call, unknown),
        refused(hosted.call, token, consumer=ClientCredentials(key="unknown", secret="app-secret")),
    ]
    answers = [hosted.provider.error_response(error) for error in found]
    assert len({(type(error), error.message, error.status) for error in found}) == 1
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("name", ["consumer_key", "token"])
@pytest.mark.parametrize("key", ["a\0b", "x" * 256, "", "unknown"])
def test_invalid_keys_are_not_looked_up(hosted, name, key):
    asked = []
    find = hosted.store.find
    hosted.store.find = lambda *keys: asked.append(keys) or find(*keys)
    token = hosted.token()
    asked.clear()
    options = {"consumer_key": key} if name == "consumer_key" else {}
    token = oauth2.Token(key, token.secret) if name == "token" else token
    assert refused(hosted.call, token, **options).status in (400, 401)
    assert not [each for each in asked if key in each and key != "unknown"]


def test_a_revoked_token_is_refused(hosted):
    token = hosted.token()
    hosted.call(token)
    assert hosted.provider.revoke(token.key, user="mallory") is False
    hosted.call(token)
    assert hosted.provider.revoke(token.key, user="jane") is True
    assert hosted.provider.revoke(token.key) is False
    assert refused(hosted.call, token).problem == "signature_invalid"


def test_a_revocation_that_loses_a_race_returns_false(hosted, monkeypatch):
    token = hosted.token()
    revoke_grant = hosted.store.revoke_grant
    monkeypatch.setattr(hosted.store, "revoke_grant", lambda grant, user: revoke_grant(grant, user) and None)
    assert hosted.provider.revoke(token.key) is False
    assert not [event for event in hosted.events if isinstance(event, audit.Revoked)]


def test_a_grant_is_revoked_after_its_token_was_renewed():
    hosted = sessions()
    answer = open_session(hosted)
    first = credentials(answer)
    (seen,) = hosted.provider.tokens_of("jane")  # A page that was opened before the renewal shows this token.
    for _ in range(2):
        answer = renew(hosted, credentials(answer), fields(answer)["oauth_session_handle"])
    token = credentials(answer)
    (now,) = hosted.provider.tokens_of("jane")
    assert (seen.grant, now.grant) == (first.key, first.key)
    assert (now.key, hosted.call(token).token.grant) == (token.key, first.key)
    assert hosted.provider.revoke(seen.grant, user="mallory") is False
    hosted.call(token)
    assert hosted.provider.revoke(seen.grant, user="jane") is True
    assert refused(hosted.call, token).problem == "signature_invalid"
    assert problem(renew(hosted, token, fields(answer)["oauth_session_handle"])) == (401, "signature_invalid")
    assert hosted.provider.tokens_of("jane") == []
    assert hosted.provider.revoke(seen.grant) is False
    assert [event.grant for event in hosted.events if isinstance(event, audit.Renewed)] == [first.key] * 2
    (revoked,) = [event for event in hosted.events if isinstance(event, audit.Revoked)]
    assert (revoked.grant, revoked.token_key, revoked.user) == (first.key, token.key, "jane")


def test_a_renewed_token_is_revoked_by_its_own_key_too_and_only_for_its_user():
    hosted = sessions()
    answer = open_session(hosted)
    renewed = credentials(renew(hosted, credentials(answer), fields(answer)["oauth_session_handle"]))
    assert hosted.provider.revoke(renewed.key, user="mallory") is False
    hosted.call(renewed)
    assert hosted.provider.revoke(renewed.key, user="jane") is True
    assert refused(hosted.call, renewed).problem == "signature_invalid"


def test_a_revocation_during_32_renewals_leaves_no_usable_token():
    for _ in range(5):
        hosted = sessions()
        answer = open_session(hosted)
        token, handle = credentials(answer), fields(answer)["oauth_session_handle"]
        sent = [hosted.sent("/at", token=token, session_handle=handle) for _ in range(32)]
        with ThreadPoolExecutor(16) as pool:
            answers = [pool.submit(hosted.provider.access_token, each) for each in sent]
            revoked = pool.submit(hosted.provider.revoke, token.key)
        assert revoked.result() is True
        assert hosted.provider.tokens_of("jane") == []
        renewed = [credentials(each.result()) for each in answers if each.result().status == 200]
        for each in [token, *renewed]:
            assert refused(hosted.call, each).problem == "signature_invalid"


def test_tokens_of_lists_what_a_user_approved(hosted):
    first = hosted.token("jane")
    hosted.now += 1
    second, other = hosted.token("jane"), hosted.token("joe")
    assert [token.key for token in hosted.provider.tokens_of("jane")] == [second.key, first.key]
    assert [token.key for token in hosted.provider.tokens_of("joe")] == [other.key]
    assert hosted.provider.tokens_of("nobody") == []


def test_two_authorization_headers_are_refused_even_if_they_are_equal(hosted):
    sent = hosted.sent("/photos", "GET", token=hosted.token())
    line = ("Authorization", sent.headers["Authorization"])
    for lines in ([line, line], [line, ("authorization", "Basic eA==")]):
        assert refused(hosted.provider.authenticate, dataclasses.replace(sent, headers=lines)).status == 400
    assert hosted.provider.authenticate(dataclasses.replace(sent, headers=[line])).user == "jane"


@pytest.mark.parametrize("name", ["HTTP_AUTHORIZATION", "http_authorization"])
def test_a_header_whose_name_has_an_underscore_is_ignored(hosted, name):
    sent = hosted.sent("/photos", "GET", token=hosted.token())
    value = sent.headers["Authorization"]
    for headers in ({name: value}, [(name, value)]):
        assert refused(hosted.provider.authenticate, dataclasses.replace(sent, headers=headers)).status == 400


@pytest.mark.parametrize("content_type", [f"{FORM}\xa0", f"{FORM}, text/plain", f"{FORM}s", "form"])
def test_a_form_whose_content_type_only_frameworks_accept_is_refused(hosted, content_type):
    sent = hosted.sent("/photos", "POST", token=hosted.token())
    added = dataclasses.replace(sent, headers={**sent.headers, "Content-Type": content_type}, body=b"admin=1")
    assert refused(hosted.provider.authenticate, added).status == 400


@pytest.mark.parametrize("name", ["Content_Type", "CONTENT_TYPE"])
def test_a_content_type_whose_name_has_an_underscore_is_ignored(hosted, name):
    sent = hosted.sent("/photos", "POST", token=hosted.token(), form=[("a", "1")])
    headers = {each: value for each, value in dict(sent.headers).items() if each != "Content-Type"}
    moved = dataclasses.replace(sent, headers={**headers, name: FORM})
    assert refused(hosted.provider.authenticate, moved).problem == "signature_invalid"


def test_a_policy_can_refuse_a_body_without_a_hash():
    token = Hosted.token(hosted := Hosted())
    strict = Hosted(hosted.store, policy={"body_hash_required": True})
    sent = strict.sent("/photos", "POST", token=token)
    added = dataclasses.replace(sent, headers={**sent.headers, "Content-Type": "application/json"}, body=b'{"a": 1}')
    assert refused(strict.provider.authenticate, added).problem == "parameter_absent"
    assert strict.call(token, form=[("a", "1")], method="POST").parameters == {"a": "1"}


@pytest.mark.parametrize("consumer", [APP, APP.with_new_secret(), None])
def test_a_refusal_checks_two_signatures_for_every_client(monkeypatch, consumer):
    hosted = Hosted(consumers=[each for each in [consumer] if each])
    checks = []
    check = oauth2.SignatureMethod.check
    monkeypatch.setattr(oauth2.SignatureMethod, "check", lambda *args: checks.append(args) or check(*args))
    assert problem(hosted.ask(consumer=dataclasses.replace(APP, secret="wrong"))) == (401, "signature_invalid")
    assert len(checks) == 2


# --- requests without a token, realms ------------------------------------------


def test_requests_without_a_token_need_a_two_legged_client():
    robot = ClientCredentials(key="robot", secret="robot-secret", two_legged=True)
    hosted = Hosted(consumers=[APP, robot], realms=REALMS)
    access = hosted.call(None, consumer=robot)
    assert (access.consumer, access.token, access.user) == (robot, None, None)
    assert refused(hosted.call, None, consumer=APP).problem == "permission_denied"
    assert refused(hosted.call, None, consumer=robot, realm_wanted="photos").problem == "permission_denied"


def test_an_empty_oauth_token_means_no_token():
    empty = oauth2.Token("", "")
    robot = ClientCredentials(key="robot", secret="robot-secret", two_legged=True)
    hosted = Hosted(consumers=[APP, robot, TRUSTED], check_password=lambda name, password: "user-7")
    assert (hosted.call(empty, consumer=robot).token, hosted.call(None, consumer=robot).token) == (None, None)
    assert refused(hosted.call, empty, consumer=APP).problem == "permission_denied"
    assert hosted.ask(token=empty).status == 200
    assert log_in(hosted, token=empty).status == 200
    assert problem(hosted.exchange(empty, "x")) == (400, "parameter_absent")


def test_a_realm_is_accessible_with_a_token_for_it_only():
    hosted = Hosted(realms=REALMS)
    temporary = hosted.temporary(realm="prints unknown")
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    token = credentials(hosted.exchange(temporary, verifier))
    assert hosted.call(token, realm_wanted="prints").token.realms == ("prints",)
    error = refused(hosted.call, token, realm_wanted="photos")
    assert error.problem == "permission_denied"
    assert dict(error.headers)["WWW-Authenticate"].startswith('OAuth realm="photos"')
    with pytest.raises(ValueError, match="realm"):
        hosted.call(token, realm_wanted="unknown")


@pytest.mark.parametrize("options", [{"realm": "https://api.example"}, {}, {"place": "query"}])
def test_a_client_that_names_no_realm_requests_all(options):
    hosted = Hosted(realms=REALMS)
    assert hosted.provider.pending(hosted.temporary(**options).key).realms == REALMS


def test_a_user_may_grant_fewer_realms_than_requested():
    hosted = Hosted(realms=REALMS)
    temporary = hosted.temporary()
    with pytest.raises(ValueError, match="realms"):
        hosted.provider.approve(temporary.key, user="jane", realms=["photos", "everything"])
    verifier = hosted.provider.approve(temporary.key, user="jane", realms=["photos"]).verifier
    token = credentials(hosted.exchange(temporary, verifier))
    assert hosted.call(token).token.realms == ("photos",)


# --- clients with several keys -------------------------------------------------


def test_during_a_rotation_both_secrets_are_accepted(hosted):
    token = hosted.token()
    rotated = APP.with_new_secret()
    hosted.store.add_consumer(rotated)
    assert rotated.previous_secret == APP.secret != rotated.secret
    assert hosted.call(token, consumer=APP).user == hosted.call(token, consumer=rotated).user == "jane"
    sent = hosted.sent("/photos", "GET", token=token, consumer=APP)
    hosted.provider.authenticate(sent)
    assert refused(hosted.provider.authenticate, sent).problem == "nonce_used"
    hosted.store.add_consumer(rotated.without_previous_secret())
    assert refused(hosted.call, token, consumer=APP).problem == "signature_invalid"
    assert hosted.call(token, consumer=rotated).user == "jane"


def test_a_client_may_sign_with_its_private_key():
    methods = [SignatureMethod_RSA_SHA256(), oauth2.SignatureMethod_HMAC_SHA256()]
    client = ClientCredentials(key="rsa", public_key=PUBLIC_PEM, callbacks=("oob",))
    hosted = Hosted(consumers=[client], policy={"signature_methods": methods})
    method = SignatureMethod_RSA_SHA256(private_key=rsa_key())
    consumer = oauth2.Consumer("rsa", "")

    def send(path, token=None, **parameters):
        request = oauth2.Request.from_consumer_and_token(consumer, token, "POST", ORIGIN + path, parameters)
        request["oauth_timestamp"] = str(NOW)
        request.sign_request(method, consumer, token)
        return HTTPRequest("POST", ORIGIN + path, request.to_header())

    temporary = credentials(hosted.provider.request_token(send("/rt", oauth_callback="oob")))
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    token = credentials(hosted.provider.access_token(send("/at", temporary, oauth_verifier=verifier)))
    assert hosted.provider.authenticate(send("/photos", token)).user == "jane"
    # A client with a public key must not be able to sign with its empty secret.
    assert refused(hosted.call, token, consumer=client, name="HMAC-SHA256").problem == "signature_invalid"


@pytest.mark.parametrize("name", [*(method.name for method in HMACS), "PLAINTEXT"])
def test_a_signature_with_an_empty_client_secret_is_refused(name):
    client = ClientCredentials(key="no-secret", callbacks=("oob",), two_legged=True)
    hosted = Hosted(consumers=[client], policy={"signature_methods": [*HMACS, oauth2.SignatureMethod_PLAINTEXT()]})
    assert refused(hosted.call, None, consumer=client, name=name).problem == "signature_invalid"
    assert problem(hosted.ask(consumer=client, name=name)) == (401, "signature_invalid")
    rotated = dataclasses.replace(client, secret="a-secret", previous_secret="")
    hosted.store.add_consumer(rotated)
    assert refused(hosted.call, None, consumer=client, name=name).problem == "signature_invalid"
    assert hosted.call(None, consumer=rotated, name=name).consumer == rotated


def test_a_client_that_signs_with_its_secret_must_have_one(hosted):
    with pytest.raises(ValueError, match="secret: must not be empty"):
        hosted.provider.register(key="empty", secret="")
    assert hosted.store.get_consumer("empty") is None
    assert hosted.provider.register(key=None, secret=None).secret  # None has the same effect as omitting the argument.


def test_a_client_with_a_public_key_or_another_method_may_have_no_secret():
    key = oauth2.SignatureMethod_RSA_SHA1(public_key=public_octets(rsa_key()))
    provider = Provider(MemoryStore(), policy=RequestPolicy(signature_methods=[*HMACS, key]))
    assert provider.register(secret="", signature_methods=("RSA-SHA1",)).secret == ""
    assert provider.register(secret="", public_key=PUBLIC_PEM).secret == ""
    with pytest.raises(ValueError, match="secret"):
        provider.register(secret="", signature_methods=("RSA-SHA1", "HMAC-SHA256"))


@pytest.mark.parametrize("uses_secrets", [True, False])
def test_a_custom_signature_method_must_set_uses_secrets(uses_secrets):
    class Own(oauth2.SignatureMethod):
        name = "OWN"

        def sign(self, request, consumer, token):
            return consumer.secret + "!"

    client = ClientCredentials(key="no-secret", two_legged=True)
    with pytest.raises(ValueError, match="uses_secrets of OWN"):
        Hosted(consumers=[client], policy={"signature_methods": [Own()]})
    Own.uses_secrets = uses_secrets
    hosted = Hosted(consumers=[client], policy={"signature_methods": [Own()]})
    signed = {"consumer": client, "name": "OWN", "signer": lambda text: "!"}
    if uses_secrets:
        assert refused(hosted.call, None, **signed).problem == "signature_invalid"
    else:
        assert hosted.call(None, **signed).consumer == client


def test_a_client_may_use_only_its_own_signature_methods():
    strict = dataclasses.replace(APP, signature_methods=("HMAC-SHA256",))
    hosted = Hosted(consumers=[strict])
    assert problem(hosted.ask(name="HMAC-SHA1")) == (400, "signature_method_rejected")
    assert hosted.ask(name="HMAC-SHA256").status == 200


def test_the_methods_of_a_provider_are_an_allow_list(hosted):
    assert problem(hosted.ask(name="PLAINTEXT")) == (400, "signature_method_rejected")
    assert {hosted.ask(name=name).status for name in (method.name for method in HMACS)} == {200}


def test_register_generates_and_stores_key_and_secret(hosted):
    made = hosted.provider.register(name="New", callbacks=(CALLBACK,), owner="jane")
    assert len(made.key) == len(made.secret) == 22
    assert hosted.store.get_consumer(made.key) == made
    assert hosted.store.consumers_of("jane") == [made]
    assert made.secret not in repr(made)
    assert hosted.provider.register(public_key=PUBLIC_PEM).secret == ""
    with pytest.raises(ValueError, match="callback"):
        hosted.provider.register(callbacks=("javascript:alert(1)",))


# --- sessions ------------------------------------------------------------------


def sessions():
    return Hosted(lifetimes={"token": 3600, "session": 86_400})


def open_session(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    return hosted.exchange(temporary, verifier)


def renew(hosted, token, handle, **options):
    return hosted.provider.access_token(hosted.sent("/at", token=token, session_handle=handle, **options))


def test_token_credentials_expire_and_are_renewed():
    hosted = sessions()
    answer = open_session(hosted)
    token, found = credentials(answer), fields(answer)
    assert (found["oauth_expires_in"], found["oauth_authorization_expires_in"]) == ("3600", "86400")
    hosted.now += 3599
    hosted.call(token)
    hosted.now += 1
    assert refused(hosted.call, token).problem == "token_expired"
    answer = renew(hosted, token, found["oauth_session_handle"])
    renewed, again = credentials(answer), fields(answer)
    assert (again["oauth_expires_in"], again["oauth_authorization_expires_in"]) == ("3600", "82800")
    assert hosted.call(renewed).user == "jane"
    assert refused(hosted.call, token).problem == "signature_invalid"
    assert renewed.key != token.key
    assert again["oauth_session_handle"] != found["oauth_session_handle"]


def test_a_session_ends():
    hosted = sessions()
    answer = open_session(hosted)
    hosted.now += 86_400
    assert problem(renew(hosted, credentials(answer), fields(answer)["oauth_session_handle"])) == (
        401,
        "token_rejected",
    )


def test_a_session_is_renewed_with_its_own_handle_once():
    hosted = sessions()
    answer = open_session(hosted)
    token, handle = credentials(answer), fields(answer)["oauth_session_handle"]
    assert problem(renew(hosted, token, "wrong")) == (401, "token_rejected")
    assert problem(renew(hosted, token, "")) == (401, "token_rejected")
    assert problem(renew(hosted, token, handle, consumer=OTHER_APP)) == (401, "signature_invalid")
    assert problem(renew(hosted, None, handle)) == (401, "token_rejected")
    assert renew(hosted, token, handle).status == 200
    assert problem(renew(hosted, token, handle)) == (401, "signature_invalid")


def test_of_concurrent_renewals_exactly_one_succeeds():
    hosted = sessions()
    answer = open_session(hosted)
    token, handle = credentials(answer), fields(answer)["oauth_session_handle"]
    sent = [hosted.sent("/at", token=token, session_handle=handle) for _ in range(32)]
    with ThreadPoolExecutor(16) as pool:
        statuses = [answer.status for answer in pool.map(hosted.provider.access_token, sent)]
    assert statuses.count(200) == 1


def test_a_renewal_that_loses_a_race_is_refused(monkeypatch):
    hosted = sessions()
    answer = open_session(hosted)
    monkeypatch.setattr(hosted.store, "replace_token", lambda key, token: False)
    assert problem(renew(hosted, credentials(answer), fields(answer)["oauth_session_handle"])) == (
        401,
        "token_rejected",
    )


def test_without_sessions_nothing_can_be_renewed(hosted):
    assert problem(renew(hosted, hosted.token(), "x")) == (401, "token_rejected")
    expiring = Hosted(lifetimes={"token": 60})
    answer = open_session(expiring)
    assert fields(answer).keys() == {"oauth_token", "oauth_token_secret", "oauth_expires_in"}


def test_a_session_without_end_is_renewed_without_end():
    hosted = sessions()
    token = TokenCredentials(key="t", secret="s", consumer_key="app", user="jane", session_handle="h", expires_at=NOW)
    hosted.store.add_token(token)
    assert token.ends_at is None
    answer = renew(hosted, token, "h")
    assert fields(answer).keys() == {"oauth_token", "oauth_token_secret", "oauth_expires_in", "oauth_session_handle"}


# --- xAuth ---------------------------------------------------------------------


def log_in(
    hosted, *, consumer=TRUSTED, method="POST", mode="client_auth", name="jane", password="the password", **options
):
    form = [("x_auth_mode", mode), ("x_auth_username", name), ("x_auth_password", password)]
    where = {"form": form} if method == "POST" else {"query": form}
    return hosted.provider.access_token(hosted.sent("/at", method, consumer=consumer, **where, **options))


@pytest.fixture
def trusting():
    return Hosted(
        consumers=[APP, TRUSTED],
        check_password=lambda name, password: "user-7" if (name, password) == ("jane", "the password") else None,
    )


def test_an_xauth_client_exchanges_a_password_for_a_token(trusting):
    token = credentials(log_in(trusting))
    assert trusting.call(token, consumer=TRUSTED).user == "user-7"
    assert "the password" not in repr(trusting.events)


def test_a_client_without_xauth_is_refused(trusting):
    assert problem(log_in(trusting, consumer=APP)) == (401, "permission_denied")
    assert problem(log_in(Hosted(consumers=[TRUSTED]))) == (401, "permission_denied")


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"name": "joe"}, {"password": ""}])
def test_a_wrong_password_is_refused(trusting, changes):
    assert problem(log_in(trusting, **changes)) == (401, "permission_denied")


def test_xauth_requires_post_no_token_and_client_auth(trusting):
    assert problem(log_in(trusting, method="GET")) == (400, "parameter_rejected")
    in_query = trusting.sent(
        "/at", consumer=TRUSTED, query=[("x_auth_mode", "client_auth"), ("x_auth_password", "the password")]
    )
    assert problem(trusting.provider.access_token(in_query)) == (400, "parameter_rejected")
    assert problem(log_in(trusting, mode="reverse_auth")) == (400, "parameter_rejected")
    token = credentials(log_in(trusting))
    assert problem(log_in(trusting, token=token)) == (401, "permission_denied")


# --- refusals ------------------------------------------------------------------


def test_a_refusal_has_a_problem_report_in_header_and_body(hosted):
    answer = hosted.ask(timestamp=str(NOW - 301))
    assert problem(answer) == (401, "timestamp_refused")
    assert fields(answer)["oauth_acceptable_timestamps"] == f"{NOW - 300}-{NOW + 300}"
    challenge = dict(answer.headers)["WWW-Authenticate"]
    assert challenge.startswith('OAuth realm="", oauth_problem="timestamp_refused"')
    assert problem(hosted.ask(version="1.1")) == (400, "version_rejected")
    assert fields(hosted.ask(version="1.1"))["oauth_acceptable_versions"] == "1.0-1.0"


@pytest.mark.parametrize("name", ["nonce", "timestamp", "signature_method", "consumer_key"])
def test_a_refusal_names_what_is_absent(hosted, name):
    answer = hosted.ask(**{name: None}) if name != "signature_method" else hosted.ask(signature_method=None)
    assert fields(answer)["oauth_parameters_absent"] == f"oauth_{name}"


def test_an_empty_nonce_is_absent_and_no_other_is_named(hosted):
    answer = hosted.ask(nonce="")
    assert problem(answer) == (400, "parameter_absent")
    assert "oauth_parameters_absent" not in fields(answer)


def test_a_request_without_a_client_is_refused_even_if_the_server_accepts_it(hosted, monkeypatch):
    monkeypatch.setattr(oauth2.Server, "verify_request", lambda *args: {})
    assert problem(hosted.ask(consumer=ClientCredentials(key="unknown"))) == (401, "signature_invalid")


def test_a_request_without_protocol_parameters_is_answered_with_www_authenticate(hosted):
    answer = hosted.provider.request_token(HTTPRequest("POST", ORIGIN + "/rt"))
    assert problem(answer) == (400, "parameter_absent")
    assert fields(answer)["oauth_parameters_absent"] == "oauth_consumer_key&oauth_signature_method&oauth_signature"
    error = refused(hosted.provider.authenticate, HTTPRequest("GET", ORIGIN + "/photos"))
    assert hosted.provider.error_response(error).status == 400


def test_error_response_is_the_response_of_the_endpoints(hosted):
    token = hosted.token()
    error = refused(hosted.call, oauth2.Token(token.key, "wrong"))
    answer = hosted.provider.error_response(error)
    assert problem(answer) == (401, "signature_invalid")
    assert dict(answer.headers)["WWW-Authenticate"].startswith("OAuth realm=")


def test_error_response_accepts_an_error_from_elsewhere(hosted):
    answer = hosted.provider.error_response(errors.InvalidRequest("Odd."))
    assert answer.status == 400
    assert "WWW-Authenticate" in dict(answer.headers)
    assert fields(answer) == {"oauth_problem": "parameter_rejected", "oauth_problem_advice": "Odd."}


def test_a_store_that_is_down_refuses_every_request(hosted, monkeypatch):
    token, sent = hosted.token(), hosted.sent("/rt", callback="oob")

    def down(*args):
        raise errors.StoreUnavailable("The store cannot be used.")

    monkeypatch.setattr(hosted.store, "add_nonce", down)
    error = refused(hosted.call, token)
    assert (error.status, type(error)) == (503, errors.StoreUnavailable)
    answer = hosted.provider.request_token(sent)
    assert answer.status == 503
    assert "Retry-After" in dict(answer.headers)
    assert "WWW-Authenticate" not in dict(answer.headers)


# --- the audit hook ------------------------------------------------------------


def test_every_event_is_emitted_without_secrets(caplog):
    caplog.set_level(logging.DEBUG)
    hosted = sessions()
    hosted.now += 1
    answer = open_session(hosted)
    token, handle = credentials(answer), fields(answer)["oauth_session_handle"]
    renewed_answer = renew(hosted, token, handle)
    renewed = credentials(renewed_answer)
    refused(hosted.call, oauth2.Token(renewed.key, "wrong"))
    hosted.provider.revoke(renewed.key)
    hosted.provider.deny(hosted.temporary().key)
    kinds = [type(event) for event in hosted.events]
    assert kinds == [
        audit.Issued,
        audit.Approved,
        audit.Redeemed,
        audit.Renewed,
        audit.Refused,
        audit.Revoked,
        audit.Issued,
        audit.Denied,
    ]
    assert {event.at for event in hosted.events} == {NOW + 1}
    assert {event.consumer_key for event in hosted.events} == {"app"}
    told = repr(hosted.events)
    keys = {token.key, renewed.key}
    for secret in (hosted.peer.sensitive | {handle, token.secret, renewed.secret}) - keys:
        assert secret not in told or secret in {event.token_key for event in hosted.events}
    assert not [each for each in caplog.records if each.name != "asyncio"]


def test_a_refusal_event_has_the_keys_of_the_request(hosted):
    refused(hosted.call, oauth2.Token("claimed", "x"))
    event = hosted.events[-1]
    assert (event.token_key, event.status, event.problem) == ("claimed", 401, "signature_invalid")
    assert event.message == "The signature is invalid."


def test_each_refusal_is_emitted_once(hosted):
    error = refused(hosted.call, oauth2.Token("claimed", "x"))
    for _ in range(2):
        hosted.provider.error_response(error)
    assert [type(event) for event in hosted.events] == [audit.Refused]
    odd = errors.InvalidRequest("Odd.")
    for _ in range(2):
        hosted.provider.error_response(odd)
    (event,) = hosted.events[1:]
    assert (event.at, event.consumer_key, event.token_key) == (hosted.now, None, None)
    assert (event.status, event.problem, event.message) == (400, "parameter_rejected", "Odd.")


def test_without_an_audit_hook_nothing_is_emitted():
    assert Hosted(audit=None).ask().status == 200


# --- secrecy, and mistakes -----------------------------------------------------


def test_no_error_shows_a_secret(hosted):
    token = hosted.token()
    for error in (
        refused(hosted.call, oauth2.Token(token.key, "wrong")),
        refused(hosted.call, token, name="PLAINTEXT"),
        refused(hosted.call, token, timestamp="1"),
    ):
        shown = what_is_shown(error)
        assert not [text for text in hosted.peer.sensitive if len(text) > 8 and text in shown]


def test_the_repr_of_requests_and_responses_shows_no_secret(hosted):
    sent = hosted.sent("/rt", callback=CALLBACK)
    answer = hosted.provider.request_token(sent)
    shown = repr(sent) + repr(answer) + repr(hosted.store.get_temporary(fields(answer)["oauth_token"]))
    assert "oauth_signature" not in shown
    assert CALLBACK not in shown
    assert fields(answer)["oauth_token_secret"] not in shown


@pytest.mark.parametrize("name", ["HMAC-SHA1", "PLAINTEXT"])
@pytest.mark.parametrize("place", ["header", "query", "body"])
def test_the_repr_of_a_request_has_its_method_and_its_url_without_the_query(name, place):
    hosted = Hosted(
        policy={"signature_methods": [oauth2.SignatureMethod_HMAC_SHA1(), oauth2.SignatureMethod_PLAINTEXT()]}
    )
    token = hosted.token()
    query, form = [("size", "original")], [("a", "1")]
    sent = hosted.sent("/photos", "POST", token=token, query=query, form=form, place=place, name=name)
    assert repr(sent) == f"HTTPRequest(method='POST', url='{ORIGIN}/photos')"
    access = hosted.provider.authenticate(sent)
    assert access.parameters == {"size": "original", "a": "1"}
    assert "original" not in repr(access)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:hidden@api.example/a@b?hidden#hidden", "https://api.example/a@b"),
        ("https://api.example?hidden", "https://api.example"),
        ("https://api.example#hidden?hidden", "https://api.example"),
        ("/photos?next=https://x/@hidden", "/photos"),
        ("//hidden@api.example/", "//api.example/"),
        ("", ""),
    ],
)
def test_a_repr_shows_neither_query_nor_userinfo_whatever_the_url(url, shown):
    request = HTTPRequest("GET", url, {"Cookie": "hidden"}, b"hidden")
    assert repr(request) == f"HTTPRequest(method='GET', url={shown!r})"


def test_the_repr_of_an_answer_is_its_status():
    answer = HTTPResponse(302, [("Location", "https://app.example/cb?oauth_verifier=hidden")], b"hidden")
    assert repr(answer) == "HTTPResponse(status=302)"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"realms": "photos"}, TypeError),
        ({"realms": ["a b"]}, ValueError),
        ({"realms": [""]}, ValueError),
        ({"realm": "a\nb"}, ValueError),
        ({"realm": 7}, TypeError),
        ({"base_url": b"https://api.example"}, TypeError),
        ({"policy": RequestPolicy}, TypeError),
        ({"policy": {"body_hash_required": True}}, TypeError),
        ({"lifetimes": Lifetimes}, TypeError),
        ({"lifetimes": 3600}, TypeError),
        ({"check_password": "secret"}, TypeError),
        ({"audit": []}, TypeError),
        ({"now": None}, TypeError),
        ({"now": 1_700_000_000}, TypeError),
    ],
)
def test_a_provider_refuses_a_wrong_argument_and_names_it(provider_type, options, error):
    with pytest.raises(error, match=f"^{next(iter(options))}: "):
        provider_type(MemoryStore(), **options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"temporary": 0}, ValueError),
        ({"temporary": None}, TypeError),
        ({"token": -1}, ValueError),
        ({"token": float("nan")}, ValueError),
        ({"token": "3600"}, TypeError),
        ({"session": 0, "token": 1}, ValueError),
        ({"session": 60}, ValueError),
    ],
)
def test_lifetimes_refuse_a_wrong_argument_and_name_it(options, error):
    with pytest.raises(error, match=f"^{next(iter(options))}: must"):
        Lifetimes(**options)


HMAC_SHA1 = oauth2.SignatureMethod_HMAC_SHA1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"signature_methods": [HMAC_SHA1]}, TypeError),
        ({"signature_methods": {"HMAC-SHA1": HMAC_SHA1}}, TypeError),
        ({"signature_methods": ["HMAC-SHA1"]}, TypeError),
        ({"signature_methods": "HMAC-SHA1"}, TypeError),
        ({"signature_methods": HMAC_SHA1()}, TypeError),
        ({"signature_methods": None}, ValueError),
        ({"signature_methods": []}, ValueError),
        ({"signature_methods": {}}, ValueError),
        ({"signature_methods": {"HMAC-SHA256": HMAC_SHA1()}}, ValueError),
        ({"timestamp_threshold": -5}, ValueError),
        ({"timestamp_threshold": float("nan")}, ValueError),
        ({"timestamp_threshold": "300"}, TypeError),
    ],
)
def test_a_policy_refuses_a_wrong_argument_and_names_it(options, error):
    with pytest.raises(error, match=f"^{next(iter(options))}: "):
        RequestPolicy(**options)


@pytest.mark.parametrize(
    "methods",
    [list, tuple, set, iter, lambda methods: {each.name: each for each in methods}],
    ids=["list", "tuple", "set", "iterator", "dict"],
)
def test_signature_methods_may_be_any_iterable_or_a_dict(methods):
    hosted = Hosted(policy={"signature_methods": methods([HMAC_SHA1()])})
    assert hosted.ask().status == 200
    assert problem(hosted.ask(name="HMAC-SHA256")) == (400, "signature_method_rejected")
    assert list(hosted.provider.policy.signature_methods) == ["HMAC-SHA1"]


def test_the_settings_of_a_provider_can_be_read_and_not_set():
    store, policy, lifetimes = MemoryStore(), RequestPolicy(timestamp_threshold=60), Lifetimes(temporary=120)
    provider = Provider(
        store, base_url="https://api.example/", realm="API", realms=["photos"], policy=policy, lifetimes=lifetimes
    )
    settings = {
        "store": store,
        "base_url": "https://api.example",
        "realm": "API",
        "realms": ("photos",),
        "policy": policy,
        "lifetimes": lifetimes,
    }
    for name, value in settings.items():
        assert getattr(provider, name) == value
        with pytest.raises(AttributeError):
            setattr(provider, name, value)
    for record, name in ((policy, "timestamp_threshold"), (lifetimes, "token")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, 1)


def test_the_policy_and_the_lifetimes_take_effect():
    hosted = Hosted(policy={"timestamp_threshold": 60}, lifetimes={"temporary": 120})
    assert problem(hosted.ask(timestamp=str(hosted.now - 61))) == (401, "timestamp_refused")
    temporary = hosted.temporary(timestamp=str(hosted.now - 60))
    hosted.now += 119
    assert hosted.provider.pending(temporary.key).age == 119
    hosted.now += 1
    assert refused(hosted.provider.pending, temporary.key).problem == "token_rejected"


def test_the_keywords_of_register_are_the_fields_of_client_credentials():
    for each in (Provider, AsyncProvider):
        keywords = inspect.signature(each.register).parameters
        assert list(keywords)[1:] == [field.name for field in dataclasses.fields(ClientCredentials)]
    with pytest.raises(TypeError, match="nmae"):
        Provider(MemoryStore()).register(nmae="x")


def test_a_client_is_registered_with_what_was_passed():
    hosted = Hosted()
    given = {
        "key": "k",
        "secret": "s",
        "previous_secret": "p",
        "public_key": "PEM",
        "name": "App",
        "callbacks": ["oob"],
        "signature_methods": ["HMAC-SHA1"],
        "two_legged": True,
        "xauth": True,
        "owner": "jane",
    }
    registered = hosted.provider.register(**given)
    as_tuples = {"callbacks": ("oob",), "signature_methods": ("HMAC-SHA1",)}
    assert dataclasses.asdict(registered) == {**given, **as_tuples}
    assert hosted.store.get_consumer("k") == registered
    for name in as_tuples:
        with pytest.raises(TypeError, match=f"^{name}: must"):
            hosted.provider.register(**{name: "oob"})


def test_client_credentials_turn_lists_into_tuples():
    listed = ClientCredentials(key="k", callbacks=["oob"], signature_methods=["HMAC-SHA1"])
    assert listed == ClientCredentials(key="k", callbacks=("oob",), signature_methods=("HMAC-SHA1",))


@pytest.mark.parametrize("store", [MemoryStore, None, object(), "provider.db"])
def test_an_invalid_store_is_refused(store):
    with pytest.raises(TypeError, match="store"):
        Provider(store)


@pytest.mark.parametrize(("field", "value"), [("callbacks", "oob"), ("signature_methods", "HMAC-SHA1")])
def test_one_str_in_place_of_a_tuple_is_refused(field, value):
    with pytest.raises(TypeError, match=field):
        ClientCredentials(key="k", **{field: value})


def test_a_client_without_a_key_is_refused():
    with pytest.raises(ValueError, match="key"):
        ClientCredentials(key="")


def test_any_request_is_answered_with_a_status(hosted):
    for url in ("", "/", "https://", "https://api.example#x", "javascript:x", "//evil", "https://api.example/\ud800"):
        for headers in (
            {},
            {"Authorization": "OAuth"},
            {"Authorization": 'OAuth a="%zz"'},
            [("Authorization", "OAuth x")],
        ):
            for method in ("POST", "GÉT", ""):
                answer = hosted.provider.request_token(HTTPRequest(method, url, headers, b"\xff"))
                assert answer.status == 400
                answer = hosted.provider.access_token(HTTPRequest(method, url, headers, b"\xff"))
                assert answer.status == 400
    assert as_http(hosted.peer.sign()).method == "GET"


def test_a_plaintext_request_may_have_neither_nonce_nor_timestamp():
    hosted = Hosted(policy={"signature_methods": [oauth2.SignatureMethod_PLAINTEXT()]})
    token = TokenCredentials(key="t", secret="s", consumer_key=APP.key, user="jane")
    hosted.store.add_token(token)
    assert hosted.call(token, name="PLAINTEXT", nonce=None, timestamp=None).user == "jane"
    assert hosted.store.nonce_count() == 0


def test_a_request_of_an_unknown_client_is_refused_even_if_its_signature_were_accepted(hosted, monkeypatch):
    monkeypatch.setattr(oauth2.Server, "_check_signature", lambda *_: None)
    unknown = ClientCredentials(key="unknown", secret="s")
    assert refused(hosted.call, None, consumer=unknown).problem == "signature_invalid"

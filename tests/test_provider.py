"""Provider: RFC 5849 sections 2.1, 2.2, 2.3 and 3, the session and problem extensions, xAuth."""

import dataclasses
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from hosted import APP, CALLBACK, ORIGIN, OTHER_APP, Hosted, as_http, credentials, fields, problem
from keys import public_octets, rsa_key
from peer import NOW, what_is_shown

import oauth2
from oauth2 import audit, errors
from oauth2.http import HTTPRequest
from oauth2.provider import Provider
from oauth2.rsa import SignatureMethod_RSA_SHA256
from oauth2.stores import ClientCredentials, MemoryStore, TokenCredentials

REALMS = ("photos", "prints")
PUBLIC_PEM = public_octets(rsa_key()).decode()


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
def test_the_protocol_parameters_may_stand_in_each_place(hosted, place, method):
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
def test_a_callback_has_to_be_registered_to_the_letter(hosted, callback):
    assert problem(hosted.ask(callback)) == (400, "parameter_rejected")


def test_out_of_band_has_to_be_registered_too():
    hosted = Hosted(consumers=[dataclasses.replace(APP, callbacks=(CALLBACK,))])
    assert problem(hosted.ask("oob")) == (400, "parameter_rejected")
    assert hosted.ask(CALLBACK).status == 200


def test_what_nobody_should_have_registered_is_refused_all_the_same():
    script = "javascript:alert(1)"
    hosted = Hosted(consumers=[dataclasses.replace(APP, callbacks=(script,))])
    assert problem(hosted.ask(script)) == (400, "parameter_rejected")


def test_a_token_has_no_place_in_a_request_for_temporary_credentials(hosted):
    token = hosted.token()
    assert problem(hosted.ask(token=token)) == (401, "signature_invalid")


# --- over which transport ------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://api.example", "http://127.0.0.1:8080", "http://localhost"])
def test_no_credentials_are_issued_over_plain_http(hosted, origin):
    assert problem(hosted.ask(origin=origin)) == (400, "permission_denied")
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    assert problem(hosted.exchange(temporary, verifier, origin=origin)) == (400, "permission_denied")
    assert hosted.exchange(temporary, verifier).status == 200


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80/"])
def test_plain_http_on_this_machine_is_chosen_by_the_base_url(base_url):
    hosted = Hosted(base_url=base_url)
    assert hosted.ask(origin=base_url.removesuffix(":80/")).status == 200


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1.evil.example", "http://localhost.example:80", "http://10.0.0.1"]
)
def test_no_other_host_is_this_machine(base_url):
    hosted = Hosted(base_url=base_url)
    assert problem(hosted.ask(origin=base_url.removesuffix(":80"))) == (400, "permission_denied")


@pytest.mark.parametrize("arrived", ["http://10.0.0.7:8000", "http://evil.example", "https://api.example/v1", ""])
def test_the_base_url_takes_the_place_of_what_arrived(arrived):
    hosted = Hosted(base_url="https://api.example/v1")
    token = Hosted.token(Hosted(hosted.store))
    query = [("url", "a/b://c?d")]
    sent = hosted.sent("/photos", "GET", origin="https://api.example/v1", token=token, query=query)
    target = sent.url.removeprefix("https://api.example/v1")
    if arrived == "https://api.example/v1":  # a proxy that leaves the prefix where it is: it counts twice
        assert refused(hosted.provider.authenticate, dataclasses.replace(sent, url=arrived + target)).status == 401
    else:
        access = hosted.provider.authenticate(dataclasses.replace(sent, url=arrived + target))
        assert access.parameters == dict(query)


@pytest.mark.parametrize(
    "base_url", ["", "api.example", "ftp://api.example", "https://", "https://a/?b", "https://u@a/"]
)
def test_a_base_url_that_is_none_is_the_callers_mistake(base_url):
    with pytest.raises(ValueError, match="base_url"):
        Provider(MemoryStore(), base_url=base_url)


# --- approval, section 2.2 -----------------------------------------------------


def test_the_consent_page_learns_who_asks_for_what():
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
    assert len(approved.verifier) == 13  # of 31 characters: 64 bits


def test_nobody_approves_twice_or_for_somebody_else(hosted):
    temporary = hosted.temporary()
    hosted.provider.approve(temporary.key, user="jane")
    for call in (hosted.provider.pending, hosted.provider.deny):
        assert refused(call, temporary.key).problem == "token_rejected"
    assert refused(hosted.provider.approve, temporary.key, user="mallory").problem == "token_rejected"
    assert hosted.store.get_temporary(temporary.key).user == "jane"


def test_of_many_racing_approvals_one_holds(hosted):
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


def test_a_denial_forgets_the_credentials_and_tells_the_client(hosted):
    temporary = hosted.temporary(CALLBACK)
    url = hosted.provider.deny(temporary.key)
    assert url == f"{CALLBACK}?oauth_token={temporary.key}&oauth_problem=permission_denied"
    assert refused(hosted.provider.approve, temporary.key, user="jane").problem == "token_rejected"
    assert problem(hosted.exchange(temporary, "x")) == (401, "signature_invalid")
    assert hosted.provider.deny(hosted.temporary().key) is None


def test_who_comes_late_to_a_consent_page_is_told_so(hosted, monkeypatch):
    temporary = hosted.temporary()
    monkeypatch.setattr(hosted.store, "approve", lambda *args: False)
    assert refused(hosted.provider.approve, temporary.key, user="jane").problem == "token_rejected"
    monkeypatch.setattr(hosted.store, "redeem", lambda key: None)
    assert refused(hosted.provider.deny, temporary.key).problem == "token_rejected"
    hosted.store.remove_consumer(APP.key)
    monkeypatch.setattr(hosted.store, "get_temporary", lambda key: MemoryStore.get_temporary(Hosted().store, key))
    assert refused(hosted.provider.pending, temporary.key).problem == "token_rejected"


def test_a_client_that_is_gone_asks_for_nothing(hosted):
    temporary = hosted.temporary()
    kept = hosted.store.get_temporary(temporary.key)
    hosted.store.remove_consumer(APP.key)
    hosted.store.issue(kept)
    assert refused(hosted.provider.pending, temporary.key).problem == "token_rejected"


@pytest.mark.parametrize("key", ["", "unknown", "x" * 256, "a\0b", "\ud800", None, 7])
def test_what_was_never_issued_waits_for_nothing(hosted, key):
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


def test_what_is_not_signed_costs_no_try(hosted):
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


def test_before_approval_there_is_nothing_to_redeem(hosted):
    temporary = hosted.temporary()
    for verifier in ("None", "null", "x"):
        assert problem(hosted.exchange(temporary, verifier)) == (401, "token_rejected")


def test_the_verifier_has_to_be_there(hosted):
    temporary = hosted.temporary()
    hosted.provider.approve(temporary.key, user="jane")
    answer = hosted.exchange(temporary, None)
    assert problem(answer) == (400, "parameter_absent")
    assert fields(answer)["oauth_parameters_absent"] == "oauth_verifier"
    assert problem(hosted.exchange(temporary, "")) == (400, "parameter_absent")


def test_a_request_without_a_token_is_no_exchange(hosted):
    assert problem(hosted.exchange(None, "x")) == (400, "parameter_absent")


def test_temporary_credentials_are_of_one_client(hosted):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    assert problem(hosted.exchange(temporary, verifier, consumer=OTHER_APP)) == (401, "signature_invalid")
    assert hosted.exchange(temporary, verifier).status == 200


def test_when_somebody_else_redeemed_them_first_they_are_over(hosted, monkeypatch):
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    monkeypatch.setattr(hosted.store, "redeem", lambda key: None)
    assert problem(hosted.exchange(temporary, verifier)) == (401, "token_rejected")


# --- authenticated requests, section 3 -----------------------------------------


def test_access_says_who_asks_for_whom_and_what_was_signed(hosted):
    token = hosted.token()
    access = hosted.call(token, query=[("size", "big"), ("tag", "a"), ("tag", "b")])
    assert (access.consumer, access.token.key, access.user) == (APP, token.key, "jane")
    assert access.parameters == {"size": "big", "tag": ["a", "b"]}


def test_a_request_counts_once(hosted):
    token = hosted.token()
    sent = hosted.sent("/photos", "GET", token=token)
    hosted.provider.authenticate(sent)
    assert refused(hosted.provider.authenticate, sent).problem == "nonce_used"


def test_temporary_credentials_open_nothing(hosted):
    temporary = hosted.temporary()
    hosted.provider.approve(temporary.key, user="jane")
    assert refused(hosted.call, temporary).problem == "signature_invalid"


def test_a_token_is_of_one_client(hosted):
    assert refused(hosted.call, hosted.token(), consumer=OTHER_APP).problem == "signature_invalid"


def test_unknown_client_unknown_token_and_wrong_signature_look_the_same(hosted):
    token = hosted.token()
    wrong = oauth2.Token(token.key, "wrong")
    unknown = oauth2.Token("unknown", token.secret)
    found = [
        refused(hosted.call, wrong),
        refused(hosted.call, unknown),
        refused(hosted.call, token, consumer=ClientCredentials(key="unknown", secret="app-secret")),
    ]
    answers = [hosted.provider.answer(error) for error in found]
    assert len({(type(error), error.message, error.status) for error in found}) == 1
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("name", ["consumer_key", "token"])
@pytest.mark.parametrize("key", ["a\0b", "x" * 256, "", "unknown"])
def test_a_store_is_not_asked_for_what_it_may_be_unable_to_look_up(hosted, name, key):
    asked = []
    find = hosted.store.find
    hosted.store.find = lambda *keys: asked.append(keys) or find(*keys)
    token = hosted.token()
    asked.clear()
    options = {"consumer_key": key} if name == "consumer_key" else {}
    token = oauth2.Token(key, token.secret) if name == "token" else token
    assert refused(hosted.call, token, **options).status in (400, 401)
    assert not [each for each in asked if key in each and key != "unknown"]


def test_a_revoked_token_opens_nothing_from_then_on(hosted):
    token = hosted.token()
    hosted.call(token)
    assert hosted.provider.revoke(token.key, user="mallory") is False
    hosted.call(token)
    assert hosted.provider.revoke(token.key, user="jane") is True
    assert hosted.provider.revoke(token.key) is False
    assert refused(hosted.call, token).problem == "signature_invalid"


def test_a_revocation_that_somebody_else_made_first_is_none(hosted, monkeypatch):
    token = hosted.token()
    monkeypatch.setattr(hosted.store, "revoke_token", lambda key: False)
    assert hosted.provider.revoke(token.key) is False


def test_users_see_what_they_approved(hosted):
    first = hosted.token("jane")
    hosted.now += 1
    second, other = hosted.token("jane"), hosted.token("joe")
    assert [token.key for token in hosted.provider.tokens_of("jane")] == [second.key, first.key]
    assert [token.key for token in hosted.provider.tokens_of("joe")] == [other.key]
    assert hosted.provider.tokens_of("nobody") == []


def test_two_authorization_lines_are_refused_even_if_they_are_alike(hosted):
    sent = hosted.sent("/photos", "GET", token=hosted.token())
    line = ("Authorization", sent.headers["Authorization"])
    for lines in ([line, line], [line, ("authorization", "Basic eA==")]):
        assert refused(hosted.provider.authenticate, dataclasses.replace(sent, headers=lines)).status == 400
    assert hosted.provider.authenticate(dataclasses.replace(sent, headers=[line])).user == "jane"


@pytest.mark.parametrize("name", ["HTTP_AUTHORIZATION", "http_authorization"])
def test_a_field_named_like_a_variable_is_another_field(hosted, name):
    sent = hosted.sent("/photos", "GET", token=hosted.token())
    value = sent.headers["Authorization"]
    for headers in ({name: value}, [(name, value)]):
        assert refused(hosted.provider.authenticate, dataclasses.replace(sent, headers=headers)).status == 400


def test_a_body_that_nothing_covers_can_be_refused():
    token = Hosted.token(hosted := Hosted())
    strict = Hosted(hosted.store, body_hash_required=True)
    sent = strict.sent("/photos", "POST", token=token)
    added = dataclasses.replace(sent, headers={**sent.headers, "Content-Type": "application/json"}, body=b'{"a": 1}')
    assert refused(strict.provider.authenticate, added).problem == "parameter_absent"
    assert strict.call(token, form=[("a", "1")], method="POST").parameters == {"a": "1"}


@pytest.mark.parametrize("consumer", [APP, APP.with_new_secret(), None])
def test_who_is_not_let_in_costs_the_same_whoever_he_is(monkeypatch, consumer):
    hosted = Hosted(consumers=[each for each in [consumer] if each])
    checks = []
    check = oauth2.SignatureMethod.check
    monkeypatch.setattr(oauth2.SignatureMethod, "check", lambda *args: checks.append(args) or check(*args))
    assert problem(hosted.ask(consumer=dataclasses.replace(APP, secret="wrong"))) == (401, "signature_invalid")
    assert len(checks) == 2


# --- requests without a token, realms ------------------------------------------


def test_requests_without_a_token_are_for_clients_that_may():
    robot = ClientCredentials(key="robot", secret="robot-secret", two_legged=True)
    hosted = Hosted(consumers=[APP, robot], realms=REALMS)
    access = hosted.call(None, consumer=robot)
    assert (access.consumer, access.token, access.user) == (robot, None, None)
    assert refused(hosted.call, None, consumer=APP).problem == "permission_denied"
    assert refused(hosted.call, None, consumer=robot, realm_wanted="photos").problem == "permission_denied"
    assert refused(hosted.call, oauth2.Token("", ""), consumer=robot).status == 401


def test_a_realm_is_open_to_tokens_that_were_given_it():
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
def test_who_names_none_of_the_realms_asks_for_all(options):
    hosted = Hosted(realms=REALMS)
    assert hosted.provider.pending(hosted.temporary(**options).key).realms == REALMS


def test_a_user_may_give_less_than_what_is_asked_for():
    hosted = Hosted(realms=REALMS)
    temporary = hosted.temporary()
    with pytest.raises(ValueError, match="realms"):
        hosted.provider.approve(temporary.key, user="jane", realms=["photos", "everything"])
    verifier = hosted.provider.approve(temporary.key, user="jane", realms=["photos"]).verifier
    token = credentials(hosted.exchange(temporary, verifier))
    assert hosted.call(token).token.realms == ("photos",)


# --- clients with several keys -------------------------------------------------


def test_while_a_secret_is_rotated_both_hold(hosted):
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
    hosted = Hosted(consumers=[client], signature_methods=methods)
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
    # Whom one knows by a public key, one does not know by an empty secret.
    assert refused(hosted.call, token, consumer=client, name="HMAC-SHA256").problem == "signature_invalid"


def test_a_client_is_held_to_its_own_methods():
    strict = dataclasses.replace(APP, signature_methods=("HMAC-SHA256",))
    hosted = Hosted(consumers=[strict])
    assert problem(hosted.ask(name="HMAC-SHA1")) == (400, "signature_method_rejected")
    assert hosted.ask(name="HMAC-SHA256").status == 200


def test_the_methods_of_a_provider_are_an_allow_list(hosted):
    assert problem(hosted.ask(name="PLAINTEXT")) == (400, "signature_method_rejected")
    assert {hosted.ask(name=name).status for name in ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512")} == {200}


def test_registering_makes_key_and_secret_and_keeps_them(hosted):
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
    return Hosted(token_lifetime=3600, session_lifetime=86_400)


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


def test_of_racing_renewals_one_holds():
    hosted = sessions()
    answer = open_session(hosted)
    token, handle = credentials(answer), fields(answer)["oauth_session_handle"]
    sent = [hosted.sent("/at", token=token, session_handle=handle) for _ in range(32)]
    with ThreadPoolExecutor(16) as pool:
        statuses = [answer.status for answer in pool.map(hosted.provider.access_token, sent)]
    assert statuses.count(200) == 1


def test_a_renewal_that_somebody_else_made_first_is_refused(monkeypatch):
    hosted = sessions()
    answer = open_session(hosted)
    monkeypatch.setattr(hosted.store, "replace_token", lambda key, token: False)
    assert problem(renew(hosted, credentials(answer), fields(answer)["oauth_session_handle"])) == (
        401,
        "token_rejected",
    )


def test_where_there_are_no_sessions_nothing_is_renewed(hosted):
    assert problem(renew(hosted, hosted.token(), "x")) == (401, "token_rejected")
    expiring = Hosted(token_lifetime=60)
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

TRUSTED = dataclasses.replace(APP, key="trusted", xauth=True)


def log_in(hosted, *, consumer=TRUSTED, method="POST", mode="client_auth", name="jane", password="pw", **options):
    form = [("x_auth_mode", mode), ("x_auth_username", name), ("x_auth_password", password)]
    where = {"form": form} if method == "POST" else {"query": form}
    return hosted.provider.access_token(hosted.sent("/at", method, consumer=consumer, **where, **options))


@pytest.fixture
def trusting():
    return Hosted(
        consumers=[APP, TRUSTED],
        check_password=lambda name, password: "user-7" if (name, password) == ("jane", "pw") else None,
    )


def test_a_client_that_may_exchanges_a_password_for_a_token(trusting):
    token = credentials(log_in(trusting))
    assert trusting.call(token, consumer=TRUSTED).user == "user-7"
    assert "pw" not in repr(trusting.events)


def test_no_other_client_does(trusting):
    assert problem(log_in(trusting, consumer=APP)) == (401, "permission_denied")
    assert problem(log_in(Hosted(consumers=[TRUSTED]))) == (401, "permission_denied")


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"name": "joe"}, {"password": ""}])
def test_a_wrong_password_is_refused(trusting, changes):
    assert problem(log_in(trusting, **changes)) == (401, "permission_denied")


def test_a_password_comes_in_a_post_without_a_token_in_the_one_mode(trusting):
    assert problem(log_in(trusting, method="GET")) == (400, "parameter_rejected")
    in_query = trusting.sent("/at", consumer=TRUSTED, query=[("x_auth_mode", "client_auth"), ("x_auth_password", "pw")])
    assert problem(trusting.provider.access_token(in_query)) == (400, "parameter_rejected")
    assert problem(log_in(trusting, mode="reverse_auth")) == (400, "parameter_rejected")
    token = credentials(log_in(trusting))
    assert problem(log_in(trusting, token=token)) == (401, "permission_denied")


# --- refusals ------------------------------------------------------------------


def test_a_refusal_says_what_is_wrong_in_header_and_body(hosted):
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


def test_nobody_gets_in_without_a_client_whatever_the_server_says(hosted, monkeypatch):
    monkeypatch.setattr(oauth2.Server, "verify_request", lambda *args: {})
    assert problem(hosted.ask(consumer=ClientCredentials(key="unknown"))) == (401, "signature_invalid")


def test_what_carries_no_protocol_parameters_is_asked_for_them(hosted):
    answer = hosted.provider.request_token(HTTPRequest("POST", ORIGIN + "/rt"))
    assert problem(answer) == (400, "parameter_absent")
    assert fields(answer)["oauth_parameters_absent"] == "oauth_consumer_key&oauth_signature_method&oauth_signature"
    error = refused(hosted.provider.authenticate, HTTPRequest("GET", ORIGIN + "/photos"))
    assert hosted.provider.answer(error).status == 400


def test_the_answer_to_a_refused_call_is_that_of_the_endpoints(hosted):
    token = hosted.token()
    error = refused(hosted.call, oauth2.Token(token.key, "wrong"))
    answer = hosted.provider.answer(error)
    assert problem(answer) == (401, "signature_invalid")
    assert dict(answer.headers)["WWW-Authenticate"].startswith("OAuth realm=")


def test_an_error_from_elsewhere_has_an_answer_too(hosted):
    answer = hosted.provider.answer(errors.InvalidRequest("Odd."))
    assert answer.status == 400
    assert "WWW-Authenticate" in dict(answer.headers)
    assert fields(answer) == {"oauth_problem": "parameter_rejected", "oauth_problem_advice": "Odd."}


def test_a_store_that_is_down_lets_nobody_in(hosted, monkeypatch):
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


def test_all_that_happens_is_told_and_no_secret_is(caplog):
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
    assert not caplog.records


def test_a_refusal_tells_what_the_peer_claimed(hosted):
    refused(hosted.call, oauth2.Token("claimed", "x"))
    event = hosted.events[-1]
    assert (event.token_key, event.status, event.problem) == ("claimed", 401, "signature_invalid")
    assert event.message == "The signature is invalid."


def test_each_refusal_is_told_once_and_one_from_elsewhere_when_it_is_answered(hosted):
    error = refused(hosted.call, oauth2.Token("claimed", "x"))
    for _ in range(2):
        hosted.provider.answer(error)
    assert [type(event) for event in hosted.events] == [audit.Refused]
    odd = errors.InvalidRequest("Odd.")
    for _ in range(2):
        hosted.provider.answer(odd)
    (event,) = hosted.events[1:]
    assert (event.at, event.consumer_key, event.token_key) == (hosted.now, None, None)
    assert (event.status, event.problem, event.message) == (400, "parameter_rejected", "Odd.")


def test_without_a_hook_nothing_is_told():
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


def test_what_arrives_and_what_is_answered_hide_in_their_repr(hosted):
    sent = hosted.sent("/rt", callback="oob")
    answer = hosted.provider.request_token(sent)
    shown = repr(sent) + repr(answer) + repr(hosted.store.get_temporary(fields(answer)["oauth_token"]))
    assert "oauth_signature" not in shown
    assert fields(answer)["oauth_token_secret"] not in shown


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"realms": "photos"}, TypeError),
        ({"realms": ["a b"]}, ValueError),
        ({"realms": [""]}, ValueError),
        ({"realm": "a\nb"}, ValueError),
        ({"realm": 7}, TypeError),
        ({"temporary_lifetime": 0}, ValueError),
        ({"token_lifetime": -1}, ValueError),
        ({"token_lifetime": 1, "session_lifetime": 0}, ValueError),
        ({"session_lifetime": 60}, ValueError),
    ],
)
def test_a_mistake_names_its_argument(options, error):
    with pytest.raises(error, match=next(iter(options)) if len(options) == 1 else "session_lifetime"):
        Provider(MemoryStore(), **options)


@pytest.mark.parametrize("store", [MemoryStore, None, object(), "provider.db"])
def test_a_store_that_is_none_is_named(store):
    with pytest.raises(TypeError, match="store"):
        Provider(store)


@pytest.mark.parametrize(("field", "value"), [("callbacks", "oob"), ("signature_methods", "HMAC-SHA1")])
def test_a_text_is_no_tuple_of_texts(field, value):
    with pytest.raises(TypeError, match=field):
        ClientCredentials(key="k", **{field: value})


def test_a_client_has_a_key():
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

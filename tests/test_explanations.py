"""``explain()`` and ``on_refusal`` of all clients, against services that refuse."""

import asyncio
import copy
import gc
import gzip
import json
import pickle
import re
import subprocess
import sys
import threading
import time
import weakref
from email.utils import formatdate
from urllib.parse import quote

import httplib2
import pytest
from callers import (
    CONSUMER,
    FORM,
    TOKEN,
    Aiohttp,
    AsyncHttpx2,
    Httplib2,
    Httpx2,
    Niquests,
    Requests,
    every_kind,
    opened,
)
from keys import rsa_key
from loopback import Answer, Loopback, redirect
from oauthlib.oauth1.rfc5849 import signature as theirs
from stopwatch import within
from verifying import Verifying

import oauth2
from oauth2._sending.exchange import Exchange
from oauth2._sending.keeping import MAX_KEPT
from oauth2._sending.outgoing import Outgoing
from oauth2._sending.signer import BODY, HEADER, QUERY, Signer
from oauth2.clients.explanation import Explanation

pytestmark = pytest.mark.slow

JSON = "application/json"
WRONG = oauth2.Token(TOKEN.key, "of another token")
SECRETS = [CONSUMER.secret, TOKEN.secret, WRONG.secret, "of%20another", "t0k"]
REFUSED = {"WWW-Authenticate": 'OAuth realm="photos", oauth_problem="signature_invalid"'}


class Refusing(Loopback):
    """A service that refuses every request, and shows the base string that oauthlib computes for the request.

    Args:
        scheme: The scheme that the service sees.
        collapse: Whether the service uses only the last value of a repeated name.
        change: A function that changes the body before the service computes the base string.
    """

    def __init__(self, scheme="http", *, collapse=False, change=lambda body: body):
        super().__init__()
        self.scheme, self.collapse, self.change = scheme, collapse, change

    def answer(self, received):
        self.requests.append(received)
        return Answer(401, REFUSED, b"oauth_problem_advice=" + quote(self.base_string(received)).encode())

    def base_string(self, received):
        body = self.change(received.body.decode("latin-1"))
        form = body if (received.header("Content-Type") or "").startswith(FORM) else ""
        headers = {"Authorization": received.header("Authorization")}
        params = theirs.collect_parameters(uri_query=received.query, body=form, headers=headers)
        params = list(dict(params).items()) if self.collapse else params
        uri = theirs.base_string_uri(received.url.replace("http://", f"{self.scheme}://"))
        return theirs.signature_base_string(received.method, uri, theirs.normalize_parameters(params))


def with_token(kind, token, **options):
    caller = opened(kind, **options)
    caller.auth_of = CONSUMER, token
    return caller


def explained(kind, service, *arguments, token=TOKEN, **what):
    """Send a request; return the explanation, which must be equal for on_refusal and explain()."""
    told = []
    with with_token(kind, token, on_refusal=told.append) as caller:
        method, path = arguments or ("GET", "/photos?size=original")
        caller.send(method, service.origin + path, **what)
        found = caller.auth.explain()
    assert told == [found]
    assert not [secret for secret in SECRETS if secret in f"{found} {found!r}"]
    assert "docs/doctor.md" in str(found)
    return found


# --- five mistakes of real users --------------------------------------------------


@every_kind()
def test_with_a_wrong_token_secret_the_service_has_the_same_base_string(kind):
    with Refusing() as service:
        found = explained(kind, service, token=WRONG)
    assert (found.verdict, found.status, found.problem) == ("same base string", 401, "signature_invalid")
    assert found.diagnosis.signature_is_right
    assert found.their_base_string == found.diagnosis.pieces.base_string
    text = str(found)
    assert text.startswith(f"GET {service.origin}/photos was refused: 401, oauth_problem=signature_invalid.\n")
    assert "the secrets or keys differ" in text
    assert "query       size=original" in text
    assert len([line for line in text.splitlines() if line.startswith("  - ")]) == 3  # ruled out


@every_kind()
def test_a_service_that_says_nothing_leaves_the_secrets_and_the_way(kind):
    with Verifying() as service:
        found = explained(kind, service, token=WRONG)
    assert (found.verdict, found.status, found.problem, found.said) == ("not explained", 401, None, "refused")
    assert "The signature is right for the credentials of this client." in found.sentence
    assert any(each.startswith("The clock:") for each in found.ruled_out)


@every_kind()
def test_a_wrong_clock_is_named_with_its_difference(kind):
    # The client does not accept a correction of its clock by three days.
    date = formatdate(time.time() + 3 * 86_400, usegmt=True)
    refusal = Answer(401, {"Date": date, "WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"'}, b"")
    with Loopback() as service:
        service.routes["/photos"] = refusal
        found = explained(kind, service)
    assert (found.verdict, found.problem) == ("clock", "timestamp_refused")
    seconds = int(found.next_step.partition("offset=")[2].partition(")")[0])
    assert abs(seconds - 3 * 86_400) < 60
    assert not any("clock" in each for each in found.ruled_out)


@every_kind()
def test_a_service_behind_a_proxy_sees_another_scheme(kind):
    with Refusing("https") as service:
        found = explained(kind, service)
    assert found.verdict == "other base string"
    assert [each.key for each in found.diagnosis.findings] == ["scheme"]
    assert f"{service.origin.replace('http', 'https')}/photos" in found.wanted
    assert "X-Forwarded-Proto" in found.next_step
    assert "computed by the service  GET&https%3A" in str(found)


@every_kind()
def test_a_service_collapses_repeated_names(kind):
    with Refusing(collapse=True) as service:
        found = explained(kind, service, "GET", "/photos?tag=a&tag=b")
    assert found.verdict == "other base string"
    assert [each.key for each in found.diagnosis.findings] == ["duplicates-to-last"]
    assert "only the last value" in found.wanted
    assert found.next_step.startswith("Send each name only once")


@every_kind()
def test_a_form_that_was_changed_on_the_way_is_shown_where_it_differs(kind):
    with Refusing(change=lambda body: body.replace("vacation", "holidays")) as service:
        found = explained(kind, service, "POST", "/photos", form={"file": "vacation.jpg", "size": "original"})
    assert (found.verdict, found.wanted) == ("other base string", "")
    assert found.diagnosis.comparison.piece == "parameters"
    assert "vacation.jpg" in found.diagnosis.comparison.ours
    assert "holidays.jpg" in found.diagnosis.comparison.theirs
    assert "proxy, a gateway or a library" in found.next_step


@every_kind()
def test_a_body_that_was_changed_on_the_way_has_another_hash(kind):
    said = b'{"error": "oauth_body_hash does not match the body."}'
    with Loopback() as service:
        service.routes["/photos"] = Answer(401, {"Content-Type": JSON}, said)
        found = explained(kind, service, "POST", "/photos", content=b'{"a": 1}', headers={"Content-Type": JSON})
    assert found.verdict == "body changed"
    assert "does not match the body." in found.said
    assert "body_hash=False" in found.next_step


# --- other texts in responses of services -----------------------------------------


@pytest.mark.parametrize(
    ("status", "problem", "verdict", "words"),
    [
        (401, "nonce_used", "problem named", "seen the nonce before"),
        (401, "token_expired", "problem named", "has expired"),
        (403, "permission_denied", "problem named", "probably right"),
        (400, "parameter_absent", "problem named", "a parameter is missing"),
        (400, "parameter_rejected", "problem named", "rejects a parameter"),
        (401, "no_such_problem", "problem named", "reports the problem no_such_problem"),
        (401, "signature_invalid", "not explained", "says only that the signature is invalid"),
        (401, '"<b>', "not explained", "does not say why"),
    ],
)
def test_the_problem_is_put_into_words(status, problem, verdict, words):
    with Loopback() as service:
        service.routes["/photos"] = Answer(status, {}, f"oauth_problem={quote(problem)}".encode())
        with opened(Httplib2) as caller:
            caller.send("GET", f"{service.origin}/photos")
            found = caller.auth.explain()
    assert found.verdict == verdict
    assert words in found.sentence


def test_the_json_of_okapi_names_the_timestamp():
    body = json.dumps({"error": {"reason_stack": ["bad_request", "invalid_oauth_request", "invalid_timestamp"]}})
    with Loopback() as service:
        service.routes["/photos"] = Answer(400, {}, body.encode())
        found = explained(Httplib2, service)
    assert (found.verdict, found.status) == ("clock", 400)
    assert "The Date header of its response agrees" in found.sentence


def test_a_date_that_is_far_off_is_the_clock_without_a_word():
    with Loopback() as service:
        service.routes["/photos"] = Answer(401, {"Date": formatdate(time.time() - 3 * 86_400, usegmt=True)}, b"no")
        found = explained(Httplib2, service)
    assert found.verdict == "clock"
    assert "behind the timestamp" in found.sentence


@pytest.mark.parametrize(
    ("made", "wanted", "next_step"),
    [
        ("GET&http%3A%2F%2Fother.example%2Fphotos&", "", "Use exactly the URL"),
        ("POST&http%3A%2F%2F127.0.0.1%2Fphotos&", "", "Use exactly the URL"),
    ],
)
def test_another_url_or_method_is_one_to_look_at(made, wanted, next_step):
    with Loopback() as service, opened(Httplib2) as caller:
        caller.send("GET", f"{service.origin}/photos")
        found = caller.auth.explain(their_base_string=made)
    assert (found.verdict, found.wanted) == ("other base string", wanted)
    assert found.next_step.startswith(next_step)


def test_another_way_to_encode_is_reported():
    with Loopback() as service, opened(Httplib2) as caller:
        caller.send("GET", f"{service.origin}/photos?q=a%20b")
        made = caller.auth.explain().diagnosis.pieces.base_string.replace("%2520", "%2B")
        found = caller.auth.explain(their_base_string=made)
    assert found.next_step.startswith("If possible, do not send these")
    assert "+" in found.wanted


def test_text_of_the_service_is_short_plain_and_on_one_line():
    page = "<html><head><title>x</title></head><body><h1>No\n\x1b[31mentry</h1>" + "z " * 500
    with Loopback() as service:
        service.routes["/photos"] = Answer(401, {}, page.encode())
        found = explained(Httplib2, service)
    assert found.said.startswith("No [31mentry z z")
    assert len(found.said) <= 303


@pytest.mark.parametrize("body", [b"<script" * 9000, b"\x00" * 70_000, b"GET&http%3A%2F%2Fa" + b"%25" * 20_000])
def test_a_hostile_answer_is_explained_in_bounded_time(body):
    with Loopback() as service, opened(Httplib2) as caller:
        service.routes["/"] = Answer(401, {}, body)
        caller.send("GET", f"{service.origin}/")
        with within(5):
            assert len(str(caller.auth.explain())) < 20_000


def test_a_base_string_cannot_control_the_terminal():
    with Loopback() as service, opened(Httplib2) as caller:
        caller.send("GET", f"{service.origin}/")
        text = str(caller.auth.explain(their_base_string="GET&\x1b[2J\u202e&\n"))
    assert {char for char in text if not char.isprintable()} == {"\n"}


def test_many_parameters_are_not_all_listed():
    with Loopback() as service, opened(Httplib2) as caller:
        caller.send("GET", f"{service.origin}/?{'&'.join(f'p{number}=1' for number in range(90))}")
        text = str(caller.auth.explain())
    assert len([line for line in text.splitlines() if re.match("  (header|query) ", line)]) == 50
    assert "... and 46 more" in text


# --- when on_refusal is called ----------------------------------------------------


@every_kind()
def test_before_any_request_there_is_nothing_to_explain(kind):
    with opened(kind) as caller, pytest.raises(ValueError, match="send a request first"):
        caller.auth.explain()


@every_kind()
def test_a_request_that_was_not_refused_is_shown(kind):
    with Verifying() as service, opened(kind) as caller:
        assert caller.send("GET", f"{service.origin}/photos?a=b")[0] == 200
        found = caller.auth.explain()
    assert (found.verdict, found.status) == ("not refused", None)
    assert "query       a=b" in str(found)
    assert str(found).startswith(f"GET {service.origin}/photos was signed.\n")


@every_kind()
def test_on_refusal_is_called_for_refusals_only(kind):
    problem = {"WWW-Authenticate": 'OAuth oauth_problem="permission_denied"'}
    told = []
    with Loopback() as service, opened(kind, on_refusal=told.append) as caller:
        for status, headers, count in [
            (200, {}, 0),
            (404, problem, 0),
            (500, problem, 0),
            (400, {}, 0),
            (403, {}, 0),
            (401, {}, 1),
            (403, problem, 2),
            (400, problem, 3),
        ]:
            service.routes["/"] = Answer(status, headers, b"no")
            caller.send("GET", f"{service.origin}/")
            assert len(told) == count, status
    assert [each.status for each in told] == [401, 403, 400]
    assert {type(each) for each in told} == {Explanation}


@every_kind()
def test_on_refusal_is_not_called_for_an_attempt_that_the_clock_corrects(kind):
    told = []
    late = Answer(401, {"Date": formatdate(time.time() + 7200, usegmt=True)}, b"late")
    with Loopback() as service, opened(kind, on_refusal=told.append) as caller:
        service.routes["/"] = lambda _: late if len(service.requests) == 1 else Answer()
        assert caller.send("GET", f"{service.origin}/")[0] == 200
        assert caller.auth.explain().verdict == "not refused"
    assert (len(service.requests), told) == (2, [])


@every_kind()
def test_an_error_of_on_refusal_reaches_the_program(kind):
    def fail(explanation):
        raise LookupError(explanation.verdict)

    raised = pytest.raises(LookupError, match="not explained")
    with Verifying() as service, with_token(kind, WRONG, on_refusal=fail) as caller, raised:
        caller.send("GET", service.origin)


@every_kind(Httplib2, Requests, Httpx2, Aiohttp)
@pytest.mark.parametrize("value", ["print", 1])
def test_on_refusal_must_be_a_function(kind, value):
    with pytest.raises(TypeError, match="on_refusal"), opened(kind, on_refusal=value):
        pass


def test_on_refusal_must_not_be_asynchronous():
    async def tell(_):
        pass

    with pytest.raises(TypeError, match="without async"):
        oauth2.Client(CONSUMER, TOKEN, on_refusal=tell)


@every_kind()
def test_the_redirected_request_is_explained(kind):
    told = []
    with Refusing("https") as service, opened(kind, on_refusal=told.append) as caller:
        refuse, route = service.answer, redirect(307, "/end?c=d")
        service.answer = lambda received: route if received.path == "/start" else refuse(received)
        assert caller.send("GET", f"{service.origin}/start?a=b")[0] == 401
        found = caller.auth.explain()
    assert told == [found]
    assert found.url == f"{service.origin}/end"
    assert [each.key for each in found.diagnosis.findings] == ["scheme"]


@every_kind()
def test_another_origin_gets_no_signature_and_its_refusal_is_not_explained(kind):
    told = []
    with Verifying() as service, Loopback() as elsewhere, opened(kind, on_refusal=told.append) as caller:
        service.routes["/start"] = redirect(307, f"{elsewhere.origin}/end")
        elsewhere.routes["/end"] = Answer(401, {}, b"no")
        assert caller.send("GET", f"{service.origin}/start")[0] == 401
        found = caller.auth.explain()
    assert (told, found.verdict, found.url) == ([], "not refused", f"{service.origin}/start")


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA512", "RSA-SHA256"])
def test_what_was_signed_is_kept_for_every_placement_and_method(kind, placement, method):
    made = {"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1, "HMAC-SHA512": oauth2.SignatureMethod_HMAC_SHA512}
    options = {"placement": placement, "signature_method": made[method]() if method in made else rsa()}
    with Loopback() as service, opened(kind, **options) as caller:
        headers = {"Host": "photos.example"}
        caller.send("POST", f"{service.origin}/photos?a=b", form={"é": "1"}, headers=headers)
        found = caller.auth.explain()
    assert found.diagnosis.signature_is_right
    assert found.diagnosis.pieces.base_string_uri == "http://photos.example/photos"
    assert {("a", "b"), ("%C3%A9", "1")} <= set(found.diagnosis.pieces.parameters)


def rsa():
    return oauth2.SignatureMethod_RSA_SHA256(rsa_key())


# --- arguments of the caller ------------------------------------------------------


@every_kind(Httplib2, Requests)
def test_the_answer_and_the_base_string_can_be_passed(kind):
    with Loopback() as service, opened(kind) as caller:
        service.routes["/"] = Answer(500, {}, b"")
        caller.send("GET", f"{service.origin}/")
        made = caller.auth.explain().diagnosis.pieces.base_string
        for found in (
            caller.auth.explain(f"expected {made}"),
            caller.auth.explain(f"expected {made}".encode()),
            caller.auth.explain(their_base_string=made),
        ):
            assert found.verdict == "same base string"
        assert caller.auth.explain("oauth_problem=token_revoked").sentence == "The token was revoked."
        for wrong in ({"answer": 1}, {"answer": object()}, {"their_base_string": b"GET"}):
            with pytest.raises(TypeError, match=next(iter(wrong))):
                caller.auth.explain(**wrong)


@every_kind()
def test_a_compressed_refusal_is_read_after_the_program_has_read_it(kind):
    with Refusing("https") as service:
        plain = service.answer

        def compressed(received):
            refusal = plain(received)
            return Answer(401, {"Content-Encoding": "gzip"}, gzip.compress(refusal.body))

        service.answer = compressed
        told = []
        with opened(kind) as quiet, opened(kind, on_refusal=told.append) as telling:
            if issubclass(kind, Httplib2 | Requests | Httpx2) and not hasattr(quiet, "runner"):
                response = raw(quiet, f"{service.origin}/photos")
                assert quiet.auth.explain().verdict == "other base string"
                del response
            telling.send("GET", f"{service.origin}/photos")
    assert told[0].verdict == "other base string"


def raw(caller, url):
    """Send a GET; return the response object of the client library."""
    if isinstance(caller, Httplib2):
        return caller.client.request(url)
    return (caller.session if isinstance(caller, Requests) else caller.client).get(url)


# --- what an explanation keeps in memory ------------------------------------------


@every_kind()
def test_a_body_that_is_no_form_is_not_kept(kind):
    with Loopback() as service, opened(kind) as caller:
        caller.send("PUT", service.origin, content=b"x" * (1 << 20), headers={"Content-Type": "image/jpeg"})
        assert record_of(caller).last.signed.body is None
        assert caller.auth.explain().diagnosis.signature_is_right


@every_kind()
def test_a_form_that_is_long_is_not_kept(kind):
    with Loopback() as service, opened(kind) as caller:
        caller.send("POST", service.origin, form={"a": "x" * MAX_KEPT})
        found = caller.auth.explain("no")
        assert record_of(caller).last.signed.body is None
        caller.send("GET", f"{service.origin}/?a={'x' * 30_000}")
        assert caller.auth.explain("no").diagnosis.signature_is_right
    assert (found.verdict, found.diagnosis) == ("not explained", None)
    assert "too long" in found.sentence


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_url_that_is_long_is_not_kept(method):
    signer = Signer(consumer=CONSUMER)
    Exchange(signer, Outgoing(method, f"http://a.example/{'x' * MAX_KEPT}", None)).sign()
    assert (len(signer.record.last.signed.uri), signer.record.last.missing) == (200, "it is too long")


@every_kind()
def test_a_stream_is_not_read_and_not_kept(kind):
    with Loopback() as service, opened(kind, body_hash=False) as caller:
        caller.send("POST", service.origin, content=iter([b"one ", b"two"]), headers={"Content-Type": "text/plain"})
        assert service.last.body == b"one two"
        assert record_of(caller).last.signed.body is None


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
def test_of_a_request_that_contains_the_secrets_only_method_and_url_are_kept(kind, placement):
    from oauth2.signature import SignatureMethod_PLAINTEXT_OVER_HTTP

    options = {"placement": placement, "signature_method": SignatureMethod_PLAINTEXT_OVER_HTTP()}
    with Loopback() as service, opened(kind, **options) as caller:
        service.routes["/photos"] = Answer(401, {}, b"no")
        caller.send("POST", f"{service.origin}/photos?a=b", form={"b": "c"})
        found = caller.auth.explain()
        assert tuple(record_of(caller).last.signed)[1:5] == (f"{service.origin}/photos", None, "", None)
    assert "contains the secrets themselves" in found.sentence
    assert not [secret for secret in SECRETS if quote(secret) in str(found)]


@pytest.mark.parametrize("where", ["form", "query"])
def test_a_password_is_not_kept(where):
    with Loopback() as service, opened(Requests, placement=QUERY if where == "query" else HEADER) as caller:
        password = {"x_auth_password": "hush"}
        what = {"form": password} if where == "form" else {}
        caller.send("POST", f"{service.origin}/{'?x_auth_password=hush' if where == 'query' else ''}", **what)
        signed = record_of(caller).last.signed
        assert "hush" not in f"{tuple(signed)}"


def record_of(caller):
    return caller.auth._record if isinstance(caller, Httplib2) else caller.auth.signer.record


@every_kind(Requests, Niquests, Httpx2)
def test_the_response_is_not_kept_alive(kind):
    with Verifying() as service, with_token(kind, WRONG) as caller:
        gc.collect()
        # While the collector is disabled, a response in a reference cycle stays in memory after "del response".
        gc.disable()
        try:
            response = raw(caller, f"{service.origin}/photos")
            alive = weakref.ref(response)
            assert caller.auth.explain().status == 401
            if kind is Httpx2:  # The stream of the response refers to the response. This cycle is in httpx2 itself.
                response.stream = None
            del response
            assert alive() is None
        finally:
            gc.enable()
        assert caller.auth.explain().verdict == "not explained"


def test_no_repr_shows_what_was_signed():
    with Refusing() as service, opened(Requests, placement=QUERY) as caller:
        caller.send("GET", f"{service.origin}/photos?a=b")
        found = caller.auth.explain()
        last = record_of(caller).last
        shown = f"{last!r} {last.refusal!r} {record_of(caller)!r} {caller.auth.signer!r} {found!r}"
    assert "oauth_" not in shown
    assert "a=b" not in shown


def tell(explanation):
    """A function at the top of the module, so that it can be pickled."""


@every_kind(Httplib2, Requests, Httpx2, Aiohttp)
@pytest.mark.parametrize("on_refusal", [None, tell])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))])
def test_a_copy_or_a_pickle_has_no_last_request(kind, on_refusal, again):
    with Refusing() as service, opened(kind, on_refusal=on_refusal) as caller:
        caller.send("GET", service.origin)
        caller.auth.explain()
        made = again(caller.auth)
        with pytest.raises(ValueError, match="no request"):
            made.explain()
        if isinstance(made, oauth2.Client):
            assert made.on_refusal is on_refusal
        else:
            assert (made.signer.on_refusal is None) == (on_refusal is None)


def test_a_subclass_that_does_not_call_our_constructor_can_explain():
    class Old(oauth2.Client):
        def __init__(self):
            httplib2.Http.__init__(self, timeout=10, proxy_info=None)
            self.consumer, self.token = CONSUMER, WRONG
            self.told = []

        def on_refusal(self, explanation):
            self.told.append(explanation.verdict)

    client = Old()
    with Verifying() as service:
        client.request(service.origin)
        client.close()
    assert client.explain().verdict == client.told[0] == "not explained"


def test_credentials_that_were_changed_afterwards_are_named():
    with Verifying() as service, with_token(Httplib2, WRONG) as caller:
        caller.send("GET", service.origin)
        caller.client.token = oauth2.Token("other", "other-secret")
        assert "have changed since" in caller.auth.explain().sentence


def test_a_signature_method_of_the_programs_own_is_named_as_such():
    class Reversed(oauth2.SignatureMethod_HMAC_SHA1):
        name = "HMAC-REVERSED"

    with Loopback() as service, opened(Httplib2, signature_method=Reversed()) as caller:
        service.routes["/"] = Answer(401, {}, b"no")
        caller.send("GET", f"{service.origin}/")
        found = caller.auth.explain()
    assert found.verdict == "other signature"
    assert "cannot check the signature method" in found.sentence


def test_a_signature_of_another_kind_than_its_name_says_is_named():
    class Wrong(oauth2.SignatureMethod_HMAC_SHA1):
        name = "HMAC-SHA256"

    with Loopback() as service, opened(Httplib2, signature_method=Wrong()) as caller:
        service.routes["/"] = Answer(401, {}, b"no")
        caller.send("GET", f"{service.origin}/")
        found = caller.auth.explain()
    assert found.verdict == "other signature"
    assert "not the signature that RFC 5849 defines" in found.sentence


# --- threads and tasks ------------------------------------------------------------


def test_each_thread_explains_its_own_request_and_any_thread_the_last_one():
    with Refusing() as service, opened(Requests) as caller:
        both, found = threading.Barrier(2), {}

        def run(name):
            caller.send("GET", f"{service.origin}/{name}")
            both.wait(10)
            found[name] = caller.auth.explain().url

        threads = [threading.Thread(target=run, args=[name]) for name in "ab"]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        last = caller.auth.explain().url
    assert found == {name: f"{service.origin}/{name}" for name in "ab"}
    assert last in found.values()


@every_kind(AsyncHttpx2, Aiohttp)
def test_each_task_explains_its_own_request(kind):
    async def explain(caller, origin, name):
        await caller.asend("GET", f"{origin}/{name}")
        await asyncio.sleep(0.05)
        return caller.auth.explain().url

    async def main(caller, origin):
        return await asyncio.gather(*[explain(caller, origin, name) for name in "abcd"])

    with Refusing() as service, opened(kind) as caller:
        found = caller.runner.run(main(caller, service.origin))
    assert found == [f"{service.origin}/{name}" for name in "abcd"]


def test_two_clients_in_one_thread_each_explain_their_own():
    with Refusing() as service, opened(Requests) as one, opened(Httpx2) as other:
        one.send("GET", f"{service.origin}/one")
        other.send("GET", f"{service.origin}/other")
        assert one.auth.explain().url.endswith("/one")
        assert other.auth.explain().url.endswith("/other")


# --- costs ------------------------------------------------------------------------


def test_the_doctor_is_loaded_on_first_use():
    code = """
import sys, oauth2
from oauth2.clients.requests import OAuth1
client, auth = oauth2.Client(None), OAuth1(oauth2.Consumer("a", "b"), on_refusal=print)
assert not [name for name in sys.modules if name.startswith("oauth2.doctor")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)

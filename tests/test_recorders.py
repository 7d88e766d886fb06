"""``oauth2.testing.recorders`` with the real recorders: the requests that they match, and the files that they write."""

import gzip
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from urllib.parse import parse_qsl

import callers
import pytest
import requests
from callers import missing

import oauth2
from oauth2.clients.requests import OAuth1
from oauth2.http import HTTPRequest, HTTPResponse
from oauth2.signature import SignatureMethod_PLAINTEXT_OVER_HTTP
from oauth2.testing import FrozenClock, RequestMatcher, StrictService, prepare_responses, prepare_vcr
from oauth2.testing.recorders import _octets

FORM = "application/x-www-form-urlencoded"
HEADER = 'OAuth realm="photos", oauth_consumer_key="ck", oauth_token="tk", oauth_signature_method="HMAC-SHA1"'
EXPECTED = HTTPRequest(
    "POST",
    "https://api.example/photos?size=big&tag=a&tag=b",
    {"Authorization": f'{HEADER}, oauth_nonce="n", oauth_timestamp="1", oauth_signature="s"', "Content-Type": FORM},
    b"title=Sea",
)


def with_header(old, new):
    headers = dict(EXPECTED.headers)
    assert old in headers["Authorization"]
    return replace(EXPECTED, headers={**headers, "Authorization": headers["Authorization"].replace(old, new)})


# --- the comparison ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        EXPECTED,
        with_header('"n"', '"other"'),
        with_header('"1"', '"2"'),
        with_header('"s"', '"t"'),
        with_header(', oauth_nonce="n", oauth_timestamp="1", oauth_signature="s"', ""),
        replace(EXPECTED, method="post"),
        replace(EXPECTED, url="https://API.example:443/photos?tag=a&tag=b&size=big"),
        replace(EXPECTED, headers={**EXPECTED.headers, "User-Agent": "another"}),
        replace(EXPECTED, headers=[(name.upper(), value) for name, value in EXPECTED.headers.items()]),
    ],
    ids=["same", "nonce", "timestamp", "signature", "left out", "case", "order", "other field", "names"],
)
def test_a_request_matches_whatever_its_nonce_timestamp_and_signature(request_):
    assert RequestMatcher(EXPECTED).differences(request_) == []


@pytest.mark.parametrize(
    ("request_", "difference"),
    [
        (replace(EXPECTED, method="PUT"), "the method differs"),
        (replace(EXPECTED, url=EXPECTED.url.replace("https", "http")), "the origin differs"),
        (replace(EXPECTED, url=EXPECTED.url.replace(".example", ".example:8443")), "the origin differs"),
        (replace(EXPECTED, url=EXPECTED.url.replace("photos", "Photos")), "the path differs"),
        (replace(EXPECTED, url=EXPECTED.url.replace("big", "small")), "parameters of the query differ: size"),
        (replace(EXPECTED, url=EXPECTED.url + "&tag=b"), "parameters of the query differ in their number"),
        (replace(EXPECTED, body=b"title=Sun"), "parameters of the form differ: title"),
        (with_header('"ck"', '"other"'), "protocol parameters differ: oauth_consumer_key"),
        (with_header('"tk"', '"other"'), "protocol parameters differ: oauth_token"),
        (with_header("HMAC-SHA1", "HMAC-SHA256"), "protocol parameters differ: oauth_signature_method"),
        (with_header('realm="photos"', 'realm="prints"'), "protocol parameters differ: realm"),
        (with_header('oauth_token="tk", ', ""), "protocol parameters differ: oauth_token"),
        (with_header("OAuth ", 'OAuth oauth_body_hash="h", '), "protocol parameters differ: oauth_body_hash"),
    ],
)
def test_a_request_that_differs_in_anything_else_does_not_match(request_, difference):
    assert RequestMatcher(EXPECTED).differences(request_) == [difference]


def test_a_parameter_in_another_place_does_not_match():
    moved = with_header('oauth_token="tk", ', "")
    moved = replace(moved, url=moved.url + "&oauth_token=tk")
    assert RequestMatcher(EXPECTED).differences(moved) == ["protocol parameters differ: oauth_token"]


def test_a_body_that_is_not_a_form_is_compared_octet_for_octet():
    one = HTTPRequest("POST", "https://api.example/", {"Content-Type": "application/json"}, b"[1]")
    assert RequestMatcher(one).differences(one) == []
    assert RequestMatcher(one).differences(replace(one, body=b"[2]")) == ["the body differs"]
    assert RequestMatcher(one).differences(replace(one, headers={})) == ["the Content-Type differs"]


def test_the_boundary_of_a_multipart_body_is_ignored():
    def sent(boundary, content):
        body = f"--{boundary}\r\n\r\n{content}\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        hashed = {"Authorization": f'OAuth oauth_consumer_key="c", oauth_body_hash="{boundary}"'}
        return HTTPRequest("POST", "https://api.example/", {**headers, **hashed}, body)

    assert RequestMatcher(sent("one", "x")).differences(sent("other", "x")) == []
    assert RequestMatcher(sent("one", "x")).differences(sent("other", "y")) == ["the body differs"]


def test_a_difference_does_not_show_a_value():
    told = RequestMatcher(EXPECTED).differences(replace(with_header('"tk"', '"hush"'), body=b"title=hush"))
    assert told
    assert "hush" not in "".join(told)


# --- vcr.py --------------------------------------------------------------------------------


def cassettes(directory, **options):
    missing("vcr")
    import vcr

    recorder = vcr.VCR(cassette_library_dir=str(directory), record_mode="once")
    prepare_vcr(recorder, **options)
    return recorder


def flow(service, consumer, **options):
    """Go through the flow and call a resource; return the token and the answer of the resource."""
    auth = OAuth1(consumer, oauth2.Token("", ""), **options)
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(service.request_token_url, auth=auth, data={"oauth_callback": "oob"}).text
        temporary = oauth2.Token.from_string(answer)
        verifier = session.get(f"{service.authorize_url}?oauth_token={temporary.key}").text
        answer = session.post(
            service.access_token_url, auth=OAuth1(consumer, temporary, **options), data={"oauth_verifier": verifier}
        ).text
        token = oauth2.Token.from_string(answer)
        auth = OAuth1(consumer, token, **options)
        return token, session.get(service.url("/photos"), params={"size": "big"}, auth=auth).json()


@pytest.mark.parametrize("placement", ["header", "query", "body"])
def test_a_flow_is_recorded_once_and_played_back_without_a_service(tmp_path, placement):
    if placement == "body":
        placement = None  # The protocol parameters are in the body of a form, and in the query of a GET.
    with StrictService() as service:
        service.answer("/photos", ["a.jpg"])
        consumer = service.consumer()
        with cassettes(tmp_path).use_cassette("flow.yaml"):
            token, photos = flow(service, consumer, placement=placement)
        service.assert_verified(3)
    written = (tmp_path / "flow.yaml").read_text(encoding="utf-8")
    with cassettes(tmp_path).use_cassette("flow.yaml") as cassette, FrozenClock():
        played, again = flow(service, consumer, placement=placement)
        assert cassette.all_played
    assert again == photos == ["a.jpg"]
    assert (played.key, played.secret) == (token.key, "REDACTED")
    assert token.secret not in written
    assert consumer.key in written
    assert re.search('oauth_verifier="?REDACTED', written)
    assert not re.search('oauth_verifier="?(?!REDACTED)[^"]', written)


def test_a_request_that_differs_is_not_played_back(tmp_path):
    missing("vcr")
    from vcr.errors import CannotOverwriteExistingCassetteException

    with StrictService() as service:
        consumer, token = service.credentials()
        with cassettes(tmp_path).use_cassette("one.yaml"):
            requests.get(service.url("/photos?size=big"), auth=OAuth1(consumer, token))
        with (
            cassettes(tmp_path).use_cassette("one.yaml"),
            pytest.raises(CannotOverwriteExistingCassetteException),
        ):
            requests.get(service.url("/photos?size=small"), auth=OAuth1(consumer, token))
        assert len(service.requests) == 1


def test_no_secret_is_in_a_cassette(tmp_path):
    policy = oauth2_policy(SignatureMethod_PLAINTEXT_OVER_HTTP())
    with StrictService(policy=policy, check_password=lambda name, password: name) as service:
        consumer = service.consumer(xauth=True, callbacks=["https://app.example/cb", "oob"])
        auth = OAuth1(consumer, signature_method=SignatureMethod_PLAINTEXT_OVER_HTTP())
        fields = {"x_auth_mode": "client_auth", "x_auth_username": "jane", "x_auth_password": "pass word"}
        with cassettes(tmp_path, consumer_key="any-key").use_cassette("xauth.yaml"):
            answer = requests.post(service.access_token_url, auth=auth, data=fields)
            requests.get(service.url("/plain"), auth=("user", "basic-secret"))
            asked = requests.post(
                service.request_token_url, auth=auth, data={"oauth_callback": "https://app.example/cb"}
            )
            key = oauth2.Token.from_string(asked.text).key
            approved = requests.get(f"{service.authorize_url}?oauth_token={key}", allow_redirects=False)
        with cassettes(tmp_path, consumer_key="any-key").use_cassette("xauth.yaml"):
            assert requests.post(service.access_token_url, auth=auth, data=fields).status_code == 200
    secrets = [oauth2.Token.from_string(answer.text).secret, oauth2.Token.from_string(asked.text).secret]
    secrets += ["pass+word", "pass word", consumer.key, "consumer-1-secret", "dXNlcjpiYXNpYy1zZWNyZXQ="]
    secrets += [dict(parse_qsl(approved.headers["Location"].partition("?")[2]))["oauth_verifier"]]
    written = (tmp_path / "xauth.yaml").read_text(encoding="utf-8")
    assert [each for each in secrets if each in written] == []
    assert "any-key" in written


def oauth2_policy(*methods):
    from oauth2.provider import RequestPolicy

    return RequestPolicy(signature_methods=methods)


def test_a_secret_in_a_compressed_or_a_json_answer_is_replaced_and_can_be_played_back(tmp_path):
    data = json.dumps({"oauth_token": "t", "oauth_token_secret": 'hu"sh', "n": 1}).encode()
    packed = gzip.compress(data)
    with StrictService() as service:
        consumer, token = service.credentials()
        service.answer_with("/json", lambda _: HTTPResponse(200, [("Content-Type", "application/json")], data))
        fields = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
        service.answer_with("/gzip", lambda _: HTTPResponse(200, fields, packed))
        for _ in range(2):
            with cassettes(tmp_path).use_cassette("answers.yaml"):
                found = [requests.get(service.url(path), auth=OAuth1(consumer, token)) for path in ("/json", "/gzip")]
        assert [each.json() for each in found] == [{"oauth_token": "t", "oauth_token_secret": "REDACTED", "n": 1}] * 2
    assert "hu" not in (tmp_path / "answers.yaml").read_text(encoding="utf-8").replace("Thu", "")


@callers.every_kind(callers.Httplib2, callers.Requests, callers.Httpx, callers.AsyncHttpx, callers.Aiohttp)
def test_a_request_of_any_client_that_vcr_knows_is_recorded_once(tmp_path, kind):
    fields = {"a": ["b", "c d"], "x_auth_password": "hush hush"}
    # vcr.py does not record the forms that aiohttp sends, so aiohttp sends JSON.
    content = {"document": fields} if kind is callers.Aiohttp else {"form": fields}
    with StrictService() as service:
        consumer, token = service.credentials()
        for _ in range(2):
            with (
                cassettes(tmp_path).use_cassette("one.yaml"),
                callers.opened(kind, consumer=consumer, token=token) as caller,
            ):
                assert caller.send("POST", service.url("/photos?size=big"), **content)[0] == 200
        service.assert_verified(1)
    written = (tmp_path / "one.yaml").read_text(encoding="utf-8")
    assert "hush" not in written
    assert "x_auth_password" in written


def test_a_body_is_read_in_whatever_form_a_recorder_keeps_it():
    bodies = [None, "é", "é".encode(), io.BytesIO(b"a"), iter([b"a", "b"]), {"a": [1]}, 5, [(1, 2)]]
    read = [b"", "é".encode(), "é".encode(), b"a", b"ab", b'{"a": [1]}', None, None]
    assert [_octets(body) for body in bodies] == read


def test_filters_that_a_vcr_already_has_are_kept(tmp_path):
    import vcr

    seen = []
    recorder = vcr.VCR(
        cassette_library_dir=str(tmp_path), before_record_request=lambda request: seen.append("q") or request
    )
    prepare_vcr(recorder)
    with StrictService() as service, recorder.use_cassette("one.yaml"):
        requests.get(service.url("/"), auth=OAuth1(*service.credentials()))
    assert "q" in seen


# --- responses -----------------------------------------------------------------------------


def test_responses_matches_a_signed_request():
    missing("responses")
    import responses

    consumer, token = oauth2.Consumer("ck", "cs"), oauth2.Token("tk", "ts")
    header = 'OAuth oauth_consumer_key="ck", oauth_token="tk", oauth_signature_method="HMAC-SHA1", oauth_version="1.0"'
    expected = HTTPRequest("GET", "https://api.example/photos?size=big", {"Authorization": header})
    with responses.RequestsMock() as mock:
        mock.get("https://api.example/photos", json=[1], match=[RequestMatcher(expected).responses])
        for _ in range(2):
            assert requests.get(expected.url, auth=OAuth1(consumer, token)).json() == [1]
        with pytest.raises(requests.ConnectionError, match="protocol parameters differ: oauth_token"):
            requests.get(expected.url, auth=OAuth1(consumer, oauth2.Token("other", "ts")))


def test_what_responses_records_has_no_secret_and_is_played_back(tmp_path):
    missing("responses")
    import responses
    from responses import _recorder

    path, recorder = tmp_path / "recorded.yaml", _recorder.Recorder()
    with StrictService() as service:
        consumer = service.consumer()
        service.answer("/photos", ["a.jpg"])
        with recorder:
            token, photos = flow(service, consumer, placement="query")
            prepare_responses(recorder, consumer_key="any-key")
            recorder.dump_to_file(file_path=path, registered=recorder.get_registry().registered)
    written = path.read_text(encoding="utf-8")
    assert [each for each in (token.secret, consumer.key) if each in written] == []
    assert "any-key" in written
    with responses.RequestsMock() as mock:
        mock._add_from_file(path)
        prepare_responses(mock, consumer_key="any-key")
        played, again = flow(service, consumer, placement="query")
    assert (played.key, played.secret, again) == (token.key, "REDACTED", photos)


# --- respx ---------------------------------------------------------------------------------


def test_respx_matches_a_signed_request():
    missing("respx")
    httpx = pytest.importorskip("httpx")
    import respx

    from oauth2.clients.httpx import OAuth1 as HttpxOAuth1

    consumer, token = oauth2.Consumer("ck", "cs"), oauth2.Token("tk", "ts")
    header = 'OAuth oauth_consumer_key="ck", oauth_token="tk", oauth_signature_method="HMAC-SHA1", oauth_version="1.0"'
    fields = {"Authorization": header, "Content-Type": FORM}
    matcher = RequestMatcher(HTTPRequest("POST", "https://api.example/photos", fields, b"title=Sea+%26+sun"))
    with respx.mock, httpx.Client(auth=HttpxOAuth1(consumer, token)) as client:
        route = respx.route(matcher.respx()).respond(json=[1])
        assert client.post("https://api.example/photos", data={"title": "Sea & sun"}).json() == [1]
        with pytest.raises(respx.models.AllMockedAssertionError):
            client.post("https://api.example/photos", data={"title": "Sea"})
        assert route.call_count == 1


# --- imports -------------------------------------------------------------------------------


def test_no_recorder_is_imported_before_its_use():
    code = """
import sys, oauth2.testing.recorders
print(sorted({"vcr", "responses", "respx", "requests", "httpx", "pytest", "yaml"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""``Server`` accepts a valid request once (RFC 5849 sections 3.2 and 3.3)."""

import base64
import hashlib
import threading
from types import SimpleNamespace

import pytest
from keys import other_rsa_key, public_octets, rsa_key

import oauth2
from oauth2.errors import (
    BodyHashInvalid,
    InvalidRequest,
    NonceUsed,
    ParameterAbsent,
    SignatureInvalid,
    SignatureMethodRejected,
    StoreUnavailable,
    TimestampRefused,
    VersionRejected,
)
from oauth2.stores import MemoryStore

NOW = 1_700_000_000
URL = "https://api.example/photos?size=original&tag=sea&tag=sun"
CONSUMER = oauth2.Consumer("printer", "printer-secret")
TOKEN = oauth2.Token("janes-photos", "token-secret")
HMAC = oauth2.SignatureMethod_HMAC_SHA1()
PLAINTEXT = oauth2.SignatureMethod_PLAINTEXT()
FORM = "application/x-www-form-urlencoded"
ABSENT = object()


def server_of(*methods, now=NOW, **options):
    server = oauth2.Server(now=lambda: now, **options)
    for method in methods or (HMAC,):
        server.add_signature_method(method)
    return server


def parameters_of(consumer=CONSUMER, token=TOKEN, method=HMAC, **changes):
    """Return the protocol parameters without the signature; the value ABSENT omits a parameter."""
    parameters = {
        "oauth_consumer_key": consumer.key,
        "oauth_token": token.key if token else ABSENT,
        "oauth_signature_method": method.name,
        "oauth_timestamp": str(NOW),
        "oauth_nonce": "kllo9940pd9333jh",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not ABSENT}


def received(consumer=CONSUMER, token=TOKEN, method=HMAC, url=URL, http_method="GET", **changes):
    """Return a received request that is correctly signed, even if its parameters are invalid."""
    request = oauth2.Request(http_method, url, parameters_of(consumer, token, method, **changes))
    request["oauth_signature"] = method.sign(request, consumer, token)
    return oauth2.Request.from_request(http_method, url, request.to_header())


def received_with_body(body, method=HMAC, content_type="application/json", sent=None, body_hash=True):
    """Return a signed request with a body, which may differ from the signed body."""
    parameters = parameters_of(method=method, oauth_signature_method=ABSENT)
    request = oauth2.Request("POST", URL, parameters, body=body)
    request.sign_request(method, CONSUMER, TOKEN, body_hash=body_hash)
    headers = {**request.to_header(), "Content-Type": content_type}
    return oauth2.Request.from_request("POST", URL, headers, body=body if sent is None else sent)


# --- accepted requests --------------------------------------------------------


def test_a_signed_request_is_accepted_and_what_is_not_the_protocols_is_returned():
    assert server_of().verify_request(received(), CONSUMER, TOKEN) == {"size": "original", "tag": ["sea", "sun"]}


def test_a_request_without_token_is_accepted():
    assert server_of().verify_request(received(token=None, url="https://api.example/"), CONSUMER, None) == {}


def test_an_empty_token_means_none():
    assert server_of().verify_request(received(token=None), CONSUMER, {})["size"] == "original"


def test_any_objects_with_key_and_secret_are_credentials():
    consumer = SimpleNamespace(key="printer", secret="printer-secret")
    token = SimpleNamespace(key="janes-photos", secret="token-secret")
    assert server_of().verify_request(received(), consumer, token)


def test_credentials_may_be_bytes():
    consumer = oauth2.Consumer(b"printer", b"printer-secret")
    token = oauth2.Token(b"janes-photos", b"token-secret")
    assert server_of().verify_request(received(consumer, token), CONSUMER, TOKEN)
    assert server_of().verify_request(received(), consumer, token)


def test_a_request_signed_in_the_same_process_can_be_verified_as_it_is():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "GET", URL, {"file": "vacation.jpg"})
    request.sign_request(HMAC, CONSUMER, TOKEN)
    answer = oauth2.Server({"HMAC-SHA1": HMAC}).verify_request(request, CONSUMER, TOKEN)
    assert answer == {"file": "vacation.jpg", "size": "original", "tag": ["sea", "sun"]}


def test_each_pair_of_its_query_and_its_form_is_returned():
    request = oauth2.Request.from_consumer_and_token(
        CONSUMER, TOKEN, "POST", URL, {"size": "original", "tag": "moon"}, is_form_encoded=True
    )
    request.sign_request(HMAC, CONSUMER, TOKEN)
    answer = oauth2.Server({"HMAC-SHA1": HMAC}).verify_request(request, CONSUMER, TOKEN)
    assert answer == {"size": ["original", "original"], "tag": ["moon", "sea", "sun"]}


def test_such_a_request_is_checked_as_strictly_as_any_other():
    in_the_url = oauth2.Request("GET", URL + "&oauth_extra=1", parameters_of())
    in_the_url["oauth_signature"] = HMAC.sign(in_the_url, CONSUMER, TOKEN)
    with pytest.raises(InvalidRequest):
        server_of().verify_request(in_the_url, CONSUMER, TOKEN)
    twice = oauth2.Request("GET", URL, parameters_of(oauth_nonce=["n1", "n2"]))
    twice["oauth_signature"] = HMAC.sign(twice, CONSUMER, TOKEN)
    with pytest.raises(InvalidRequest):
        server_of().verify_request(twice, CONSUMER, TOKEN)


def test_a_protocol_parameter_that_is_a_tuple_occurs_twice():
    request = received()
    request["oauth_nonce"] = ("n1", "n2")
    with pytest.raises(InvalidRequest, match="twice: oauth_nonce"):
        server_of().verify_request(request, CONSUMER, TOKEN)


# --- syntax, section 3.1 ------------------------------------------------------


@pytest.mark.parametrize("request_", [None, oauth2.Request()])
def test_a_request_without_parameters_is_refused(request_):
    with pytest.raises(ParameterAbsent) as caught:
        server_of().verify_request(request_, CONSUMER, TOKEN)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "name", ["oauth_consumer_key", "oauth_signature_method", "oauth_timestamp", "oauth_nonce", "oauth_signature"]
)
def test_a_missing_protocol_parameter_is_named(name):
    request = received(**{name: ABSENT})
    request.pop(name, None)
    with pytest.raises(ParameterAbsent, match=name):
        server_of().verify_request(request, CONSUMER, TOKEN)


def test_an_absent_signature_has_its_own_error():
    request = received()
    del request["oauth_signature"]
    with pytest.raises(oauth2.MissingSignature):
        server_of().verify_request(request, CONSUMER, TOKEN)
    with pytest.raises(oauth2.MissingSignature):
        server_of()._check_signature(request, CONSUMER, TOKEN)


@pytest.mark.parametrize("version", ["1.0", ABSENT])
def test_version_1_0_may_be_sent_or_left_out(version):
    assert server_of().verify_request(received(oauth_version=version), CONSUMER, TOKEN)


@pytest.mark.parametrize("version", ["1.0 ", "1", "1.0a", "2.0", ""])
def test_another_version_is_refused(version):
    with pytest.raises(VersionRejected):
        server_of().verify_request(received(oauth_version=version), CONSUMER, TOKEN)


def test_the_version_of_a_request_that_was_made_directly_may_be_bytes():
    request = oauth2.Request("GET", URL, parameters_of())
    request.sign_request(HMAC, CONSUMER, TOKEN)
    request["oauth_version"] = b"1.0"
    request["oauth_signature"] = HMAC.sign(request, CONSUMER, TOKEN)
    assert server_of(now=int(request["oauth_timestamp"])).verify_request(request, CONSUMER, TOKEN)


def test_a_subclass_may_be_of_another_version():
    class Later(oauth2.Server):
        version = "1.1"

    server = Later({"HMAC-SHA1": HMAC}, now=lambda: NOW)
    assert server.verify_request(received(oauth_version="1.1"), CONSUMER, TOKEN)


@pytest.mark.parametrize("name", ["oauth_consumer_key", "oauth_token", "oauth_nonce"])
def test_keys_and_nonces_have_at_most_255_characters(name):
    def verify(value):
        consumer = oauth2.Consumer(value if name == "oauth_consumer_key" else "printer", "printer-secret")
        token = oauth2.Token(value if name == "oauth_token" else "janes-photos", "token-secret")
        return server_of().verify_request(received(consumer, token, **{name: value}), consumer, token)

    assert verify("x" * 255)
    with pytest.raises(InvalidRequest, match=name):
        verify("x" * 256)


def test_an_empty_nonce_is_refused():
    with pytest.raises(ParameterAbsent, match="oauth_nonce"):
        server_of().verify_request(received(oauth_nonce=""), CONSUMER, TOKEN)


@pytest.mark.parametrize("nonce", [" ", "\0", "ñ", "海", "a&b=c"])
def test_a_nonce_is_any_text(nonce):
    server = server_of()
    server.verify_request(received(oauth_nonce=nonce), CONSUMER, TOKEN)
    with pytest.raises(NonceUsed):
        server.verify_request(received(oauth_nonce=nonce), CONSUMER, TOKEN)


# --- signature methods are an allow-list --------------------------------------


def test_a_method_that_was_not_added_is_refused_with_those_that_were():
    with pytest.raises(SignatureMethodRejected, match="Supported: HMAC-SHA1, PLAINTEXT"):
        server_of(PLAINTEXT, HMAC).verify_request(
            received(method=oauth2.SignatureMethod_HMAC_SHA256()), CONSUMER, TOKEN
        )


def test_a_server_without_methods_refuses_everything():
    with pytest.raises(SignatureMethodRejected, match="Supported: none"):
        oauth2.Server(now=lambda: NOW).verify_request(received(), CONSUMER, TOKEN)


@pytest.mark.parametrize("name", ["hmac-sha1", "HMAC-SHA1 ", "", "FOO"])
def test_a_methods_name_is_compared_as_it_is(name):
    with pytest.raises(SignatureMethodRejected):
        server_of().verify_request(received(oauth_signature_method=name), CONSUMER, TOKEN)


def test_methods_are_given_as_a_dict_or_added():
    server = oauth2.Server(signature_methods={"HMAC-SHA1": HMAC}, now=lambda: NOW)
    assert server.add_signature_method(PLAINTEXT) == {"HMAC-SHA1": HMAC, "PLAINTEXT": PLAINTEXT}
    assert server.signature_methods is server.add_signature_method(PLAINTEXT)
    assert server.verify_request(received(), CONSUMER, TOKEN)


def test_servers_share_no_methods():
    server_of()
    assert oauth2.Server().signature_methods == {}


def test_a_method_need_not_be_of_our_class():
    class Everything:
        name = "EVERYTHING"

        def sign(self, request, consumer, token):
            return "yes"

        def check(self, request, consumer, token, signature):
            return signature == "yes"

    server = server_of(Everything())
    assert server.verify_request(received(method=Everything()), CONSUMER, TOKEN)
    with pytest.raises(NonceUsed):
        server.verify_request(received(method=Everything()), CONSUMER, TOKEN)


def test_check_receives_the_signature_unchanged():
    class Recording(oauth2.SignatureMethod_HMAC_SHA1):
        def check(self, request, consumer, token, signature):
            seen.append(signature)
            return super().check(request, consumer, token, signature)

    seen = []
    request = received()
    server_of(Recording()).verify_request(request, CONSUMER, TOKEN)
    request["oauth_signature"] = request["oauth_signature"].encode()
    server_of(Recording()).verify_request(request, CONSUMER, TOKEN)
    assert seen[1] == seen[0].encode()


# --- PLAINTEXT, section 3.4.4 -------------------------------------------------


def test_plaintext_is_refused_over_plain_http():
    with pytest.raises(SignatureMethodRejected, match="plain http"):
        server_of(PLAINTEXT).verify_request(
            received(method=PLAINTEXT, url="http://api.example/photos"), CONSUMER, TOKEN
        )


def test_plaintext_over_http_must_be_allowed_explicitly():
    method = oauth2.SignatureMethod_PLAINTEXT_OVER_HTTP()
    assert server_of(method).verify_request(
        received(method=method, url="http://127.0.0.1:8080/photos?a=1"), CONSUMER, TOKEN
    )


def test_plaintext_needs_neither_timestamp_nor_nonce():
    server = server_of(PLAINTEXT)
    for _ in range(2):
        request = received(method=PLAINTEXT, oauth_timestamp=ABSENT, oauth_nonce=ABSENT)
        assert server.verify_request(request, CONSUMER, TOKEN)


def test_plaintext_with_a_nonce_counts_once():
    server = server_of(PLAINTEXT)
    server.verify_request(received(method=PLAINTEXT), CONSUMER, TOKEN)
    with pytest.raises(NonceUsed):
        server.verify_request(received(method=PLAINTEXT), CONSUMER, TOKEN)


@pytest.mark.parametrize("name", ["oauth_timestamp", "oauth_nonce"])
def test_plaintext_with_half_of_timestamp_and_nonce_is_refused(name):
    with pytest.raises(ParameterAbsent, match=name):
        server_of(PLAINTEXT).verify_request(received(method=PLAINTEXT, **{name: ABSENT}), CONSUMER, TOKEN)


def test_plaintext_with_the_consumer_secret_alone_is_refused():
    request = received(method=PLAINTEXT)
    request["oauth_signature"] = "printer-secret&"
    with pytest.raises(SignatureInvalid):
        server_of(PLAINTEXT).verify_request(request, CONSUMER, TOKEN)


def test_a_plaintext_request_with_a_nonce_has_its_timestamp_checked():
    with pytest.raises(TimestampRefused):
        server_of(PLAINTEXT).verify_request(received(method=PLAINTEXT, oauth_timestamp=NOW - 301), CONSUMER, TOKEN)


# --- timestamps, section 3.3 --------------------------------------------------


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_a_timestamp_inside_the_window_is_accepted(skew):
    assert server_of().verify_request(received(oauth_timestamp=NOW + skew), CONSUMER, TOKEN)


@pytest.mark.parametrize(("skew", "where"), [(-301, "past"), (301, "future")])
def test_a_timestamp_outside_the_window_is_refused(skew, where):
    with pytest.raises(TimestampRefused, match=where):
        server_of().verify_request(received(oauth_timestamp=NOW + skew), CONSUMER, TOKEN)


@pytest.mark.parametrize(
    "timestamp",
    [
        *("", "0", "-1700000000", "+1700000000", " 1700000000", "1700000000\n", "1700000000.0", "17e8", "0x6553f100"),
        *("inf", "nan", "now", "9" * 16, "9" * 5000, "\u0661\u0667" + "\u0660" * 8),
    ],
)
def test_a_timestamp_is_a_positive_number_of_ascii_digits(timestamp):
    with pytest.raises(InvalidRequest, match="oauth_timestamp"):
        server_of().verify_request(received(oauth_timestamp=timestamp), CONSUMER, TOKEN)


def test_the_window_is_given_to_the_server_or_set_later_or_in_a_subclass():
    class Patient(oauth2.Server):
        timestamp_threshold = 3600

    given = server_of(timestamp_threshold=3600)
    later = server_of()
    later.timestamp_threshold = 3600
    inherited = Patient({"HMAC-SHA1": HMAC}, now=lambda: NOW)
    for server in (given, later, inherited):
        assert server.verify_request(received(oauth_timestamp=NOW - 3600), CONSUMER, TOKEN)
        with pytest.raises(TimestampRefused):
            server.verify_request(received(oauth_timestamp=NOW - 3601), CONSUMER, TOKEN)


def test_a_window_set_later_is_as_wide_as_one_that_was_given():
    server = server_of()
    server.timestamp_threshold = 3600
    assert server.verify_request(received(oauth_timestamp=NOW), CONSUMER, TOKEN)
    assert server.verify_request(received(oauth_timestamp=NOW - 3600), CONSUMER, TOKEN)


def test_a_threshold_of_zero_requires_the_same_second():
    server = server_of(timestamp_threshold=0)
    assert server.verify_request(received(), CONSUMER, TOKEN)
    with pytest.raises(TimestampRefused):
        server.verify_request(received(oauth_timestamp=NOW - 1), CONSUMER, TOKEN)


# --- nonces, section 3.3 ------------------------------------------------------


def test_a_used_nonce_is_refused():
    server = server_of()
    server.verify_request(received(), CONSUMER, TOKEN)
    with pytest.raises(NonceUsed) as caught:
        server.verify_request(received(), CONSUMER, TOKEN)
    assert (caught.value.status, caught.value.problem) == (401, "nonce_used")


def test_a_nonce_is_used_once_for_each_consumer_token_and_timestamp():
    server = server_of()
    other_consumer = oauth2.Consumer("scanner", "scanner-secret")
    other_token = oauth2.Token("joes-photos", "other-secret")
    server.verify_request(received(), CONSUMER, TOKEN)
    assert server.verify_request(received(other_consumer), other_consumer, TOKEN)
    assert server.verify_request(received(token=other_token), CONSUMER, other_token)
    assert server.verify_request(received(token=None), CONSUMER, None)
    assert server.verify_request(received(oauth_timestamp=NOW - 1), CONSUMER, TOKEN)
    assert server.verify_request(received(oauth_nonce="another"), CONSUMER, TOKEN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('oauth_nonce="k', 'oauth_nonce="%6B'),
        ("OAuth ", "oauth\t"),
        (", ", " ,\r\n "),
        ('oauth_token="janes-photos"', "oauth_token=janes-photos"),
    ],
)
def test_a_replay_in_another_spelling_is_a_replay(old, new):
    server, request = server_of(), received()
    header = request.to_header(realm=None)["Authorization"]
    assert old in header
    server.verify_request(request, CONSUMER, TOKEN)
    again = oauth2.Request.from_request("GET", URL, {"Authorization": header.replace(old, new)})
    with pytest.raises(NonceUsed):
        server.verify_request(again, CONSUMER, TOKEN)


def test_servers_may_share_a_store():
    store = MemoryStore()
    server_of(nonce_store=store).verify_request(received(), CONSUMER, TOKEN)
    with pytest.raises(NonceUsed):
        server_of(nonce_store=store).verify_request(received(), CONSUMER, TOKEN)


def test_each_server_has_a_store_of_its_own_unless_it_is_given_one():
    server_of().verify_request(received(), CONSUMER, TOKEN)
    assert server_of().verify_request(received(), CONSUMER, TOKEN)


# --- subclasses that do not call super().__init__() ------------------------------


class Bare(oauth2.Server):
    """A subclass as in programs for python-oauth2 1.9."""

    def __init__(self, **attributes):
        vars(self).update(signature_methods={"HMAC-SHA1": HMAC}, **attributes)


def test_a_subclass_that_sets_nothing_but_its_methods_verifies_with_the_safe_defaults():
    server = Bare(now=lambda: NOW)
    assert server.verify_request(received(), CONSUMER, TOKEN)["size"] == "original"
    with pytest.raises(NonceUsed):
        server.verify_request(received(), CONSUMER, TOKEN)
    # A second server has its own nonces, so it accepts the request.
    assert Bare(now=lambda: NOW).verify_request(received(), CONSUMER, TOKEN)
    with pytest.raises(TimestampRefused):
        # This server uses the real time, so the timestamp is too old.
        Bare().verify_request(received(), CONSUMER, TOKEN)


@pytest.mark.parametrize("attribute", sorted(vars(oauth2.Server(nonce_store=None))))
def test_every_attribute_has_a_default_that_is_the_one_of_the_constructor(attribute):
    assert oauth2.Server.__new__(oauth2.Server).now is oauth2.Server().now
    bare, made = getattr(oauth2.Server.__new__(oauth2.Server), attribute), getattr(oauth2.Server(), attribute)
    assert type(bare) is type(made)
    assert bare == made or attribute == "nonce_store"


def test_such_subclasses_share_no_methods():
    class Empty(oauth2.Server):
        def __init__(self):
            pass

    first, second = Empty(), Empty()
    assert first.add_signature_method(HMAC) == {"HMAC-SHA1": HMAC}
    assert second.signature_methods == {}


def test_such_a_subclass_may_have_a_store_of_its_own_choice_or_none():
    store = MemoryStore()
    Bare(now=lambda: NOW, nonce_store=store).verify_request(received(), CONSUMER, TOKEN)
    with pytest.raises(NonceUsed):
        server_of(nonce_store=store).verify_request(received(), CONSUMER, TOKEN)
    for _ in range(2):
        Bare(now=lambda: NOW, nonce_store=None).verify_request(received(), CONSUMER, TOKEN)


def test_a_store_without_a_window_can_be_put_in_the_place_of_the_servers_own():
    class Database:
        def add_nonce(self, nonce, timestamp, consumer_key, token_key):
            return True

    server = server_of()
    server.nonce_store = Database()
    assert server.verify_request(received(), CONSUMER, TOKEN)


@pytest.mark.parametrize("make", [oauth2.Server, Bare])
def test_threads_that_use_the_store_first_at_the_same_time_get_one_store(monkeypatch, make):
    class Slow(MemoryStore):
        def __init__(self, **options):
            barrier.wait(timeout=10)  # All threads wait here until each of them is about to create a store.
            super().__init__(**options)

    barrier, server, found = threading.Barrier(8), make(), []
    monkeypatch.setattr("oauth2.stores.MemoryStore", Slow)
    threads = [threading.Thread(target=lambda: found.append(server.nonce_store)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [server.nonce_store] * 8
    server.timestamp_threshold = 900
    server.now, server.signature_methods = (lambda: NOW), {"HMAC-SHA1": HMAC}
    assert server.verify_request(received(), CONSUMER, TOKEN)
    # The server may change the window of a store that the server itself created.
    assert server.nonce_store.window == 900


def test_without_a_store_nonces_are_not_checked():
    server = server_of(nonce_store=None)
    for _ in range(2):
        assert server.verify_request(received(), CONSUMER, TOKEN)


@pytest.mark.parametrize("names", [["oauth_nonce"], ["oauth_timestamp"], ["oauth_nonce", "oauth_timestamp"]])
def test_without_a_store_nonce_and_timestamp_are_still_required(names):
    with pytest.raises(ParameterAbsent, match="oauth_nonce and oauth_timestamp"):
        server_of(nonce_store=None).verify_request(received(**dict.fromkeys(names, ABSENT)), CONSUMER, TOKEN)


def test_a_store_that_forgets_too_soon_is_refused():
    with pytest.raises(ValueError, match="nonce_store"):
        oauth2.Server(nonce_store=MemoryStore(window=299))
    assert oauth2.Server(nonce_store=MemoryStore(window=299), timestamp_threshold=299)


def test_a_store_without_a_window_is_accepted():
    class Database:
        def add_nonce(self, nonce, timestamp, consumer_key, token_key):
            self.added = (nonce, timestamp, consumer_key, token_key)
            return True

    store = Database()
    server_of(nonce_store=store).verify_request(received(), CONSUMER, TOKEN)
    assert store.added == ("kllo9940pd9333jh", NOW, "printer", "janes-photos")
    server_of(nonce_store=store).verify_request(received(token=None), CONSUMER, None)
    assert store.added == ("kllo9940pd9333jh", NOW, "printer", None)


def test_every_request_is_refused_while_the_store_is_unavailable():
    class Down:
        def add_nonce(self, nonce, timestamp, consumer_key, token_key):
            raise StoreUnavailable("The store cannot be written.")

    with pytest.raises(StoreUnavailable) as caught:
        server_of(nonce_store=Down()).verify_request(received(), CONSUMER, TOKEN)
    assert caught.value.status == 503


def refused_requests():
    forged = received()
    forged["oauth_signature"] = "AAAA"
    return {
        "a wrong signature": (forged, CONSUMER, TOKEN),
        "an unknown consumer": (received(), None, TOKEN),
        "an unknown token": (received(), CONSUMER, None),
        "an old timestamp": (received(oauth_timestamp=NOW - 1000), CONSUMER, TOKEN),
        "another version": (received(oauth_version="2.0"), CONSUMER, TOKEN),
        "another method": (received(method=oauth2.SignatureMethod_HMAC_SHA512()), CONSUMER, TOKEN),
        "another body": (received_with_body(b"{}", sent=b"[]"), CONSUMER, TOKEN),
        "an endless nonce": (received(oauth_nonce="n" * 1000), CONSUMER, TOKEN),
    }


@pytest.mark.parametrize("what", refused_requests())
def test_a_refused_request_claims_no_nonce(what):
    store = MemoryStore()
    with pytest.raises(oauth2.Error):
        server_of(nonce_store=store).verify_request(*refused_requests()[what])
    assert store.nonce_count() == 0
    assert server_of(nonce_store=store).verify_request(received(), CONSUMER, TOKEN)


@pytest.mark.parametrize("what", refused_requests())
def test_no_error_shows_a_secret_or_a_signature(what):
    request, consumer, token = refused_requests()[what]
    with pytest.raises(oauth2.Error) as caught:
        server_of().verify_request(request, consumer, token)
    shown = f"{caught.value} {caught.value!r} {caught.value.message} {caught.value.args}"
    for hidden in ("secret", request["oauth_signature"], "janes-photos", "api.example"):
        assert hidden not in shown


def test_a_request_that_a_program_made_of_text_without_a_utf8_form_is_refused():
    request = oauth2.Request("GET", received().url, {**received(), "a": "\ud800"})
    with pytest.raises(InvalidRequest, match="UTF-8"):
        server_of().verify_request(request, CONSUMER, TOKEN)


def test_check_signature_can_be_called_by_itself_and_again():
    server, request = server_of(), received()
    assert server._check_signature(request, CONSUMER, TOKEN) is None
    assert server._check_signature(request, CONSUMER, TOKEN) is None
    assert server.verify_request(request, CONSUMER, TOKEN)


@pytest.mark.parametrize("name", ["oauth_nonce", "oauth_timestamp"])
def test_nonce_and_timestamp_are_required_even_if_a_program_checks_signatures_itself(name):
    class Trusting(oauth2.Server):
        def _check_signature(self, request, consumer, token):
            pass

    server = Trusting()
    server.add_signature_method(HMAC)
    with pytest.raises(ParameterAbsent):
        server.verify_request(received(**{name: ABSENT}), CONSUMER, TOKEN)


# --- signatures and the credentials of the request ----------------------------


@pytest.mark.parametrize("signature", ["", "AAAA", "ñ", "海", "\ud800", "=", "not base64!", "%00", 17, None])
def test_an_invalid_signature_is_refused(signature):
    request = received()
    request["oauth_signature"] = signature
    with pytest.raises(oauth2.Error):
        server_of().verify_request(request, CONSUMER, TOKEN)


@pytest.mark.parametrize("change", [lambda s: s[:10], lambda s: s + "\n", lambda s: s.lower(), lambda s: s[:-2] + "E="])
def test_a_signature_that_is_almost_right_is_refused(change):
    request = received()
    request["oauth_signature"] = change(request["oauth_signature"])
    with pytest.raises(SignatureInvalid):
        server_of().verify_request(request, CONSUMER, TOKEN)


def test_a_signature_of_another_method_is_refused():
    request = received(oauth_signature_method="HMAC-SHA256")
    with pytest.raises(SignatureInvalid):
        server_of(oauth2.SignatureMethod_HMAC_SHA256()).verify_request(request, CONSUMER, TOKEN)


@pytest.mark.parametrize(
    ("consumer", "token"),
    [
        (None, TOKEN),
        (CONSUMER, None),
        (CONSUMER, {}),
        (oauth2.Consumer("scanner", "printer-secret"), TOKEN),
        (oauth2.Consumer("printer", "other-secret"), TOKEN),
        (CONSUMER, oauth2.Token("joes-photos", "token-secret")),
        (CONSUMER, oauth2.Token("janes-photos", "other-secret")),
    ],
)
def test_unknown_credentials_and_wrong_ones_have_the_same_error(consumer, token):
    with pytest.raises(SignatureInvalid) as caught:
        server_of().verify_request(received(), consumer, token)
    assert (caught.value.status, caught.value.problem) == (401, "signature_invalid")
    assert caught.value.message == "The signature is invalid."


def test_unknown_credentials_cost_the_work_of_a_wrong_signature():
    class Counting(oauth2.Request):
        def get_normalized_parameters(self):
            work.append(self)
            return super().get_normalized_parameters()

    header = received().to_header()
    for consumer in (None, oauth2.Consumer("scanner", "s"), oauth2.Consumer("printer", "wrong")):
        work = []
        with pytest.raises(SignatureInvalid):
            server_of().verify_request(Counting.from_request("GET", URL, header), consumer, TOKEN)
        assert len(work) == 1


def test_a_token_that_the_request_does_not_name_is_refused():
    request = received(token=None)
    with pytest.raises(SignatureInvalid):
        server_of().verify_request(request, CONSUMER, TOKEN)


@pytest.mark.parametrize("token", [None, {}, ""])
def test_an_empty_oauth_token_means_no_token(token):
    assert server_of().verify_request(received(token=None, oauth_token=""), CONSUMER, token)


def test_an_empty_oauth_token_is_signed_as_it_is_sent():
    header = received(token=None, oauth_token="").to_header()["Authorization"]
    assert 'oauth_token=""' in header
    without = oauth2.Request.from_request("GET", URL, {"Authorization": header.replace('oauth_token="", ', "")})
    assert "oauth_token" not in without
    with pytest.raises(SignatureInvalid):
        server_of().verify_request(without, CONSUMER, None)


def test_an_empty_oauth_token_is_not_the_token_that_the_caller_looked_up():
    with pytest.raises(SignatureInvalid):
        server_of().verify_request(received(oauth_token=""), CONSUMER, TOKEN)


def test_a_nonce_is_claimed_without_a_token_where_oauth_token_is_empty():
    class Recording(MemoryStore):
        def add_nonce(self, nonce, timestamp, consumer_key, token_key):
            claimed.append(token_key)
            return super().add_nonce(nonce, timestamp, consumer_key, token_key)

    claimed = []
    server_of(nonce_store=Recording()).verify_request(received(token=None, oauth_token=""), CONSUMER, None)
    assert claimed == [None]


# --- empty secrets and public keys as secrets ---------------------------------


def rsa(**keys):
    return oauth2.SignatureMethod_RSA_SHA1(**keys)


def test_a_consumer_signs_with_its_own_rsa_key():
    consumer = oauth2.Consumer("printer", "", public_key=public_octets(rsa_key()))
    method = rsa(private_key=rsa_key())
    assert server_of(rsa()).verify_request(received(method=method), consumer, TOKEN)
    with pytest.raises(SignatureInvalid):
        server_of(rsa()).verify_request(received(method=rsa(private_key=other_rsa_key())), consumer, TOKEN)


def test_no_hmac_with_an_empty_secret_where_consumers_sign_with_rsa():
    consumer = oauth2.Consumer("printer", "")
    with pytest.raises(SignatureInvalid):
        server_of(HMAC, rsa()).verify_request(received(consumer), consumer, TOKEN)


def test_no_hmac_with_an_empty_secret_for_a_consumer_with_a_public_key():
    consumer = oauth2.Consumer("printer", "", public_key=public_octets(rsa_key()))
    with pytest.raises(SignatureInvalid):
        server_of().verify_request(received(consumer), consumer, TOKEN)


def test_an_empty_secret_is_accepted_if_no_client_may_sign_with_rsa():
    consumer = oauth2.Consumer("printer", "")
    assert server_of(HMAC, PLAINTEXT).verify_request(received(consumer), consumer, TOKEN)


@pytest.mark.parametrize("convert", [bytes, bytes.decode])
def test_no_hmac_with_a_public_key_as_the_secret(convert):
    consumer = oauth2.Consumer("printer", convert(public_octets(rsa_key())))
    with pytest.raises(SignatureInvalid):
        server_of(HMAC, rsa()).verify_request(received(consumer), consumer, TOKEN)


def test_no_hmac_with_the_public_key_in_any_other_form_as_the_secret():
    key = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"
    consumer = oauth2.Consumer("printer", key, public_key=key)
    with pytest.raises(SignatureInvalid):
        server_of(HMAC, rsa()).verify_request(received(consumer), consumer, TOKEN)


def test_no_hmac_for_a_consumer_without_a_secret():
    consumer = SimpleNamespace(key="printer", secret=None)
    for guess in ("", "None"):
        with pytest.raises(SignatureInvalid):
            server_of().verify_request(received(oauth2.Consumer("printer", guess)), consumer, TOKEN)


def test_a_consumer_with_both_a_secret_and_a_public_key_signs_either_way():
    consumer = oauth2.Consumer("printer", "printer-secret", public_key=public_octets(rsa_key()))
    assert server_of(HMAC, rsa()).verify_request(received(), consumer, TOKEN)
    request = received(method=rsa(private_key=rsa_key()))
    assert server_of(HMAC, rsa()).verify_request(request, consumer, TOKEN)


# --- oauth_body_hash ----------------------------------------------------------


@pytest.mark.parametrize("body", [b'{"title": "sea"}', b"\x00\xff binary", "text: 海", b""])
def test_a_body_that_matches_its_hash_is_accepted(body):
    assert server_of().verify_request(received_with_body(body), CONSUMER, TOKEN)


def test_a_body_that_does_not_match_its_hash_is_refused():
    with pytest.raises(BodyHashInvalid):
        server_of().verify_request(received_with_body(b'{"to": "jane"}', sent=b'{"to": "mary"}'), CONSUMER, TOKEN)


@pytest.mark.parametrize("given", ["", "ñ", "2jmj7l5rSw0yVb/vlWAYkK/YBwl="])
def test_a_malformed_hash_is_refused(given):
    with pytest.raises(BodyHashInvalid):
        server_of().verify_request(received(oauth_body_hash=given), CONSUMER, TOKEN)


@pytest.mark.parametrize(
    "method",
    [HMAC, oauth2.SignatureMethod_HMAC_SHA256(), oauth2.SignatureMethod_HMAC_SHA512(), PLAINTEXT],
    ids=lambda method: method.name,
)
def test_the_hash_is_that_of_the_signature_method(method):
    assert server_of(method).verify_request(received_with_body(b"{}", method), CONSUMER, TOKEN)


HMAC_SHA256 = oauth2.SignatureMethod_HMAC_SHA256()
HMAC_SHA512 = oauth2.SignatureMethod_HMAC_SHA512()
SHA1_OF_NOTHING = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="


def hash_of(body, digest):
    return base64.b64encode(hashlib.new(digest, body).digest()).decode()


def hashed(body, digest, method=HMAC_SHA256, *, content_type="application/json", sent=None):
    """Return a POST signed with the *digest* of *body* as oauth_body_hash; the received body may differ."""
    request = oauth2.Request("POST", URL, parameters_of(method=method, oauth_body_hash=hash_of(body, digest)))
    request["oauth_signature"] = method.sign(request, CONSUMER, TOKEN)
    headers = {**request.to_header(), "Content-Type": content_type}
    return oauth2.Request.from_request("POST", URL, headers, body=body if sent is None else sent)


@pytest.mark.parametrize("method", [HMAC_SHA256, HMAC_SHA512], ids=lambda method: method.name)
def test_the_sha1_of_an_empty_body_is_accepted_under_every_method(method):
    assert server_of(method).verify_request(hashed(b"", "sha1", method), CONSUMER, TOKEN)
    without_body = received(method=method, oauth_body_hash=SHA1_OF_NOTHING)
    assert without_body.body is None
    assert server_of(method).verify_request(without_body, CONSUMER, TOKEN)


def test_the_sha1_of_an_empty_body_is_refused_for_a_body():
    with pytest.raises(BodyHashInvalid, match="does not match"):
        server_of(HMAC_SHA256).verify_request(hashed(b"", "sha1", sent=b"{}"), CONSUMER, TOKEN)


@pytest.mark.parametrize("allowed", [False, True])
def test_the_sha1_of_an_empty_body_is_accepted_with_a_form_which_the_signature_covers(allowed):
    parameters = parameters_of(method=HMAC_SHA256, oauth_body_hash=SHA1_OF_NOTHING, title="sea")
    form = oauth2.Request("POST", URL, parameters, is_form_encoded=True)
    form["oauth_signature"] = HMAC_SHA256.sign(form, CONSUMER, TOKEN)
    arrived = oauth2.Request.from_request("POST", URL, {"Content-Type": FORM}, body=form.to_postdata())
    server = server_of(HMAC_SHA256, sha1_body_hash_allowed=allowed)
    assert server.verify_request(arrived, CONSUMER, TOKEN)["title"] == "sea"


@pytest.mark.parametrize(
    ("digest", "method", "words"),
    [
        ("sha1", HMAC_SHA256, "is the SHA-1 of the body. Send the SHA-256 with HMAC-SHA256."),
        ("sha1", HMAC_SHA512, "is the SHA-1 of the body. Send the SHA-512 with HMAC-SHA512."),
        ("sha256", HMAC, "is the SHA-256 of the body. Send the SHA-1 with HMAC-SHA1."),
        ("sha384", HMAC_SHA512, "is the SHA-384 of the body. Send the SHA-512 with HMAC-SHA512."),
    ],
)
def test_a_body_hash_of_another_method_is_refused_with_the_names_of_both(digest, method, words):
    with pytest.raises(BodyHashInvalid) as caught:
        server_of(method).verify_request(hashed(b"{}", digest, method), CONSUMER, TOKEN)
    assert str(caught.value) == f"oauth_body_hash {words}"


def test_a_server_can_be_configured_to_accept_the_sha1_of_a_body():
    server = server_of(HMAC_SHA256, sha1_body_hash_allowed=True)
    assert server.verify_request(hashed(b"{}", "sha1"), CONSUMER, TOKEN)
    with pytest.raises(BodyHashInvalid, match="does not match"):
        server.verify_request(hashed(b"{}", "sha1", sent=b"[]"), CONSUMER, TOKEN)
    with pytest.raises(BodyHashInvalid, match="is the SHA-512 of the body"):
        server.verify_request(hashed(b"{}", "sha512"), CONSUMER, TOKEN)


def test_the_sha1_of_a_body_that_was_not_given_cannot_be_checked():
    request = received(method=HMAC_SHA256, http_method="POST", oauth_body_hash=hash_of(b"{}", "sha1"))
    for allowed in (False, True):
        with pytest.raises(BodyHashInvalid, match="cannot be checked"):
            server_of(HMAC_SHA256, sha1_body_hash_allowed=allowed).verify_request(request, CONSUMER, TOKEN)


def test_a_hash_may_be_required():
    unhashed = received_with_body(b"{}", body_hash=False)
    assert server_of().verify_request(unhashed, CONSUMER, TOKEN)
    server = server_of(body_hash_required=True)
    with pytest.raises(ParameterAbsent, match="oauth_body_hash"):
        server.verify_request(unhashed, CONSUMER, TOKEN)
    assert server.verify_request(received_with_body(b"{}"), CONSUMER, TOKEN)


def test_a_required_hash_cannot_be_checked_without_the_body():
    with pytest.raises(BodyHashInvalid, match=r"Pass body= to Request\.from_request"):
        server_of(body_hash_required=True).verify_request(received(), CONSUMER, TOKEN)
    # The hash of an empty body proves nothing if the body is unknown.
    request = received(http_method="POST", oauth_body_hash=hash_of(b"", "sha1"))
    with pytest.raises(BodyHashInvalid, match=r"Pass body= to Request\.from_request"):
        server_of(body_hash_required=True).verify_request(request, CONSUMER, TOKEN)


def test_neither_an_empty_body_nor_a_form_needs_the_required_hash():
    server = server_of(body_hash_required=True)
    assert server.verify_request(received_with_body(b"", body_hash=False), CONSUMER, TOKEN)
    form = oauth2.Request("POST", URL, {**parameters_of(oauth_nonce="2"), "title": "sea"}, is_form_encoded=True)
    form.sign_request(HMAC, CONSUMER, TOKEN)
    arrived = oauth2.Request.from_request("POST", URL, {"Content-Type": FORM}, body=form.to_postdata())
    assert server.verify_request(arrived, CONSUMER, TOKEN)["title"] == "sea"


# --- the WWW-Authenticate header ----------------------------------------------


def test_the_answer_to_a_refusal_names_the_scheme_and_the_realm():
    assert server_of().build_authenticate_header() == {"WWW-Authenticate": 'OAuth realm=""'}
    assert server_of().build_authenticate_header("photos") == {"WWW-Authenticate": 'OAuth realm="photos"'}


def test_the_clock_is_that_of_the_system_unless_it_is_given():
    request = oauth2.Request.from_consumer_and_token(CONSUMER, None, "GET", URL)
    request.sign_request(HMAC, CONSUMER, None)
    assert oauth2.Server({"HMAC-SHA1": HMAC}).verify_request(request, CONSUMER, None)

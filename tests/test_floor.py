"""The reference of the benchmarks agrees with the RFC, and the floor agrees with the reference."""

import base64
import sys
import time
from pathlib import Path

import pytest
from hypothesis import assume
from hypothesis import strategies as st
from unhurried import given

sys.path.append(str(Path(__file__).parent.parent))  # At the end of the list, so that an installed oauth2 is tested.

from benchmarks import floor, reference
from benchmarks.peers import CREDENTIALS, receive, tampered
from benchmarks.reference import Credentials, fault
from benchmarks.workloads import MAIN, SHAPES, Call

pytestmark = pytest.mark.slow

# --- the reference, checked with the examples of the RFC ---------------------------

SECRETS = "kd94hf93k423kf44"
EXAMPLES = [
    pytest.param(
        "POST",
        "https://photos.example.net/initiate",
        'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_signature_method="HMAC-SHA1",'
        ' oauth_timestamp="137131200", oauth_nonce="wIjqoS",'
        ' oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready",'
        ' oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"',
        None,
        (SECRETS, ""),
        id="1.2 temporary credentials",
    ),
    pytest.param(
        "POST",
        "https://photos.example.net/token",
        'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="hh5s93j4hdidpola",'
        ' oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="walatlh",'
        ' oauth_verifier="hfdp7dh39dks9884", oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"',
        None,
        (SECRETS, "hdhd0244k9j7ao03"),
        id="1.2 token credentials",
    ),
    pytest.param(
        "GET",
        "http://photos.example.net/photos?file=vacation.jpg&size=original",
        'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk",'
        ' oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH",'
        ' oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"',
        None,
        (SECRETS, "pfkkdhi9sl3r4s00"),
        id="1.2 a photo",
    ),
    pytest.param(  # Erratum 2550 of the RFC corrects the signature.
        "POST",
        "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7",'
        ' oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a",'
        ' oauth_signature="r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D"',
        "c2&a3=2+q",
        ("j49sk3j29djd", "dh893hdasih9"),
        id="3.1 and 3.4.1.1",
    ),
]


@pytest.mark.parametrize(("method", "url", "header", "form", "secrets"), EXAMPLES)
def test_the_reference_finds_the_signatures_of_the_rfc(method, url, header, form, secrets):
    pairs = reference.parse_header(header) + reference.form_decode(reference.split_url(url)[1])
    pairs += reference.form_decode(form or "")
    signature = dict(pairs)[b"oauth_signature"]
    text = reference.base_string(method, url, [pair for pair in pairs if pair[0] != b"oauth_signature"])
    assert base64.b64encode(reference.signature("HMAC-SHA1", text, *secrets)) == signature


def test_the_reference_makes_the_base_string_of_section_3_4_1_1():
    method, url, header, form, _ = EXAMPLES[3].values
    pairs = reference.parse_header(header) + reference.form_decode(f"{reference.split_url(url)[1]}&{form}")
    assert reference.base_string(method, url, [pair for pair in pairs if pair[0] != b"oauth_signature"]) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540"
        "%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMA"
        "C-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


CALL = Call("POST", "https://api.example/a?b=c", {"d": "e f"})
JSON = Call("POST", "https://api.example/a", None, b"{}")


def test_the_reference_finds_what_is_wrong():
    header, form = floor.Signer(CREDENTIALS).sign(*CALL)
    assert fault(CALL, header, form, CREDENTIALS) is None
    other = Credentials(
        consumer_key=CREDENTIALS.consumer_key, consumer_secret="x", token=CREDENTIALS.token, token_secret=""
    )
    old = floor.Signer(CREDENTIALS, clock=lambda: time.time() - 60).sign(*CALL)
    hashed = floor.Signer(CREDENTIALS).sign(*JSON)[0]
    plain = floor.Signer(CREDENTIALS).sign("POST", JSON.url)[0]
    assert fault(CALL, header, form, other) == "oauth_signature is wrong"
    assert fault(CALL._replace(method="PUT"), header, form, CREDENTIALS) == "oauth_signature is wrong"
    assert (
        fault(CALL._replace(url="https://api.example/a?b=d"), header, form, CREDENTIALS) == "oauth_signature is wrong"
    )
    assert fault(CALL, header, "d=e", CREDENTIALS) == "the form body does not contain the parameters of the form"
    assert fault(CALL, *old, CREDENTIALS) == "oauth_timestamp is wrong"
    assert fault(CALL, f'{header}, oauth_nonce="a"', form, CREDENTIALS) == "a protocol parameter occurs twice"
    without_scheme = header.removeprefix("OAuth ")
    assert fault(CALL, without_scheme, form, CREDENTIALS) == "the Authorization header does not use the OAuth scheme"
    assert fault(CALL, header, form, CREDENTIALS, method_name="RSA-SHA1") == "oauth_signature_method is wrong"
    assert fault(JSON, hashed, None, CREDENTIALS) is None
    assert fault(JSON, plain, None, CREDENTIALS) == "no oauth_body_hash"
    assert fault(JSON._replace(body=b"[]"), hashed, None, CREDENTIALS) == "oauth_body_hash is wrong"


# --- the floor, checked with the reference -------------------------------------------

PIECES = [
    *"aZ09-._~ %&=+/?:@!$'()*,;[]|\\^`{}<>\"é東\U0001f600\t\n\x00\x01\x02\x7f",
    *("%20", "%2B", "%2b", "%C3%A9", "%ff", "%41", "%7E", "%01", "%02", "%3D", "%26", "%25", "%4", "%zz"),
    *("oauth", "oauth_z=1", "&oauth_&", "&oauth_~=1", "a=1&", "&a=1", "=2E", ".\n", "\r\n", "a" * 80),
]
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
tame = st.lists(st.sampled_from(["a=1", "b=%20x", "c=", "=d", "a=2", "%40=%C3%A9", "z-1=~", "p=q", "n=+"]), max_size=8)
urls = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(
        [
            "https://api.example",
            "http://a.example:80",
            "HTTPS://API.example:8443",
            "http://u:p@a.example",
            "https://[::1]:443",
        ]
    ),
    st.sampled_from(["", "/", "/a/b.c", "//", "/%7Ea/%c3", "/a b", "/é", "/A_~-"]),
    st.one_of(st.just(""), texts.map("?{}".format), tame.map("&".join).map("?{}".format)),
    st.sampled_from(["", "#", "#a?b=c"]),
)
calls = st.one_of(
    st.builds(Call, st.sampled_from(["GET", "DELETE"]), urls, st.none(), st.none()),
    st.builds(Call, st.just("POST"), urls, st.dictionaries(texts, texts, max_size=4), st.none()),
    st.builds(Call, st.just("PUT"), urls, st.none(), st.binary(max_size=200)),
)
SIGNERS = {name: floor.Signer(CREDENTIALS, name) for name in ("HMAC-SHA1", "HMAC-SHA256")}


@given(calls, st.sampled_from(list(SIGNERS)))
def test_the_floor_signs_right_whatever_it_is_given(call, method_name):
    found = fault(call, *SIGNERS[method_name].sign(*call), CREDENTIALS, method_name=method_name)
    assume(found != "a protocol parameter occurs twice")  # A random query may contain protocol parameters.
    assert found is None


def verify(verifier, received, is_form):
    form, body = (received.text, None) if is_form else (None, received.body)
    return verifier.verify(received.method, received.url, received.headers["Authorization"], form, body)


def has_protocol(call):
    pairs = reference.form_decode(reference.split_url(call.url)[1])
    names = [name.encode() for name in call.form or {}] + [name for name, _ in pairs]
    return any(name.startswith(b"oauth_") for name in names)


@given(calls)
def test_the_floor_verifies_once_what_is_signed_right(call):
    received = receive(call._replace(body=call.body and call.body.hex().encode()))
    verifier, is_form = floor.Verifier(CREDENTIALS), call.form is not None
    assert not verify(verifier, tampered(received), is_form)
    assert not verify(verifier, received._replace(method="PATCH"), is_form)
    assert not verify(verifier, received._replace(url="https://other.example/"), is_form)
    # Protocol parameters in two places are refused (section 3.5).
    assert verify(verifier, received, is_form) is not has_protocol(call)
    assert not verify(verifier, received, is_form)


def lower_case(value):
    return "".join([f"%{octet:02x}" for octet in value.encode()])


@given(calls, st.permutations(range(7)), st.sampled_from([", ", ",", " ,\t"]), st.sampled_from([lower_case, None]))
def test_the_floor_verifies_headers_of_other_signers(call, order, comma, encode):
    assume(not has_protocol(call) and call.body is None)
    values = {
        "oauth_consumer_key": CREDENTIALS.consumer_key,
        "oauth_nonce": "a b&%é",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(time.time())),
        "oauth_token": CREDENTIALS.token,
        "oauth_version": "1.0",
    }
    pairs = [(name.encode(), value.encode()) for name, value in values.items()]
    pairs += reference.form_decode(reference.split_url(call.url)[1])
    pairs += [(name.encode(), value.encode()) for name, value in (call.form or {}).items()]
    text = reference.base_string(call.method, call.url, pairs)
    raw = reference.signature("HMAC-SHA1", text, CREDENTIALS.consumer_secret, CREDENTIALS.token_secret)
    values["oauth_signature"] = base64.b64encode(raw).decode()
    escape = encode or (lambda value: reference.percent_encode(value.encode()))
    elements = [f'{name}="{escape(value)}"' for name, value in values.items()]
    header = "OAuth " + comma.join([elements[index] for index in order])
    received = receive(call)._replace(headers={"Authorization": header})
    assert verify(floor.Verifier(CREDENTIALS), received, call.form is not None)


def test_the_floor_refuses_what_is_not_in_its_window_or_not_complete():
    verifier = floor.Verifier(CREDENTIALS)
    call = Call("GET", "https://api.example/a?b=c")
    for seconds in (-301.5, 301.5):
        header, _ = floor.Signer(CREDENTIALS, clock=lambda seconds=seconds: time.time() + seconds).sign(*call)
        assert not verifier.verify(call.method, call.url, header, None, None)
    header, _ = floor.Signer(CREDENTIALS).sign(*call)
    for element in header.removeprefix("OAuth ").split(", "):
        name = element.partition("=")[0]
        less = header.replace(f"{element}, ", "").replace(f", {element}", "")
        assert not verifier.verify(call.method, call.url, less, None, None), name
        assert not verifier.verify(call.method, call.url, header.replace(element, f'{name}=""'), None, None), name
    assert not verifier.verify(call.method, call.url, header.replace("1.0", "9" * 5000), None, None)
    assert not verifier.verify(call.method, call.url, "", None, None)
    assert verifier.verify(call.method, call.url, header, None, None)


# --- the workloads -------------------------------------------------------------------


@pytest.mark.parametrize("workload", MAIN + SHAPES, ids=lambda workload: workload.key)
def test_no_two_calls_of_a_workload_are_alike(workload):
    made = workload.batch(50)
    assert len({call.url for call in made}) == 50
    signer, verifier = floor.Signer(CREDENTIALS), floor.Verifier(CREDENTIALS)
    for call in made[:5]:
        assert fault(call, *signer.sign(*call), CREDENTIALS) is None
        assert verify(verifier, receive(call), call.form is not None)

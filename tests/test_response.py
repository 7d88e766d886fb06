"""Error answers of a service: the oauth_problem is found, and no secret is shown."""

import pytest
from stopwatch import within

from oauth2._login.response import find_problem, printable, read_response, refusal, without_secrets
from oauth2.encoding import percent_encode
from oauth2.errors import InvalidAnswer, ServiceRefused

GOOD = b"oauth_token=a&oauth_token_secret=b"


@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_success_with_credentials_is_returned_as_it_is(status):
    assert read_response(status, GOOD) == GOOD


@pytest.mark.parametrize(
    ("status", "body"), [(199, GOOD), (300, GOOD), (401, GOOD), (500, GOOD), (200, b""), (200, b"oauth_token=a")]
)
def test_anything_else_is_a_refusal(status, body):
    with pytest.raises(ServiceRefused) as caught:
        read_response(status, body)
    assert caught.value.answered == status
    assert str(status) in str(caught.value)
    assert isinstance(caught.value, InvalidAnswer)


@pytest.mark.parametrize(
    "text",
    [
        "oauth_problem=token_rejected",
        "oauth_problem=token_rejected&oauth_acceptable_versions=1.0-1.0",
        'OAuth realm="https://x/", oauth_problem="token_rejected"',
        "OAuth realm=x,oauth_problem=token_rejected",
        '{"error": 1, "oauth_problem": "token_rejected"}',
        "{'oauth_problem' : 'token_rejected'}",
        "<oauth_problem>token_rejected</oauth_problem>",
        "Sorry.\noauth_problem: token_rejected\n",
    ],
)
def test_the_problem_is_found_in_every_format_of_an_answer(text):
    assert find_problem(text) == "token_rejected"
    assert refusal(401, text.encode()).problem == "token_rejected"
    assert refusal(401, b"", authenticate=text).problem == "token_rejected"


@pytest.mark.parametrize(
    "text", ["", "no problem", "oauth_problem", "oauth_problem=", "oauth_problem=X\r\nSet-Cookie: a"]
)
def test_a_text_without_a_problem_has_none(text):
    assert find_problem(text) is None


def test_a_problem_can_be_passed_on_in_a_header():
    error = refusal(401, b'oauth_problem=bad"\r\nSet-Cookie: a=b')
    assert error.problem == "bad"
    assert len(refusal(401, b"oauth_problem=" + b"a" * 1000).problem) == 64


def test_the_header_is_preferred_to_the_body():
    assert refusal(401, b"oauth_problem=b", authenticate='OAuth oauth_problem="a"').problem == "a"


@pytest.mark.parametrize("secret", ["s3cr3t", "a&b", "a b", "ü/ä", "100%", "<b>", 'quo"te', "a+b=="])
@pytest.mark.parametrize(
    "form",
    [
        lambda text: text,
        percent_encode,
        lambda text: percent_encode(percent_encode(text)),
        lambda text: percent_encode(text).lower(),
        lambda text: percent_encode(text).replace("%20", "+"),
        lambda text: text.replace("/", r"\/"),
        lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;"),
    ],
)
def test_a_secret_is_removed_however_it_is_escaped(secret, form):
    assert without_secrets(f"before {form(secret)} after", [secret]) == "before [removed] after"


def test_secrets_may_be_bytes_or_empty():
    assert without_secrets("a s b", [b"s", ""]) == "a [removed] b"
    assert without_secrets("a b") == "a b"


@pytest.mark.parametrize(
    "text",
    [
        "oauth_token_secret=HIDDEN&x=1",
        '"oauth_token": "HIDDEN",',
        'oauth_verifier="HIDDEN"',
        "<oauth_session_handle>HIDDEN</oauth_session_handle>",
        "oauth_signature: HIDDEN",
        "oauth_signature%3DHIDDEN",
        "x_auth_password=HIDDEN",
        "oauth_token=&quot;HIDDEN&quot;",
    ],
)
def test_parameters_that_are_secret_by_their_name_are_removed(text):
    assert "HIDDEN" not in without_secrets(text)


@pytest.mark.parametrize(
    "text", ["oauth_consumer_key=printer", "oauth_signature_method=HMAC-SHA1", "oauth_nonce=abc", "Invalid token"]
)
def test_texts_that_are_no_secrets_stay(text):
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "text", ["expected r6/TJjbCOr97/+UU0NsvSne7s5g= here", "expected r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D here"]
)
def test_signatures_are_removed(text):
    assert without_secrets(text) == "expected [removed] here"


BASE_STRING = (
    "POST&https%3A%2F%2Fapi.example%2Ftoken&oauth_body_hash%3D2jmj7l5rSw0yVb%252FvlWAYkK%252FYBwk%253D"
    "%26oauth_consumer_key%3Dprinter%26oauth_nonce%3D1%26oauth_token%3Dt"
)


@pytest.mark.parametrize("form", [lambda text: text, lambda text: text.replace("&", "&amp;"), percent_encode])
def test_a_base_string_stays(form):
    text = f"expected {form(BASE_STRING)} here"
    assert without_secrets(text) == text
    assert without_secrets(text.lower()) == text.lower()


@pytest.mark.parametrize("form", [lambda text: text, lambda text: text.replace("&", "&amp;"), percent_encode])
@pytest.mark.parametrize(
    "name", ["oauth_verifier", "oauth_session_handle", "oauth_signature", "x_auth_password", "client_secret"]
)
def test_a_base_string_is_shown_without_the_secret_values_in_it(form, name):
    made = f"{BASE_STRING}%26{name}%3DHIDDEN%2526%26z%3Dz"
    assert without_secrets(form(made)) == form(made).replace(form("HIDDEN%2526"), "[removed]")
    assert "s3cr3t" not in without_secrets(form(f"{BASE_STRING}%26a%3Ds3cr3t"), ["s3cr3t"])


def test_what_follows_a_base_string_is_no_part_of_it():
    text = f"debug_sbs={BASE_STRING}&oauth_signature=HIDDEN&oauth_token=HIDDEN"
    assert without_secrets(text) == text.replace("HIDDEN", "[removed]")
    text = f"debug_sbs={percent_encode(BASE_STRING)}&oauth_signature=HIDDEN"
    assert without_secrets(text) == text.replace("HIDDEN", "[removed]")


def test_only_the_start_of_the_body_is_kept_and_only_text():
    error = refusal(500, b"\x1b[31mred\x00\r\n" + b"xxx " * 100_000)
    assert error.body.startswith(" [31mred  \nxxx")
    assert len(error.body) == 500
    assert printable("a\tb\nc\x7f") == "a b\nc "
    assert refusal(500, b"\xff\xfe").body == "\ufffd\ufffd"


@pytest.mark.parametrize(
    "body",
    [
        b"oauth_token" + b" " * 60_000,
        b"oauth_problem" + b"\t" * 60_000,
        b"A" * 60_000,
        b"%2B" * 20_000,
        b"%2B%22" * 10_000,
        b"GET&" * 16_000,
    ],
)
def test_a_long_answer_is_read_quickly(body):
    with within(2):
        refusal(500, body, secrets=["a" * 50])

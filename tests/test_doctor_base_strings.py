"""The doctor finds the peer's base string in a response, and compares it with the base string that it computes."""

from urllib.parse import quote

import pytest
from sender import CONSUMER, TOKEN, enc, get

from oauth2 import Consumer
from oauth2.doctor import diagnose, find_base_string

pytestmark = pytest.mark.slow

THEIRS = "GET&https%3A%2F%2Fapi.example%2Fphotos&oauth_nonce%3Dx%26page%3D2"

ANSWERS = {
    "oauth_problem_advice": "oauth_problem=signature_invalid&oauth_problem_advice=Expected%20base%20string%3A%20"
    + enc(THEIRS),
    "Flickr": f"oauth_problem=signature_invalid&debug_sbs={THEIRS}",
    "PECL, encoded": f"oauth_problem=signature_invalid&debug_sbs={enc(THEIRS)}",
    "PECL, printed": f"    [sbs] => {THEIRS}\n    [headers_sent] => ...",
    "Jira": f'OAuth oauth_problem="signature_invalid", oauth_signature_base_string="{enc(THEIRS)}"',
    "Trade Me": f"<Error><Description>Base string: {THEIRS.replace('&', '&amp;')}</Description></Error>",
    "Mastercard, printed": f"Base string:\n{THEIRS.replace('&', '&' + chr(10))}\n\nSignature: x",
    "Mastercard, JSON": '{"Errors":{"Error":[{"Description":"Expected: ' + THEIRS.replace("&", "\u0026") + '"}]}}',
    "expected base string": f"Invalid signature - expected base string {THEIRS}.",
    "HTML": f"<p>expected base string: <code>{THEIRS.replace('&', '&amp;')}</code></p>",
    "a sentence": f'The signature of "{THEIRS}" does not match.',
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_the_base_string_of_an_answer_is_found(answer):
    assert find_base_string(answer) == THEIRS


def test_a_base_string_whose_uri_is_not_encoded_is_found_after_its_label():
    answer = "base string: GET&https://api.example/photos&a=1&b=2"
    assert find_base_string(answer) == "GET&https://api.example/photos&a=1&b=2"


@pytest.mark.parametrize(
    "answer", ["", "oauth_problem=signature_invalid", "GET https://api.example/", "\ud800&", "%" * 9]
)
def test_an_answer_without_a_base_string_has_none(answer):
    assert find_base_string(answer) is None


def base_string():
    return diagnose(get().send(), CONSUMER, TOKEN).pieces.base_string


@pytest.mark.parametrize(
    ("change", "piece", "key"),
    [
        (lambda text: text.replace("GET", "POST"), "method", "method"),
        (lambda text: text.replace("https", "http", 1), "base string URI", "scheme"),
        (lambda text: text.replace("n0nce", "other"), "parameters", None),
    ],
)
def test_the_first_difference_is_shown(change, piece, key):
    ours = base_string()
    theirs = change(ours)
    diagnosis = diagnose(get().send(), Consumer(CONSUMER.key, "unknown"), TOKEN, their_base_string=theirs)
    comparison = diagnosis.comparison
    assert comparison.piece == piece
    assert ours[: comparison.position] == theirs[: comparison.position]
    assert ours[comparison.position] != theirs[comparison.position]
    assert comparison.ours in ours
    assert comparison.theirs in theirs
    if key:
        assert [finding.key for finding in diagnosis.findings] == [key]
        assert diagnosis.findings[0].sentence.startswith("According to the other side's base string: ")
        assert diagnosis.verdict == "mistaken"


def test_two_deviations_of_the_other_side_are_named():
    theirs = base_string().replace("https", "http", 1).replace("empty%3D%26", "")
    diagnosis = diagnose(get().send(), CONSUMER, TOKEN, their_base_string=theirs)
    assert {finding.key for finding in diagnosis.findings} == {"blank-values-dropped", "scheme"}
    assert diagnosis.signature_is_right


def test_equal_base_strings_show_that_the_secrets_differ():
    diagnosis = diagnose(get().send(), Consumer(CONSUMER.key, "unknown"), TOKEN, their_base_string=base_string())
    assert (diagnosis.verdict, diagnosis.comparison) == ("unexplained", None)
    assert "different secrets or keys" in diagnosis.ruled_out[-1]


def test_a_base_string_that_ends_earlier_differs_at_its_end():
    ours = base_string()
    diagnosis = diagnose(get().send(), CONSUMER, TOKEN, their_base_string=ours[:-3])
    assert diagnosis.comparison.position == len(ours) - 3


def test_a_found_base_string_can_be_passed_on():
    answer = f"oauth_problem=signature_invalid&debug_sbs={quote(base_string().replace('https', 'http', 1))}"
    diagnosis = diagnose(get().send(), CONSUMER, TOKEN, their_base_string=find_base_string(answer))
    assert [finding.key for finding in diagnosis.findings] == ["scheme"]

"""The pytest plugin of ``oauth2.testing``: each test starts another run of pytest, which loads the plugin."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

HEAD = """
import oauth2
import pytest
from oauth2.http import HTTPRequest

def ask(service, consumer, token, query=""):
    url = service.url("/photos")
    request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", url)
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), consumer, token)
    return service.handle(HTTPRequest("GET", url + query, request.to_header())).status
"""
WRONG = """
def test_wrong(oauth2_app):
    assert ask(oauth2_app, *oauth2_app.credentials(), "?size=big") == 200
"""


@pytest.fixture
def ran(pytester, monkeypatch):
    """Return a function that runs a file of tests with the plugin, which pytest loads by its module name."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins would only make the test slower

    def run(tests, *options):
        pytester.makepyfile(HEAD + tests)
        return pytester.runpytest_inprocess("-p", "oauth2.testing.plugin", *options)

    return run


def test_the_fixtures_are_there_without_an_import(ran):
    tests = """
def test_port(oauth2_service):
    assert oauth2_service.origin.startswith("http://127.0.0.1:")
    assert ask(oauth2_service, *oauth2_service.credentials()) == 200

def test_app(oauth2_app):
    assert ask(oauth2_app, *oauth2_app.credentials()) == 200
    oauth2_app.assert_verified(1)

def test_frozen(oauth2_nonces, oauth2_app, oauth2_clock):
    assert ask(oauth2_app, *oauth2_app.credentials()) == 200
    assert 'oauth_timestamp="1700000000"' in oauth2_app.last.header("Authorization")
    assert 'oauth_nonce="nonce00000000000000001"' in oauth2_app.last.header("Authorization")
    oauth2_clock.advance(60)
    assert oauth2.generate_timestamp() == 1_700_000_060

def test_no_longer_frozen():
    assert oauth2.generate_timestamp() > 1_700_000_060

async def nothing(): ...
"""
    ran(tests).assert_outcomes(passed=4)


def test_the_failure_of_assert_verified_has_verdict_proof_and_repair(ran):
    result = ran("""
def test_wrong(oauth2_app):
    ask(oauth2_app, *oauth2_app.credentials(), "?size=big")
    oauth2_app.assert_verified()
""")
    result.assert_outcomes(failed=1)
    lines = [
        "E*GET https://service.example/photos: 401 signature_invalid",
        "E*1 mistake was found.",
        "E*query-not-signed: The parameters of the URL's query were not signed.",
        "E*expected*size=big",
        "E*Repair: Sign every parameter of the query*(This mistake gives exactly the signature that was sent.)",
    ]
    result.stdout.fnmatch_lines(lines)
    result.stdout.no_fnmatch_line("*oauth2: requests that*")  # This would repeat the requests.
    result.stdout.no_fnmatch_line("*def assert_verified*")


def test_the_report_of_any_other_failure_has_them_too(ran):
    result = ran(WRONG)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- oauth2: requests that https://service.example refused -*",
            "*query-not-signed: *",
            "*Repair: *(This mistake gives exactly the signature that was sent.)",
        ]
    )


def test_a_test_that_passes_has_no_such_report(ran):
    result = ran(WRONG.replace("200", "401"), "-rA")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*oauth2: requests*")


def test_a_failure_without_a_refused_request_has_no_such_report(ran):
    result = ran(WRONG.replace('"?size=big"', '""').replace("200", "401"))
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*oauth2: requests*")


def test_a_service_of_a_fixture_of_another_name_is_reported_too(ran):
    result = ran("""
from oauth2.testing import StrictService

@pytest.fixture
def mine():
    return StrictService(origin="https://mine.example")

@pytest.fixture
def asked(mine):
    ask(mine, *mine.credentials(), "?size=big")

def test_wrong(asked):
    assert False
""")
    result.stdout.fnmatch_lines(["*- oauth2: requests that https://mine.example refused -*", "*Repair: *"])


def test_the_output_of_a_failure_has_no_secret(ran):
    result = ran(
        """
def test_wrong(oauth2_app):
    consumer, token = oauth2_app.credentials()
    wrong = oauth2.Consumer(consumer.key, consumer.secret + " ")
    assert ask(oauth2_app, wrong, token) == 200
""",
        "--showlocals",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*secret-with-whitespace: *"])
    assert "1-secret" not in result.stdout.str()


@pytest.mark.heavy
def test_the_plugin_works_in_the_processes_of_xdist(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(HEAD + WRONG + WRONG.replace("200", "401").replace("wrong", "right"))
    result = pytester.runpytest_subprocess("-p", "xdist", "-p", "oauth2.testing.plugin", "-n", "2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- oauth2: requests that https://service.example refused -*", "*Repair: *"])


DOCS = Path(__file__).parent.parent / "docs"


def snippets_of(page):
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [text for text in blocks if re.search("^(def|class) [tT]est", text, re.MULTILINE)]


@pytest.mark.parametrize(("page", "least"), [("testing.md", 7), ("tutorial-tests.md", 3)])
def test_the_tests_of_the_page_pass(pytester, monkeypatch, page, least):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    tests = snippets_of(page)
    pytester.makepyfile(**{f"test_{number}": text for number, text in enumerate(tests)})
    result = pytester.runpytest_inprocess(
        "-p", "oauth2.testing.plugin", "-W", "error", "-k", "not threads and not kept"
    )
    assert len(tests) >= least
    assert result.parseoutcomes()["passed"] >= least
    assert result.parseoutcomes().keys() <= {"passed", "deselected", "warnings"}, result.stdout.str()


def test_every_name_that_pytest_sees_begins_with_oauth2():
    from oauth2.testing import plugin

    assert [name for name in plugin.__all__ if not name.startswith(("oauth2_", "pytest_"))] == []


def test_the_plugin_loads_nothing_before_its_use():
    code = """
import sys
import pytest
before = set(sys.modules)
import oauth2
then = set(sys.modules)
import oauth2.testing.plugin
print(sorted(set(sys.modules) - then))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['oauth2.testing', 'oauth2.testing.plugin']\n"


def test_the_package_without_the_contracts_needs_no_pytest():
    code = """
import sys
from oauth2.testing import *
""".replace("*", "Arrival, Faults, FixedNonces, FrozenClock, RequestMatcher, StrictService, prepare_vcr")
    code += "assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_there_is_an_attribute_error():
    import oauth2.testing

    assert "StrictService" in dir(oauth2.testing)
    with pytest.raises(AttributeError, match="no attribute 'StrictServer'"):
        oauth2.testing.StrictServer  # noqa: B018 - the attribute raises

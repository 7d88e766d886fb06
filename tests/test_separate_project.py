"""The pytest plugin in a separate project: a small client program, the built wheel, and a new environment."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import wheels

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parent.parent / "example" / "testing"
OTHER = """
import asyncio
import pytest
from album import Album, Photo
from oauth2.clients.requests import OAuth1

@pytest.mark.asyncio
async def test_beside_asyncio(oauth2_service, oauth2_clock):
    album = Album(oauth2_service.url("/photos"), *oauth2_service.credentials())
    await asyncio.to_thread(album.add, Photo("Sea"))
    oauth2_service.assert_verified(1)
    album.close()
"""
WRONG = """
import oauth2
from album import Album

def test_a_client_with_a_mistake(oauth2_service):
    consumer, token = oauth2_service.credentials()
    other = oauth2_service.token(consumer, user="joe")
    Album(oauth2_service.url("/photos"), consumer, oauth2.Token(token.key, other.secret)).photos("sea")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A function that runs pytest in the project."""
    directory = tmp_path_factory.mktemp("project")
    wheel = wheels.build(tmp_path_factory.mktemp("wheel"))
    venv.create(directory / ".venv", with_pip=True)
    python = directory / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = wheels.pip(python, "install", f"{wheel}[requests]", "pytest", "pytest-xdist", "pytest-asyncio")
    if done.returncode:
        wheels.unavailable("the wheel and pytest cannot be installed here", done)
    tests = directory / "tests"
    tests.mkdir()
    for name in ("album.py", "test_album.py"):
        shutil.copy(EXAMPLE / name, tests)
    # Without asyncio_default_fixture_loop_scope, pytest-asyncio warns.
    settings = "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
    (directory / "pytest.ini").write_text(settings)
    (tests / "test_other.py").write_text(OTHER)
    (tests / "test_wrong.py").write_text(WRONG)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_", "PYTHONPATH"))}

    def run(*arguments):
        command = [python, "-m", "pytest", *arguments]
        return subprocess.run(command, cwd=directory, env=kept, capture_output=True, text=True, check=False)

    return run


@pytest.mark.heavy
def test_the_five_tests_of_the_client_program_pass(project):
    done = project("-q", "tests/test_album.py")
    assert "5 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.heavy
def test_the_plugin_works_beside_xdist_and_asyncio(project):
    done = project("-n", "2", "tests/test_album.py", "tests/test_other.py")
    assert "6 passed" in done.stdout, done.stdout + done.stderr
    assert "oauth2-" in project("tests/test_other.py").stdout.partition("collected")[0]  # in the list of plugins


@pytest.mark.heavy
def test_a_test_of_a_client_with_a_mistake_fails_with_the_verdict_of_the_doctor(project):
    done = project("tests/test_wrong.py")
    assert done.returncode == 1
    assert "AlbumError: The service refused the credentials." in done.stdout
    for told in (
        "oauth2: requests that http://127.0.0.1:",
        "other-token: The signing key had the secret of another known token.",
        "Repair: Use the secrets that belong to oauth_consumer_key and oauth_token.",
        "(This mistake gives exactly the signature that was sent.)",
    ):
        assert told in done.stdout, done.stdout
    assert "secret&" not in done.stdout


def test_the_example_is_a_program_with_five_tests():
    tests = (EXAMPLE / "test_album.py").read_text(encoding="utf-8")
    assert tests.count("\ndef test_") == 5
    done = subprocess.run([sys.executable, "-c", "import album"], cwd=EXAMPLE, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr

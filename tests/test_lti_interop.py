"""Launches and grades between this package and lti, PyLTI and ims-lti, in both directions, over real HTTP."""

import json
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
import requests
from loopback import Answer, Loopback

import oauth2
from oauth2.http import HTTPRequest
from oauth2.lti import (
    Outcome,
    OutcomeTarget,
    ResourceLink,
    User,
    launch_form,
    outcome_response,
    read_outcome_request,
    verify_launch,
)
from oauth2.stores import MemoryStore

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

HERE = Path(__file__).parent
CONSUMER = oauth2.Consumer("course-key", "secret-for-everybody")
SECRETS = {CONSUMER.key: CONSUMER.secret}
SOURCEDID = "a:::<b>&c/1"


def run(command):
    """Run a command of an installer; skip the test if it fails, because the network may be missing."""
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=180)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"cannot be installed here: {command[-1]}")


def serve(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline().strip()
        assert line.isdigit(), "the foreign server did not start"
        yield f"http://127.0.0.1:{line}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The origin of a server with lti and PyLTI."""
    folder = tmp_path_factory.mktemp("foreign-python")
    venv.create(folder, with_pip=True)
    run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "lti==0.9.5", "PyLTI==0.7.0"])
    yield from serve([folder / "bin" / "python", HERE / "foreign_lti.py", CONSUMER.key, CONSUMER.secret])


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """The origin of a server with ims-lti."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("node and npm are missing")
    folder = tmp_path_factory.mktemp("foreign-node")
    run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "ims-lti@3.0.2"])
    yield from serve([program, HERE / "foreign_lti.cjs", folder, CONSUMER.key, CONSUMER.secret])


def tell(foreign_url, **arguments):
    return requests.post(foreign_url, data=json.dumps(arguments), timeout=30).json()


# --- launches of this package, tools of the other libraries ------------------------------


def launch(url, consumer=CONSUMER):
    return launch_form(
        url,
        consumer,
        resource_link=ResourceLink(id="12", title='Quiz "1" & 2', description="one\ntwo"),
        user=User(id="7", name="Åsa Öberg"),
        roles=["Instructor"],
        custom={"chapter": "a b+c\nd"},
    )


def post(form, **changed):
    answer = requests.post(form.url, data={**dict(form.fields), **changed}, timeout=30)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("query", ["", "?page=1&q=a%20b"])
@pytest.mark.parametrize("package", ["lti", "pylti"])
def test_a_python_tool_accepts_our_launch(python, package, query):
    form = launch(f"{python}/{package}/launch{query}")
    assert post(form) == {"valid": True, "user": "7", "chapter": "a b+c\r\nd"}
    assert post(form, user_id="8")["valid"] is False


@pytest.mark.parametrize("query", ["", "?page=1&q=a%20b"])
def test_ims_lti_accepts_our_launch(node, query):
    form = launch(f"{node}/launch{query}")
    assert post(form) == {"valid": True, "user": "7", "chapter": "a b+c\r\nd"}
    assert post(form, user_id="8")["valid"] is False


# --- launches of the other libraries, a tool of this package -----------------------------


@pytest.fixture
def tool():
    """Our tool; it answers with fields of the launch that it verified."""
    store = MemoryStore()

    def verify(received):
        request = HTTPRequest(received.method, received.url, received.headers, received.body)
        try:
            found = verify_launch(request, SECRETS, nonce_store=store)
        except oauth2.Error as error:
            return Answer(error.status, body=error.message.encode())
        answer = {"user": found.user.id, "name": found.user.name, "roles": sorted(found.roles.context), **found.custom}
        return Answer(200, body=json.dumps(answer).encode())

    with Loopback() as server:
        server.routes["/launch"] = verify
        yield f"{server.origin}/launch"


PARAMETERS = {
    "lti_version": "LTI-1p0",  # the library lti sends "LTI-1.0" by default
    "resource_link_id": "12",
    "user_id": "7",
    "lis_person_name_full": "Åsa & Öberg",
    "roles": "Instructor,Learner",
    "resource_link_description": "one\r\ntwo",
    "custom_empty": "",
    "custom_chapter": "a b+c",
}


@pytest.mark.parametrize("query", ["", "?page=1&q=a%20b"])
def test_our_tool_accepts_a_launch_of_lti(python, tool, query):
    answer = tell(f"{python}/act/lti/launch", url=tool + query, parameters=PARAMETERS)
    assert answer["status"] == 200, answer
    assert json.loads(answer["body"]) == {
        "user": "7",
        "name": "Åsa & Öberg",
        "roles": ["Instructor", "Learner"],
        "empty": "",
        "chapter": "a b+c",
    }


def test_our_tool_refuses_a_launch_of_another_version(python, tool):
    answer = tell(f"{python}/act/lti/launch", url=tool, parameters={**PARAMETERS, "lti_version": "LTI-2p0"})
    assert (answer["status"], answer["body"]) == (400, "lti_version must be LTI-1p0.")


# --- grades of the other libraries, a tool consumer of this package ----------------------


@pytest.fixture
def book():
    """The grades of our tool consumer, and the URL of its outcome service."""
    grades, store = {}, MemoryStore()

    def answer(received):
        request = HTTPRequest(received.method, received.url, received.headers, received.body)
        try:
            asked = read_outcome_request(request, SECRETS, nonce_store=store)
        except oauth2.Error as error:
            made = outcome_response(None, code="failure", description=error.message, status=error.status)
        else:
            if asked.operation == "replace":
                grades[asked.sourcedid] = asked.score
            if asked.operation == "delete":
                grades.pop(asked.sourcedid, None)
            made = outcome_response(asked, description="done", score=grades.get(asked.sourcedid))
        return Answer(made.status, dict(made.headers), made.body)

    with Loopback() as server:
        server.routes["/grades"] = answer
        yield grades, f"{server.origin}/grades?tool=7"


def grade_with(act, book):
    grades, url = book

    def do(operation, score=None):
        return tell(act, url=url, sourcedid=SOURCEDID, operation=operation, score=score)

    assert do("replace", 0.85)["success"]
    assert grades == {SOURCEDID: 0.85}
    read = do("read")
    assert read["success"]
    assert do("delete")["success"]
    assert grades == {}
    return read["score"]


def test_our_consumer_takes_grades_of_lti(python, book):
    assert grade_with(f"{python}/act/lti/grade", book) == 0.85


def test_our_consumer_takes_grades_of_pylti(python, book):
    grade_with(f"{python}/act/pylti/grade", book)  # PyLTI reads no score from a response


def test_our_consumer_takes_grades_of_ims_lti(node, book):
    assert grade_with(f"{node}/grade", book) == 0.85


@pytest.mark.parametrize("act", ["lti", "pylti"])
def test_a_score_above_1_is_refused(python, book, act):
    grades, url = book
    told = tell(f"{python}/act/{act}/grade", url=url, sourcedid=SOURCEDID, operation="replace", score=1.5)
    assert (told["success"], grades) == (False, {})


# --- grades of this package, tool consumers of the other libraries -----------------------


def test_lti_takes_our_grades(python):
    outcome = Outcome(OutcomeTarget(url=f"{python}/lti/grades?tool=7", sourcedid=SOURCEDID), CONSUMER)
    assert outcome.replace(0.85).description == "from lti"
    assert outcome.read().score == 0.85
    assert outcome.delete().score is None
    wrong = oauth2.Consumer(CONSUMER.key, "wrong")
    with pytest.raises(oauth2.lti.OutcomeRefused) as caught:
        Outcome(outcome.target, wrong).replace(1)
    assert caught.value.code == "failure"

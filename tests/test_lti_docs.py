"""The tool and the tool consumer of docs/lti.md work together: first a launch, then a grade."""

from html.parser import HTMLParser

import pytest
from test_docs import ROOT, blocks, run

import oauth2
from oauth2.http import HTTPResponse
from oauth2.lti import Outcome, OutcomeRefused, OutcomeTarget

pytest.importorskip("flask")
pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "lti.md"


def made(name, tmp_path, monkeypatch):
    (text,) = [text for text in blocks(PAGE) if f"\n{name} = Flask(" in text]
    return run(text, tmp_path, monkeypatch)


class Fields(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "input":
            self.found[dict(attributes)["name"]] = dict(attributes)["value"]


def test_the_tool_of_the_page_opens_for_the_consumer_of_the_page(tmp_path, monkeypatch):
    lms, tool = made("lms", tmp_path, monkeypatch), made("tool", tmp_path, monkeypatch)
    page = lms["lms"].test_client().get("/quiz")
    assert page.headers["Cache-Control"] == "no-store"
    fields = Fields(page.text).found
    client = tool["tool"].test_client()
    for status, text in ((200, "Hello, Åsa Öberg! You opened quiz-1."), (401, "The nonce has been used.")):
        answer = client.post("/launch", data=fields, base_url="https://tool.example")
        assert (answer.status_code, answer.text) == (status, text)
    answer = client.post("/launch", data={**fields, "user_id": "8"}, base_url="https://tool.example")
    assert answer.status_code == 401
    tool["nonces"].close()
    lms["nonces"].close()


def test_the_consumer_of_the_page_takes_a_grade(tmp_path, monkeypatch):
    lms = made("lms", tmp_path, monkeypatch)
    client = lms["lms"].test_client()

    def send(request):
        answer = client.post(
            "/grades", data=request.body, headers=list(request.headers), base_url="https://lms.example"
        )
        return HTTPResponse(answer.status_code, (), answer.data)

    consumer = oauth2.Consumer("course-key", "course-secret")
    outcome = Outcome(OutcomeTarget(url="https://lms.example/grades", sourcedid="quiz-1:7"), consumer, send=send)
    assert outcome.read().score is None
    outcome.replace(0.5)
    assert (outcome.read().score, lms["grades"]) == (0.5, {"quiz-1:7": 0.5})
    outcome.delete()
    assert lms["grades"] == {}
    other = OutcomeTarget(url="https://lms.example/grades", sourcedid="quiz-1:8")
    with pytest.raises(OutcomeRefused) as caught:
        Outcome(other, consumer, send=send).replace(1)
    assert caught.value.description == "There is no such user or link."
    lms["nonces"].close()

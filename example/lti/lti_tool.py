"""An LTI 1.1 tool in Flask: a quiz with one question, which sends its grade to the learning management system."""

from flask import Flask, request

import oauth2
from oauth2.lti import Outcome, OutcomeRefused, OutcomeTarget, verify_launch
from oauth2.middleware.wsgi import read_request
from oauth2.stores import MemoryStore

KEY, SECRET = "course-key", "course-secret"
_PAGE = """<!doctype html><title>Quiz</title>
<form method="post" action="/answer"><input type="hidden" name="ticket" value="{ticket}">
<p>Hello, {name}! How many participants does OAuth 1.0a have?</p><input name="legs"><button>Answer</button></form>"""


def make_tool(base_url: str) -> Flask:
    """Return the tool.

    Args:
        base_url: The URL at which browsers reach the tool.
    """
    tool = Flask(__name__)
    nonces = MemoryStore()
    # The key of each item is a random ticket, which is also in the form. The browser sends the ticket back with the
    # answer, so that the tool finds the target of the grade. A real tool stores the targets in its database.
    targets: dict[str, OutcomeTarget] = {}

    @tool.post("/launch")
    def launch() -> tuple[str, int]:
        sent, _ = read_request(request.environ)
        try:
            found = verify_launch(sent, {KEY: SECRET}, nonce_store=nonces, base_url=base_url)
        except oauth2.Error as error:
            return error.message, error.status
        ticket = oauth2.Request.make_nonce()
        if found.outcome is not None:
            targets[ticket] = found.outcome
        return _PAGE.format(ticket=ticket, name="student"), 200

    @tool.post("/answer")
    def answer() -> tuple[str, int]:
        target = targets.pop(request.form["ticket"], None)
        if target is None:
            return "Open the quiz again.", 400
        try:
            Outcome(target, oauth2.Consumer(KEY, SECRET)).replace(1.0 if request.form["legs"] == "3" else 0.0)
        except OutcomeRefused as error:
            return f"The grade was refused: {error.description}", 502
        return "The grade was sent.", 200

    return tool

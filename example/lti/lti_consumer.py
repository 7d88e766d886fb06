"""An LTI 1.1 tool consumer in Flask: a learning management system that opens the tool and receives its grades."""

from flask import Flask, request

import oauth2
from oauth2.lti import OutcomeTarget, ResourceLink, User, launch_form, outcome_response, read_outcome_request
from oauth2.middleware.wsgi import read_request
from oauth2.stores import MemoryStore

CONSUMER = oauth2.Consumer("course-key", "course-secret")
_LINK = "quiz-1:7"  # The sourcedid of the grade: the id of the link and the id of the user.


def make_consumer(base_url: str, tool_url: str, grades: dict[str, float | None]) -> Flask:
    """Return the tool consumer.

    Args:
        base_url: The URL at which browsers and the tool reach the tool consumer.
        tool_url: The URL at which the tool receives launches.
        grades: The dict in which the tool consumer stores the grades.
    """
    lms = Flask(__name__)
    nonces = MemoryStore()

    @lms.get("/quiz")
    def quiz() -> tuple[str, dict[str, str]]:
        form = launch_form(
            tool_url,
            CONSUMER,
            resource_link=ResourceLink(id="quiz-1", title="Quiz"),
            user=User(id="7", name="Åsa Öberg"),
            roles=["Learner"],
            outcome=OutcomeTarget(url=f"{base_url}/grades", sourcedid=_LINK),
        )
        return form.html(), {"Cache-Control": "no-store"}

    @lms.post("/grades")
    def take_grade() -> tuple[bytes, int, list[tuple[str, str]]]:
        try:
            sent, _ = read_request(request.environ)
            asked = read_outcome_request(sent, {CONSUMER.key: CONSUMER.secret}, nonce_store=nonces, base_url=base_url)
        except oauth2.Error as error:
            answer = outcome_response(None, code="failure", description=error.message, status=error.status)
        else:
            if asked.sourcedid == _LINK and asked.operation == "replace":
                grades[_LINK] = asked.score
                answer = outcome_response(asked)
            else:
                answer = outcome_response(asked, code="failure", description="Unknown sourcedid or operation.")
        return answer.body, answer.status, list(answer.headers)

    return lms

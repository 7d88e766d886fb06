"""The API: what programs may do that hold token credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from ..errors import Error
from ..middleware.wsgi import read_request
from .notebook import Note, problem_of_note
from .services import services

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException

    from ..access import Access

api = Blueprint("api", __name__, url_prefix="/api")

_PROBLEMS = {
    404: "There is no such path in the API.",
    405: "The path is there, but not for this method.",
    500: "Something broke, and was written to the log.",
}


@api.get("/me")
def me() -> Any:
    """Say who the user is."""
    access = _authenticated("profile")
    return jsonify(user=access.user, application=access.consumer.name)


@api.get("/notes")
def notes() -> Any:
    """Return the user's notes, the newest first."""
    access = _authenticated("notes")
    return jsonify(notes=[_as_json(note) for note in services().notebook.notes_of(access.user or "")])


@api.post("/notes")
def add_note() -> Any:
    """Write the signed parameter ``text`` down."""
    access = _authenticated("notes.write")
    text = access.parameters.get("text")
    problem = problem_of_note(text) if isinstance(text, str) else "text: once, in a form, please."
    if problem:
        return jsonify(problem=problem), 422
    return jsonify(_as_json(services().notebook.add(access.user or "", str(text), access.consumer.name))), 201


def _authenticated(realm: str) -> Access:
    # Where it is mounted, base_url says.
    received, _ = read_request({**request.environ, "SCRIPT_NAME": ""})
    return services().provider.authenticate(received, realm=realm)


@api.errorhandler(Error)
def refused(error: Error) -> Response:
    """Say why a request is refused."""
    answer = services().provider.answer(error)
    return Response(answer.body, answer.status, list(answer.headers))


def http_error(error: HTTPException) -> tuple[Response, int]:
    """Answer a program with *error* as JSON."""
    return jsonify(problem=_PROBLEMS.get(error.code or 500, error.name)), error.code or 500


def is_for_programs(path: str) -> bool:
    """Tell whether *path* is the API's, whether or not there is something there."""
    return f"{path}/".startswith(f"{api.url_prefix}/")


def _as_json(note: Note) -> dict[str, Any]:
    return {"text": note.text, "at": note.at, "by": note.client or None}

"""The API, for applications that have token credentials."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from ..errors import Error
from ..middleware.wsgi import read_request
from ..provider import Access
from .context import ViewResult, context
from .notebook import Note, problem_of_note

__all__ = ["add_note", "api", "http_error", "is_for_programs", "me", "notes", "refused"]

api = Blueprint("api", __name__, url_prefix="/api")

_PROBLEMS = {
    404: "The API has no such path.",
    405: "This path does not support this method.",
    500: "An internal error occurred. The error was written to the log.",
}


@api.get("/me")
def me() -> ViewResult:
    """Return the name of the user and of the application."""
    access = _authenticated("profile")
    return jsonify(user=access.user, application=access.consumer.name)


@api.get("/notes")
def notes() -> ViewResult:
    """Return the user's notes, newest first."""
    access = _authenticated("notes")
    return jsonify(notes=[_as_json(note) for note in context().notebook.notes_of(access.user or "")])


@api.post("/notes")
def add_note() -> ViewResult:
    """Add a note with the text of the signed parameter ``text``."""
    access = _authenticated("notes.write")
    text = access.parameters.get("text")
    problem = problem_of_note(text) if isinstance(text, str) else "Send text exactly once, in a form."
    if problem:
        return jsonify(problem=problem), 422
    return jsonify(_as_json(context().notebook.add(access.user or "", str(text), access.consumer.name))), 201


def _authenticated(realm: str) -> Access:
    # read_request() puts SCRIPT_NAME before the path in the signed URL, but base_url already contains SCRIPT_NAME.
    # Therefore a copy of the environ with an empty SCRIPT_NAME is read.
    received, _ = read_request({**request.environ, "SCRIPT_NAME": ""})
    return context().provider.authenticate(received, realm=realm)


@api.errorhandler(Error)
def refused(error: Error) -> Response:
    """Return the response to a refused request, with the reason."""
    answer = context().provider.error_response(error)
    return Response(answer.body, answer.status, list(answer.headers))


def http_error(error: HTTPException) -> tuple[Response, int]:
    """Return the JSON response for *error*."""
    return jsonify(problem=_PROBLEMS.get(error.code or 500, error.name)), error.code or 500


def is_for_programs(path: str) -> bool:
    """Return whether *path* belongs to the API, even if the API has no such path."""
    return f"{path}/".startswith(f"{api.url_prefix}/")


def _as_json(note: Note) -> dict[str, Any]:
    return {"text": note.text, "at": note.at, "by": note.client or None}

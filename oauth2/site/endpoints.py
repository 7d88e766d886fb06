"""What programs call: the two endpoints of RFC 5849 section 2, and an API for those who hold a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request

from ..errors import Error
from ..http import HTTPRequest, HTTPResponse
from .notebook import Note, problem_of_note
from .services import services

if TYPE_CHECKING:
    from ..access import Access

oauth = Blueprint("oauth", __name__, url_prefix="/oauth")
api = Blueprint("api", __name__, url_prefix="/api")


@oauth.route("/request_token", methods=["GET", "POST"])
def request_token() -> Response:
    """Issue temporary credentials (section 2.1)."""
    return _sent(services().provider.request_token(_received()))


@oauth.route("/access_token", methods=["GET", "POST"])
def access_token() -> Response:
    """Issue token credentials (section 2.3)."""
    return _sent(services().provider.access_token(_received()))


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
    return jsonify(_as_json(services().notebook.add(access.user or "", text, access.consumer.name))), 201


def _authenticated(realm: str) -> Access:
    return services().provider.authenticate(_received(), realm=realm)


@api.errorhandler(Error)
def refused(error: Error) -> Response:
    """Say why a request is refused."""
    return _sent(services().provider.answer(error))


def _as_json(note: Note) -> dict[str, Any]:
    return {"text": note.text, "at": note.at, "by": note.client or None}


def _received() -> HTTPRequest:
    environ = request.environ
    target = environ.get("REQUEST_URI")
    if target is None:  # a server that keeps only what it decoded
        target = quote(environ.get("PATH_INFO", ""), safe="/~!$&'()*+,;=:@", encoding="latin-1")
        if environ.get("QUERY_STRING"):
            target += "?" + environ["QUERY_STRING"]
    headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    if environ.get("CONTENT_TYPE"):
        headers.append(("Content-Type", environ["CONTENT_TYPE"]))
    return HTTPRequest(request.method, target, headers, request.get_data())


def _sent(answer: HTTPResponse) -> Response:
    return Response(answer.body, answer.status, list(answer.headers))

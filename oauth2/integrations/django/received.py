"""Convert a Django request to the value that a provider verifies, and a provider's response to a Django response."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import quote

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError

from ...errors import InvalidRequest
from ...http import HTTPRequest, HTTPResponse
from ...middleware.body import BodyTooLarge, announced_length, whole_body
from ...middleware.wsgi import read_request

__all__ = ["django_response", "read"]


def read(request: HttpRequest, max_body: int) -> HTTPRequest:
    """Return *request* in the form that the provider verifies. The view can read the body again.

    Args:
        request: The request, under WSGI or ASGI.
        max_body: The maximum size of the body in bytes.

    Raises:
        Error: The URL is malformed, or the body is too large or does not match its Content-Length.
        RuntimeError: The body has been read.
    """
    body = _body(request, max_body)
    # Django has decoded the path as UTF-8. read_request() expects a WSGI environ, in which the octets of the path are
    # decoded as Latin-1.
    script, path = str(request.META.get("SCRIPT_NAME") or "").rstrip("/"), request.path_info
    environ = {
        **request.META,
        "SCRIPT_NAME": _as_wsgi(script),
        "PATH_INFO": _as_wsgi(path),
        "wsgi.input": BytesIO(body),
    }
    environ.setdefault("wsgi.url_scheme", request.scheme or "http")
    if isinstance(request, ASGIRequest):
        environ.update(_asgi_variables(request.scope))
        if not environ.get("HTTP_TRANSFER_ENCODING"):
            whole_body(body, announced_length(request.META.get("CONTENT_LENGTH") or "", max_body))
        # HTTP/2 needs neither Content-Length nor Transfer-Encoding. Without the length, read_request() would verify an
        # empty body, and the view would read the body that the client sent.
        environ["CONTENT_LENGTH"] = str(len(body))
    target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    prefix = quote(script)
    has_prefix = target.startswith(prefix) and target[len(prefix) : len(prefix) + 1] in ("", "/", "?")
    if prefix and target.startswith("/") and not has_prefix:
        # The server does not know the prefix in FORCE_SCRIPT_NAME, so the target does not contain the prefix.
        environ["RAW_URI"] = prefix + target
    return read_request(environ, max_body=max_body)[0]


def django_response(request: HttpRequest, response: HTTPResponse) -> HttpResponse:
    """Return the response of a provider to *request*."""
    body = b"" if request.method == "HEAD" else response.body
    return HttpResponse(body, status=response.status, headers=dict(response.headers))


def _asgi_variables(scope: Mapping[str, Any]) -> dict[str, object]:
    # A server may set raw_path to None. Django decodes the query as UTF-8, but in a WSGI environ the octets of the
    # query are decoded as Latin-1.
    raw = {"RAW_URI": scope.get("raw_path"), "QUERY_STRING": scope.get("query_string")}
    found = {name: octets.decode("latin-1") for name, octets in raw.items() if isinstance(octets, bytes)}
    return {"RAW_URI": "", **found, "wsgi.input_terminated": True}


def _body(request: HttpRequest, max_body: int) -> bytes:
    # The Content-Length is checked first, so that a body that is too large is not read.
    announced_length(request.META.get("CONTENT_LENGTH") or "", max_body)
    try:
        return request.body
    except RequestDataTooBig:  # DATA_UPLOAD_MAX_MEMORY_SIZE may be lower than OAUTH2_MAX_BODY.
        raise BodyTooLarge("The body is too large.") from None
    except UnreadablePostError:
        raise InvalidRequest("The body cannot be read.") from None
    except RawPostDataException:
        raise RuntimeError("The body was read before the request was verified. Verify the request first.") from None


def _as_wsgi(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")

"""Send an outcome request with httplib2, with limits on the response."""

from __future__ import annotations

from http.client import HTTPException
from typing import Any

import httplib2

from .._login.limits import limited
from ..errors import InvalidAnswer, InvalidURL
from ..http import HTTPRequest, HTTPResponse

_TIMEOUT = 30  # In seconds. The timeout of each socket operation.


def send(request: HTTPRequest) -> HTTPResponse:
    """Send *request*, and return the response. Redirects are not followed.

    Raises:
        InvalidAnswer: The response is not valid HTTP, or is too long.
        InvalidURL: The host of the URL is not valid.
        OSError, httplib2.HttpLib2Error: The tool consumer cannot be reached, or did not answer in time.
    """
    http = httplib2.Http(timeout=_TIMEOUT)
    http.follow_redirects = False  # The signature is valid only for the URL of this request.
    scheme: Any = request.url.partition(":")[0].lower()
    kind: Any = httplib2.SCHEME_TO_CONNECTION[scheme]
    try:
        response, content = http.request(
            request.url, request.method, request.body, dict(request.headers), connection_type=limited(kind)
        )
    except UnicodeError:  # IDNA cannot encode the host of the URL that the tool consumer chose.
        raise InvalidURL("The URL of the outcome service has no valid host.") from None
    except (httplib2.error.HttpLib2ErrorWithResponse, httplib2.error.MalformedHeader, HTTPException):
        raise InvalidAnswer("The response to the outcome request is not valid HTTP.") from None
    finally:
        http.close()
    return HTTPResponse(response.status, (), content)

"""Send a message with requests, and say in one line why it could not be sent."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import requests

from .. import __version__
from ..errors import InvalidURL
from ..outgoing import origin
from .failure import REFUSED, UNREACHABLE, USAGE, Failure, in_words_of_the_command
from .progress import Bar, Watched, length_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .message import Fields, Message

_JOINED_BY = {"cookie": "; "}


@contextlib.contextmanager
def answer_to(
    message: Message, auth: Any, *, follow: bool = False, timeout: float = 60.0, ca_file: str | None = None
) -> Iterator[requests.Response]:
    """Send *message*; yield the answer, its body not read yet.

    Args:
        message: The request.
        auth: Signs each request that is sent.
        follow: Follow redirects.
        timeout: Seconds to wait for a connection, and for each answer.
        ca_file: Certificates to trust, in place of those of the system.

    Raises:
        Failure: It cannot be sent, or there is no answer.
    """
    with requests.Session() as session, failures(message.url, timeout), _body(message.body) as body:
        session.headers["User-Agent"] = f"oauth2/{__version__}"
        session.verify = ca_file or True
        with session.request(
            message.method,
            message.url,
            headers=_fields(message.headers),
            data=body,
            auth=auth,
            allow_redirects=follow,
            timeout=timeout,
            stream=True,
        ) as response:
            yield response


@contextlib.contextmanager
def _body(body: Any) -> Iterator[Any]:
    if not hasattr(body, "read"):
        yield body
        return
    with Bar("Sending", length_of(body)) as bar:
        yield Watched(body, bar)


@contextlib.contextmanager
def failures(url: str, timeout: float) -> Iterator[None]:
    """Turn what requests raises into a :class:`Failure`, whose text holds nothing of the request but the host.

    Args:
        url: Where it was sent to.
        timeout: As it was given.
    """
    host = _host(url)
    try:
        yield
    except requests.exceptions.SSLError:
        remedy = "check the host name, or give its authority's certificate with --cacert"
        raise Failure(f"the certificate of {host} is not trusted", remedy, code=UNREACHABLE) from None
    except requests.exceptions.Timeout:
        what = f"{host} did not answer within {timeout:g} seconds"
        raise Failure(what, "try again later, or give more with --timeout", code=UNREACHABLE) from None
    except requests.exceptions.TooManyRedirects:
        raise Failure(f"{host} redirects in a circle", "look at each step with -v", code=REFUSED) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
        raise Failure("this is no http or https URL", "give one such as https://api.example.com/") from None
    except (requests.exceptions.InvalidHeader, UnicodeError):
        raise Failure("a header cannot be sent as it is", "look at the --header options") from None
    except requests.exceptions.RequestException as exc:
        what = f"no connection to {host}, or it broke: {_reason(exc)}"
        raise Failure(what, "check the URL and the network", code=UNREACHABLE) from None
    except ValueError as exc:
        if isinstance(exc, InvalidURL):
            raise
        raise Failure(in_words_of_the_command(exc), "change that", code=USAGE) from None


def _reason(exc: BaseException) -> str:
    # The innermost error has the words of the system; those further out repeat the URL.
    found: list[BaseException] = [exc]
    for each in found:
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        found += [other for other in inner if isinstance(other, BaseException) and other not in found]
    if any(isinstance(each, socket.gaierror) for each in found):
        return "its name is not known"
    texts = [each.strerror for each in reversed(found) if isinstance(each, OSError) and each.strerror]
    return str(texts[0]) if texts else type(found[-1]).__name__


def _host(url: str) -> str:
    try:
        return origin(url).partition("://")[2]
    except InvalidURL:
        return "the service"


def _fields(fields: Fields) -> dict[str, str | bytes]:
    joined: dict[str, str] = {}
    for name, value in fields:
        known = next((each for each in joined if each.lower() == name.lower()), name)
        mark = _JOINED_BY.get(name.lower(), ", ")
        joined[known] = f"{joined[known]}{mark}{value}" if known in joined else value
    return {name: value if value.isascii() else value.encode() for name, value in joined.items()}

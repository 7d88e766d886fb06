"""Send a message with the package ``requests``, and convert each error of ``requests`` to a ``Failure``."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import requests

from .. import __version__
from .._sending.uri import origin
from ..errors import InvalidURL
from .failure import REFUSED, UNREACHABLE, Failure, in_options
from .limits import require_known_coding
from .message import Fields, Message
from .progress import Bar, Watched, length_of

_Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]

__all__ = ["failures", "send"]

_JOINED_BY = {"cookie": "; "}


@contextlib.contextmanager
def send(
    message: Message, auth: _Auth, *, follow: bool = False, timeout: float = 60.0, ca_file: str | None = None
) -> Iterator[requests.Response]:
    """Send *message*; yield the response before its body is read.

    Args:
        message: The request.
        auth: The object that signs each request, including redirected requests.
        follow: Whether to follow redirects.
        timeout: Seconds to wait for a connection, and for each read.
        ca_file: Path of a file with trusted certificates, which replace the certificates of the system.

    Raises:
        Failure: The request cannot be sent, or the service sends no response.
    """
    with _Session() as session, failures(message.url, timeout), _body(message.body) as body:
        session.follow = follow
        # With other codings, such as br, ``requests`` could decompress a small chunk to data of any size.
        session.headers["Accept-Encoding"] = "gzip, deflate"
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
            require_known_coding(response, message.header("Accept-Encoding"))
            yield response


class _Session(requests.Session):
    """Closes the response of a redirect without reading its body.

    The package ``requests`` would read the whole body without a limit.
    """

    follow = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return the URL to which *resp* redirects; None if the redirect is not followed."""
        target = super().get_redirect_target(resp) if self.follow else None
        if target is not None:
            resp.close()
        return target


@contextlib.contextmanager
def _body(body: Any) -> Iterator[Any]:
    if not hasattr(body, "read"):
        yield body
        return
    with Bar("Sending", length_of(body)) as bar:
        yield Watched(body, bar)


@contextlib.contextmanager
def failures(url: str, timeout: float) -> Iterator[None]:
    """Convert errors of the package ``requests`` to a :class:`Failure`.

    The error messages show only the host of the request, not its path or query.

    Args:
        url: The URL of the request.
        timeout: The timeout of the request, in seconds.
    """
    host = _host(url)
    try:
        yield
    except requests.exceptions.SSLError:
        hint = "Check the host name, or give the certificate of the service's authority with --cacert."
        raise Failure(f"The certificate of {host} is not trusted.", hint, code=UNREACHABLE) from None
    except requests.exceptions.Timeout:
        message = f"No response from {host} within {timeout:g} seconds."
        raise Failure(message, "Try again later, or give a longer --timeout.", code=UNREACHABLE) from None
    except requests.exceptions.TooManyRedirects:
        raise Failure(f"Too many redirects from {host}.", "Run the command without -L.", code=REFUSED) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
        raise Failure("Not an http or https URL.", "Give a URL such as https://api.example.com/") from None
    except (requests.exceptions.InvalidHeader, UnicodeError):
        raise Failure("A header has characters that cannot be sent.", "Check the --header options.") from None
    except requests.exceptions.RequestException as exc:
        message = f"The connection to {host} failed: {_reason(exc)}."
        raise Failure(message, "Check the URL and the network.", code=UNREACHABLE) from None
    except ValueError as exc:
        if isinstance(exc, InvalidURL):
            raise
        raise Failure(in_options(exc), "Check the options of the request.") from None


def _reason(exc: BaseException) -> str:
    # Only the innermost error has the text of the operating system. The outer errors contain the URL, which can contain
    # credentials, so only the text of the innermost error is shown.
    found: list[BaseException] = [exc]
    for each in found:
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        found += [other for other in inner if isinstance(other, BaseException) and other not in found]
    if any(isinstance(each, socket.gaierror) for each in found):
        return "Unknown host name"
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

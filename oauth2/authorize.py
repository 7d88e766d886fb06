"""Get token credentials in one call that also sends the requests: RFC 5849 section 2.

:func:`authorize` is for a program on the user's machine. A web application calls :func:`begin`, and calls
:func:`finish` after the callback.

Each function that sends requests can raise the following errors. The documentation of the function does not repeat
these errors:

- :class:`~oauth2.errors.ServiceRefused`: the service answered with an error.
- :class:`~oauth2.errors.InvalidAnswer`: the service's response is not valid.
- ValueError: an endpoint or another argument is missing or not valid.
- TimeoutError: the service did not answer in time.
- OSError, ``httplib2.HttpLib2Error``: the service cannot be reached.
"""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Unpack

from . import flow
from ._login.endpoints import OUT_OF_BAND, Endpoints
from ._login.listener import Listener
from ._login.transport import HasEndpoints, SendingOptions, endpoints_of, send
from .credentials import Credentials, Token
from .flow import IssuedToken
from .request import Request

__all__ = [
    "LOOPBACK",
    "PendingAuthorization",
    "SendingOptions",
    "ask_for_code",
    "authorize",
    "begin",
    "finish",
    "open_in_browser",
    "redeem",
    "remind_to_approve",
    "renew",
    "revoke",
    "xauth",
]

#: The default callback: a free port on this machine, and a random path.
LOOPBACK = "http://127.0.0.1:0/"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAuthorization:
    """An authorization that :func:`begin` has started. :func:`finish` completes the authorization.

    Attributes:
        url: The URL to which the application must redirect the user.
        temporary: The temporary credentials. Store their ``str()``, which contains the secret, in the user's session.
            ``Token.from_string`` reads this text.
    """

    url: str = field(repr=False)
    temporary: Token


def open_in_browser(url: str) -> None:
    """Open *url* in the user's browser; print *url* to stderr if no browser can be opened."""
    if not webbrowser.open(url):
        print(f"Open this URL in a browser: {url}", file=sys.stderr)


def ask_for_code(url: str) -> str:
    """Ask the user in the terminal to approve at *url*; return the code that the service shows after the approval."""
    return input(f"Approve at {url}\nand enter the code that the page shows: ")


def remind_to_approve(url: str) -> None:
    """Print to stderr that the program still waits for the callback, and what to do after a refusal.

    Args:
        url: The URL at which the user must approve.
    """
    print(
        f"Still waiting for the browser to be redirected from {url}\n"
        "If you refused the approval, stop this program: not every service redirects the browser after a refusal.",
        file=sys.stderr,
    )


def authorize(
    consumer: Credentials,
    endpoints: Endpoints | HasEndpoints,
    *,
    callback: str | None = None,
    listen: str | None = None,
    parameters: Mapping[str, str] | None = None,
    request_parameters: Mapping[str, str] | None = None,
    open_browser: Callable[[str], object] = open_in_browser,
    ask: Callable[[str], str] = ask_for_code,
    remind: Callable[[str], object] = remind_to_approve,
    timeout: float = 300.0,
    **sending: Unpack[SendingOptions],
) -> IssuedToken:
    """Ask the user to approve in a browser, and return the token credentials (section 2).

    This function waits for the browser on 127.0.0.1, or asks for the code if the callback is "oob".

    Args:
        consumer: Client credentials.
        endpoints: :class:`~oauth2.flow.Endpoints`, or a profile of :mod:`oauth2.services`.
        callback: "oob", or the URL ``http://127.0.0.1:port/path`` that is registered with the service; port 0 selects a
            free port. Defaults to the only callback that the service accepts, or to :data:`LOOPBACK`.
        listen: The URL at which this function waits for the browser, if the service does not redirect to *callback*.
            For example, MediaWiki requires "oob" and redirects to the registered URL.
        parameters: Further parameters for the authorization endpoint, such as ``name``.
        request_parameters: Further parameters for the temporary credential request, such
            as ``x_auth_access_type``.
        open_browser: A function that is called once, with the URL at which the user approves.
        ask: A function that is called if the callback is "oob", after *open_browser* and with the URL that was passed
            to *open_browser*. The function must return the code that the user typed.
        remind: A function that is called once, with the URL that was passed to *open_browser*, if no callback is
            received within a minute. The user may have refused, and some services do not redirect a user who refuses.
        timeout: Seconds to wait for the browser.
        **sending: The options ``signature_method``, ``client``, ``headers`` and ``on_refusal``, see
            :class:`SendingOptions`.

    Raises:
        AuthorizationDenied: The user refused.
        TimeoutError: The user did not approve in time.
        OSError: The port is in use.
        ValueError: *callback* or *listen* is not a loopback URL.
    """
    chosen = callback or endpoints_of(endpoints).callback
    if chosen == OUT_OF_BAND and listen is None:
        pending = begin(
            consumer, endpoints, chosen, parameters=parameters, request_parameters=request_parameters, **sending
        )
        open_browser(pending.url)
        return redeem(consumer, endpoints, pending.temporary, ask(pending.url), **sending)
    with Listener(listen or chosen or LOOPBACK) as listener:
        sent = listener.callback if listen is None or chosen is None else chosen
        pending = begin(
            consumer, endpoints, sent, parameters=parameters, request_parameters=request_parameters, **sending
        )
        listener.expect(lambda target: _is_expected(target, pending.temporary, listener))
        open_browser(pending.url)
        url = listener.wait(timeout, lambda: remind(pending.url))
    return finish(consumer, endpoints, url, pending.temporary, **sending)


def begin(
    consumer: Credentials,
    endpoints: Endpoints | HasEndpoints,
    callback: str,
    *,
    parameters: Mapping[str, str] | None = None,
    request_parameters: Mapping[str, str] | None = None,
    **sending: Unpack[SendingOptions],
) -> PendingAuthorization:
    """Get temporary credentials (section 2.1), and return them with the URL to which the user must be redirected.

    Args:
        consumer: Client credentials.
        endpoints: :class:`~oauth2.flow.Endpoints`, or a profile of :mod:`oauth2.services`.
        callback: The URL to which the service must redirect the user, or "oob".
        parameters: Further parameters for the authorization endpoint.
        request_parameters: Further parameters for the temporary credential request.
        **sending: The options ``signature_method``, ``client``, ``headers`` and ``on_refusal``, see
            :class:`SendingOptions`.
    """
    where = endpoints_of(endpoints)
    where.require("authorize")  # This call raises ValueError before any request is sent, if the endpoint is missing.
    url = where.require("temporary")
    request = flow.temporary_request(
        consumer, url, callback, http_method=where.http_method, parameters=request_parameters
    )
    response = send(consumer, None, request, endpoints, **sending)
    temporary = flow.read_temporary(response.credentials(), confirmations=where.confirmations)
    return PendingAuthorization(url=where.authorization_url(consumer, temporary, parameters), temporary=temporary)


def finish(
    consumer: Credentials,
    endpoints: Endpoints | HasEndpoints,
    callback_url: str,
    temporary: Token,
    **sending: Unpack[SendingOptions],
) -> IssuedToken:
    """Exchange temporary credentials for token credentials after the callback (section 2.3).

    Args:
        consumer: Client credentials.
        endpoints: See :func:`begin`.
        callback_url: The URL to which the service redirected the user, or only the query of this URL.
        temporary: The temporary credentials from :func:`begin`, stored in the user's session.
        **sending: See :func:`begin`.

    Raises:
        AuthorizationDenied: The user refused.
        InvalidAnswer: *callback_url* does not contain the key of *temporary*, or has no verifier.
    """
    approved = flow.read_callback(callback_url, temporary)
    return redeem(consumer, endpoints, approved, approved.verifier or "", **sending)


def redeem(
    consumer: Credentials,
    endpoints: Endpoints | HasEndpoints,
    temporary: Token,
    verifier: str,
    **sending: Unpack[SendingOptions],
) -> IssuedToken:
    """Exchange temporary credentials for token credentials with a verifier, such as a code that the user typed.

    Args:
        consumer: Client credentials.
        endpoints: See :func:`begin`.
        temporary: The temporary credentials from :func:`begin`.
        verifier: The verifier. Whitespace before and after the verifier is ignored.
        **sending: See :func:`begin`.

    Raises:
        ValueError: *verifier* is empty.
    """
    if not verifier.strip():
        raise ValueError("verifier: must not be empty")
    where = endpoints_of(endpoints)
    approved = Token(temporary.key, temporary.secret)
    approved.set_verifier(verifier.strip())
    method = where.token_method or where.http_method
    request = flow.token_request(consumer, where.require("token"), approved, http_method=method)
    return flow.read_token(send(consumer, approved, request, endpoints, **sending).credentials())


def renew(
    consumer: Credentials,
    endpoints: Endpoints | HasEndpoints,
    token: Credentials,
    **sending: Unpack[SendingOptions],
) -> IssuedToken:
    """Renew *token*: return new token credentials without asking the user (session extension).

    This function sends the token's ``session_handle`` to the endpoint for renewal. If the service has no endpoint for
    renewal, this function sends the ``session_handle`` to the token request endpoint. If the endpoint for renewal sends
    a response without credentials, the service has extended the lifetime of *token*. In this case, the result has the
    key and the secret of *token*.

    Args:
        consumer: Client credentials.
        endpoints: See :func:`begin`.
        token: The token credentials to renew.
        **sending: See :func:`begin`.

    Raises:
        ValueError: *token* has no session handle, and the service has no endpoint for renewal.
    """
    where = endpoints_of(endpoints)
    if where.renew is None and not getattr(token, "session_handle", None):
        raise ValueError("token: must have a session_handle, because the service has no endpoint for renewal")
    url = where.renew or where.require("token")
    request = flow.renewal_request(consumer, url, token, http_method=where.token_method or where.http_method)
    response = send(consumer, token, request, endpoints, **sending)
    if where.renew is not None and response.is_success and not response.has_credentials:
        return IssuedToken(token.key, token.secret, parameters=getattr(token, "parameters", None))
    return flow.read_token(response.credentials())


def revoke(
    consumer: Credentials,
    endpoints: Endpoints | HasEndpoints,
    token: Credentials,
    **sending: Unpack[SendingOptions],
) -> None:
    """Revoke *token*, if the service has an endpoint for revocation.

    Args:
        consumer: Client credentials.
        endpoints: See :func:`begin`.
        token: The token credentials to revoke.
        **sending: See :func:`begin`.

    Raises:
        ValueError: The service has no endpoint for revocation.
    """
    where = endpoints_of(endpoints)
    request = Request.from_consumer_and_token(consumer, token, where.http_method, where.require("revoke"))
    response = send(consumer, token, request, endpoints, **sending)
    if not response.is_success:
        raise response.refusal()


def xauth(
    consumer: Credentials,
    endpoints: Endpoints | HasEndpoints,
    username: str,
    password: str,
    **sending: Unpack[SendingOptions],
) -> IssuedToken:
    """Exchange a user's name and password for token credentials, if the service allows this client to use xAuth.

    Args:
        consumer: Client credentials.
        endpoints: See :func:`begin`.
        username: The user's name.
        password: The user's password.
        **sending: See :func:`begin`.
    """
    request = flow.xauth_request(consumer, endpoints_of(endpoints).require("token"), username, password)
    return flow.read_token(send(consumer, None, request, endpoints, **sending).credentials())


def _is_expected(target: str, temporary: Token, listener: Listener) -> bool:
    # If the path of the callback URL is not secret, any web page can redirect the browser to this path. In this case
    # the URL must contain the key of the temporary credentials, because only the service and the user know this key.
    return flow.is_callback(target, temporary) or (listener.has_secret_path and flow.is_unnamed_problem(target))

"""``oauth2 request``: send a signed request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ...parameters import FORM
from ..answer import say_head, show_exchange, write_body
from ..credentials import Wanted, find_account
from ..failure import REFUSED, Failure
from ..message import Message
from ..options import credential_options, how_to_sign, method_options, placement_options, request_options
from ..problem import problem_of, remedy_for
from ..signing import signer
from ..wire import answer_to, failures

if TYPE_CHECKING:
    import requests

_START = 4096  # bytes of a refusal that are looked at


@click.command()
@request_options
@click.option("-o", "--output", metavar="FILE", help="Write the answer to FILE; - for standard output.")
@click.option("-i", "--include", is_flag=True, help="Print the head of the answer, too.")
@click.option("-v", "--verbose", is_flag=True, help="Show what is sent and answered on standard error, redacted.")
@click.option("-f", "--fail", is_flag=True, help="On a status of 400 and more, print one line, and exit with 1.")
@click.option("-L", "--location", "follow", is_flag=True, help="Follow redirects; other origins get no credential.")
@click.option("--timeout", type=click.FloatRange(min=0.001), default=60.0, show_default=True, metavar="SECONDS")
@click.option("--cacert", "ca_file", type=click.Path(exists=True), metavar="FILE", help="Certificates to trust.")
@credential_options
@method_options
@placement_options
def request(
    message: Message,
    wanted: Wanted,
    timeout: float,
    follow: bool,
    ca_file: str | None,
    output: str | None,
    include: bool,
    verbose: bool,
    fail: bool,
    **how: Any,
) -> None:
    """Send a signed request.

    Options for the request are those of curl. The account is that of the URL's scheme and host, unless one is named.
    """
    if message.header("Authorization"):
        raise Failure("the Authorization header is what this command makes", "leave it out, or use curl")
    account = how_to_sign(find_account(wanted, message.url), **how)
    if account.placement == "body" and not message.header("Content-Type"):
        message = replace(message, headers=(*message.headers, ("Content-Type", FORM)))
    with (
        answer_to(message, signer(account), follow=follow, timeout=timeout, ca_file=ca_file) as response,
        failures(message.url, timeout),
    ):
        if verbose:
            show_exchange(response)
        if fail and response.status_code >= 400:
            raise _refusal(response)
        if include or response.request.method == "HEAD":
            say_head(response)
        write_body(response, output)


def _refusal(response: requests.Response) -> Failure:
    start = next(response.iter_content(_START), b"").decode("utf-8", "replace")
    problem = problem_of(response.headers.get("WWW-Authenticate", ""), start)
    named = f" ({problem})" if problem else ""
    what = f"the service answered {response.status_code} {response.reason or ''}".rstrip()
    return Failure(what + named, remedy_for(response.status_code, problem), code=REFUSED)

"""The consent page (RFC 5849 section 2.2), and the page to revoke access."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from ..errors import TokenRejected
from ..provider import ApprovalRequest, IssuedCredentials
from ..provider.callbacks import OUT_OF_BAND
from ..stores import ClientCredentials
from .context import ViewResult, context
from .headers import allow_form_target
from .notebook import REALMS
from .session import signed_in

__all__ = ["ask", "consent", "decide", "destination_of", "revoke", "show_access", "take_back"]

consent = Blueprint("consent", __name__)


@consent.get("/oauth/authorize", endpoint="ask")
@signed_in
def ask(user: str) -> ViewResult:
    """Show the consent page. Nothing is approved or denied until the user sends the form of the page."""
    token_key = request.args.get("oauth_token", "")
    try:
        return _page(token_key, context().provider.pending(token_key), {}, None)
    except TokenRejected:
        return _expired()


@consent.post("/oauth/authorize")
@signed_in
def decide(user: str) -> ViewResult:
    """Approve or deny the request; the first decision is final."""
    token_key, decision = request.form.get("oauth_token", ""), request.form.get("decision")
    if decision not in ("allow", "deny"):
        abort(400)
    try:
        return _allow(user, token_key) if decision == "allow" else _deny(token_key)
    except TokenRejected:
        return _expired()


def _allow(user: str, token_key: str) -> ViewResult:
    pending = context().provider.pending(token_key)
    ticked = request.form.getlist("realm")
    granted = [realm for realm in pending.realms if realm in ticked]
    if not granted:
        problems = {"realm": "Select at least one kind of access, or choose Deny."}
        return _page(token_key, pending, problems, granted), 422
    # The entry must be added before the approval. If add() were called after approve(), and the process were killed
    # between the two calls, the approval would be missing in the list. The list shows an entry only after the approval.
    context().waiting.add(user, token_key)
    approved = context().provider.approve(token_key, user=user, realms=granted)
    if approved.url is not None:
        return _leave(approved.url)
    return render_template("verifier.html", application=pending.consumer, verifier=approved.verifier)


def _deny(token_key: str) -> ViewResult:
    url = context().provider.deny(token_key)
    if url is not None:
        return _leave(url)
    return render_template(
        "message.html", title="Access denied", text="The application does not get access. You can close this page."
    )


def _leave(url: str) -> ViewResult:
    allow_form_target(url)
    return redirect(url, 303)


def _page(token_key: str, pending: ApprovalRequest, problems: dict[str, str], ticked: list[str] | None) -> str:
    if pending.callback != OUT_OF_BAND:
        allow_form_target(pending.callback)
    return render_template(
        "consent.html",
        token_key=token_key,
        application=pending.consumer,
        destination=destination_of(pending.callback),
        realms=[(realm, REALMS.get(realm, realm)) for realm in pending.realms],
        ticked=pending.realms if ticked is None else ticked,
        problems=problems,
    )


def destination_of(callback: str) -> str | None:
    """Return the host of a callback, or its scheme if it has no host; None for ``oob``."""
    if callback == OUT_OF_BAND:
        return None
    parts = urlsplit(callback)
    return parts.netloc or parts.scheme


def _expired() -> ViewResult:
    page = render_template(
        "message.html",
        title="This request is no longer valid",
        text="The request was already allowed or denied, or is more than ten minutes old. "
        "To connect the application, go back to the application and start again.",
    )
    return page, 410


@consent.get("/access", endpoint="access")
@signed_in
def show_access(user: str) -> ViewResult:
    """List the applications that have access, and the approvals that have not been redeemed yet."""
    provider = context().provider
    given = _with_applications(provider.tokens_of(user))
    waiting = _with_applications(context().waiting.approved_by(user))
    return render_template("access.html", given=given, waiting=waiting, realms=REALMS)


def _with_applications(issued: Sequence[IssuedCredentials]) -> list[tuple[IssuedCredentials, ClientCredentials]]:
    store = context().provider.store
    found = [(each, store.get_consumer(each.consumer_key)) for each in issued]
    return [(each, application) for each, application in found if application is not None]


@consent.post("/access", endpoint="revoke")
@signed_in
def revoke(user: str) -> ViewResult:
    """Revoke the access of an application."""
    if context().provider.revoke(request.form.get("grant", ""), user=user):
        flash("The access was revoked.")
    return redirect(url_for("consent.access"), 303)


@consent.post("/access/waiting", endpoint="take_back")
@signed_in
def take_back(user: str) -> ViewResult:
    """Withdraw an approval before the application redeems it."""
    if context().waiting.take_back(user, request.form.get("token", "")):
        flash("The approval was withdrawn. The application does not get access.")
    else:
        flash(
            "The approval cannot be withdrawn: the application has already used the approval, or the approval has "
            "expired."
        )
    return redirect(url_for("consent.access"), 303)

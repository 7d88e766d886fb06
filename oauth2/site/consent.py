"""The consent page (RFC 5849 section 2.2), and what users do later with what they allowed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from ..access import Pending
from ..callback import OUT_OF_BAND
from ..errors import TokenRejected
from .headers import allow_form_target
from .notebook import REALMS
from .services import services
from .session import signed_in

consent = Blueprint("consent", __name__)


@consent.get("/oauth/authorize", endpoint="ask")
@signed_in
def ask(user: str) -> Any:
    """Ask the user; nothing happens by looking at this page."""
    token_key = request.args.get("oauth_token", "")
    try:
        return _page(token_key, services().provider.pending(token_key), {}, None)
    except TokenRejected:
        return _over()


@consent.post("/oauth/authorize")
@signed_in
def decide(user: str) -> Any:
    """Do as the user says, once."""
    token_key, decision = request.form.get("oauth_token", ""), request.form.get("decision")
    if decision not in ("allow", "deny"):
        abort(400)
    try:
        return _allow(user, token_key) if decision == "allow" else _deny(token_key)
    except TokenRejected:
        return _over()


def _allow(user: str, token_key: str) -> Any:
    pending = services().provider.pending(token_key)
    ticked = request.form.getlist("realm")
    granted = [realm for realm in pending.realms if realm in ticked]
    if not granted:
        problems = {"realm": "Choose what it may do, or deny it all."}
        return _page(token_key, pending, problems, granted), 422
    approved = services().provider.approve(token_key, user=user, realms=granted)
    if approved.url is not None:
        return _leave(approved.url)
    return render_template("verifier.html", application=pending.consumer, verifier=approved.verifier)


def _deny(token_key: str) -> Any:
    url = services().provider.deny(token_key)
    if url is not None:
        return _leave(url)
    return render_template("message.html", title="Denied", text="The application was given no access. Close this page.")


def _leave(url: str) -> Any:
    allow_form_target(url)
    return redirect(url, 303)


def _page(token_key: str, pending: Pending, problems: dict[str, str], ticked: list[str] | None) -> str:
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
    """Return where a callback leads, as a person should read it: its host, or the name of its program."""
    if callback == OUT_OF_BAND:
        return None
    parts = urlsplit(callback)
    return parts.netloc or parts.scheme


def _over() -> Any:
    page = render_template(
        "message.html",
        title="There is nothing to decide",
        text="This request has been answered, or is more than ten minutes old. "
        "If you still want to connect the application, go back to it and start again.",
    )
    return page, 410


@consent.get("/access", endpoint="access")
@signed_in
def show_access(user: str) -> Any:
    """List the applications that a user gave access to."""
    provider = services().provider
    given = [(token, provider.store.get_consumer(token.consumer_key)) for token in provider.tokens_of(user)]
    return render_template("access.html", given=[pair for pair in given if pair[1] is not None], realms=REALMS)


@consent.post("/access", endpoint="revoke")
@signed_in
def revoke(user: str) -> Any:
    """Take access back."""
    if services().provider.revoke(request.form.get("token", ""), user=user):
        flash("Its access is revoked, from now on.")
    return redirect(url_for("consent.access"), 303)

"""The pages for anybody: home, the notes, signing in and out, a new account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from .accounts import problems_of_account
from .notebook import LONGEST, REALMS, problem_of_note
from .services import services
from .session import current_user, local_path, sign_in, sign_out, signed_in
from .throttle import OF_NEW_ACCOUNTS, sign_in_limits

people = Blueprint("people", __name__)


@people.get("/")
def home() -> Any:
    """Say what this is."""
    return render_template("home.html", is_first=services().accounts.is_empty(), realms=REALMS)


@people.get("/sign-in", endpoint="sign_in")
def show_sign_in() -> Any:
    """Show the form to sign in with."""
    target = local_path(request.args.get("next"))
    if current_user() is not None:
        return redirect(target or url_for("people.notes"), 303)
    return render_template("sign_in.html", next=target, problems={}, name="")


@people.post("/sign-in")
def do_sign_in() -> Any:
    """Sign in, and go on to where somebody wanted to."""
    name, target = request.form.get("name", "").strip().lower(), local_path(request.form.get("next"))
    limits = sign_in_limits(name[:64], _address())
    wait = services().throttle.wait(limits)
    if wait:
        return _come_back(wait)
    if not services().accounts.is_password(name, request.form.get("password", "")):
        problems = {"name": "This name and this password do not belong together."}
        return render_template("sign_in.html", next=target, problems=problems, name=name), 403
    services().throttle.forgive(limits[0][0])
    sign_in(name)
    return redirect(target or url_for("people.notes"), 303)


@people.get("/sign-up", endpoint="sign_up")
def show_sign_up() -> Any:
    """Show the form for a new account."""
    target = local_path(request.args.get("next"))
    return render_template("sign_up.html", next=target, problems={}, name="")


@people.post("/sign-up")
def do_sign_up() -> Any:
    """Create an account, and sign in."""
    form, target = request.form, local_path(request.form.get("next"))
    name, password = form.get("name", "").strip().lower(), form.get("password", "")
    problems = problems_of_account(name, password, form.get("again", ""))
    if not problems:
        wait = services().throttle.wait([(f"sign up from {request.remote_addr}", OF_NEW_ACCOUNTS)])
        if wait:
            return _come_back(wait)
        if not services().accounts.create(name, password):
            problems = {"name": "This name is taken."}
    if problems:
        return render_template("sign_up.html", next=target, problems=problems, name=name), 422
    sign_in(name)
    return redirect(target or url_for("people.notes"), 303)


@people.post("/sign-out", endpoint="sign_out")
def do_sign_out() -> Any:
    """Sign out."""
    sign_out()
    return redirect(url_for("people.home"), 303)


@people.get("/notes", endpoint="notes")
@signed_in
def show_notes(user: str) -> Any:
    """Show a user's notes."""
    return _notes(user, {}, "")


@people.post("/notes")
@signed_in
def add_note(user: str) -> Any:
    """Write a note down."""
    text = request.form.get("text", "")
    problem = problem_of_note(text)
    if problem:
        return _notes(user, {"text": problem}, text), 422
    services().notebook.add(user, text)
    return redirect(url_for("people.notes"), 303)


def _notes(user: str, problems: dict[str, str], text: str) -> str:
    notes = services().notebook.notes_of(user)
    return render_template("notes.html", notes=notes, problems=problems, text=text, longest=LONGEST)


def _address() -> str | None:
    """Return where the request comes from; None if that is the proxy in front."""
    address = request.remote_addr or ""
    is_proxied = services().base_url.startswith("https:") and address in ("127.0.0.1", "::1")
    return None if is_proxied else address


def _come_back(wait: int) -> Any:
    minutes = (wait + 59) // 60
    page = render_template(
        "message.html",
        title="Too many attempts",
        text=f"Come back in {minutes} minute{'' if minutes == 1 else 's'}, and try again.",
    )
    return page, 429, {"Retry-After": str(wait)}

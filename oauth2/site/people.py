"""The pages for users: home, notes, sign-in, sign-out, sign-up, and the password."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for

from ..errors import Error
from .accounts import problems_of_account, problems_of_password
from .browser import browser_of, mark_browser
from .context import ViewResult, context
from .notebook import LONGEST, REALMS, problem_of_note
from .session import current_user, local_path, sign_in, sign_out, signed_in
from .throttle import sign_in_limits, sign_up_limits

__all__ = [
    "add_note",
    "change_password",
    "do_sign_in",
    "do_sign_out",
    "do_sign_up",
    "home",
    "people",
    "show_account",
    "show_notes",
    "show_sign_in",
    "show_sign_up",
]

people = Blueprint("people", __name__)


@people.get("/")
def home() -> ViewResult:
    """Show the home page."""
    return render_template("home.html", is_first=context().accounts.is_empty(), realms=REALMS)


@people.get("/sign-in", endpoint="sign_in")
def show_sign_in() -> ViewResult:
    """Show the sign-in form."""
    target = local_path(request.args.get("next"))
    if current_user() is not None:
        return redirect(target or url_for("people.notes"), 303)
    return render_template("sign_in.html", next=target, problems={}, name="")


@people.post("/sign-in")
def do_sign_in() -> ViewResult:
    """Sign in, then redirect to the page that the user wanted to open."""
    name, target = request.form.get("name", "").strip().lower(), local_path(request.form.get("next"))
    limits = sign_in_limits(name[:64], _address(), browser_of(name))
    wait = context().throttle.wait(limits)
    if wait:
        return _too_many(wait)
    if not context().accounts.is_password(name, request.form.get("password", "")):
        problems = {"name": "The name or the password is wrong."}
        return render_template("sign_in.html", next=target, problems=problems, name=name), 403
    context().throttle.forgive(limits[0][0])
    return _welcome(name, target)


@people.get("/sign-up", endpoint="sign_up")
def show_sign_up() -> ViewResult:
    """Show the form for a new account."""
    target = local_path(request.args.get("next"))
    return render_template("sign_up.html", next=target, problems={}, name="")


@people.post("/sign-up")
def do_sign_up() -> ViewResult:
    """Create an account and sign in."""
    form, target = request.form, local_path(request.form.get("next"))
    name, password = form.get("name", "").strip().lower(), form.get("password", "")
    problems = problems_of_account(name, password, form.get("again", ""))
    if not problems:
        wait = context().throttle.wait(sign_up_limits(_address()))
        if wait:
            return _too_many(wait)
        if not context().accounts.create(name, password):
            problems = {"name": "This name is already used. Choose another name."}
    if problems:
        return render_template("sign_up.html", next=target, problems=problems, name=name), 422
    return _welcome(name, target)


@people.post("/sign-out", endpoint="sign_out")
def do_sign_out() -> ViewResult:
    """Sign out."""
    sign_out()
    return redirect(url_for("people.home"), 303)


@people.get("/account", endpoint="account")
@signed_in
def show_account(user: str) -> ViewResult:
    """Show the form to change the password."""
    return render_template("account.html", problems={})


@people.post("/account")
@signed_in
def change_password(user: str) -> ViewResult:
    """Change the password and close all other sessions."""
    password = request.form.get("password", "")
    limits = sign_in_limits(user, _address(), browser_of(user))
    problems = problems_of_password(user, password, request.form.get("again", ""))
    if not problems:
        wait = context().throttle.wait(limits)
        if wait:
            return _too_many(wait)
        if not context().accounts.is_password(user, request.form.get("current", "")):
            problems = {"current": "The current password is wrong."}
    if problems:
        return render_template("account.html", problems=problems), 422
    context().throttle.forgive(limits[0][0])
    context().accounts.change_password(user, password)
    answer = _welcome(user, url_for("people.account"))
    flash("Your password was changed. All other browsers were signed out.")
    return answer


@people.get("/notes", endpoint="notes")
@signed_in
def show_notes(user: str) -> ViewResult:
    """Show the user's notes."""
    return _notes(user, {}, "")


@people.post("/notes")
@signed_in
def add_note(user: str) -> ViewResult:
    """Add a note."""
    text = request.form.get("text", "")
    problem = problem_of_note(text)
    if problem:
        return _notes(user, {"text": problem}, text), 422
    context().notebook.add(user, text)
    return redirect(url_for("people.notes"), 303)


def _notes(user: str, problems: dict[str, str], text: str) -> str:
    notes = context().notebook.notes_of(user)
    return render_template("notes.html", notes=notes, problems=problems, text=text, longest=LONGEST)


def _welcome(name: str, target: str | None) -> ViewResult:
    sign_in(name)
    return mark_browser(redirect(target or url_for("people.notes"), 303), name)


def _address() -> str | None:
    """Return the address of the client; None if a proxy does not report the address."""
    peer, proxies = request.remote_addr or "", context().proxies
    if proxies is None:
        # The site does not serve https. Therefore, if base_url is https, the peer is always a proxy, and its address is
        # not the address of the client.
        return None if context().base_url.startswith("https:") else peer
    try:
        return proxies.client(peer, {name.lower(): value for name, value in request.headers.items()})
    except Error:
        return None


def _too_many(wait: int) -> ViewResult:
    minutes = (wait + 59) // 60
    page = render_template(
        "message.html",
        title="Too many attempts",
        text=f"Try again in {minutes} minute{'' if minutes == 1 else 's'}.",
    )
    return page, 429, {"Retry-After": str(wait)}

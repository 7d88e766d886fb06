"""The pages for developers: register, change and delete an application, and rotate its secret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from .._generate import make_nonce
from ..provider.callbacks import OUT_OF_BAND, check_callback
from ..stores import ClientCredentials
from .context import ViewResult, context
from .session import signed_in

__all__ = [
    "Registration",
    "applications",
    "ask_to_delete",
    "do_delete",
    "do_edit",
    "end_rotation",
    "read_registration",
    "register",
    "rotate_secret",
    "show_application",
    "show_applications",
    "show_edit",
    "show_registration",
]

applications = Blueprint("applications", __name__, url_prefix="/applications")

_LONGEST_NAME = 60
_LONGEST_CALLBACK = 500
_MOST_CALLBACKS = 10
_MOST_APPLICATIONS = 50  # Maximum number of applications of one user; further registrations are refused.


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The form fields of an application.

    Attributes:
        name: The name that users see.
        callbacks: The callback URLs.
        is_out_of_band: Whether users can copy a code into the application (``oob``).
    """

    name: str = ""
    callbacks: tuple[str, ...] = ()
    is_out_of_band: bool = False

    @property
    def all_callbacks(self) -> tuple[str, ...]:
        """The callback URLs, and ``oob`` if *is_out_of_band* is true."""
        return (*self.callbacks, OUT_OF_BAND) if self.is_out_of_band else self.callbacks

    def problems(self) -> dict[str, str]:
        """Return the problems of the fields. Key: the name of a field. Value: a sentence for the user."""
        problems = {}
        if not self.name:
            problems["name"] = "Enter a name. Users see this name when the application asks for access."
        elif len(self.name) > _LONGEST_NAME:
            problems["name"] = f"Enter a name of at most {_LONGEST_NAME} characters."
        elif not self.name.isprintable():
            # A character that changes the direction of text could make a name look like another name.
            problems["name"] = "Enter a name without invisible characters."
        if not self.callbacks and not self.is_out_of_band:
            problems["callbacks"] = "Enter a callback URL, or allow users to copy a code."
        elif len(self.callbacks) > _MOST_CALLBACKS:
            problems["callbacks"] = f"Enter at most {_MOST_CALLBACKS} callback URLs."
        elif not all(map(_is_callback, self.callbacks)):
            problems["callbacks"] = (
                "Enter one URL on each line: an https or http URL that has no user name, no fragment and no spaces, "
                "or a URL with a private scheme, such as com.example.program:/path."
            )
        return problems


@applications.get("", endpoint="list")
@signed_in
def show_applications(user: str) -> ViewResult:
    """List the applications that the user registered."""
    return render_template("applications.html", applications=context().provider.store.consumers_of(user))


@applications.get("/new", endpoint="new")
@signed_in
def show_registration(user: str) -> ViewResult:
    """Show the form to register an application."""
    return render_template("application_new.html", registration=Registration(), problems={})


@applications.post("/new")
@signed_in
def register(user: str) -> ViewResult:
    """Register an application; only this response shows its secret."""
    registration = read_registration(request.form)
    problems = registration.problems()
    provider = context().provider
    if not problems and len(provider.store.consumers_of(user)) >= _MOST_APPLICATIONS:
        problems = {
            "name": f"You have {_MOST_APPLICATIONS} applications, which is the maximum. Delete an application first."
        }
    if problems:
        return render_template("application_new.html", registration=registration, problems=problems), 422
    made = provider.register(name=registration.name, callbacks=registration.all_callbacks, owner=user)
    return render_template("application_secret.html", application=made, title="Your application is registered"), 201


@applications.get("/<key>", endpoint="one")
@signed_in
def show_application(user: str, key: str) -> ViewResult:
    """Show an application without its secret."""
    return render_template("application.html", application=_own(user, key))


@applications.get("/<key>/edit", endpoint="edit")
@signed_in
def show_edit(user: str, key: str) -> ViewResult:
    """Show the form to change an application."""
    application = _own(user, key)
    callbacks = tuple([each for each in application.callbacks if each != OUT_OF_BAND])
    registration = Registration(
        name=application.name, callbacks=callbacks, is_out_of_band=OUT_OF_BAND in application.callbacks
    )
    return render_template("application_edit.html", application=application, registration=registration, problems={})


@applications.post("/<key>/edit")
@signed_in
def do_edit(user: str, key: str) -> ViewResult:
    """Change the name and the callbacks of an application; its key and secret do not change."""
    application, registration = _own(user, key), read_registration(request.form)
    problems = registration.problems()
    if problems:
        page = render_template(
            "application_edit.html", application=application, registration=registration, problems=problems
        )
        return page, 422
    _replace(replace(application, name=registration.name, callbacks=registration.all_callbacks))
    flash("The application was changed.")
    return redirect(url_for("applications.one", key=key), 303)


@applications.post("/<key>/secret", endpoint="rotate")
@signed_in
def rotate_secret(user: str, key: str) -> ViewResult:
    """Make a new secret; the previous secret stays valid until the developer revokes it.

    If a rotation is in progress, this function replaces only the new secret, because the application still signs with
    the previous secret. A developer who did not copy the new secret can therefore make another new secret.
    """
    application = _own(user, key)
    if application.previous_secret is None:
        made = application.with_new_secret()
    else:
        made = replace(application, secret=make_nonce())
    _replace(made)
    return render_template("application_secret.html", application=made, title="A new secret")


@applications.post("/<key>/previous", endpoint="end_rotation")
@signed_in
def end_rotation(user: str, key: str) -> ViewResult:
    """Revoke the previous secret."""
    _replace(_own(user, key).without_previous_secret())
    return redirect(url_for("applications.one", key=key), 303)


@applications.get("/<key>/delete", endpoint="delete")
@signed_in
def ask_to_delete(user: str, key: str) -> ViewResult:
    """Ask for confirmation before an application is deleted."""
    return render_template("application_delete.html", application=_own(user, key))


@applications.post("/<key>/delete")
@signed_in
def do_delete(user: str, key: str) -> ViewResult:
    """Delete an application and all its tokens."""
    context().provider.store.remove_consumer(_own(user, key).key)
    return redirect(url_for("applications.list"), 303)


def read_registration(form: Any) -> Registration:
    """Read the form of ``application_new.html``."""
    lines = map(str.strip, form.get("callbacks", "").splitlines())
    return Registration(
        name=form.get("name", "").strip(),
        callbacks=tuple(dict.fromkeys(filter(None, lines))),
        is_out_of_band="out_of_band" in form,
    )


def _is_callback(text: str) -> bool:
    if text == OUT_OF_BAND or len(text) > _LONGEST_CALLBACK:
        return False  # "oob" is not allowed in this field, because the form has a check box for "oob".
    try:
        check_callback(text)
    except ValueError:
        return False
    return True


def _own(user: str, key: str) -> ClientCredentials:
    application = context().provider.store.get_consumer(key) if len(key) < 256 and "\0" not in key else None
    if application is None or application.owner != user:
        # The response is the same for an unknown key and for the key of another user's application. Otherwise the
        # response would reveal which keys exist.
        abort(404)
    return application


def _replace(application: ClientCredentials) -> None:
    if not context().provider.store.replace_consumer(application):
        abort(404)  # The application was deleted after this process had read it.

"""The pages for developers: register an application, rotate its secret, delete it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for

from ..callback import OUT_OF_BAND, check_callback
from ..stores import ClientCredentials
from .services import services
from .session import signed_in

applications = Blueprint("applications", __name__, url_prefix="/applications")

_LONGEST_NAME = 60
_LONGEST_CALLBACK = 500
_MOST_CALLBACKS = 10
_MOST_APPLICATIONS = 50  # of one user


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a developer says about an application.

    Attributes:
        name: What people will see.
        callbacks: URLs, one a line as entered.
        is_out_of_band: It has no callback for some: people type a code into it.
    """

    name: str = ""
    callbacks: tuple[str, ...] = ()
    is_out_of_band: bool = False

    def problems(self) -> dict[str, str]:
        """Return what is wrong, by field."""
        problems = {}
        if not self.name:
            problems["name"] = "Give it a name: people see it when they are asked."
        elif len(self.name) > _LONGEST_NAME:
            problems["name"] = f"Give it a name of at most {_LONGEST_NAME} characters."
        elif not self.name.isprintable():
            # Those that turn the direction of text round, too: they make one name look like another.
            problems["name"] = "Give it a name without invisible characters."
        if not self.callbacks and not self.is_out_of_band:
            problems["callbacks"] = "Enter a callback URL, or choose that people type in a code."
        elif len(self.callbacks) > _MOST_CALLBACKS:
            problems["callbacks"] = f"Enter at most {_MOST_CALLBACKS} callback URLs."
        elif not all(map(_is_callback, self.callbacks)):
            problems["callbacks"] = (
                "Enter https or http URLs without user name, fragment or spaces, or com.example.program:/path, "
                "one on each line."
            )
        return problems


@applications.get("", endpoint="list")
@signed_in
def show_applications(user: str) -> Any:
    """List what a user registered."""
    return render_template("applications.html", applications=services().provider.store.consumers_of(user))


@applications.get("/new", endpoint="new")
@signed_in
def show_registration(user: str) -> Any:
    """Show the form to register an application with."""
    return render_template("application_new.html", registration=Registration(), problems={})


@applications.post("/new")
@signed_in
def register(user: str) -> Any:
    """Register an application; its secret is on this answer, and never again."""
    registration = read_registration(request.form)
    problems = registration.problems()
    provider = services().provider
    if not problems and len(provider.store.consumers_of(user)) >= _MOST_APPLICATIONS:
        problems = {"name": f"You have {_MOST_APPLICATIONS} applications: delete one first."}
    if problems:
        return render_template("application_new.html", registration=registration, problems=problems), 422
    out_of_band = (OUT_OF_BAND,) if registration.is_out_of_band else ()
    made = provider.register(name=registration.name, callbacks=registration.callbacks + out_of_band, owner=user)
    return render_template("application_secret.html", application=made, title="Your application is registered"), 201


@applications.get("/<key>", endpoint="one")
@signed_in
def show_application(user: str, key: str) -> Any:
    """Show an application, without its secret."""
    return render_template("application.html", application=_own(user, key))


@applications.post("/<key>/secret", endpoint="rotate")
@signed_in
def rotate_secret(user: str, key: str) -> Any:
    """Make a new secret; the one until now holds until the rotation is ended."""
    made = _own(user, key).with_new_secret()
    _replace(made)
    return render_template("application_secret.html", application=made, title="A new secret")


@applications.post("/<key>/previous", endpoint="end_rotation")
@signed_in
def end_rotation(user: str, key: str) -> Any:
    """Let the previous secret hold no longer."""
    _replace(_own(user, key).without_previous_secret())
    return redirect(url_for("applications.one", key=key), 303)


@applications.get("/<key>/delete", endpoint="delete")
@signed_in
def ask_to_delete(user: str, key: str) -> Any:
    """Ask whether an application is to go."""
    return render_template("application_delete.html", application=_own(user, key))


@applications.post("/<key>/delete")
@signed_in
def do_delete(user: str, key: str) -> Any:
    """Delete an application, and all access that anybody gave it."""
    services().provider.store.remove_consumer(_own(user, key).key)
    return redirect(url_for("applications.list"), 303)


def read_registration(form: Any) -> Registration:
    """Return what the form of ``application_new.html`` says."""
    lines = map(str.strip, form.get("callbacks", "").splitlines())
    return Registration(
        name=form.get("name", "").strip(),
        callbacks=tuple(dict.fromkeys(filter(None, lines))),
        is_out_of_band="out_of_band" in form,
    )


def _is_callback(text: str) -> bool:
    if text == OUT_OF_BAND or len(text) > _LONGEST_CALLBACK:
        return False  # the former has a box of its own
    try:
        check_callback(text)
    except ValueError:
        return False
    return True


def _own(user: str, key: str) -> ClientCredentials:
    application = services().provider.store.get_consumer(key) if len(key) < 256 and "\0" not in key else None
    if application is None or application.owner != user:
        abort(404)  # whose it is, or whether it is, is nobody's business
    return application


def _replace(application: ClientCredentials) -> None:
    if not services().provider.store.replace_consumer(application):
        abort(404)  # deleted since it was looked up, and to stay so

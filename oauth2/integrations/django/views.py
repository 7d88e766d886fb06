"""The endpoints where clients get credentials, and the page where a user approves a client (section 2)."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required, login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.encoding import iri_to_uri
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from ...errors import Error
from ...http import HTTPRequest, HTTPResponse
from .access import refusal_of
from .configuration import database, max_body, provider
from .received import django_response, read

__all__ = ["access_token", "approve", "authorize", "deny", "request_token"]

_DECIDED = "oauth2/decided.html"


@csrf_exempt
@login_not_required
@transaction.non_atomic_requests(using=database())
def request_token(request: HttpRequest) -> HttpResponse:
    """Issue temporary credentials (section 2.1)."""
    return _issue(request, provider().request_token)


@csrf_exempt
@login_not_required
@transaction.non_atomic_requests(using=database())
def access_token(request: HttpRequest) -> HttpResponse:
    """Issue token credentials (section 2.3)."""
    return _issue(request, provider().access_token)


@never_cache
@xframe_options_deny
@require_http_methods(["GET", "HEAD", "POST"])
@csrf_protect
@login_required
def authorize(request: HttpRequest) -> HttpResponse:
    """Show the consent page ``oauth2/authorize.html``, and record the decision of the user (section 2.2).

    The template gets ``pending`` (an :class:`~oauth2.provider.ApprovalRequest`), ``token`` and ``user``. The form in
    the template sends ``oauth_token``, ``answer`` (``allow`` or ``deny``), and one ``realm`` for each realm that the
    user grants.
    """
    if request.method == "POST":
        token = request.POST.get("oauth_token", "")
        if request.POST.get("answer") == "allow":
            return approve(request, token, realms=request.POST.getlist("realm"))
        return deny(request, token)
    token = request.GET.get("oauth_token", "")
    try:
        pending = provider().pending(token)
    except Error as error:
        return _problem(request, error)
    return render(request, "oauth2/authorize.html", {"pending": pending, "token": token, "user": request.user})


def approve(request: HttpRequest, token: str, *, realms: list[str] | None = None) -> HttpResponse:
    """Record that the user of *request* approves the client, and return the redirect to the client.

    If the client has no callback URL, the response is a page with the verifier instead.

    Call this function in the view of your own consent page. Protect the view with ``login_required`` and against
    cross-site request forgery.

    Args:
        request: The request of a user who is logged in.
        token: The ``oauth_token`` of the consent page.
        realms: The realms that the user grants; None for all realms that the client asked for. Other realms are
            ignored.

    Raises:
        ValueError: The user is not logged in.
    """
    user = _user(request)
    try:
        if realms is not None:
            realms = [realm for realm in provider().pending(token).realms if realm in realms]
        approval = provider().approve(token, user=user, realms=realms)
    except Error as error:
        return _problem(request, error)
    return _sent_to(request, approval.url, {"verifier": approval.verifier})


def deny(request: HttpRequest, token: str) -> HttpResponse:
    """Delete temporary credentials that the user does not approve, and return the redirect to the client.

    If the client has no callback URL, the response is a page instead.

    Args:
        request: The request of a user who is logged in.
        token: The ``oauth_token`` of the consent page.

    Raises:
        ValueError: The user is not logged in.
    """
    _user(request)
    try:
        url = provider().deny(token)
    except Error as error:
        return _problem(request, error)
    return _sent_to(request, url, {})


def _user(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        raise ValueError("request: must have a user who is logged in; decorate the view with login_required")
    return str(user.pk)


def _issue(request: HttpRequest, endpoint: Callable[[HTTPRequest], HTTPResponse]) -> HttpResponse:
    try:
        return django_response(request, endpoint(read(request, max_body())))
    except Error as error:
        return refusal_of(request, error)


@never_cache
def _sent_to(request: HttpRequest, url: str | None, shown: dict[str, str]) -> HttpResponse:
    if url is None:
        return render(request, _DECIDED, shown)
    # HttpResponseRedirect would refuse a callback such as my-app://ready, even if the client has registered it.
    return HttpResponse(status=303, headers={"Location": iri_to_uri(url), "Referrer-Policy": "no-referrer"})


def _problem(request: HttpRequest, error: Error) -> HttpResponse:
    return render(request, _DECIDED, {"problem": error.message}, status=error.status)

"""Random input for functions that read what another program sends: each function reads the input or refuses it."""

import contextlib

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from served import make_provider
from test_wsgi import environ_of
from unhurried import given

import oauth2
from oauth2._login.response import read_response, without_secrets
from oauth2.errors import InvalidAnswer, ServiceRefused
from oauth2.flow import is_callback, read_callback, read_temporary, read_token
from oauth2.middleware._routes import covers
from oauth2.middleware.proxies import TrustedProxies
from oauth2.middleware.wsgi import read_request
from oauth2.stores import MemoryStore

NOW = 1_700_000_000
TEMPORARY = oauth2.Token("hh5s93j4hdidpola", "hdhd0244k9j7ao03")

pytestmark = [pytest.mark.slow, pytest.mark.portable]


# --- the client side of the flow -----------------------------------------------------


_PIECES = st.sampled_from(
    [
        "oauth_token",
        "oauth_verifier",
        "denied",
        "oauth_problem",
        "hh5s93j4hdidpola",
        "=",
        "&",
        "?",
        "#",
        "%",
        "%ff",
        "+",
        "é",
        "\ud800",
    ]
)


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_whatever_comes_to_the_callback_is_read_or_refused(url):
    try:
        token = read_callback(url, TEMPORARY)
    except oauth2.Error:
        return
    assert is_callback(url, TEMPORARY)
    assert (token.key, bool(token.verifier)) == (TEMPORARY.key, True)


@given(st.one_of(st.binary(), st.text()))
def test_whatever_a_service_answers_is_read_or_refused(answer):
    for read in (read_token, read_temporary):
        with contextlib.suppress(InvalidAnswer):
            read(answer)


# --- responses of a service -------------------------------------------------------------


@given(st.text(min_size=1, max_size=12), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_is_left(secret, before, after):
    if secret not in before + "[removed]" + after:
        assert secret not in without_secrets(before + secret + after, [secret]).replace("[removed]", "")


@given(st.integers(100, 599), st.binary(max_size=200), st.text(max_size=100), st.lists(st.text(max_size=8), max_size=3))
def test_whatever_is_answered_is_returned_or_refused(status, body, authenticate, secrets):
    error = None
    try:
        assert read_response(status, body, authenticate=authenticate, secrets=secrets) == body
    except ServiceRefused as refused:
        error = refused
    if error is not None:
        assert error.answered == status
        assert all(char.isprintable() or char == "\n" for char in error.body)


# --- nonces in memory -------------------------------------------------------------------


@settings(max_examples=100)
@given(
    window=st.integers(0, 400),
    steps=st.lists(st.tuples(st.integers(0, 200), st.sampled_from([-1, 1]) | st.floats(-1, 1)), max_size=60),
)
def test_inside_the_window_new_nonces_are_claimed_and_used_ones_refused(window, steps):
    store, used, clock = MemoryStore(window=window), set(), NOW
    for elapsed, skew in steps:
        clock += elapsed
        timestamp = clock + int(skew * window)
        assert store.add_nonce("n", timestamp, "ck", None) is (timestamp not in used)
        used.add(timestamp)
        assert not any(store.add_nonce("n", each, "ck", None) for each in used)


# --- the middleware for WSGI -------------------------------------------------------------


@given(
    prefix=st.text("ab./%2é", max_size=6).map(lambda text: f"/{text}".rstrip("/")),
    rest=st.sampled_from(["", "/", "/x", "/../x", "/%2e"]),
)
def test_no_prefix_bypasses_the_protection(prefix, rest):
    assert covers(["/api/photos"])("", f"{prefix}/api/photos{rest}")


@settings(max_examples=200)
@given(
    text=st.lists(
        st.text(max_size=8) | st.sampled_from(["/", "%2F", "%zz", "//h", "http://h/", ",", "5"]), min_size=6, max_size=6
    ),
    names=st.permutations(
        ["PATH_INFO", "QUERY_STRING", "HTTP_HOST", "REQUEST_URI", "CONTENT_LENGTH", "HTTP_FORWARDED"]
    ),
)
def test_any_environ_is_refused_or_read(text, names):
    environ = environ_of("/", b"abcde", **dict(zip(names, text, strict=True)))
    environ["REMOTE_ADDR"] = "127.0.0.1"
    proxies = TrustedProxies(["127.0.0.1"], headers=["Forwarded"])
    with contextlib.suppress(oauth2.Error):
        request, _ = read_request(environ, proxies=proxies)
        assert request.url.isascii()
        make_provider().authenticate(request)

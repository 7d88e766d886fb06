"""The client's side of the three-legged flow (RFC 5849 section 2)."""

import pytest

import oauth2
from oauth2.errors import AuthorizationDenied, InvalidAnswer, ServiceRefused
from oauth2.flow import (
    Endpoints,
    IssuedToken,
    authorization_url,
    is_callback,
    is_unnamed_problem,
    read_callback,
    read_temporary,
    read_token,
    renewal_request,
    temporary_request,
    token_request,
    xauth_request,
)

CONSUMER = oauth2.Consumer("printer", "printer-secret")
TEMPORARY = oauth2.Token("hh5s93j4hdidpola", "hdhd0244k9j7ao03")
ENDPOINT = "https://photos.example/initiate"
CALLBACK = "https://app.example/ready?lang=en"


def verified(verifier="hfdp7dh39dks9884"):
    token = oauth2.Token(TEMPORARY.key, TEMPORARY.secret)
    token.set_verifier(verifier)
    return token


def test_the_three_steps_work_together():
    signature_method = oauth2.SignatureMethod_HMAC_SHA1()
    server = oauth2.Server({"HMAC-SHA1": signature_method})

    request = temporary_request(CONSUMER, ENDPOINT, CALLBACK)
    request.sign_request(signature_method, CONSUMER, None)
    arrived = oauth2.Request.from_request("POST", ENDPOINT, request.to_header(), body=b"")
    server.verify_request(arrived, CONSUMER, None)
    assert arrived["oauth_callback"] == CALLBACK

    issued = oauth2.Token("temporary&", "secret of temporary")
    issued.set_callback(arrived["oauth_callback"])
    temporary = read_temporary(str(issued))
    assert (temporary.key, temporary.secret, temporary.callback_confirmed) == (issued.key, issued.secret, "true")

    assert authorization_url("https://photos.example/authorize", temporary).endswith("?oauth_token=temporary%26")
    issued.set_verifier()
    approved = read_callback(issued.get_callback_url() + "&oauth_token=temporary%26", temporary)

    request = token_request(CONSUMER, ENDPOINT, approved)
    request.sign_request(signature_method, CONSUMER, approved)
    arrived = oauth2.Request.from_request("POST", ENDPOINT, request.to_header(), body=b"")
    server.verify_request(arrived, CONSUMER, issued)
    assert arrived["oauth_verifier"] == issued.verifier

    token = read_token("oauth_token=final&oauth_token_secret=secret+of+final")
    assert (token.key, token.secret) == ("final", "secret of final")


# --- temporary credentials, section 2.1 ---------------------------------------


def test_the_callback_is_always_sent():
    assert temporary_request(CONSUMER, ENDPOINT)["oauth_callback"] == "oob"
    assert temporary_request(CONSUMER, ENDPOINT, CALLBACK)["oauth_callback"] == CALLBACK
    for nothing in ("", None):
        with pytest.raises(ValueError, match="callback"):
            temporary_request(CONSUMER, ENDPOINT, nothing)


def test_temporary_credentials_are_asked_for_without_a_token():
    request = temporary_request(CONSUMER, ENDPOINT)
    assert "oauth_token" not in request
    assert (request.method, request.url, request["oauth_consumer_key"]) == ("POST", ENDPOINT, "printer")
    assert temporary_request(CONSUMER, ENDPOINT, http_method="GET").method == "GET"


@pytest.mark.parametrize("convert", [str, str.encode])
def test_an_answer_with_temporary_credentials_is_read(convert):
    answer = "oauth_token=hh5s&oauth_token_secret=hd+hd&oauth_callback_confirmed=true&xoauth_extra=1"
    token = read_temporary(convert(answer))
    assert (token.key, token.secret, token.callback_confirmed) == ("hh5s", "hd hd", "true")


@pytest.mark.parametrize("confirmed", ["", "&oauth_callback_confirmed=false", "&oauth_callback_confirmed=", "&x=true"])
def test_a_service_that_does_not_confirm_the_callback_is_refused(confirmed):
    with pytest.raises(InvalidAnswer, match="oauth_callback_confirmed"):
        read_temporary("oauth_token=t&oauth_token_secret=s" + confirmed)


@pytest.mark.parametrize("confirmed", ["True", "TRUE", "true%20", "true+", "true\n", "True\r\n", "true%0A", "true%09"])
def test_a_confirmation_counts_in_any_case_and_with_whitespace_after_it(confirmed):
    token = read_temporary(f"oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed={confirmed}")
    assert token.callback_confirmed == "true"


def test_other_accepted_confirmations_are_compared_in_the_same_way():
    answer = "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=FALSE\n"
    assert read_temporary(answer, confirmations=("true", "False")).callback_confirmed == "false"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("&oauth_callback_confirmed=false", 'must be "true", but the service sent "false".'),
        ("&oauth_callback_confirmed=", 'must be "true", but the service sent "".'),
        ("&oauth_callback_confirmed=%20true", "but the service sent another text of 5 characters."),
        ("&oauth_callback_confirmed=" + "x" * 9, "but the service sent another text of 9 characters."),
        ("", "did not send oauth_callback_confirmed=true. The service sent oauth_token, oauth_token_secret."),
        ("&xoauth_url=u&evil=1&oauth_%1b=1&a+b=c", ". The service sent oauth_token, oauth_token_secret, xoauth_url."),
    ],
)
def test_the_error_about_a_missing_confirmation_shows_what_was_sent(rest, said):
    with pytest.raises(InvalidAnswer) as caught:
        read_temporary("oauth_token=the-token&oauth_token_secret=a%26b" + rest)
    assert said in caught.value.message


@pytest.mark.parametrize(
    "answer",
    [
        "oauth_token=tok&oauth_token_secret=hidden&oauth_callback_confirmed=hidden",
        "oauth_token=tok&oauth_token_secret=ahiddenb&oauth_callback_confirmed=hidden",
        "oauth_token=tok&oauth_token_secret=hidden&oauth_callback_confirmed=xhiddenx",
        "oauth_token=hidden&oauth_token_secret=s1&oauth_callback_confirmed=hidden",
        "oauth_token=tok&oauth_token_secret=half&hidden=1",
        "oauth_token=tok&oauth_token_secret=half&oauth_HIDDEN=1".replace("HIDDEN", "9hidden"),
    ],
)
def test_the_error_does_not_show_a_confirmation_that_may_be_a_secret(answer):
    with pytest.raises(InvalidAnswer) as caught:
        read_temporary(answer)
    assert "hidden" not in str(caught.value)


# --- approval, section 2.2 ----------------------------------------------------


def test_the_user_is_sent_to_approve_the_token():
    assert authorization_url("https://photos.example/authorize", TEMPORARY) == (
        "https://photos.example/authorize?oauth_token=hh5s93j4hdidpola"
    )


def test_the_query_of_the_endpoint_stays_and_more_may_be_added():
    token = oauth2.Token(b"a&b", "s")
    assert authorization_url(
        "https://photos.example/authorize?lang=en#top", token, name="My App", expiration="1day"
    ) == ("https://photos.example/authorize?lang=en&oauth_token=a%26b&name=My%20App&expiration=1day#top")


@pytest.mark.parametrize("prefix", ["https://app.example/ready?", "https://app.example/ready?lang=en&", "/ready?", ""])
def test_the_callback_brings_the_verifier(prefix):
    token = read_callback(f"{prefix}oauth_token=hh5s93j4hdidpola&oauth_verifier=hf%26dp", TEMPORARY)
    assert (token.key, token.secret, token.verifier) == (TEMPORARY.key, TEMPORARY.secret, "hf&dp")
    assert TEMPORARY.verifier is None


def test_a_callback_may_repeat_other_parameters():
    token = read_callback("/ready?tag=a&tag=b&oauth_token=hh5s93j4hdidpola&oauth_verifier=v", TEMPORARY)
    assert token.verifier == "v"


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("oauth_token=other&oauth_verifier=v", "not the key of these temporary"),
        ("oauth_verifier=v", "no oauth_token"),
        ("", "no oauth_token"),
        ("oauth_token=hh5s93j4hdidpola", "oauth_verifier"),
        ("oauth_token=hh5s93j4hdidpola&oauth_verifier=", "oauth_verifier"),
        ("oauth_token=other&oauth_token=hh5s93j4hdidpola&oauth_verifier=v", "twice"),
        ("oauth_token=hh5s93j4hdidpola&oauth_verifier=v&oauth_verifier=v", "twice"),
        ("oauth_token=hh5s93j4hdidpola&oauth_verifier=%ff", "form-encoded"),
    ],
)
def test_a_callback_for_another_token_or_without_verifier_is_refused(query, match):
    with pytest.raises(InvalidAnswer, match=match):
        read_callback("https://app.example/ready?" + query, TEMPORARY)


# --- token credentials, section 2.3 -------------------------------------------


def test_the_request_for_token_credentials_carries_token_and_verifier():
    request = token_request(CONSUMER, ENDPOINT, verified())
    assert (request["oauth_token"], request["oauth_verifier"]) == (TEMPORARY.key, "hfdp7dh39dks9884")
    assert (request.method, request.url) == ("POST", ENDPOINT)
    assert token_request(CONSUMER, ENDPOINT, verified(), http_method="get").method == "GET"


@pytest.mark.parametrize("verifier", [None, ""])
def test_a_token_without_verifier_is_the_callers_mistake(verifier):
    token = oauth2.Token("k", "s")
    token.verifier = verifier
    with pytest.raises(ValueError, match="verifier"):
        token_request(CONSUMER, ENDPOINT, token)


@pytest.mark.parametrize("convert", [str, str.encode])
def test_an_answer_with_token_credentials_is_read(convert):
    token = read_token(convert("oauth_token=nnch&oauth_token_secret=pf%26&user_id=7"))
    assert (token.key, token.secret) == ("nnch", "pf&")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\n\n"])
@pytest.mark.parametrize("convert", [str, str.encode])
def test_a_line_end_behind_an_answer_is_not_part_of_the_last_value(convert, end):
    token = read_token(convert(f"oauth_token=nnch&oauth_token_secret=pf%0A%26{end}"))
    assert token.secret == "pf\n&"
    assert read_token(convert(f"oauth_token_secret=s&oauth_token=k{end}")).key == "k"
    assert read_token(convert(f"oauth_token=k&oauth_token_secret=s&user_id=7{end}")).parameters == {"user_id": "7"}
    confirmed = f"oauth_callback_confirmed=true&oauth_token=k&oauth_token_secret=s{end}"
    assert read_temporary(convert(confirmed)).secret == "s"


def test_a_line_end_behind_a_callback_is_not_part_of_the_verifier():
    url = "https://app.example/?oauth_token=t&oauth_verifier=v\n"
    assert read_callback(url, oauth2.Token("t", "s")).verifier == "v"


@pytest.mark.parametrize("secret", ["%0Ahush", "hush+", "hush%0D%0A", "%C2%A0hush"])
def test_a_secret_with_whitespace_around_it_is_kept_and_warned_of(secret, caplog):
    token = read_token(f"oauth_token=k&oauth_token_secret={secret}")
    assert token.secret.strip() == "hush" != token.secret
    assert "oauth_token_secret starts or ends with whitespace" in caplog.text
    assert "hush" not in caplog.text


def test_a_secret_with_whitespace_inside_is_not_warned_of(caplog):
    assert read_token("oauth_token=+k+&oauth_token_secret=a+b%0Ac\n").secret == "a b\nc"
    assert caplog.text == ""


def test_a_token_secret_may_be_empty():
    assert read_token("oauth_token=nnch&oauth_token_secret=").secret == ""


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "oauth_token=a",
        "oauth_token_secret=b",
        "oauth_token=&oauth_token_secret=b",
        "oauth_token=a&oauth_token=a&oauth_token_secret=b",
        "oauth_token=%zz&oauth_token_secret=b",
        b"oauth_token=\xff&oauth_token_secret=b",
        "<html>Over capacity</html>",
        '{"error": "invalid"}',
    ],
)
def test_an_answer_without_credentials_is_refused(answer):
    with pytest.raises(InvalidAnswer) as caught:
        read_token(answer)
    assert caught.value.status == 502


@pytest.mark.parametrize("secret", ["oauth_token_secret=hidden", "oauth_token_secret=hidden&oauth_token=%ff"])
def test_a_refusal_shows_nothing_of_the_answer(secret):
    with pytest.raises(InvalidAnswer) as caught:
        read_token(secret)
    assert "hidden" not in f"{caught.value!r} {caught.value.__cause__!r}"


# --- endpoints ------------------------------------------------------------------


def test_endpoints_default_to_what_the_rfc_says():
    endpoints = Endpoints(temporary=ENDPOINT, authorize="https://photos.example/authorize", token=ENDPOINT)
    assert (endpoints.http_method, endpoints.token_method, endpoints.callback) == ("POST", None, None)
    assert endpoints.authorization_url(CONSUMER, TEMPORARY) == (
        "https://photos.example/authorize?oauth_token=hh5s93j4hdidpola"
    )


def test_endpoints_name_the_parameters_of_the_authorization_as_the_service_does():
    endpoints = Endpoints(
        authorize="https://photos.example/authorize?title=Special:OAuth",
        authorize_query={"key": "{oauth_consumer_key}", "token": "{oauth_token}", "v": "{other}"},
    )
    assert endpoints.authorization_url(CONSUMER, oauth2.Token(b"a&b", "s"), {"name": "{oauth_token}"}) == (
        "https://photos.example/authorize?title=Special:OAuth&key=printer&token=a%26b&v=%7Bother%7D"
        "&name=%7Boauth_token%7D"
    )


def test_endpoints_without_authorization_have_no_url_for_it():
    with pytest.raises(ValueError, match="authorize"):
        Endpoints(token=ENDPOINT).authorization_url(CONSUMER, TEMPORARY)


@pytest.mark.parametrize("name", ["temporary", "authorize", "token", "renew", "revoke"])
@pytest.mark.parametrize(
    "url",
    [
        "http://photos.example/initiate",
        "http://127.0.0.1.evil.example/",
        "http://localhost@evil.example/",
        "https://user:password@photos.example/",
        "https://photos.example/#top",
        "https://photos.example/a b",
        "https://photos.example/\n",
        "ftp://photos.example/",
        "//photos.example/",
        "https:///initiate",
        "",
    ],
)
def test_an_endpoint_that_credentials_cannot_be_sent_to_is_named(name, url):
    with pytest.raises(ValueError, match=f"^{name}: "):
        Endpoints(**{name: url})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
@pytest.mark.parametrize("port", ["", ":8080"])
def test_http_is_for_loopback(host, port):
    assert Endpoints(token=f"http://{host}{port}/token").token == f"http://{host}{port}/token"


# --- other parameters of an answer -------------------------------------------------


def test_the_rest_of_an_answer_can_be_reached():
    token = read_token("oauth_token=a&oauth_token_secret=b&user_id=7&screen_name=jane+doe")
    assert isinstance(token, IssuedToken)
    assert isinstance(token, oauth2.Token)
    assert token.parameters == {"user_id": "7", "screen_name": "jane doe"}
    assert (token.session_handle, token.expires_in) == (None, None)


def test_token_credentials_survive_being_stored():
    token = read_token("oauth_token=a&oauth_token_secret=b%26&user_id=7&oauth_session_handle=h+1&oauth_expires_in=3600")
    again = read_token(str(token))
    assert (again.key, again.secret, again.parameters) == (token.key, token.secret, token.parameters)
    assert (again.session_handle, again.expires_in) == ("h 1", 3600)
    assert oauth2.Token.from_string(str(token)).secret == "b&"
    assert str(IssuedToken("a", "b")) == "oauth_token=a&oauth_token_secret=b"


def test_token_credentials_show_no_secret():
    shown = repr(IssuedToken("a", "hidden", parameters={"oauth_session_handle": "hidden"}))
    assert shown == "<IssuedToken 'a'>"


@pytest.mark.parametrize("seconds", ["", "-1", "1.5", "soon", "١", "9" * 5000])
def test_a_lifetime_that_is_no_number_is_unknown(seconds):
    assert IssuedToken("a", "b", parameters={"oauth_expires_in": seconds}).expires_in is None


# --- denied ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "denied=hh5s93j4hdidpola",
        "oauth_problem=user_refused",
        "oauth_token=hh5s93j4hdidpola&oauth_problem=permission_denied",
    ],
)
def test_a_denial_has_its_own_error(query):
    assert is_callback(query, TEMPORARY) is not is_unnamed_problem(query)
    with pytest.raises(AuthorizationDenied):
        read_callback(query, TEMPORARY)


def test_another_problem_is_a_refusal_and_its_name_is_safe_to_show():
    with pytest.raises(ServiceRefused) as caught:
        read_callback("?oauth_problem=token_expired", TEMPORARY)
    assert caught.value.problem == "token_expired"
    for hostile in ("a%0D%0AX:1", "%22", "é", "A", "a" * 65, "_"):
        with pytest.raises(ServiceRefused) as caught:
            read_callback(f"?oauth_problem={hostile}", TEMPORARY)
        assert caught.value.problem is None


@pytest.mark.parametrize(
    "query", ["denied=other", "oauth_token=other&oauth_problem=user_refused", "oauth_token=other&denied=other"]
)
def test_a_denial_of_another_token_is_an_invalid_answer(query):
    assert not is_callback(query, TEMPORARY)
    assert not is_unnamed_problem(query)
    with pytest.raises(InvalidAnswer):
        read_callback(query, TEMPORARY)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://app.example/ready?oauth_token=hh5s93j4hdidpola&oauth_verifier=v", True),
        ("oauth_token=hh5s93j4hdidpola", True),
        ("/ready?denied=hh5s93j4hdidpola", True),
        ("/ready?oauth_problem=anything", False),  # Any web page can redirect the browser to this URL.
        ("/ready?oauth_problem=user_refused", False),
        ("/ready?oauth_problem=user_refused&denied=", False),
        ("/ready?oauth_token=other", False),
        ("/ready?oauth_token=hh5s93j4hdidpola&oauth_token=hh5s93j4hdidpola", False),
        ("/ready?a=%ff", False),
        ("/ready", False),
        ("", False),
    ],
)
def test_is_callback_is_true_for_urls_that_name_the_token_only(url, expected):
    assert is_callback(url, TEMPORARY) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/ready?oauth_problem=anything", True),
        ("oauth_problem=user_refused", True),
        ("/ready?oauth_problem=user_refused&oauth_token=hh5s93j4hdidpola", False),
        ("/ready?oauth_problem=user_refused&oauth_token=other", False),
        ("/ready?oauth_problem=user_refused&denied=other", False),
        ("/ready?oauth_problem=a&oauth_problem=b", False),
        ("/ready?oauth_problem=%ff", False),
        ("/ready", False),
    ],
)
def test_is_unnamed_problem_is_true_for_problems_without_a_token_only(url, expected):
    assert is_unnamed_problem(url) is expected


# --- further parameters, xAuth and renewal ----------------------------------------------


def test_further_request_parameters_are_a_form():
    request = temporary_request(CONSUMER, ENDPOINT, parameters={"x_auth_access_type": "read"})
    assert request.is_form_encoded
    assert request.get_nonoauth_parameters() == {"x_auth_access_type": "read"}
    assert not temporary_request(CONSUMER, ENDPOINT).is_form_encoded


def test_xauth_asks_with_a_password_and_no_token():
    request = xauth_request(CONSUMER, ENDPOINT, "jane", "p&w")
    assert request.is_form_encoded
    assert "oauth_token" not in request
    assert (request.method, request["oauth_consumer_key"]) == ("POST", "printer")
    assert request.get_nonoauth_parameters() == {
        "x_auth_mode": "client_auth",
        "x_auth_username": "jane",
        "x_auth_password": "p&w",
    }
    assert "p&w" not in repr(request)


def test_a_renewal_carries_the_session_handle_if_there_is_one():
    token = IssuedToken("a", "b", parameters={"oauth_session_handle": "h"})
    request = renewal_request(CONSUMER, ENDPOINT, token)
    assert (request["oauth_token"], request["oauth_session_handle"]) == ("a", "h")
    request = renewal_request(CONSUMER, ENDPOINT, oauth2.Token("a", "b"), http_method="GET")
    assert "oauth_session_handle" not in request
    assert request.method == "GET"

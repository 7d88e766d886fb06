"""XOAUTH over IMAP and SMTP, with small real servers on 127.0.0.1."""

import base64
import imaplib
import re
import smtplib
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
from keys import self_signed

import oauth2
from oauth2.clients.imap import IMAP4_SSL
from oauth2.clients.smtp import SMTP

CONSUMER = oauth2.Consumer("consumer", "consumer&secrét")
TOKEN = oauth2.Token("token", "token/secret +")
OTHER_TOKEN = oauth2.Token("token", "another secret")
IMAP_URL = "https://mail.google.com/mail/b/joe@example.com/imap/"
SMTP_URL = "https://mail.google.com/mail/b/joe@example.com/smtp/"


def is_valid(xoauth, url, token=TOKEN):
    """Verify an XOAUTH string (method, URL and a list of parameters) as the mail service does."""
    method, signed_url, parameters = xoauth.split(" ", 2)
    assert (method, signed_url) == ("GET", url)
    assert re.fullmatch(r'[a-z_]+="[A-Za-z0-9._~%-]*"(,[a-z_]+="[A-Za-z0-9._~%-]*")*', parameters)
    request = oauth2.Request.from_request(method, signed_url, {"Authorization": f"OAuth {parameters}"})
    server = oauth2.Server({"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1()})
    try:
        assert server.verify_request(request, CONSUMER, token) == {}
    except oauth2.Error:
        return False
    return True


@contextmanager
def serving(converse, certificate=None):
    """Run a server for one connection, over TLS if there is a *certificate*; yield its port."""
    failures = []

    def serve():
        try:
            connection, _ = listening.accept()
            connection.settimeout(10)
            with connection:
                if certificate is None:
                    secured = connection
                else:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(certificate)
                    secured = context.wrap_socket(connection, server_side=True)
                with secured, secured.makefile("rwb", buffering=0) as lines:
                    converse(lines)
        except Exception as exc:  # noqa: BLE001 - raised again below, in the test
            failures.append(exc)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join(20)
    if failures:
        raise failures[0]


def imap_server(lines):
    lines.write(b"* OK ready\r\n")
    while line := lines.readline():
        tag, command, *arguments = line.split()
        if command == b"CAPABILITY":
            lines.write(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH\r\n%s OK done\r\n" % tag)
        elif command == b"AUTHENTICATE":
            assert arguments == [b"XOAUTH"]
            lines.write(b"+ \r\n")
            xoauth = base64.b64decode(lines.readline().strip(), validate=True).decode("ascii")
            lines.write(tag + (b" OK done" if is_valid(xoauth, IMAP_URL) else b" NO invalid credentials") + b"\r\n")
        else:
            assert command == b"LOGOUT"
            lines.write(b"* BYE see you\r\n%s OK done\r\n" % tag)
            return


@contextmanager
def imap_session(folder):
    certificate = self_signed(folder)
    context = ssl.create_default_context(cafile=certificate)
    with (
        serving(imap_server, certificate) as port,
        IMAP4_SSL("127.0.0.1", port, ssl_context=context, timeout=10) as session,
    ):
        yield session


def smtp_server(lines):
    lines.write(b"220 ready\r\n")
    while line := lines.readline():
        command, *arguments = line.split()
        if command.upper() == b"EHLO":
            lines.write(b"250-here\r\n250 AUTH XOAUTH\r\n")
        elif command == b"AUTH":
            mechanism, response = arguments
            assert mechanism == b"XOAUTH"
            xoauth = base64.b64decode(response, validate=True).decode("ascii")
            lines.write(b"235 welcome\r\n" if is_valid(xoauth, SMTP_URL) else b"535 invalid credentials\r\n")
        else:
            assert command.upper() == b"QUIT"
            lines.write(b"221 bye\r\n")
            return


@contextmanager
def smtp_session():
    with serving(smtp_server) as port, SMTP("127.0.0.1", port, timeout=10) as session:
        session.ehlo()
        yield session


def test_imap_sends_a_valid_signature(tmp_path):
    with imap_session(tmp_path) as session:
        assert isinstance(session, imaplib.IMAP4_SSL)
        assert session.authenticate(IMAP_URL, CONSUMER, TOKEN)[0] == "OK"
        assert session.state == "AUTH"


def test_a_refusal_by_imap_is_imaplibs_error(tmp_path):
    with imap_session(tmp_path) as session:
        with pytest.raises(imaplib.IMAP4.error, match="invalid credentials"):
            session.authenticate(IMAP_URL, CONSUMER, OTHER_TOKEN)
        assert session.state == "NONAUTH"


def test_smtp_sends_a_valid_signature():
    with smtp_session() as session:
        assert isinstance(session, smtplib.SMTP)
        session.authenticate(SMTP_URL, CONSUMER, TOKEN)


def test_a_refusal_by_smtp_is_smtplibs_error():
    with smtp_session() as session:
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            session.authenticate(SMTP_URL, CONSUMER, OTHER_TOKEN)
        assert (caught.value.smtp_code, caught.value.smtp_error) == (535, b"invalid credentials")
        session.authenticate(SMTP_URL, CONSUMER, TOKEN)


INVALID = [(None, TOKEN), ("consumer", TOKEN), (TOKEN, TOKEN), (CONSUMER, "token"), (CONSUMER, CONSUMER)]


@pytest.mark.parametrize(("consumer", "token"), INVALID)
def test_imap_refuses_invalid_credentials(tmp_path, consumer, token):
    with imap_session(tmp_path) as session:
        with pytest.raises(ValueError, match="Invalid"):
            session.authenticate(IMAP_URL, consumer, token)
        assert session.state == "NONAUTH"


@pytest.mark.parametrize(("consumer", "token"), INVALID)
def test_smtp_refuses_invalid_credentials(consumer, token):
    with smtp_session() as session, pytest.raises(ValueError, match="Invalid"):
        session.authenticate(SMTP_URL, consumer, token)


@pytest.mark.parametrize("token", [TOKEN, None])
def test_the_xoauth_string_names_what_it_is_signed_with(token):
    xoauth = oauth2.build_xoauth_string(IMAP_URL, CONSUMER, token)
    assert is_valid(xoauth, IMAP_URL, token)
    names = re.findall(r"(\w+)=", xoauth)
    assert names == sorted(names)
    assert ("oauth_token" in names) is (token is not None)


def test_each_xoauth_string_is_new():
    assert oauth2.build_xoauth_string(IMAP_URL, CONSUMER, TOKEN) != oauth2.build_xoauth_string(
        IMAP_URL, CONSUMER, TOKEN
    )

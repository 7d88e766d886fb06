"""``oauth2 request``: the request that arrives, and the output, which contains no secret."""

import contextlib
import gzip
import html
import json
import os
import signal
import socket
import threading
import time
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from command import CREDENTIALS, KEY, SECRET, TOKEN, TOKEN_SECRET, Command, at_a_terminal
from cryptography.hazmat.primitives.serialization import Encoding
from keys import certificate, private_octets, rsa_key
from loopback import Answer, Loopback, redirect
from peer import encode

import oauth2
from oauth2._wire.form import FORM
from oauth2.signature import signature_base_string

pytestmark = pytest.mark.slow

HIDDEN = (SECRET, TOKEN_SECRET, encode(SECRET), encode(TOKEN_SECRET))
MIB = 1 << 20


@pytest.fixture
def server():
    with Loopback() as found:
        yield found


@pytest.fixture
def command(tmp_path, server):
    found = Command(tmp_path / "config")
    found.add("photos", server.origin)
    return found


def verified(received, *methods):
    """Verify a request as a server that knows the credentials; return its parameters."""
    verifier = oauth2.Server()
    for method in methods or [oauth2.SignatureMethod_HMAC_SHA1()]:
        verifier.add_signature_method(method)
    return verifier.verify_request(received.request(), oauth2.Consumer(KEY, SECRET), oauth2.Token(TOKEN, TOKEN_SECRET))


def hidden(done):
    assert not any(secret.encode() in done.raw or secret in done.all for secret in HIDDEN)
    return done


def test_a_get_is_signed_and_its_answer_printed(command, server):
    done = hidden(command("request", f"{server.origin}/photos?size=original&a=%20"))
    assert (done.code, done.out, done.err) == (0, "ok", "")
    assert verified(server.last) == {"size": "original", "a": " "}


@pytest.mark.parametrize(
    ("options", "method", "content_type", "body"),
    [
        (["-d", "a=b&a=c", "-d", "d=e+f"], "POST", FORM, b"a=b&a=c&d=e+f"),
        (["--data-urlencode", "title=Sea & sun", "--form-urlencode", "=x"], "POST", FORM, b"title=Sea%20%26%20sun&x"),
        (["--data-raw", "@a=b"], "POST", FORM, b"@a=b"),
        (["--json", '{"a": "ü"}'], "POST", "application/json", '{"a": "ü"}'.encode()),
        (["-X", "put", "--data-binary", "\tx", "-H", "Content-Type: text/plain"], "PUT", "text/plain", b"\tx"),
        (["-X", "DELETE"], "DELETE", None, b""),
        (
            ["-X", "PATCH", "-d", "a=b", "-H", f"content-type: {FORM}; charset=UTF-8"],
            "PATCH",
            f"{FORM}; charset=UTF-8",
            b"a=b",
        ),
    ],
)
def test_what_arrives_is_what_curl_would_send(command, server, options, method, content_type, body):
    done = hidden(command("request", f"{server.origin}/photos", "--placement", "header", *options))
    assert (done.code, done.err) == (0, "")
    received = server.last
    assert (received.method, received.header("Content-Type"), received.body) == (method, content_type, body)
    verified(received)


def test_files_give_data(command, server, tmp_path):
    (tmp_path / "data").write_text("a=b\r\n")
    for option, body in (("-d", b"a=b"), ("--data-binary", b"a=b%0D%0A")):
        command("request", server.origin, "--placement", "header", option, f"@{tmp_path / 'data'}")
        assert server.last.body == body
    command("request", server.origin, "--placement", "header", "--data-urlencode", f"x@{tmp_path / 'data'}")
    assert server.last.body == b"x=a%3Db%0D%0A"
    command("request", server.origin, "--json", "@-", given="[1]")
    assert server.last.body == b"[1]"


@pytest.mark.parametrize("options", ["-d @-", "--data-binary @-", "-T - -X POST", "--json @-"])
def test_standard_input_gives_data(command, server, options):
    assert command("request", server.origin, *options.split(), given="a=b").code == 0
    assert (server.last.method, server.last.body) == ("POST", b"a=b")
    command("request", server.origin, "-G", "-d", "@-", given="a=b")
    assert server.last.query == "a=b"


def test_get_puts_data_into_the_query(command, server):
    command("request", f"{server.origin}/photos?x=y", "-G", "-d", "a=b", "--data-urlencode", "c=d e")
    assert (server.last.method, server.last.query.partition("&oauth")[0]) == ("GET", "x=y&a=b&c=d%20e")
    verified(server.last)


def test_a_file_is_uploaded_as_it_is(command, server, tmp_path):
    content = os.urandom(3 * MIB)
    (tmp_path / "photo.raw").write_bytes(content)
    assert hidden(command("request", f"{server.origin}/photos/", "-T", tmp_path / "photo.raw")).code == 0
    assert (server.last.method, server.last.path, server.last.body == content) == ("PUT", "/photos/photo.raw", True)
    assert server.last.header("Content-Length") == str(len(content))
    verified(server.last)


def test_multipart_is_sent_with_its_files(command, server, tmp_path):
    (tmp_path / 'ph"oto.jpg').write_bytes(b"\xff\xd8\xff")
    (tmp_path / "note").write_text("hello")
    options = ["-F", "title=Sea & sun", "-F", f'photo=@{tmp_path}/ph"oto.jpg', "-F", f"note=<{tmp_path}/note"]
    assert command("request", server.origin, *options, "-F", f"x=@{tmp_path}/note;type=text/x;filename=y").code == 0
    received = server.last
    boundary = received.header("Content-Type").partition("boundary=")[2]
    assert received.body.decode("latin-1").split(f"--{boundary}")[1:] == [
        '\r\nContent-Disposition: form-data; name="title"\r\n\r\nSea & sun\r\n',
        '\r\nContent-Disposition: form-data; name="photo"; filename="ph%22oto.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\r\n",
        '\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n',
        '\r\nContent-Disposition: form-data; name="x"; filename="y"\r\nContent-Type: text/x\r\n\r\nhello\r\n',
        "--\r\n",
    ]
    verified(received)


@pytest.mark.parametrize("placement", ["header", "query", "body"])
def test_the_protocol_parameters_go_into_the_chosen_place(command, server, placement):
    assert command("request", f"{server.origin}/p", "-d", "a=b", "--placement", placement).code == 0
    received = server.last
    places = {
        "header": "oauth_signature" in (received.header("Authorization") or ""),
        "query": "oauth_signature" in received.query,
        "body": b"oauth_signature" in received.body,
    }
    assert [name for name, found in places.items() if found] == [placement]
    verified(received)


@pytest.mark.parametrize("placement", ["header", "query", "body"])
def test_the_host_header_is_sent_and_signed(command, server, placement):
    options = ["-H", "Host: photos.example", "--placement", placement, "-d", "a=b"]
    assert hidden(command("request", f"{server.origin}/p", *options)).code == 0
    received = server.last
    assert received.header("Host") == "photos.example"
    verified(replace(received, origin="http://photos.example"))
    done = command("request", f"{server.origin}/p", "-H", "Host: a/b")
    assert (done.code, "Host" in done.error) == (2, True)


def test_realm_method_and_body_hash_are_those_of_the_options(command, server):
    options = ["--realm", "Photos", "--signature-method", "HMAC-SHA256", "--no-body-hash", "--placement", "header"]
    command("request", server.origin, *options)
    header = server.last.header("Authorization")
    assert header.startswith('OAuth realm="Photos", ')
    assert "oauth_body_hash" not in header
    verified(server.last, oauth2.SignatureMethod_HMAC_SHA256())


def test_plaintext_is_sent_and_never_shown(command, server):
    how = ["--signature-method", "PLAINTEXT-OVER-HTTP", "--placement", "header", "-v", "-i"]
    done = hidden(command("request", server.origin, *how))
    assert done.code == 0
    assert encode(f"{encode(SECRET)}&{encode(TOKEN_SECRET)}") in server.last.header("Authorization")
    refused = hidden(command("request", server.origin, "--signature-method", "PLAINTEXT"))
    assert (refused.code, "plain http" in refused.error) == (2, True)


def test_verbose_is_redacted(command, server):
    server.routes["/p"] = Answer(200, {"Set-Cookie": "session=c00kie", "X-Note": "a\x1b[2Jb"})
    for placement in ("header", "query"):
        url = f"{server.origin}/p?x_auth_password=pa55"
        done = hidden(command("request", url, "-v", "--placement", placement, "-H", "Cookie: c00kie"))
        assert done.out == "ok"
        assert "< HTTP/1.1 200 OK" in done.err
        assert "[redacted]" in done.err
        assert f"oauth_consumer_key={KEY}" in done.err.replace('"', "")
        assert not any(each in done.err for each in (TOKEN, "pa55", "c00kie", "\x1b"))


def test_the_head_of_the_answer_is_printed_when_asked(command, server):
    server.routes["/p"] = Answer(201, {"X-Note": "hello"}, b"made")
    done = command("request", f"{server.origin}/p", "-i")
    assert done.out.startswith("HTTP/1.1 201 Created\n")
    assert "\nX-Note: hello\n" in done.out
    assert done.out.endswith("\nContent-Length: 4\n\nmade")
    head = command("request", f"{server.origin}/p", "-I").out
    assert (server.last.method, "X-Note: hello\n" in head) == ("HEAD", True)


def test_output_goes_to_a_file(command, server, tmp_path):
    server.routes["/p"] = Answer(body=os.urandom(MIB))
    done = command("request", f"{server.origin}/p", "-o", tmp_path / "answer")
    assert (done.code, done.raw) == (0, b"")
    assert (tmp_path / "answer").read_bytes() == server.routes["/p"].body
    assert command("request", f"{server.origin}/p").raw == server.routes["/p"].body
    done = command("request", f"{server.origin}/p", "-o", tmp_path / "none" / "answer")
    assert (done.code, "No such file" in done.error) == (2, True)


REFUSALS = [
    (401, {"WWW-Authenticate": 'OAuth realm="x", oauth_problem="timestamp_refused"'}, b"", "Set the clock"),
    (401, {}, b"oauth_problem=token_revoked&x=y", "oauth2 login"),
    (401, {}, b"oauth_problem=%1B%5B2J", "Check the credentials and the clock"),
    (404, {}, b"nothing here", "without --fail"),
    (429, {}, b"", "send fewer requests"),
    (503, {}, b"", "Try again later"),
    (
        500,
        {},
        b"The signature method is not known.",
        "500 Internal Server Error: The signature method is not known. Choose another method",
    ),
    (
        403,
        {},
        b"<p>Ask &quot;us&quot;</p>",
        '403 Forbidden: Ask "us". To see the response, run the command without --fail',
    ),
]


@pytest.mark.parametrize(("status", "headers", "body", "said"), REFUSALS)
def test_a_refusal_is_an_error_with_a_hint_with_fail(command, server, status, headers, body, said):
    server.routes["/p"] = Answer(status, headers, body)
    done = hidden(command("request", f"{server.origin}/p", "--fail"))
    assert (done.code, done.out) == (1, "")
    assert f"The service answered {status}" in done.error
    assert said in done.failure
    done = command("request", f"{server.origin}/p")
    assert (done.code, done.raw) == (0, body)


def saying(change, written=lambda text: text):
    """Return a route that refuses a request and shows its base string.

    *change* modifies the base string; *written* then encodes the base string for the response.
    """

    def refuse(received):
        pairs = [pair for pair in received.request().items() if pair[0] != "oauth_signature"]
        url = received.url.partition("?")[0]
        made = change(signature_base_string(received.method, url, pairs))
        return Answer(401, {}, f"Wrong. Base string: {written(made)} and that is all".encode())

    return refuse


@pytest.mark.parametrize("written", [lambda text: text, html.escape, quote])
@pytest.mark.parametrize("option", [[], ["--fail"]])
def test_what_the_service_seems_to_want_is_shown_without_the_token(command, server, written, option):
    server.routes["/p"] = saying(lambda text: text.replace("GET&http%3A", "GET&https%3A"), written)
    done = hidden(command("request", f"{server.origin}/p?{'a' * 400}=b", *option))
    lines = done.err.splitlines()
    assert lines[0].startswith("The service computed this base string: GET&https%3A%2F%2F127.0.0.1%3A")
    assert lines[0].partition(" GET&https")[2] == lines[1].partition(" GET&http")[2]
    assert f"{'a' * 400}%3Db" in lines[0]
    assert lines[2] == "The first difference is at character 9, in the base string URI:"
    assert lines[5].startswith("The base string of the service: The service used the base string URI https://127.0.0.1")
    assert "X-Forwarded-Proto" in lines[6]
    assert TOKEN not in done.err
    if option:
        assert "and that is all" in lines[7]
        assert (done.code, len(lines)) == (1, 9)
    else:
        assert (done.code, len(lines)) == (0, 7)
        assert done.out.endswith("and that is all")


def test_no_part_of_the_token_is_shown_where_the_base_strings_are_cut(command, server):
    server.routes["/p"] = saying(lambda text: text.replace("HMAC-SHA1", "HMAC-SHA9"))
    for length in range(0, 60, 5):
        done = command("request", f"{server.origin}/p?oauth_timestamp={'9' * length}1")
        assert "The first difference is at character" in done.err
        assert TOKEN[:5] not in done.err


def test_a_service_with_the_same_base_string_has_other_secrets(command, server):
    server.routes["/p"] = saying(lambda text: text)
    done = hidden(command("request", f"{server.origin}/p"))
    assert done.err.splitlines()[1].startswith("This command computed the same base string, so the secrets")


def test_a_problem_is_named_on_standard_error_and_the_answer_printed(command, server):
    server.routes["/p"] = Answer(403, {"WWW-Authenticate": 'OAuth oauth_problem="token_expired"'}, b"no")
    done = hidden(command("request", f"{server.origin}/p"))
    assert (done.code, done.out) == (0, "no")
    assert done.err == "The service refused the request (token_expired). Get a new token. Run: oauth2 login\n"


def test_a_refusal_that_says_nothing_is_printed_only(command, server):
    server.routes["/p"] = Answer(401, {}, b"no")
    done = command("request", f"{server.origin}/p")
    assert (done.code, done.out, done.err) == (0, "no", "")


def test_redirects_are_followed_when_asked_and_signed_anew(command, server):
    server.routes["/p"] = redirect(302, "/q?a=b")
    assert command("request", f"{server.origin}/p").out == "elsewhere"
    done = command("request", f"{server.origin}/p", "-L", "-v")
    assert done.out == "ok"
    assert [line for line in done.err.splitlines() if line.startswith("> GET")][1].startswith(
        f"> GET {server.origin}/q"
    )
    verified(server.last)


@pytest.mark.parametrize("placement", ["header", "query"])
def test_no_credential_reaches_another_origin(command, server, placement):
    with Loopback() as other:
        server.routes["/p"] = redirect(307, f"{other.origin}/q")
        assert command("request", f"{server.origin}/p", "-L", "--placement", placement).out == "ok"
        assert (other.last.header("Authorization"), "oauth_" in other.last.target) == (None, False)


def test_a_redirect_loop_is_an_error_with_a_hint(command, server):
    server.routes["/p"] = redirect(302, "/p")
    done = command("request", f"{server.origin}/p", "-L")
    assert (done.code, "Too many redirects" in done.error) == (1, True)


def test_a_service_that_is_not_there_is_an_error_with_a_hint(command):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/p"
    done = hidden(command("request", url, "--account", "photos", "--placement", "query"))
    assert done.code == 4
    assert "Connection refused" in done.error
    assert "oauth_" not in done.failure
    assert TOKEN not in done.failure


def test_a_name_that_is_not_known_is_an_error_with_a_hint(command):
    done = command("request", "http://nobody.invalid/", "--account", "photos")
    assert (done.code, "Unknown host name" in done.error) == (4, True)


@pytest.mark.parametrize("url", ["", "http://[::1", "http://127.0.0.1:99999/", "http://a b/", "file:///etc/passwd"])
def test_an_invalid_url_is_an_error_with_a_hint(command, url):
    done = command("request", url, "--account", "photos")
    assert (done.code, "Not an http or https URL" in done.error) == (2, True)


def test_a_service_that_does_not_answer_is_an_error_with_a_hint(command, server):
    done = threading.Event()
    server.routes["/p"] = lambda _: done.wait(10) and Answer()
    found = command("request", f"{server.origin}/p", "--timeout", "0.2")
    done.set()
    assert (found.code, "within 0.2 seconds" in found.error) == (4, True)


def test_a_certificate_that_is_not_trusted_is_an_error_with_a_hint(command, tmp_path):
    path = tmp_path / "server.pem"
    path.write_bytes(private_octets(rsa_key()) + certificate(rsa_key()).public_bytes(Encoding.PEM))
    with Loopback(str(path)) as secure:
        done = command("request", secure.origin, "--account", "photos")
    assert (done.code, "is not trusted" in done.error) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-H", "Authorization: Basic x"], "Remove the header"),
        (["-d", "a", "-F", "b=c"], "Give only one of"),
        (["-T", "/does/not/exist"], "Cannot read"),
        (["-F", "a=@/does/not/exist"], "Cannot read"),
        (["--placement", "nowhere"], "'nowhere'"),
        (["--timeout", "0"], "--timeout"),
        (["--cacert", "/does/not/exist"], "--cacert"),
        (["-G", "-F", "a=b"], "--get"),
        (["-X", "A B"], "Not an HTTP request method"),
        (["-X", "GET\r\nX: y"], "Not an HTTP request method"),
    ],
)
def test_a_mistake_is_an_error_with_a_hint(command, server, arguments, said):
    done = command("request", server.origin, *arguments)
    assert done.code == 2
    assert said in done.failure
    assert server.requests == []


def test_a_header_that_is_not_ascii_is_sent_as_utf_8(command, server):
    assert command("request", server.origin, "-H", "X-Note: é", "-H", "X-Note: b", "-H", "X: y").code == 0
    assert server.last.header("X-Note").encode("latin-1").decode() == "é, b"
    assert server.last.header("User-Agent") == f"oauth2/{oauth2.__version__}"


# --- in a separate process -------------------------------------------------------


def test_no_secret_is_seen_anywhere(command, server, tmp_path):
    """Check standard output, standard error, the process list and the environment while a request is in flight."""
    seen = {}

    def look(received):
        folder = f"/proc/{process.pid}"
        if os.path.isdir(folder):
            seen["arguments"] = Path(f"{folder}/cmdline").read_bytes()
            seen["environment"] = Path(f"{folder}/environ").read_bytes()
        return Answer(body=b"done")

    server.routes["/p"] = look
    with command.start("request", f"{server.origin}/p", "-v", "-i") as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    shown = out + err + b"".join(seen.values())
    assert not any(secret.encode() in shown for secret in HIDDEN)
    assert out.endswith(b"done")


def test_credentials_on_standard_input_are_not_seen_either(command, server):
    text = "".join(f"{name}={value}\n" for name, value in CREDENTIALS.items()).encode()
    done = hidden(command.process("request", f"{server.origin}/p", "--credentials", "-", "-v", given=text))
    assert done.code == 0, done.err
    verified(server.last)


def test_ctrl_c_ends_the_command_without_a_traceback(command, server):
    started, release = threading.Event(), threading.Event()
    server.routes["/p"] = lambda _: started.set() or (release.wait(10) and Answer())
    # If a shell runs the tests in the background, the tests and their child processes ignore Ctrl-C. With the next
    # line, Ctrl-C ends the child process in this case, too.
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = command.start("request", f"{server.origin}/p")
    finally:
        signal.signal(signal.SIGINT, earlier)
    with process:
        assert started.wait(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    release.set()
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


def test_a_closed_pipe_causes_no_traceback(command, server):
    server.routes["/p"] = Answer(body=b"x" * 4 * MIB)
    with command.start("request", f"{server.origin}/p") as process:
        process.stdout.read(10)
        process.stdout.close()
        err = process.stderr.read()
        process.wait(30)
    assert (process.returncode, err) == (1, b"")


def test_a_terminal_gets_no_control_character_from_the_peer(command, server):
    server.routes["/p"] = Answer(body="a\x1b]0;owned\x07 \x9b31m \u202e ü\r\nb\rc".encode() + b"\xff")
    process, seen = at_a_terminal(command, "request", f"{server.origin}/p")
    assert process.returncode == 0
    assert seen.decode() == "a\\x1b]0;owned\\x07 \\x9b31m \\u202e ü\r\nb\\x0dc\\xff\r\n"


def test_a_terminal_gets_no_binary(command, server):
    server.routes["/p"] = Answer(body=b"\x89PNG\0\0")
    process, seen = at_a_terminal(command, "request", f"{server.origin}/p", NO_COLOR="1")
    assert process.returncode == 1
    assert seen.decode().splitlines() == [
        "Error: The response is binary.",
        "Hint: Write the response to a file with -o FILE, or print it with -o -.",
    ]


def test_errors_are_coloured_at_a_terminal_unless_no_color_is_set(command):
    assert b"\x1b[31m" in at_a_terminal(command, "sign")[1]
    assert b"\x1b" not in at_a_terminal(command, "sign", NO_COLOR="1")[1]


def serve_slowly(listener, received):
    connection, _ = listener.accept()
    with connection:
        while received[0] < 8 * MIB and (chunk := connection.recv(MIB, socket.MSG_WAITALL)):
            received[0] += len(chunk)
            time.sleep(0.1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(10):
            time.sleep(0.08)
            connection.sendall(b"x" * 100_000)


def test_a_long_transfer_shows_a_bar_at_a_terminal(command, tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 8 * MIB)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB // 8)
        thread = threading.Thread(target=serve_slowly, args=(listener, [0]))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/p"
        options = ["--account", "photos", "-T", tmp_path / "big", "-o", tmp_path / "answer"]
        process, seen = at_a_terminal(command, "request", url, *options)
        thread.join(10)
    assert process.returncode == 0, seen
    assert b"Sending" in seen
    assert b"Receiving" in seen
    assert (tmp_path / "answer").stat().st_size == 1_000_000


def test_a_json_answer_is_written_unchanged(command, server):
    server.routes["/p"] = Answer(body=b'{"a": 1}')
    assert json.loads(command("request", f"{server.origin}/p").out) == {"a": 1}


# --- errors with status 200, and their header --------------------------------------


@pytest.fixture
def wiki(command, server):
    server.routes["/w/api.php"] = Answer(200, {"MediaWiki-API-Error": "badtoken"}, b'{"error": {"code": "badtoken"}}')
    command.add("wiki", "https://wiki.example", service="mediawiki", set=f"wiki={server.origin}/w")
    return f"{server.origin}/w/api.php"


def test_an_error_of_mediawiki_with_status_200_is_a_failure(command, wiki):
    done = hidden(command("request", wiki, "--account", "wiki", "--fail"))
    assert (done.code, done.out) == (1, "")
    assert done.error == "The service answered 200 OK (badtoken)."


def test_the_same_answer_is_no_failure_for_another_service_or_without_fail(command, wiki):
    assert command("request", wiki, "--account", "photos", "--fail").code == 0
    assert command("request", wiki, "--account", "wiki").code == 0


def test_an_answer_without_the_error_header_is_no_failure(command, wiki, server):
    server.routes["/w/api.php"] = Answer(200)
    assert command("request", wiki, "--account", "wiki", "--fail").out == "ok"


# --- hostile answers ------------------------------------------------------------------


def serve_raw(chunks):
    """Start a service that sends *chunks* to one client; return its URL and its thread."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        with server, server.accept()[0] as connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for chunk in chunks:
                connection.sendall(chunk)

    thread = threading.Thread(target=answer)
    thread.start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/", thread


def slowly(*before):
    yield from before
    for _ in range(200):
        time.sleep(0.05)
        yield b"a"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
UNAUTHORIZED = b"HTTP/1.1 401 No\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD, UNAUTHORIZED])
@pytest.mark.parametrize("options", [(), ("--fail",)])
def test_an_answer_that_does_not_end_is_given_up(command, before, options):
    url, thread = serve_raw(slowly(before))
    started = time.monotonic()
    done = hidden(command("request", url, "--account", "photos", "--max-time", "0.5", *options))
    assert done.code == 4
    assert done.error == "The request took longer than 0.5 seconds."
    assert done.hint == "If the service needs more time, give a longer --max-time."
    assert time.monotonic() - started < 5
    thread.join()


def test_a_refusal_that_does_not_end_is_reported_without_its_text(command):
    url, thread = serve_raw(slowly(b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n"))
    done = command("request", url, "--account", "photos", "--fail", "--timeout", "0.5")
    assert done.code == 1
    assert done.error.startswith("The service answered 500 ")
    assert done.hint == "Try again later."
    thread.join()


@pytest.mark.parametrize("output", [(), ("-o", "-"), ("-o", "FILE")])
def test_an_answer_that_is_too_long_is_an_error_with_a_hint(command, server, tmp_path, output):
    output = [str(tmp_path / "answer") if each == "FILE" else each for each in output]
    server.routes["/"] = Answer(body=b"a" * 300_000)
    options = ["--account", "photos", "--max-filesize"]
    done = command("request", server.origin, *options, "299999", *output)
    assert done.code == 4
    assert done.error == "The response is longer than 299999 bytes."
    assert "--max-filesize" in done.hint
    assert command("request", server.origin, *options, "300000", *output).code == 0


@pytest.fixture(scope="module")
def bomb():
    return gzip.compress(bytes(128 * MIB), 9)


WHERE = {
    "answer": {},
    "refusal": {"status": 500, "options": ["--fail"]},
    "refusal that may be about the clock": {"status": 401, "options": ["--fail"]},
    "redirect": {"status": 302, "options": ["-L"], "code": 0},
    "redirect that is not followed": {"status": 302},
}


@pytest.mark.parametrize("where", WHERE)
def test_a_compression_bomb_takes_no_memory(command, server, bomb, where):
    expected = {"status": 200, "options": [], "code": 1 if "refusal" in where else 4, **WHERE[where]}
    fields = {"Content-Encoding": "gzip", "Location": "/harmless"}
    server.routes["/"] = Answer(expected["status"], fields, bomb)
    tracemalloc.start()
    try:
        done = command("request", server.origin, "--max-filesize", "1000000", *expected["options"])
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB  # The body of the answer has 128 MiB.
    finally:
        tracemalloc.stop()
    assert done.code == expected["code"], done.err


def test_a_redirect_s_body_is_not_read(command):
    def chunks():
        yield b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 1000000000\r\n\r\n"
        yield from slowly()

    url, thread = serve_raw(chunks())
    started = time.monotonic()
    done = command("request", url, "--account", "photos", "-L")
    assert done.code == 4
    assert "127.0.0.1:" in done.error
    assert time.monotonic() - started < 5
    thread.join()


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "gzip,br"])
def test_an_answer_in_a_coding_that_was_not_asked_for_is_refused(command, server, coding):
    server.routes["/"] = Answer(200, {"Content-Encoding": coding}, b"whatever")
    done = command("request", server.origin)
    assert (done.code, done.out) == (4, "")
    assert done.error == "The response is compressed with a coding that the request did not accept."


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate"])
def test_an_answer_in_a_known_coding_is_written_decompressed(command, server, coding):
    body = {"identity": b"hello", "deflate": zlib.compress(b"hello")}.get(coding, gzip.compress(b"hello"))
    server.routes["/"] = Answer(200, {"Content-Encoding": coding}, body)
    assert command("request", server.origin).out == "hello"
    assert server.last.header("Accept-Encoding") == "gzip, deflate"


def test_a_coding_that_the_request_accepts_is_passed_on(command, server):
    server.routes["/"] = Answer(200, {"Content-Encoding": "compress"}, b"packed")
    assert command("request", server.origin, "-H", "Accept-Encoding: compress").out == "packed"

"""The page of ``oauth2 doctor --web``: it shows the mistake and every part of the base string, and no secret."""

import html
import json
import random
import re
import shlex
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import sender
from command import AS_FILE, Command
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sender import BODY, enc, hash_of, private_key
from stopwatch import within
from test_site import contrast

from oauth2 import Consumer, Token
from oauth2.cli.doctor_page import app, create_page, serve_page, serving
from oauth2.cli.doctor_page.view import difference, segments
from oauth2.doctor import Pieces, diagnose

pytestmark = pytest.mark.slow

PAGE = Path(app.__file__).parent
FORM_TOKEN = re.compile(r'name="form_token" value="([\w-]+)"')
CONSUMER = Consumer("key/1", "q7xk+zu9kp w3rt&r5yb")
TOKEN = Token("tok~1", "m4pq/v8tn=j2nd d6hc")
PAIRS = [("q", "a b+c~d"), ("tag", "z"), ("tag", "B"), ("Z", "%3D"), ("empty", "")]
CREDENTIALS = {
    "consumer_key": CONSUMER.key,
    "consumer_secret": CONSUMER.secret,
    "token": TOKEN.key,
    "token_secret": TOKEN.secret,
}


def of(make):
    """Return a function like *make* whose default credentials are CONSUMER and TOKEN."""
    return lambda **fields: make(**{"consumer": CONSUMER, "token": TOKEN, **fields})


def small(make, place):
    return lambda **fields: of(make)(**{place: PAIRS, **fields})


get, post, post_json = small(sender.get, "query"), small(sender.post, "form"), small(sender.post_json, "query")


class Answer:
    """A page: its status, its fields, its HTML, and the text that a person reads."""

    def __init__(self, response):
        self.status, self.headers, self.html = response.status_code, response.headers, response.text
        main = re.sub(r"<title>.*?</title>|<textarea.*?</textarea>", "", self.html, flags=re.DOTALL)
        text = re.sub(r"<(?:span|code|mark|em|a|/\w+)\b[^>]*>", "", main)
        self.text = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))

    def all(self, pattern):
        """Return the texts of the elements whose start tag contains *pattern*."""
        found = re.findall(rf"<(\w+)\b[^>]*{pattern}[^>]*>(.*?)</\1>", self.html, re.DOTALL)
        return [html.unescape(re.sub(r"<[^>]+>", "", inner)) for _, inner in found]

    @property
    def verdict(self):
        return re.search(r"<h1[^>]*>(.*?)</h1>", self.html)[1]

    @property
    def keys(self):
        return re.findall(r'class="kind"><code>([\w-]+)</code>', self.html)


class Visitor:
    """A person with a separate browser."""

    def __init__(self):
        self.client = create_page().test_client()
        self.token = FORM_TOKEN.search(self.get("/").html)[1]

    def get(self, path, host="127.0.0.1:8080", **headers):
        # The response can be an open file, which must be closed.
        with self.client.get(path, headers={"Host": host, **headers}) as response:
            return Answer(response)

    def post(self, fields, host="127.0.0.1:8080", **headers):
        return Answer(self.client.post("/", data=fields, headers={"Host": host, **headers}))

    def ask(self, request="", **fields):
        if not isinstance(request, str):
            request = raw(request)
        scheme = fields.pop("scheme", "https")
        return self.post({"form_token": self.token, **CREDENTIALS, "request": request, "scheme": scheme, **fields})


@pytest.fixture
def visitor():
    return Visitor()


def target(sent):
    host, _, path = sent.url.partition("://")[2].partition("/")
    return host, f"/{path}"


def raw(sent, more=()):
    host, path = target(sent)
    lines = [f"{sent.method} {path} HTTP/1.1", f"Host: {host}", *more]
    lines += [f"{name}: {value}" for name, value in sent.headers]
    return "\r\n".join([*lines, "", sent.body.decode()])


def curl(sent):
    words = ["curl", "-X", sent.method, sent.url]
    words += [part for name, value in sent.headers for part in ("-H", f"{name}: {value}")]
    return " ".join(map(shlex.quote, [*words, *(["--data-raw", sent.body.decode()] if sent.body else [])]))


def har(sent, answer=None):
    headers = [{"name": name, "value": value} for name, value in sent.headers]
    request = {"method": sent.method, "url": sent.url, "headers": headers}
    if sent.body:
        request["postData"] = {"mimeType": dict(sent.headers)["Content-Type"], "text": sent.body.decode()}
    return json.dumps({"request": request, "response": {"content": {"text": answer}} if answer else None})


def http_signed(sender):
    """A request that was signed for http and received over https."""
    return sender.send(sign_uri=lambda uri: uri.replace("https", "http", 1))


def shows_no_secret(text):
    """Check that *text* contains no letters and digits of a secret, which no encoding changes."""
    text = text.lower()
    for secret in (CONSUMER.secret, TOKEN.secret):
        for run in re.findall(r"\w+", secret):
            assert run not in text


# --- What the page shows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [raw, curl, har], ids=["HTTP", "curl", "HAR"])
@pytest.mark.parametrize("sender", [get(), post(), post_json()], ids=["query", "form", "json"])
def test_a_request_of_any_form_is_diagnosed(visitor, write, sender):
    answer = visitor.ask(write(sender.send()))
    assert (answer.status, answer.verdict) == (200, "The signature is valid, and no mistake was found.")
    answer = visitor.ask(write(http_signed(sender)))
    assert (answer.verdict, answer.keys) == ("1 mistake was found.", ["scheme"])
    assert "The request was signed for http and received over https." in answer.text
    assert "Repair Sign the URL at which the service receives the request" in answer.text
    assert "The proof: this mistake gives exactly the signature that was sent." in answer.text


def test_method_url_and_headers_are_diagnosed(visitor):
    for sent in (http_signed(get()), http_signed(post())):
        headers = "\r\n".join(f"{name}: {value}" for name, value in sent.headers) + "\r\n"
        parts = {"method": sent.method, "url": sent.url, "headers": headers, "body": sent.body.decode()}
        assert visitor.ask("", **parts).keys == ["scheme"]
    assert visitor.ask(get().send(), method="PUT").keys == ["method"]


def test_the_scheme_of_an_http_request_is_chosen(visitor):
    sent = http_signed(get())
    assert visitor.ask(sent, scheme="http").keys == []
    assert visitor.ask(sent, scheme="https").keys == ["scheme"]


def test_the_verdict_is_the_first_that_the_page_says(visitor):
    answer = visitor.ask(http_signed(get()))
    main = answer.html.partition("<main")[2]
    assert re.search(r"<(h\d)", main)[1] == "h1"
    assert "The request was signed for http" in main.partition("</section>")[0]
    assert len(re.findall("<h1", main)) == 1


@pytest.mark.parametrize(
    "sender",
    [get(), post(), post(query=[("page", "1&2")]), post_json(), get(query=[], placement="query"), get(method="get")],
)
def test_the_parts_of_the_base_string_are_the_base_string_and_each_has_its_origin(visitor, sender):
    sent = sender.send()
    answer = visitor.ask(sent)
    pieces = diagnose(sent, CONSUMER, TOKEN).pieces
    assert answer.all('class="whole"') == [pieces.base_string]
    parts = re.findall(r'<span class="from-(\w+)" title="([^"]+)">([^<]*)</span>', answer.html)
    assert [(origin, text) for origin, _, text in parts[:2]] == [
        ("method", pieces.method),
        ("url", enc(pieces.base_string_uri)),
    ]
    assert [origin for origin, _, _ in parts[2:]] == list(pieces.places)
    assert [text for _, _, text in parts[2:]] == [f"{enc(one)}%3D{enc(other)}" for one, other in pieces.parameters]
    # The page does not rely on colours alone: each parameter and each colour of the legend has a label.
    rows = re.findall(
        r'<li><span class="chip from-(\w+)">([^<]+)</span><code class="from-\1">(.*?)</code>', answer.html
    )
    assert [(origin, html.unescape(text)) for origin, _, text in rows] == [
        (place, f"{one}={other}") for place, (one, other) in zip(pieces.places, pieces.parameters, strict=True)
    ]
    labels = {"query": "Query", "form": "Form body", "header": "Authorization header"}
    assert {label for _, label, _ in rows} == {labels[place] for place in pieces.places}
    legend = re.search(r'class="legend".*?</ul>', answer.html)[0]
    assert set(re.findall(r"from-(\w+)", legend)) == {"method", "url", *pieces.places}


def test_a_parameter_of_each_place_has_the_place_in_the_diagnosis():
    pieces = diagnose(post(query=[("a", "1"), ("z", "2")], form=[("b", "3")]).send(), CONSUMER, TOKEN).pieces
    named = dict(zip([name for name, _ in pieces.parameters], pieces.places, strict=True))
    assert (named["a"], named["b"], named["z"], named["oauth_nonce"]) == ("query", "form", "query", "header")


def test_a_base_string_whose_parts_do_not_give_it_is_shown_without_colours():
    pieces = Pieces(method="GET", base_string_uri="http://a/", parameters=(), places=(), base_string="GET&REDACTED&")
    (whole,) = segments(pieces)
    assert (whole.text, whole.origin) == (pieces.base_string, "")


@pytest.mark.parametrize(
    ("hooks", "step"),
    [
        ({"sign_method": str.lower}, 1),
        ({"sign_uri": lambda uri: uri.replace("https", "http", 1)}, 2),
        ({"pairs": lambda places: [each for each in places if each[0] != "query"]}, 3),
    ],
)
def test_the_step_with_the_mistake_is_marked(visitor, hooks, step):
    answer = visitor.ask(get().send(**hooks))
    titles = [html.unescape(re.sub("<[^>]+>", "", each)) for each in re.findall(r"<li><h3>(.*?)</h3>", answer.html)]
    assert [number for number, text in enumerate(titles, 1) if "The mistake is here" in text] == [step]


def test_what_differs_is_marked(visitor):
    assert visitor.ask(http_signed(get())).html.count("http<mark>s</mark>://api.example") == 1
    answer = visitor.ask(post().send(sign_uri=lambda uri: uri.replace("photos", "pictures")))
    assert answer.keys == []
    answer = visitor.ask(get().send(pairs=lambda places: [each for each in places if each[1] != "Z"]))
    assert "<mark>Z=%253D</mark>" in answer.html
    assert "nothing" in answer.text


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("abc", "abc", ("abc", "", "")),
        ("abc", "axc", ("a", "b", "c")),
        ("abc", "ac", ("a", "b", "c")),
        ("ac", "abc", ("a", "", "c")),
        ("aaa", "aa", ("aa", "a", "")),
        ("", "abc", ("", "", "")),
        ("abc", "", ("", "abc", "")),
    ],
)
def test_the_difference_of_two_texts_is_as_short_as_their_ends_allow(one, other, expected):
    found = difference(one, other)
    assert (found.before, found.differs, found.after) == expected


def test_the_base_string_of_the_service_is_compared(visitor):
    sent = get().send()
    theirs = diagnose(sent, CONSUMER, TOKEN).pieces.base_string.replace("https", "http", 1)
    other = theirs.replace("http", "https", 1).replace("Z%3D", "zz%3D")
    for fields in (
        {"request": raw(sent), "reported": theirs},
        {"request": raw(sent), "reported": f"oauth_problem=signature_invalid&debug_sbs={theirs}"},
        {"request": har(sent, f"Invalid signature. Expected base string: {theirs}")},
    ):
        answer = visitor.ask(**fields)
        assert answer.keys == ["scheme"]
        assert "According to the other side's base string" in answer.text
        assert "exactly the base string that the service reports" in answer.text
        assert "The base string of the service differs in the base string URI" in answer.text
    answer = visitor.ask(sent, reported=other)
    assert answer.verdict == "The signature is valid, but the other side reports another base string."
    assert "The base string of the service differs in the parameters" in answer.text
    sides = re.search(r'class="sides".*?</ul>', answer.html, re.DOTALL)[0]
    assert re.findall(r">(Expected|Reported)</span><code>(.*?)</code>", sides) == [
        ("Expected", "Z=%253D"),
        ("Reported", "zz=%253D"),
    ]
    answer = visitor.ask(sent, reported="Unauthorized")
    assert "The response of the service contains no signature base string" in answer.text
    assert visitor.ask(sent, reported="lost&found&").verdict.startswith("The signature is valid, but the other side")


def test_an_unexplained_signature_comes_with_what_was_tried_and_what_that_rules_out(visitor):
    answer = visitor.ask(get().send(), consumer_secret="another")
    assert answer.verdict == "The signature is not valid, and no known mistake explains it."
    assert re.search(r"Tried: \d+ base strings \(each known mistake, and every pair of them\), \d+ keys\.", answer.text)
    assert "the tried mistakes are ruled out" in answer.text
    assert "was not checked" in visitor.ask("GET / HTTP/1.1\r\nHost: a.example\r\n").text
    assert "gives the signature that was sent." in visitor.ask(get().send()).text


def test_the_timestamp_is_checked_if_the_person_asks_for_it(visitor):
    assert visitor.ask(get().send()).keys == []
    answer = visitor.ask(get().send(), checks_time="yes")
    assert (answer.verdict, answer.keys) == ("The signature is valid, but 1 mistake was found.", ["clock"])


@pytest.mark.parametrize("kind", ["public", "private"])
def test_an_rsa_signature_is_diagnosed_with_the_text_of_a_key(visitor, kind):
    key = private_key()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    text = {"public": public, "private": private}[kind].decode()
    assert visitor.ask(get(signature_method="RSA-SHA256").send(), rsa_key=text).keys == []
    answer = visitor.ask(http_signed(get(signature_method="RSA-SHA256")), rsa_key=text)
    assert answer.keys == ["scheme"]
    assert "The private RSA key of the consumer." in answer.text
    assert "[consumer secret]" not in answer.text
    assert text.splitlines()[1] not in answer.html
    answer = visitor.ask(get(signature_method="RSA-SHA256").send(), rsa_key=text[:200])
    assert answer.status == 422
    assert "This is not an RSA key. Paste a PEM file" in answer.text
    assert text.splitlines()[1] not in answer.html
    assert "no RSA public key" in visitor.ask(get(signature_method="RSA-SHA256").send()).text


def test_the_shape_of_the_key_is_shown_without_secrets(visitor):
    assert "[consumer secret]&[token secret]" in visitor.ask(get().send()).text
    answer = visitor.ask(get(token=None).send(), token="", token_secret="")
    assert answer.keys == []
    assert "[consumer secret]& " in answer.text


def test_a_key_of_other_credentials_is_named(visitor):
    answer = visitor.ask(get().send(), consumer_key="plotter")
    assert answer.keys == ["consumer-key"]
    assert "In the request" in answer.text
    assert "In the credentials" in answer.text


# --- How a browser changes the text ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"a\nb", b"a\r\nb", b"a\nb\n", b"a\r\n\r\nb\r\n", BODY])
def test_the_length_of_the_body_tells_its_line_ends(visitor, body):
    """A browser sends each line end as CRLF."""
    sent = post_json(body=body, body_hash=hash_of(body)).send()
    text = raw(sent, [f"Content-Length: {len(body)}"]).replace("\r\n", "\n").replace("\n", "\r\n")
    # If the body has a CR, the page cannot distinguish two mistakes. In one, a line end was added at the end of the
    # body. In the other, a CR was lost inside the body.
    for end in [""] if b"\r" in body else ["", "\r\n", "\r\n\r\n"]:
        assert visitor.ask(text + end).keys == []


def test_a_line_end_after_the_request_is_not_a_part_of_the_body(visitor):
    for text in (raw(post().send()), curl(post().send()), har(post().send())):
        assert visitor.ask(f"\r\n  {text}\r\n\r\n").keys == []


# --- Problems --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "name", "text"),
    [
        ({"request": ""}, "request", "Paste the request. Alternatively, enter the method, URL and headers."),
        ({"request": "hello"}, "request", "The input is neither a curl command nor an HTTP request."),
        ({"request": "curl 'http://a"}, "request", "The curl command has a quotation mark that is not closed."),
        ({"request": "{"}, "request", "The input is not a HAR file."),
        ({"request": "GET / HTTP/1.1\nHost: ?\n\n"}, "request", "Not a"),
        ({"request": "", "url": "ftp://a"}, "request", "Not an http or https URL: 'ftp://a'."),
        ({"request": "", "url": "http://a", "headers": "x"}, "request", "Not a header: 'x'."),
        ({"request": "", "url": "http://a", "method": "a b"}, "request", "Not an HTTP request method"),
        ({"request": '{"log": {"entries": []}}'}, "request", "No request in the HAR file has an OAuth signature."),
        ({"consumer_key": " "}, "consumer_key", "Enter the consumer key."),
        ({"token": ""}, "token", "Enter the token that belongs to the token secret."),
        ({"rsa_key": "x"}, "rsa_key", "This is not an RSA key."),
    ],
)
def test_a_problem_is_named_at_its_field_and_in_the_summary(visitor, fields, name, text):
    answer = visitor.ask(**{"request": raw(get().send()), **fields})
    assert answer.status == 422
    assert "<title>Error: " in answer.html
    assert re.search(rf'<li><a href="#{name}">{re.escape(text)}', html.unescape(answer.html))
    assert f'id="{name}-problem"' in answer.html
    assert re.search(rf'<\w+ id="{name}"[^>]* aria-invalid="true"', answer.html)
    assert "--" not in answer.text.partition("There is a problem")[2].partition("Why is")[0]


def test_after_a_problem_the_form_has_what_was_entered_but_no_secret(visitor):
    sent = "GET / HTTP/2 2\n\n<b>1 & 2</b>"
    more = {
        "url": "http://a/\x1b\u202e",
        "headers": "a: b\r\nc",
        "scheme": "http",
        "reported": 'x"y',
        "checks_time": "yes",
    }
    answer = visitor.ask(sent, **more)
    areas = dict(re.findall(r'<textarea id="(\w+)"[^>]*>\n(.*?)</textarea>', answer.html, re.DOTALL))
    assert html.unescape(areas["request"]) == sent
    assert html.unescape(areas["headers"]) == "a: b\nc"
    assert html.unescape(areas["reported"]) == 'x"y'
    assert areas["rsa_key"] == ""
    values = dict(re.findall(r'<input id="(\w+)"[^>]* value="(.*?)"', answer.html))
    assert html.unescape(values["consumer_key"]) == CONSUMER.key
    assert values["url"] == "http://a/\\x1b\\u202e"
    assert (values["consumer_secret"], values["token_secret"]) == ("", "")
    assert re.search(r'value="http" checked', answer.html)
    assert re.search(r'value="yes" checked', answer.html)
    assert "<details open>" in answer.html


# --- Secrets ---------------------------------------------------------------------------------------------------------

C, T = enc(CONSUMER.secret), enc(TOKEN.secret)
PLAIN = {"signature_method": "PLAINTEXT"}
CULPRITS = [
    ("secrets-swapped", get(), {"key": f"{T}&{C}"}),
    ("secrets-not-encoded", get(), {"key": f"{CONSUMER.secret}&{TOKEN.secret}"}),
    ("secret-with-whitespace", get(), {"key": f"{enc(CONSUMER.secret + chr(10))}&{T}"}),
    ("secret-case", get(), {"key": f"{enc(CONSUMER.secret.upper())}&{enc(TOKEN.secret.upper())}"}),
    ("token-secret-left-out", post(), {"key": f"{C}&"}),
    ("plaintext-encoded-twice", get(**PLAIN), {"key": enc(f"{C}&{T}")}),
    ("plaintext-not-encoded", get(**PLAIN), {"key": f"{CONSUMER.secret}&{TOKEN.secret}"}),
    ("secrets-swapped", get(**PLAIN), {"key": f"{T}&{C}"}),
    ("ampersand-left-out", get(**PLAIN), {"key": f"{C}{T}"}),
]


@pytest.mark.parametrize(("key", "sender", "hooks"), CULPRITS)
def test_no_secret_is_shown_when_it_is_the_culprit(visitor, key, sender, hooks):
    answer = visitor.ask(sender.send(**hooks))
    assert key in answer.keys
    shows_no_secret(answer.html)


@pytest.mark.parametrize("form", [CONSUMER.secret, C, enc(C), f" {CONSUMER.secret}", CONSUMER.secret.upper()])
def test_no_secret_is_shown_when_it_is_a_part_of_the_request_or_of_the_answer(visitor, form):
    sent = get(query=[("q", form), (form, "1"), ("q", "1")], uri=f"https://api.example/{enc(form)}").send()
    answer = visitor.ask(sent, reported=f"GET&https%3A%2F%2Fapi.example%2F&{enc(form)}%3D{enc(form)}")
    assert answer.status == 200
    shows_no_secret(answer.html)
    for request in (f"GET /{form}", f"curl --{form} http://a", f"GET / HTTP/1.1\n{form}\n", f'{{"{form}"'):
        for fields in ({}, {"url": f"ftp://{form}"}, {"headers": form}, {"method": form}, {"reported": form}):
            answer = visitor.ask(request, **fields)
            assert answer.status == 422
            shows_no_secret(answer.html)
    shows_no_secret(visitor.ask("x", consumer_key=form, token=form, body=form).html)
    escaped = "".join(f"\\u{ord(each):04x}" if not each.isalnum() else each for each in form)
    shows_no_secret(visitor.ask(f'{{"{escaped}"').html)


def test_a_plaintext_signature_is_not_shown_again_though_the_secret_was_not_entered(visitor):
    text = curl(get(**PLAIN).send()) + " --unknown"
    answer = visitor.ask(text, consumer_secret="", token_secret="")
    assert answer.status == 422
    shows_no_secret(answer.html)


def test_a_secret_with_whitespace_around_it_is_pointed_out(visitor):
    answer = visitor.ask(get().send(), consumer_secret=f"{CONSUMER.secret} ")
    assert "The consumer secret has leading or trailing whitespace." in answer.text
    shows_no_secret(answer.html)
    assert "whitespace" not in visitor.ask(get().send(), consumer_secret=f"{CONSUMER.secret}\r\n").text


def test_an_error_of_the_program_shows_its_place_and_nothing_that_was_entered(visitor, monkeypatch, capfd, caplog):
    def fail(*_, **__):
        raise ValueError(f"{CONSUMER.secret} {TOKEN.secret}")

    monkeypatch.setattr(app, "diagnose", fail)
    answer = visitor.ask(get().send())
    assert answer.status == 500
    assert re.search(
        r"because of a mistake in this program: ValueError in test_doctor_page\.py, line \d+\.", answer.text
    )
    shows_no_secret(answer.html)
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")


def test_nothing_is_logged_or_written(visitor, capfd, caplog, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.open", no_writing(open))
    with caplog.at_level("DEBUG"):
        visitor.ask(get().send())
        visitor.ask("hello")
        visitor.get("/nothing")
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")
    assert list(tmp_path.iterdir()) == []


def no_writing(real):
    def opened(file, mode="r", *rest, **more):
        assert not set(mode) & set("wax+"), file
        return real(file, mode, *rest, **more)

    return opened


# --- Other sites, other machines, and hostile input ------------------------------------------------------------------


def test_every_page_keeps_frames_scripts_referrers_and_caches_out(visitor):
    pages = [visitor.get("/"), visitor.get("/nothing"), visitor.get("/", host="evil.example"), visitor.post({})]
    pages += [visitor.ask(get().send()), visitor.ask("hello"), visitor.ask("x" * (app.LARGEST + 1))]
    assert [each.status for each in pages] == [200, 404, 403, 403, 200, 422, 413]
    for each in pages:
        policy = set(each.headers["Content-Security-Policy"].split("; "))
        assert {"default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"} <= policy
        assert not any("script" in part or "unsafe" in part for part in policy)
        assert each.headers["Cache-Control"] == "no-store"
        assert each.headers["Referrer-Policy"] == "no-referrer"
        assert each.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in each.headers


def test_no_page_has_a_script_or_needs_anything_from_elsewhere(visitor):
    for template in (PAGE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script|\bon\w+=|style=|<style|\|safe|https?://(?!api\.example)", text), template.name
    assert "url(" not in (PAGE / "static" / "doctor.css").read_text(encoding="utf-8")
    for link in re.findall(r'(?:href|src)="(/[^"#]+)"', visitor.get("/").html):
        assert visitor.get(link).status == 200


def test_text_has_enough_contrast_in_both_colour_schemes():
    styles = [PAGE / "static" / "doctor.css", PAGE.parents[1] / "site" / "static" / "site.css"]
    roots = [re.findall(r":root \{(.*?)\}", each.read_text(encoding="utf-8"), re.DOTALL) for each in styles]
    for light_or_dark in zip(*roots, strict=True):
        colours = dict(re.findall(r"(--[\w-]+): (#\w{6})", "".join(light_or_dark)))
        pairs = [(f"--{name}", f"--{name}-tint") for name in ("method", "url", "query", "form", "header")]
        pairs += [("--ink", "--red-tint"), ("--ink", "--amber-tint"), ("--green-deep", "--tint"), ("--soft", "--paper")]
        for text, ground in pairs:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:80"])
def test_a_loopback_host_is_served(visitor, host):
    assert visitor.get("/", host=host).status == 200
    assert visitor.post({"form_token": visitor.token}, host=host).status == 422


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.2", "0.0.0.0",
     "", "localhost:x", "localhost:1:2", "127.0.0.1@evil.example", "evil.example/127.0.0.1", "[::1", "127.0.0.1\n"],
)  # fmt: skip
def test_another_host_is_refused_because_its_name_may_mean_this_machine(visitor, host):
    for path in ("/", "/site.css", "/static/doctor.css"):
        response = visitor.client.get(path, environ_overrides={"HTTP_HOST": host})
        assert response.status_code == 403
        assert visitor.token not in response.text
    environ = {"HTTP_HOST": host}
    assert visitor.client.post("/", data={"form_token": visitor.token}, environ_overrides=environ).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(visitor, headers):
    fields = {"form_token": visitor.token, **CREDENTIALS, "request": raw(get().send())}
    answer = visitor.post(fields, **headers)
    assert (answer.status, answer.verdict) == (403, "Not allowed")
    for own in ({"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}, {"Origin": "null"}):
        assert visitor.post(fields, **own).status == 200


@pytest.mark.parametrize("token", [None, "", "guess", "\udcff", "é"])
def test_a_form_without_the_token_of_the_page_is_refused(visitor, token):
    fields = {**CREDENTIALS, "request": raw(get().send())}
    if token is not None:
        fields["form_token"] = token.encode("utf-8", "surrogateescape")
    assert visitor.post(fields).status == 403
    assert Visitor().post({**fields, "form_token": visitor.token}).status == 403


def test_a_url_with_fields_is_not_diagnosed(visitor):
    answer = visitor.get(f"/?form_token={visitor.token}&consumer_secret=s3cret&request=curl+http://a.example")
    assert answer.verdict == "Why is this signature invalid?"
    assert "s3cret" not in answer.html
    assert visitor.client.put("/", headers={"Host": "localhost"}).status_code == 405


@pytest.mark.parametrize(
    "option", ["-d @{}", "--data-binary @{}", "--data-urlencode a@{}", "--json @{}", "-F a=@{}", "-F 'a=<{}'", "-T {}"]
)
def test_a_curl_command_reads_no_file(visitor, tmp_path, option, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    (tmp_path / "file").write_text("pr1vate=content")
    for name in (tmp_path / "file", "-", tmp_path / "missing"):
        answer = visitor.ask(f"curl http://a.example/ {option.format(name)}")
        assert answer.status == 422
        assert (
            "The request contains a file name, but files are not read for this request. Give the content instead of "
            "the file name." in answer.text
        )
        assert "pr1vate" not in answer.html


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&amp;\x1b[2J\x00\u202e\u2028{{ 7*7 }}"


def test_what_is_entered_is_text_and_not_html(visitor):
    sent = get(query=[(EVIL, EVIL)], realm="x").send()
    sent = sent.__class__(sent.method, sent.url, [*sent.headers, ("X-Evil", EVIL.replace("\x00", ""))], b"")
    for request in (har(sent), EVIL, f"curl http://a.example/ -X '{EVIL}'"):
        for fields in (
            {},
            dict.fromkeys(CREDENTIALS, EVIL),
            {"reported": f"GET&{EVIL}&"},
            {"headers": EVIL},
            {"url": EVIL},
        ):
            answer = visitor.ask(request, **fields)
            assert answer.status in (200, 422), answer.text
            assert not re.search("<script|<img src=x|[\x00\x1b\u202e\u2028]|\\b49\\b", answer.html)


def test_no_octets_make_the_page_fail(visitor):
    chance = random.Random(5849)
    pieces = [b"curl ", b"GET / HTTP/1.1\r\n", b"Host: a.example\r\n", b"{", b'"request":', b"\r\n\r\n", b"'", b'"',
              b"\\", b"%", b"&", b"=", b"\xff", b"\xed\xa0\x80", b"\x00", b"Authorization: OAuth ", b",", b"[",
              b'oauth_signature="x"', b"http://a.example/", b"-H ", b"$'\\u", b"oauth_consumer_key=key", b'^"', b"}",
              b":", b"@", b"\xe2\x80\xae"]  # fmt: skip
    names = [
        *CREDENTIALS,
        "request",
        "method",
        "url",
        "headers",
        "body",
        "reported",
        "rsa_key",
        "scheme",
        "checks_time",
    ]
    for _ in range(150):
        chosen = [name for name in names if chance.random() < 0.7]
        fields = {name: b"".join(chance.choices(pieces, k=chance.randrange(9))) for name in chosen}
        answer = visitor.post({**fields, "form_token": visitor.token})
        assert answer.status in (200, 422), answer.text
    start = f"form_token={visitor.token}&request=".encode()
    for octets in (b"%", b"&" * 1000, b"form_token", bytes(range(256)), start + b"%ff%00", start + bytes(range(256))):
        response = visitor.client.post("/", data=octets, headers={"Host": "localhost"})
        assert response.status_code in (403, 422)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "text",
    [
        "curl " + "'" * 1_999_998,
        "curl http://a/ " + "-H a:b " * 999,
        "curl http://a/ " + "-H a:b " * 400_000,
        "curl http://a/ --data-raw " + "a=b&" * 300_000,
        '{"a":' * 300_000,
        "GET /?" + "a=b&" * 300_000 + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + "a: b\r\n" * 200_000,
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: OAuth " + 'a="b",' * 200_000,
        "\r\n" * 500_000,
        "GET / HTTP/1.1\r\nHost: a\r\n" + " \r\n" * 400_000,
    ],
    ids=lambda text: text[:20],
)
def test_a_large_entry_takes_a_bounded_time(visitor, text):
    with within(20):
        assert visitor.ask(text, reported=text[:200_000]).status in (200, 422)


def test_more_than_the_limit_is_refused(visitor):
    answer = visitor.ask("x" * app.LARGEST)
    assert (answer.status, answer.verdict) == (413, "Too large")


# --- The command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path / "config")


def test_the_page_is_served_until_it_is_interrupted(command):
    with command.start("doctor", "--web") as process, requests.Session() as session:
        url = process.stdout.readline().decode().split()[1]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert process.stdout.readline() == b"Only this machine can open the page. Press Ctrl-C to stop.\n"
        session.trust_env = False
        token = FORM_TOKEN.search(session.get(url, timeout=10).text)[1]
        fields = {"form_token": token, **CREDENTIALS, "request": raw(http_signed(post()))}
        assert Answer(session.post(url, data=fields, timeout=10)).keys == ["scheme"]
        assert session.post(url, data={"request": "x" * app.LARGEST}, timeout=10).status_code == 413
        assert session.get(url, headers={"Host": "evil.example"}, timeout=10).status_code == 403
        with pytest.raises(OSError, match="refused"):  # The page is not served on other addresses of this machine.
            socket.create_connection(("127.0.0.2", int(url.rpartition(":")[2])), 5)
        process.send_signal(signal.SIGINT)  # The signal arrives while a connection is open.
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert out == b"Stopped.\n"


def test_a_body_stays_in_memory_and_the_browser_opens_if_asked(monkeypatch, capsys):
    made, opened = [], []

    def create_server(application, **settings):
        made.append(settings)
        return SimpleNamespace(run=lambda: None, close=lambda: None)

    monkeypatch.setattr(serving, "create_server", create_server)
    monkeypatch.setattr(serving.webbrowser, "open", opened.append)
    serve_page()
    assert opened == []
    serve_page(opens_browser=True)
    assert opened == [capsys.readouterr().out.splitlines()[-3].split()[1]]
    for settings in made:
        assert app.LARGEST < settings["max_request_body_size"] < settings["inbuf_overflow"]
        assert settings["outbuf_overflow"] > 16 * (1 << 20) - 1
        assert settings["channel_timeout"] <= 60


def test_the_port_is_chosen_and_must_be_free(command, monkeypatch):
    ports = []
    monkeypatch.setattr(
        serving,
        "create_server",
        lambda page, sockets, **_: SimpleNamespace(
            run=lambda: ports.append(sockets[0].getsockname()), close=lambda: None
        ),
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("doctor", "--web", "--port", port)
        assert done.code == 2
        assert done.hint.startswith("Choose another port")
        assert f"Cannot listen on port {port} of 127.0.0.1" in done.error
    done = command("doctor", "--web", "--port", port)
    assert (done.code, ports) == (0, [("127.0.0.1", port)])
    assert done.out.startswith(f"Serving http://127.0.0.1:{port}\n")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--web", "request.txt"], "--web cannot be used with FILE."),
        (["--web", "-a", "photos"], "--web cannot be used with --account."),
        (["--web", "--window", "300"], "--web cannot be used with --window."),
        (["--port", "0", "request.txt"], "--port and --browser need --web."),
        (["--browser"], "--port and --browser need --web."),
    ],
)
def test_options_that_do_not_fit_together_are_an_error(command, arguments, error):
    done = command("doctor", *arguments)
    assert (done.code, done.error) == (2, error)
    assert done.hint


def test_without_the_extra_the_error_names_it(command, monkeypatch):
    for name in [each for each in sys.modules if each.startswith("oauth2.cli.doctor_page")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "waitress.server", None)
    monkeypatch.setitem(sys.modules, "flask", None)
    done = command("doctor", "--web")
    assert done.code == 2
    assert done.error.startswith("This command needs flask")
    assert "oauth2[provider]" in done.hint


# --- Credentials from a prompt ---------------------------------------------------------------------------------------


def test_the_doctor_asks_for_credentials_that_are_not_echoed(command, tmp_path):
    command.add("photos", "https://photos.example")
    sent = command("sign", "https://photos.example/list?a=b", "--as", "curl").out.replace("https:", "http:")
    (tmp_path / "sent").write_text(sent)
    process, screen = typed(command, ["doctor", tmp_path / "sent", "--prompt"], AS_FILE)
    assert process.returncode == 1
    assert "scheme: The request was signed for https and received over http." in screen
    for line in AS_FILE.splitlines():
        name, _, value = line.partition("=")
        assert (value in screen) is not name.endswith("SECRET")
    # The list has a heading and one account, so the credentials were not stored.
    assert command("token", "list").out.count("\n") == 2


def typed(command, arguments, credentials):
    """Run a command at a terminal, and answer its questions for credentials; return the process and its screen."""
    values = [line.partition("=")[2] for line in credentials.splitlines()]
    import os
    import pty

    ours, theirs = pty.openpty()
    ends = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with command.start(*arguments, **ends, start_new_session=True) as process:
        os.close(theirs)
        seen = ""
        for question, value in zip(
            ["Consumer key: ", "Consumer secret: ", "Token (empty for none): ", "Token secret: "], values, strict=True
        ):
            while not seen.endswith(question):
                seen += os.read(ours, 1000).decode()
            os.write(ours, f"{value}\n".encode())
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk.decode()
        except OSError:  # On Linux, this error means that the other end is closed.
            pass
        process.wait(30)
    os.close(ours)
    return process, seen


def test_the_prompt_uses_what_a_file_or_the_environment_has(command, tmp_path):
    sent = raw(get().send())
    lines = f"OAUTH2_CONSUMER_KEY={CONSUMER.key}\nOAUTH2_CONSUMER_SECRET={CONSUMER.secret}\n"
    lines += f"OAUTH2_TOKEN={TOKEN.key}\nOAUTH2_TOKEN_SECRET={TOKEN.secret}\n"
    (tmp_path / "credentials").write_text(lines)
    (tmp_path / "sent").write_text(sent)
    arguments = ["doctor", tmp_path / "sent", "--any-time", "--prompt"]
    assert command(*arguments, "--credentials", tmp_path / "credentials").code == 0
    environment = dict(line.split("=", 1) for line in lines.splitlines())
    assert command(*arguments, **environment).code == 0


def test_the_prompt_needs_a_terminal_and_no_account(command):
    done = command("doctor", "--url", "http://a.example", "--prompt")
    assert done.code == 3
    assert done.error.startswith("There is no consumer key, and without a terminal")
    done = command("doctor", "--url", "http://a.example", "--prompt", "--account", "photos")
    assert (done.code, done.error) == (2, "--account and --prompt cannot be used together.")

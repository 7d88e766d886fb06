"""``oauth2 check-migration``: what it reads, reports and rewrites. The command does not run the code that it reads."""

import ast
import json
import os
import re
import subprocess
import sys

import pytest
import requests
from command import Command

from oauth2.cli.migration import sources
from oauth2.cli.migration.finder import find
from oauth2.cli.migration.fixes import rewrite
from oauth2.cli.migration.rules import rules

pytestmark = pytest.mark.slow

USE = "import oauth2\nserver = oauth2.Server()\n"


@pytest.fixture
def command(tmp_path_factory):
    return Command(tmp_path_factory.mktemp("accounts"))


@pytest.fixture
def program(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    return folder


def checked(command, program, *options):
    done = command("check-migration", "--json", program, *options)
    return done.code, json.loads(done.out)


def places(found, program):
    return [(os.path.relpath(each["file"], program), each["line"], each["rule"]) for each in found["findings"]]


def test_a_use_is_named_with_file_line_and_repair(command, program):
    (program / "server.py").write_text(USE)
    done = command("check-migration", program)
    assert done.code == 1
    assert f"{program}/server.py:2" in done.out.replace("\n", "")
    assert "server-nonces (python-oauth2)" in done.out
    assert "Do: If several processes" in done.out
    assert "See: docs/migration.md#verifying-on-the-server" in done.out
    assert "1 use in 1 file. 1 file was read." in done.out
    assert not done.err


def test_a_line_has_at_most_80_columns(command, program, monkeypatch):
    monkeypatch.chdir(program)
    examples = "".join(rule.found for rule in rules())
    (program / "a.py").write_text(examples + f"x = oauth2.Server()  # {'long ' * 50}\n")
    done = command("check-migration", ".")
    assert [line for line in done.out.splitlines() if len(line) > 80] == []
    assert done.out.count("  See: docs/") > 40


def test_the_exit_code_is_0_if_nothing_was_found(command, program):
    (program / "a.py").write_text("import json\n")
    done = command("check-migration", program)
    assert (done.code, done.out) == (0, "No code whose behaviour changes was found. 1 file was read.\n")


def test_json_has_each_finding(command, program):
    (program / "a.py").write_text(USE)
    code, found = checked(command, program)
    (each,) = found["findings"]
    assert code == 1
    assert (each["line"], each["column"], each["code"]) == (2, 9, "server = oauth2.Server()")
    assert (each["rule"], each["library"], each["uses"]) == ("server-nonces", "python-oauth2", "oauth2.Server")
    assert (found["files"], found["python2"], found["skipped"], each["fix"]) == (1, [], [], False)


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["missing"], "Cannot read missing", "Check the path"),
        (["."], "There is no Python file in .", "Give the folder"),
        ([".", "--json", "--fix"], "--json and --fix exclude each other", "Run --fix first"),
        ([], "Missing argument 'PATH'", "oauth2 check-migration --help"),
    ],
)
def test_a_wrong_call_is_an_error_with_a_hint(command, program, monkeypatch, arguments, error, hint):
    monkeypatch.chdir(program)
    done = command("check-migration", *arguments)
    assert done.code == 2
    assert error in done.error
    assert hint in done.hint


# --- what is read ---------------------------------------------------------------------


def test_nothing_is_run(command, program, monkeypatch):
    (program / "a.py").write_text(f"open({str(program / 'ran')!r}, 'w')\n{USE}")
    (program / "setup.py").write_text("import a\n")
    monkeypatch.chdir(program)
    before = set(sys.modules)
    assert checked(command, ".")[0] == 1
    assert not (program / "ran").exists()
    assert not {"a", "setup"} & (set(sys.modules) - before)


def test_scripts_without_a_suffix_are_read(command, program):
    (program / "serve").write_text(f"#!/usr/bin/env python\n{USE}")
    (program / "notes").write_text(USE)
    assert places(checked(command, program)[1], program) == [("serve", 3, "server-nonces")]


@pytest.mark.parametrize("folder", [".git", "node_modules", "venv", ".tox"])
def test_folders_that_are_not_the_program_are_not_entered(command, program, folder):
    (program / folder).mkdir()
    (program / folder / "a.py").write_text(USE)
    (program / folder / "pyvenv.cfg").touch()
    (program / "b.py").touch()
    assert checked(command, program)[0] == 0


def test_a_loop_of_links_ends_and_a_file_is_read_once(command, program):
    (program / "a.py").write_text(USE)
    (program / "loop").symlink_to(program)
    (program / "self.py").symlink_to("self.py")
    (program / "same.py").symlink_to("a.py")
    (program / "gone.py").symlink_to("missing.py")
    code, found = checked(command, program)
    assert (code, found["files"]) == (1, 1)
    assert [os.path.basename(each["file"]) for each in found["skipped"]] == ["gone.py", "self.py"]


def test_what_is_not_a_file_is_not_opened(command, program):
    os.mkfifo(program / "pipe.py")
    (program / "folder.py").mkdir()
    (program / "a.py").write_text(USE)
    assert checked(command, program)[1]["files"] == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"def f(:\n", "Line 1: invalid syntax."),
        (b"x = 1\0\n", "null character"),
        (b"# -*- coding: klingon -*-\n", "Its encoding is not valid: unknown encoding"),
        (b"# -*- coding: ascii -*-\nx = '\xe9'\n", "not valid ascii"),
        (b"x = '\xe9'\n", "Its encoding is not valid"),
        (b"x = " + b"(" * 1000, "Line 1: too many nested parentheses."),
    ],
    ids=["syntax", "null", "unknown encoding", "declared", "default", "parentheses"],
)
def test_a_file_that_cannot_be_parsed_is_named_and_skipped(command, program, content, reason):
    (program / "a.py").write_bytes(content)
    (program / "b.py").write_text(USE)
    code, found = checked(command, program)
    (skipped,) = found["skipped"]
    assert skipped["file"].endswith("a.py")
    assert reason in skipped["reason"]
    assert (code, places(found, program)) == (1, [("b.py", 2, "server-nonces")])
    assert f"a.py was skipped. {skipped['reason']}" in command("check-migration", program).err


@pytest.mark.parametrize("content", [b"x = 1" + b" + 1" * 50_000, b"x = " + b"-" * 200_000 + b"1"])
def test_a_deeply_nested_file_does_not_end_the_command(command, program, content):
    (program / "a.py").write_bytes(content)
    (program / "b.py").write_text(USE)
    code, found = checked(command, program)  # The limit depends on the version of Python.
    assert (code, places(found, program)) == (1, [("b.py", 2, "server-nonces")])


def test_a_huge_file_is_named_and_skipped(command, program, monkeypatch):
    monkeypatch.setattr(sources, "MAX_SIZE", 100)
    (program / "a.py").write_text(USE + "#" * 100)
    assert "more than 100 bytes" in checked(command, program)[1]["skipped"][0]["reason"]


@pytest.mark.parametrize(
    "content",
    [
        b"# -*- coding: latin-1 -*-\nx = '\xe9'\nimport oauth2\ns = oauth2.Server()\n",
        b"\xef\xbb\xbfimport oauth2\r\n\r\n\r\ns = oauth2.Server()\r\n",
        b"import oauth2\r\r\rs = oauth2.Server()\r",
    ],
    ids=["PEP 263", "BOM and CRLF", "CR"],
)
def test_encodings_and_line_ends_of_python_are_read(command, program, content):
    (program / "a.py").write_bytes(content)
    assert places(checked(command, program)[1], program)[-1] == ("a.py", 4, "server-nonces")


PYTHON_2 = """\
import oauth2 as oauth
def serve(request):
\tprint "serving", 0777, 10L, ur"a", `request`
        # eight spaces equal one tab
        print >>log, "x"
        if request <> None: print request
        try:
                exec "x = 1"
        except oauth.Error, e:
                raise ValueError, e
        print oauth.Server()
"""


def test_python_2_is_searched_and_named(command, program):
    (program / "a.py").write_text(PYTHON_2)
    code, found = checked(command, program)
    assert (code, places(found, program)) == (1, [("a.py", 11, "server-nonces")])
    assert found["python2"] == [str(program / "a.py")]
    done = command("check-migration", program)
    assert "These files have the syntax of Python 2. Convert them to Python 3 first." in done.out
    assert done.out.endswith(f"    {program}/a.py\n")


def test_a_module_of_the_program_with_the_name_of_the_library_is_not_the_library(command, program):
    (program / "tests").mkdir()
    for name in ("oauth2.py", "serve.py", "tests/test_serve.py"):
        (program / name).write_text(USE)
    assert checked(command, program)[0] == 0


def test_control_characters_of_a_path_are_escaped(command, program):
    (program / "a\x1b[31m.py").write_text(USE)
    assert "\x1b" not in command("check-migration", program).all


# --- fix ------------------------------------------------------------------------------

BEFORE = '''\
# -*- coding: latin-1 -*-
"""Un été."""
import oauth2 as oauth
from oauth2 import Client, parse_qs as parse  # for the é
from requests_oauthlib import OAuth1, OAuth1Session
from requests_oauthlib.oauth1_auth import SIGNATURE_TYPE_QUERY

é = "é"; pairs = oauth.urlparse(oauth.quote(url))
auth = OAuth1("key", client_secret="secret",
              resource_owner_key=self.key, resource_owner_secret=self.secret)  # signed
query = OAuth1("k", "s", "t", "ts", signature_type=SIGNATURE_TYPE_QUERY, signature_method="HMAC-SHA256")
session = OAuth1Session
'''
AFTER = '''\
# -*- coding: latin-1 -*-
"""Un été."""
import oauth2 as oauth
from oauth2 import Client  # for the é
from requests_oauthlib import OAuth1Session
import oauth2.clients.requests
import urllib.parse
from urllib.parse import parse_qs as parse

é = "é"; pairs = urllib.parse.urlparse(urllib.parse.quote(url))
auth = oauth2.clients.requests.OAuth1(oauth2.Consumer("key", "secret"), \
oauth2.Token(self.key, self.secret) if self.key else None, body_hash=False)  # signed
query = oauth2.clients.requests.OAuth1(oauth2.Consumer("k", "s"), oauth2.Token("t", "ts"), placement="query", \
signature_method=oauth2.SignatureMethod_HMAC_SHA256(), body_hash=False)
session = OAuth1Session
'''


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_fix_rewrites_mechanical_uses_and_keeps_everything_else(command, program, end):
    file = program / "a.py"
    file.write_bytes(BEFORE.replace("\n", end).encode("latin-1"))
    file.chmod(0o750)
    done = command("check-migration", program, "--fix", "--yes")
    assert file.read_bytes().decode("latin-1") == AFTER.replace("\n", end)
    assert file.stat().st_mode & 0o777 == 0o750
    assert (done.code, done.err) == (0, "Changed 1 file.\n")
    assert f"--- a{program}/a.py\n+++ b{program}/a.py\n@@" in done.out
    assert "+from requests_oauthlib import OAuth1Session" in done.out
    assert os.listdir(program) == ["a.py"]


UNCHANGED = [
    "from requests_oauthlib import OAuth1\nauth = OAuth1('k', 's')\nauth.client.verifier = code",
    "from requests_oauthlib import OAuth1\nOAuth1(*credentials)",
    "from requests_oauthlib import OAuth1\nOAuth1('k', 's', rsa_key=key)",
    "from requests_oauthlib import OAuth1\nOAuth1('k')",
    "from requests_oauthlib import OAuth1\nOAuth1('k', 's', 't')",
    "from requests_oauthlib import OAuth1\nOAuth1('k', 's', token(), secret())",
    "from requests_oauthlib import OAuth1\nOAuth1('k', 's', signature_type=kind)",
    "from requests_oauthlib import OAuth1\noauth2 = 1\nOAuth1('k', 's')",
    "import oauth2 as o\nurllib = 1\no.quote('a')",
    "import oauth2 as o\no.PY3",
    USE,
]


@pytest.mark.parametrize("text", UNCHANGED)
def test_fix_leaves_uses_that_a_person_must_decide_about(command, program, text):
    (program / "a.py").write_text(text)
    done = command("check-migration", program, "--fix", "--yes")
    assert (program / "a.py").read_text() == text
    assert (done.code, done.err) == (1, "No code can be rewritten automatically.\n")


def test_fix_leaves_python_2(command, program):
    text = "import oauth2 as o\nprint o.quote('a')\n"
    (program / "a.py").write_text(text)
    assert command("check-migration", program, "--fix", "--yes").code == 1
    assert (program / "a.py").read_text() == text


def test_fix_asks_after_the_diff(command, program):
    file = program / "a.py"
    file.write_text("import oauth2 as o\no.quote('a')\n")
    before = file.read_text()
    done = command("check-migration", program, "--fix")
    assert (done.code, "Give --yes" in done.hint, "+urllib.parse.quote" in done.out) == (1, True, True)
    assert file.read_text() == before


@pytest.mark.parametrize(("answer", "changes"), [("y", True), ("n", False)])
def test_fix_changes_files_only_if_the_answer_is_yes(command, program, monkeypatch, answer, changes):
    monkeypatch.setattr("oauth2.cli.commands.check_migration.is_interactive", lambda: True)
    file = program / "a.py"
    file.write_text("import oauth2 as o\no.quote('a')\n")
    done = command("check-migration", program, "--fix", given=f"{answer}\n")
    assert ("urllib" in file.read_text()) is changes
    assert ("Changed 1 file." in done.err) is changes
    assert ("No file was changed." in done.err) is not changes
    assert done.code == (0 if changes else 1)


def test_fix_changes_the_file_that_a_link_leads_to(command, program):
    (program / "real").mkdir()
    (program / "real" / "b.txt").write_text("import oauth2 as o\no.quote('a')\n")
    (program / "a.py").symlink_to("real/b.txt")
    command("check-migration", program, "--fix", "--yes")
    assert (program / "a.py").is_symlink()
    assert "urllib" in (program / "real" / "b.txt").read_text()


def test_fix_needs_libcst(command, program, monkeypatch):
    monkeypatch.setattr("oauth2.cli.commands.check_migration.find_spec", lambda name: None)
    (program / "a.py").write_text(USE)
    done = command("check-migration", program, "--fix")
    assert "This command needs libcst." in done.error
    assert "oauth2[migration]" in done.hint


def test_finding_needs_only_the_extra_cli(program):
    (program / "a.py").write_text(USE)
    code = (
        "import sys; sys.modules['libcst'] = None; from oauth2.cli.app import run;"
        f"sys.exit(run(['check-migration', {str(program)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_rewritten_auth_signs_like_the_former_one(program):
    """The two Authorization headers differ only in nonce, timestamp, signature and the order of the parameters."""

    text = 'from requests_oauthlib import OAuth1\nauth = OAuth1("k", "s", "t", "ts")\n'
    after = rewrite(text.encode(), find(ast.parse(text))).decode()
    assert after != text
    headers = []
    for each in (text, after):
        found = {}
        exec(each, found)
        request = requests.Request("POST", "https://api.example.com/", json=[1], auth=found["auth"]).prepare()
        header = request.headers["Authorization"]
        header = header.decode() if isinstance(header, bytes) else header
        headers.append(set(re.findall(r"(oauth_\w+)=", header)))
    assert headers[0] == headers[1]

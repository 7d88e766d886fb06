"""Each rule of ``oauth2 check-migration`` finds its example, and each change of docs/migration.md has a rule."""

import ast
import re
from pathlib import Path

import pytest
from test_docs import anchors

from oauth2.cli.migration.conditions import CONDITIONS
from oauth2.cli.migration.finder import find
from oauth2.cli.migration.rules import rules, unseen

DOCS = Path(__file__).parent.parent / "docs"
CHANGES = [
    line[2:].partition(" | ")[0]
    for line in (DOCS / "migration.md").read_text(encoding="utf-8").partition("## The test suite")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| 1.9 "))
]
COVERED = [start for rule in rules() for start in rule.covers] + [each.change for each in unseen()]
BY_KEY = [pytest.param(rule, id=rule.key) for rule in rules()]


def found_in(text):
    return [(each.line, each.rule.key) for each in find(ast.parse(text))]


def keys(text):
    return {key for _, key in found_in(text)}


@pytest.mark.parametrize("rule", BY_KEY)
def test_a_rule_finds_its_example(rule):
    assert rule.key in keys(rule.found)


@pytest.mark.parametrize("rule", BY_KEY)
def test_a_rule_does_not_find_a_similar_use_that_does_not_change(rule):
    assert rule.key not in keys(rule.not_found)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_has_a_rule_or_a_reason_why_the_source_code_does_not_show_it(change):
    assert len([start for start in COVERED if change.startswith(start)]) == 1


def test_rules_cover_only_changes_that_the_page_has():
    assert len(CHANGES) > 40
    assert [start for start in COVERED if not any(change.startswith(start) for change in CHANGES)] == []


@pytest.mark.parametrize("rule", BY_KEY)
def test_a_rule_leads_to_a_section_of_the_documentation(rule):
    page, _, anchor = rule.see.partition("#")
    assert anchor in anchors(DOCS / page)


def test_keys_are_unique_and_conditions_are_used():
    every = [rule.key for rule in rules()]
    assert sorted(set(every)) == sorted(every)
    assert {rule.when for rule in rules()} - {""} == set(CONDITIONS)


@pytest.mark.parametrize("rule", BY_KEY)
def test_the_texts_are_sentences_without_the_name_of_a_person(rule):
    assert re.match(r"[A-Z1_].*[.]$|[a-z_]+\(?=?", rule.says)
    assert rule.do
    assert len(rule.says) < 260


# --- the meaning of names -------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "import oauth2 as oauth\noauth.Server()",
        "from oauth2 import Server\nServer()",
        "from oauth2 import Server as S\nS()",
        "import oauth2\ndef make():\n  from oauth2 import Server\n  return Server()",
        "try:\n  import oauth2\nexcept ImportError:\n  oauth2 = None\noauth2.Server()",
    ],
)
def test_imports_and_their_aliases_are_resolved(text):
    assert keys(text) == {"server-nonces"}


@pytest.mark.parametrize(
    "text",
    [
        "from . import oauth2\noauth2.Server()",
        "from .oauth2 import Server\nServer()",
        "from authlib import oauth2\noauth2.Server()",
        "import oauth2\ndef make(oauth2):\n  return oauth2.Server()",
        "import oauth2\nclass Server: pass\nServer()",
        "Server()",
    ],
)
def test_other_names_are_not_those_of_the_library(text):
    assert keys(text) == set()


REQUEST = "request('https://API.example.com/')"


@pytest.mark.parametrize(
    "text",
    [
        f"import oauth2\nc = oauth2.Client(k)\nc.{REQUEST}",
        f"import oauth2\nwith oauth2.Client(k) as c:\n  c.{REQUEST}",
        f"import oauth2\ndef call(c: oauth2.Client):\n  c.{REQUEST}",
        f"import oauth2\ndef call(c: 'oauth2.Client | None'):\n  c.{REQUEST}",
        f"import oauth2\nclass A:\n  def a(self):\n    self.c.{REQUEST}\n  def b(self):\n    self.c = oauth2.Client(k)",
        f"import oauth2\nclass A:\n  kind = oauth2.Client\n  def call(self):\n    self.kind(k).{REQUEST}",
        f"import oauth2\nclass C(oauth2.Client):\n  pass\nC(k).{REQUEST}",
        f"import oauth2\ndef call():\n  C(k).{REQUEST}\nclass C(oauth2.Client):\n  pass",
        f"import oauth2\nclass C(oauth2.Client):\n  def call(self):\n    self.{REQUEST}",
        f"import oauth2\nclass C(oauth2.Client):\n  def request(self, url):\n    super().{REQUEST}",
        f"import oauth2\nc = given or oauth2.Client(k)\nc.{REQUEST}",
        "import oauth2\nURL = 'https://API.example.com/'\ndef call(c: oauth2.Client):\n  c.request(URL)",
        "import oauth2\ndef call(c: oauth2.Client):\n  c.request(uri='https://API.example.com/')",
    ],
)
def test_objects_are_followed_to_their_class(text):
    assert keys(text) == {"url-host-capitals"}


@pytest.mark.parametrize(
    "text",
    [
        f"import oauth2\nclass C(oauth2.Client):\n  def request(self, url): pass\nC(k).{REQUEST}",
        "import oauth2\nurl = 'https://API.example.com/'\nurl = 'https://api.example.com/'\noauth2.Client(k).request(url)",
        f"import oauth2, httplib2\nc = oauth2.Client(k)\ndef call(c):\n  c.{REQUEST}",
        "import oauth2\noauth2.Client(k).request(*arguments)",
    ],
)
def test_a_method_or_a_text_of_the_program_itself_is_not_followed(text):
    assert keys(text) == set()


def test_an_instance_that_is_called_is_no_second_use_of_its_class():
    assert found_in("from requests_oauthlib import OAuth1\nsign = OAuth1('k', 's')\nsign(request)") == [
        (2, "requests-oauthlib-auth")
    ]


def test_a_method_that_only_python_oauth2_has_is_recognized_without_its_class():
    assert keys("import oauth2\nself.server.verify_request(r, c, None)") == {"verify-without-token"}
    assert keys("self.server.verify_request(r, c, None)") == set()


def test_each_use_on_a_line_is_found():
    text = "from oauth2 import Server\na, b = Server(), Server()"
    assert found_in(text) == [(2, "server-nonces")] * 2


def test_a_module_beside_the_file_is_not_the_library():
    assert find(ast.parse("import oauth2\noauth2.Server()"), shadowed={"oauth2"}) == []

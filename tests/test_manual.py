"""The manual page: each command and option of the command, in roff without mistakes."""

import re

import click

from oauth2.cli.app import oauth2
from tools import manual


def test_the_page_names_each_command_and_each_of_its_options():
    page = manual.page()
    root = click.Context(oauth2, info_name="oauth2")
    found = dict(manual.commands(oauth2, root))
    assert {"oauth2 sign", "oauth2 token add", "oauth2 demo"} <= set(found)
    assert "oauth2 token" not in found  # a group, whose commands have sections
    for name, command in found.items():
        section = page.partition(f".SS {manual._escaped(name)} ")[2].partition("\n.S")[0]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert manual._escaped(parameter.opts[-1]) in section, (name, parameter.opts)


def test_the_page_has_the_environment_variables_and_the_exit_codes():
    page = manual.page()
    environment = page.partition(".SH ENVIRONMENT\n")[2].partition("\n.SH")[0]
    assert "\\fBOAUTH2_CONSUMER_KEY, OAUTH2_CONSUMER_SECRET\\fR" in environment
    status = page.partition(".SH EXIT STATUS\n")[2].partition("\n.SH")[0]
    assert re.findall(r"^\\fB(\d+)\\fR$", status, re.MULTILINE) == ["0", "1", "2", "3", "4", "130"]


def test_each_line_is_a_macro_of_the_page_or_text_that_roff_prints_unchanged():
    macros = {line.split()[0] for line in manual.page().splitlines() if line.startswith((".", "'"))}
    assert macros == {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".BR"}
    assert manual._escaped(".TH a-b \\ c\nd") == "\\&.TH a\\-b \\e c d"
    assert manual._escaped("'a'") == "\\&'a'"


def test_the_date_is_that_of_the_build(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert manual.page().startswith('.TH OAUTH2 1 "2023-11-14"\n')
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert manual.page().startswith(".TH OAUTH2 1\n")

"""The public names of the module ``oauth2``."""

import inspect
import subprocess
import sys
import typing
from importlib import import_module

import pytest

import oauth2
from oauth2._methods import MODULES, class_name

# python-oauth2 1.9 had these names, too: code that uses them keeps working.
DROP_IN = """
    Client Consumer Error HTTP_METHOD MissingSignature OAUTH_VERSION Request SIGNATURE_METHOD STRING_TYPES Server
    SignatureMethod SignatureMethod_HMAC_SHA1 SignatureMethod_PLAINTEXT Token __version__ build_authenticate_header
    build_xoauth_string escape generate_nonce generate_timestamp generate_verifier httplib2 to_unicode
    to_unicode_if_string to_unicode_optional_iterator to_utf8 to_utf8_if_string to_utf8_optional_iterator
""".split()  # noqa: SIM905 - a list with one name per line would be too long
NEW = sorted({class_name(name) for name in MODULES} - set(DROP_IN))

# python-oauth2 1.9 also had these names, but only because it imported them. They can be imported, but are not in
# __all__.
ACCIDENTAL = """
    PY3 TEXT b base64 binascii hmac parse_qs quote random sha1 time u unquote unquote_to_bytes urlencode urlparse
    urlsplit urlunparse urlunsplit
""".split()  # noqa: SIM905 - as above


def fresh(code):
    """Run *code* in an interpreter that has not imported oauth2 yet."""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", DROP_IN + NEW)
def test_every_public_name_is_there(name):
    assert getattr(oauth2, name) is not None
    assert name in dir(oauth2)


def test_all_is_exactly_the_public_names():
    assert sorted(oauth2.__all__) == sorted(DROP_IN + NEW)


def test_import_star_imports_them():
    fresh(f"from oauth2 import *; missing = set({DROP_IN + NEW}) - set(globals()); assert not missing, missing")


FORGET = "for each in [each for each in sys.modules if each.split('.')[0] == 'oauth2']: del sys.modules[each]"


def test_what_is_loaded_on_first_use_can_be_imported_by_name():
    lines = ["import sys"]
    for name in ["Client", "httplib2", "SignatureMethod_RSA_SHA1"]:
        lines += [FORGET, f"from oauth2 import {name}"]
        lines += [FORGET, f"import oauth2; assert '{name}' in dir(oauth2); assert oauth2.{name} is oauth2.{name}"]
    fresh("\n".join(lines))


def test_names_that_the_module_of_1_9_had_by_accident_are_not_offered():
    fresh(f"import oauth2; assert not set({ACCIDENTAL}) & set(dir(oauth2))")


def test_names_that_the_module_of_1_9_had_by_accident_can_be_imported():
    lines = ["import sys"]
    for name in ACCIDENTAL:
        lines += [FORGET, f"import oauth2; from oauth2 import {name}; assert oauth2.{name} is {name}, '{name}'"]
    fresh("\n".join(lines))


def test_these_names_are_what_they_were_in_1_9():
    import base64
    import hashlib
    import urllib.parse

    assert oauth2.parse_qs("a=1&a=2") == {"a": ["1", "2"]}
    assert (oauth2.quote, oauth2.urlsplit) == (urllib.parse.quote, urllib.parse.urlsplit)
    assert (oauth2.sha1, oauth2.base64) == (hashlib.sha1, base64)
    assert (oauth2.b("a"), oauth2.u(b"a"), oauth2.TEXT, oauth2.PY3) == (b"a", "a", str, True)


def test_names_of_submodules_are_there():
    from oauth2.clients.imap import IMAP4_SSL
    from oauth2.clients.smtp import SMTP

    assert (IMAP4_SSL.__name__, SMTP.__name__) == ("IMAP4_SSL", "SMTP")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'oauth2' has no attribute 'nothing'"):
        oauth2.nothing  # noqa: B018 - the test is about the look-up
    with pytest.raises(ImportError):
        from oauth2 import nothing  # noqa: F401


CORE = "errors http credentials encoding parameters signature request server rsa".split()  # noqa: SIM905 - one line


@pytest.mark.parametrize("name", CORE)
def test_the_annotations_of_every_public_function_can_be_evaluated(name):
    module = import_module(f"oauth2.{name}")
    functions = []
    for each in module.__all__:
        value = getattr(module, each)
        members = vars(value).values() if inspect.isclass(value) else [value]
        functions += [getattr(member, "fget", None) or getattr(member, "__func__", member) for member in members]
    functions = [function for function in functions if inspect.isfunction(function)]
    assert functions or name == "errors"
    for function in functions:
        typing.get_type_hints(function)


def test_the_version_is_the_one_of_the_build():
    from oauth2._version import __version__

    assert oauth2.__version__ == __version__


def test_the_version_comes_in_parts_as_in_1_9():
    from oauth2._version import auto_build_num, manual_verstr, verstr

    assert f"{manual_verstr}.{auto_build_num}" == verstr == oauth2.__version__

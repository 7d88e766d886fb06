"""What ``import oauth2`` offers."""

import subprocess
import sys

import pytest

import oauth2

# As in python-oauth2 1.9: code that uses these keeps working.
DROP_IN = """
    Client Consumer Error HTTP_METHOD MissingSignature OAUTH_VERSION Request SIGNATURE_METHOD STRING_TYPES Server
    SignatureMethod SignatureMethod_HMAC_SHA1 SignatureMethod_PLAINTEXT Token __version__ build_authenticate_header
    build_xoauth_string escape generate_nonce generate_timestamp generate_verifier httplib2 to_unicode
    to_unicode_if_string to_unicode_optional_iterator to_utf8 to_utf8_if_string to_utf8_optional_iterator
""".split()  # noqa: SIM905 - a line for each is too long a list
NEW = """
    SignatureMethod_HMAC_SHA256 SignatureMethod_HMAC_SHA512 SignatureMethod_PLAINTEXT_OVER_HTTP
    SignatureMethod_RSA_SHA1 SignatureMethod_RSA_SHA256 SignatureMethod_RSA_SHA512
""".split()  # noqa: SIM905 - as above


def fresh(code):
    """Run *code* in an interpreter that has not imported anything of ours."""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", DROP_IN + NEW)
def test_every_public_name_is_there(name):
    assert getattr(oauth2, name) is not None
    assert name in dir(oauth2)


def test_all_is_exactly_the_public_names():
    assert sorted(oauth2.__all__) == sorted(DROP_IN + NEW)


def test_import_star_imports_them():
    fresh(f"from oauth2 import *; missing = set({DROP_IN + NEW}) - set(globals()); assert not missing, missing")


@pytest.mark.parametrize("name", ["Client", "httplib2", "SignatureMethod_RSA_SHA1"])
def test_what_is_loaded_on_first_use_can_be_imported_by_name(name):
    fresh(f"from oauth2 import {name}")
    fresh(f"import oauth2; assert '{name}' in dir(oauth2); assert oauth2.{name} is oauth2.{name}")


def test_names_of_submodules_are_there():
    from oauth2.clients.imap import IMAP4_SSL
    from oauth2.clients.smtp import SMTP

    assert (IMAP4_SSL.__name__, SMTP.__name__) == ("IMAP4_SSL", "SMTP")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'oauth2' has no attribute 'nothing'"):
        oauth2.nothing  # noqa: B018 - the look-up is the claim
    with pytest.raises(ImportError):
        from oauth2 import nothing  # noqa: F401


def test_the_version_is_the_one_of_the_build():
    from oauth2._version import __version__

    assert oauth2.__version__ == __version__

"""The list of signature methods, and each place that reads it.

A new method needs a class, a line in ``oauth2/_methods.py``, and its name in ``oauth2/__init__.py``.
"""

import ast
import base64
import dataclasses
import hmac
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from hosted import Hosted
from keys import rsa_key
from peer import CONSUMER, TOKEN, base_string, encode

import oauth2
from oauth2 import services
from oauth2._methods import MODULES, class_name, hmac_methods, method_class
from oauth2.cli import methods as cli_methods
from tools.rows import modules

URL = "https://api.example/photos"
HASHES = {"SHA1": SHA1, "SHA256": SHA256, "SHA384": SHA384, "SHA512": SHA512}
PACKAGE = Path(oauth2.__file__)
EACH = pytest.mark.parametrize("name", MODULES)


def made(name):
    return method_class(name)(rsa_key()) if name.startswith("RSA-") else method_class(name)()


def signed(name):
    request = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "GET", f"{URL}?size=original")
    request.sign_request(made(name), CONSUMER, TOKEN)
    return oauth2.Request.from_request("GET", f"{URL}?size=original", request.to_header())


# --- the three places ---------------------------------------------------------------


def test_every_signature_method_of_the_package_is_in_the_list():
    defined = {
        (node.name, name)
        for name, path in modules().items()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name.startswith("SignatureMethod_")
    }
    assert defined == {(class_name(name), module) for name, module in MODULES.items()}, "see oauth2/_methods.py"


@EACH
def test_a_listed_method_has_a_class_of_that_name(name):
    cls = method_class(name)
    assert issubclass(cls, oauth2.SignatureMethod)
    assert cls.name == name.removesuffix("-OVER-HTTP")
    assert cls.uses_secrets is not name.startswith("RSA-")


@EACH
def test_a_listed_method_is_a_name_of_the_package(name):
    assert getattr(oauth2, class_name(name)) is method_class(name)
    assert class_name(name) in oauth2.__all__, "see oauth2/__init__.py"


def test_type_checkers_see_every_listed_method():
    (checked,) = [node for node in ast.parse(PACKAGE.read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
    imported = [
        (alias.name, node.module)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("SignatureMethod_")
    ]
    assert sorted(imported) == sorted((class_name(name), module) for name, module in MODULES.items())


# --- signing -----------------------------------------------------------------------


@EACH
def test_a_server_accepts_a_signature_of_a_listed_method_and_no_other(name):
    request, server = signed(name), oauth2.Server({made(name).name: made(name)})
    assert server.verify_request(request, CONSUMER, TOKEN) == {"size": "original"}
    for altered in (request["oauth_signature"][:-4] + "AAA=", "", "AAAA"):
        request = signed(name)
        request["oauth_signature"] = altered
        with pytest.raises(oauth2.Error):
            server.verify_request(request, CONSUMER, TOKEN)


@EACH
def test_a_listed_method_signs_as_its_name_says(name):
    request = signed(name)
    pairs = [(key, value) for key, value in request.items() if key != "oauth_signature"]
    key, text = f"{encode(CONSUMER.secret)}&{encode(TOKEN.secret)}", base_string("GET", URL, pairs)
    family, _, digest = name.partition("-")
    if family == "PLAINTEXT":
        assert request["oauth_signature"] == key
    elif family == "HMAC":
        expected = hmac.digest(key.encode(), text.encode(), digest.lower())
        assert base64.b64decode(request["oauth_signature"]) == expected
    else:
        raw = base64.b64decode(request["oauth_signature"])
        rsa_key().public_key().verify(raw, text.encode(), PKCS1v15(), HASHES[digest]())


# --- code that reads the list ---------------------------------------------------------


def test_a_name_that_is_not_listed_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"^signature_method: must be one of HMAC-SHA1, .*PLAINTEXT-OVER-HTTP$"):
        method_class("HMAC-MD5")


def test_a_provider_allows_every_hmac_method_unless_it_is_given_others():
    hmacs = [name for name in MODULES if name.startswith("HMAC-")]
    assert [method.name for method in hmac_methods()] == hmacs
    hosted = Hosted()
    assert {hosted.ask(name=name).status for name in hmacs} == {200}
    for name in MODULES.keys() - hmacs:
        assert b"signature_method_rejected" in hosted.ask(name=name, signer=lambda text: "any").body


def test_the_command_knows_every_listed_method():
    assert set(cli_methods.NAMES) == set(MODULES)
    assert {name for name in MODULES if cli_methods.uses_secrets(name)} == {
        name for name in MODULES if method_class(name).uses_secrets
    }
    # A verifier accepts PLAINTEXT over https only.
    checked = {name for name in MODULES if not name.startswith("RSA-")} - {"PLAINTEXT-OVER-HTTP"}
    assert set(cli_methods.for_checking(None)) == checked


@EACH
def test_a_profile_of_a_service_may_name_every_listed_method(name):
    service = dataclasses.replace(services.get("discogs"), signature_methods=(name,))
    key = rsa_key() if name.startswith("RSA-") else None
    assert type(service.signature_method(key)) is method_class(name)
    assert type(service.client(CONSUMER, TOKEN, private_key=key).method) is method_class(name)


@pytest.mark.parametrize("names", [(), ("HMAC-MD5",), ("HMAC-SHA1", "hmac-sha256")])
def test_a_profile_names_one_listed_method_at_least_and_no_other(names):
    with pytest.raises(ValueError, match="signature_methods: must name one or more of HMAC-SHA1, "):
        dataclasses.replace(services.get("discogs"), signature_methods=names)

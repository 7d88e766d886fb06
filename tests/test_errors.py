"""The tree of errors: what a peer can cause (RFC 5849 section 3.2)."""

import inspect
import pickle

import pytest

import oauth2
from oauth2 import errors

ALL = {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls)}

ANSWERS = {
    "Error": (400, None),
    "InvalidRequest": (400, "parameter_rejected"),
    "InvalidURL": (400, "parameter_rejected"),
    "ParameterAbsent": (400, "parameter_absent"),
    "MissingSignature": (400, "parameter_absent"),
    "VersionRejected": (400, "version_rejected"),
    "SignatureMethodRejected": (400, "signature_method_rejected"),
    "CallbackRejected": (400, "parameter_rejected"),
    "InsecureTransport": (400, "permission_denied"),
    "Unauthorized": (401, "permission_denied"),
    "SignatureInvalid": (401, "signature_invalid"),
    "BodyHashInvalid": (401, "parameter_rejected"),
    "TimestampRefused": (401, "timestamp_refused"),
    "NonceUsed": (401, "nonce_used"),
    "PermissionDenied": (401, "permission_denied"),
    "TokenExpired": (401, "token_expired"),
    "TokenRejected": (401, "token_rejected"),
    "VerifierInvalid": (401, "verifier_invalid"),
    "InvalidAnswer": (502, None),
    "ServiceRefused": (502, None),
    "AuthorizationDenied": (403, "user_refused"),
    "InsecureRedirect": (502, None),
    "StoreUnavailable": (503, None),
}


def test_each_error_says_what_to_answer():
    assert {name: (cls.status, cls.problem) for name, cls in ALL.items()} == ANSWERS


@pytest.mark.parametrize("name", ALL)
def test_every_error_is_an_oauth2_error_with_a_message(name):
    error = ALL[name]("The text.")
    assert isinstance(error, oauth2.Error)
    assert isinstance(error, RuntimeError)
    assert error.message == str(error) == "The text."


def test_the_message_has_a_default():
    assert oauth2.Error().message == str(oauth2.Error()) == "OAuth error occurred."


def test_errors_about_the_request_are_400_and_refusals_401():
    below = {name for name, cls in ALL.items() if issubclass(cls, errors.InvalidRequest)}
    assert below == {name for name, (status, _) in ANSWERS.items() if status == 400} - {"Error"}
    refusals = {name for name, cls in ALL.items() if issubclass(cls, errors.Unauthorized)}
    assert refusals == {name for name, (status, _) in ANSWERS.items() if status == 401}


def test_a_missing_signature_is_an_absent_parameter():
    assert oauth2.MissingSignature is errors.MissingSignature
    assert issubclass(oauth2.MissingSignature, errors.ParameterAbsent)


def test_an_invalid_url_is_a_value_error_too():
    assert issubclass(errors.InvalidURL, ValueError)


@pytest.mark.parametrize("name", ALL)
def test_an_error_survives_pickling(name):
    error = pickle.loads(pickle.dumps(ALL[name]("The text.")))
    assert (type(error), error.message) == (ALL[name], "The text.")


def test_the_tree_in_the_documentation_is_the_tree():
    for name, (status, _) in ANSWERS.items():
        if issubclass(ALL[name], (errors.InvalidRequest, errors.Unauthorized)) and name != "Error":
            assert f"── {name}" in errors.__doc__
        elif name != "Error":
            (line,) = [line for line in errors.__doc__.splitlines() if f"── {name}" in line]
            assert str(status) in line

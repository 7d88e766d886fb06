"""The classes of errors that a peer can cause (RFC 5849 section 3.2)."""

import inspect
import pickle
import traceback

import pytest

import oauth2
from oauth2 import errors
from oauth2.provider.refusal import refusal, report

ALL = {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls) and cls.__module__ == errors.__name__}

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


def test_all_errors_are_public():
    assert sorted(ALL) == sorted(errors.__all__)


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


def notes(error):
    return " ".join(getattr(error, "__notes__", []))


def test_an_error_about_a_signature_has_a_note_for_the_developer_and_the_same_message():
    error = errors.SignatureInvalid("The signature is invalid.")
    assert notes(error).startswith('To find the mistake, run "oauth2 doctor"')
    assert str(error) == error.message == "The signature is invalid."
    assert error.args == ("The signature is invalid.",)
    assert "docs/doctor.md" in "".join(traceback.format_exception(error))


def test_one_instance_does_not_share_its_note_with_another():
    error = errors.SignatureInvalid("a")
    error.add_note("mine")
    assert "mine" not in notes(errors.SignatureInvalid("b"))


@pytest.mark.parametrize(
    ("answered", "problem", "has_note"),
    [
        (401, "signature_invalid", True),
        (400, "signature_invalid", True),
        (401, None, True),
        (400, None, False),
        (401, "token_rejected", False),
        (None, None, False),
    ],
)
def test_a_refusal_of_a_signature_has_a_note(answered, problem, has_note):
    error = errors.ServiceRefused("The service refused.", answered=answered, problem=problem)
    assert ("on_refusal=print" in notes(error)) == has_note
    assert str(error) == "The service refused."


def test_a_peer_does_not_get_the_note():
    error = errors.SignatureInvalid("The signature is invalid.")
    error.report = report(error, (), (0, 1))
    sent = f"{refusal(error).headers} {refusal(error).body!r}"
    assert "signature_invalid" in sent
    assert "doctor" not in sent

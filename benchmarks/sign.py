"""Measure the time in which a library computes an Authorization header and a form body from credentials and a URL."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from . import peers, predecessor
from .comparison import assemble, compare
from .peers import CREDENTIALS, InProcess
from .reference import base_string, fault, form_decode
from .report import FLOOR, OURS, progress
from .workloads import MAIN, SHAPES, Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .comparison import Field, Setting
    from .peers import Signed, SignRunner
    from .report import Report
    from .workloads import Workload

BARE_RSA = "cryptography"
BASES = (FLOOR, "oauthlib", "Authlib", predecessor.NAME)


def run(setting: Setting, report: Report) -> None:
    """Sign all workloads with HMAC-SHA1, the main workloads with HMAC-SHA256, and one workload with RSA-SHA256."""
    sha1 = field("HMAC-SHA1", setting)
    for workload in MAIN + SHAPES:
        _compare(sha1, workload, "HMAC-SHA1", setting, report, f"sign {workload.key}")
    sha256 = field("HMAC-SHA256", setting)
    for workload in MAIN:
        _compare(sha256, workload, "HMAC-SHA256", setting, report, f"sign-sha256 {workload.key}")
    _rsa(setting, report)


def field(method_name: str, setting: Setting) -> Field:
    """Return all libraries that can sign with HMAC."""
    makers: dict[str, Callable[[], SignRunner]] = {
        FLOOR: partial(peers.sign_floor, method_name),
        OURS: partial(peers.sign_oauth2, method_name),
        "rauth": partial(peers.sign_rauth, method_name),
        "oauthlib": partial(peers.sign_oauthlib, method_name),
        "requests-oauthlib": partial(peers.sign_requests_oauthlib, method_name),
        "Authlib": partial(peers.sign_authlib, method_name),
    }
    if method_name == "HMAC-SHA1":
        makers[predecessor.NAME] = partial(predecessor.SignRunner, setting.predecessor)
    return assemble(makers)


def wrong(call: Call, signed: Signed, *, method_name: str = "HMAC-SHA1", public_key: Any = None) -> str | None:
    """Describe the error in a library's result; return None if the result is correct."""
    header, form = signed
    check = partial(fault, credentials=CREDENTIALS, method_name=method_name, public_key=public_key)
    if form and any(name == b"oauth_signature" for name, _ in form_decode(form)):
        # The library has put the protocol parameters into the header and into the form, but a client sends only one of
        # the two. Check the form without a header, and the header with a form that has no protocol parameters.
        plain = "&".join([each for each in form.split("&") if not each.startswith("oauth_")])
        return check(call, None, form) or check(call, header, plain)
    return check(call, header, form)


def _compare(
    libraries: Field, workload: Workload, method_name: str, setting: Setting, report: Report, key: str
) -> None:
    progress(f"sign with {method_name}: {workload.title}")
    title = f"Sign ({workload.key}): {workload.title}, {method_name}"
    check = partial(wrong, method_name=method_name)
    report.add(compare(libraries, workload.batch, check, setting.effort, key=key, title=title, bases=BASES))


def _rsa(setting: Setting, report: Report) -> None:
    workload, method_name = MAIN[0], "RSA-SHA256"
    progress(f"sign with {method_name}: {workload.title}")
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
    except ImportError as exc:
        progress(f"RSA is not measured: {exc}")
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    scheme = (padding.PKCS1v15(), hashes.SHA256())

    def bare(octets: bytes) -> bytes:
        return key.sign(octets, *scheme)

    def text_of(call: Call) -> tuple[bytes]:
        pairs = form_decode(f"{call.url.partition('?')[2]}&oauth_nonce={'n' * 160}")
        return (base_string(call.method, call.url, pairs).encode(),)

    libraries = assemble(
        {
            BARE_RSA: lambda: InProcess(bare, text_of),
            OURS: lambda: peers.sign_oauth2(method_name, pem),
            "oauthlib": lambda: peers.sign_oauthlib(method_name, pem),
            "Authlib": lambda: peers.sign_authlib(method_name, pem),
        }
    )

    def check(call: Call, result: Any) -> str | None:
        if isinstance(result, bytes):
            return None
        return wrong(call, result, method_name=method_name, public_key=key.public_key())

    title = f"Sign ({workload.key}): {workload.title}, {method_name} with 2048 bits, compared with a bare signature"
    bases = (BARE_RSA, "oauthlib")
    effort = setting.effort.for_slow_calls
    report.add(compare(libraries, workload.batch, check, effort, key="sign rsa", title=title, bases=bases))

"""Measure the time of oauthlib divided by the time of this project. tests/test_speed.py uses the results.

One process runs only this project and oauthlib, so that other work does not affect the times. The program prints one
JSON object: ``{"sign a": 9.1, ..., "verify d": 5.0}``.
"""

from __future__ import annotations

import json
from typing import Any

from . import peers, sign, verify
from .comparison import assemble, compare
from .report import OURS
from .timing import Effort
from .workloads import MAIN

PEER = "oauthlib"
_EFFORT = Effort(rounds=8, target=0.003, deadline=3)


def measure() -> dict[str, float]:
    """Return the time of oauthlib divided by the time of this project, for each task and workload.

    Raises:
        RuntimeError: A library cannot be measured, or returns a wrong result.
    """
    signers = assemble({OURS: lambda: peers.sign_oauth2("HMAC-SHA1"), PEER: lambda: peers.sign_oauthlib("HMAC-SHA1")})
    verifiers = assemble({OURS: peers.verify_oauth2, PEER: peers.verify_oauthlib})
    factors = {}
    for workload in MAIN:
        arguments: dict[str, Any] = {"title": workload.title, "bases": ()}
        signed = compare(signers, workload.batch, sign.wrong, _EFFORT, key=f"sign {workload.key}", **arguments)
        verified = compare(
            verifiers, verify.valid(workload), verify.not_accepted, _EFFORT, key=f"verify {workload.key}", **arguments
        )
        for table in (signed, verified):
            factor = table.ratio(PEER, OURS)
            if factor is None:
                raise RuntimeError("; ".join([f"{row.library}: {row.note}" for row in table.rows if row.note]))
            factors[table.key] = factor
    return factors


if __name__ == "__main__":
    print(json.dumps(measure()))

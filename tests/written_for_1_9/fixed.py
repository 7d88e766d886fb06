"""Run a program with a fixed clock and fixed nonces: ``python fixed.py PROGRAM BASE_URL``."""

import runpy
import sys
import time

time.time = lambda: 1_700_000_000.0
import oauth2  # noqa: E402 - when oauth2 is imported, it stores the function time.time

oauth2.generate_nonce = lambda length=8: "13579246"[:length]
oauth2.Request.make_nonce = classmethod(lambda cls: "24681357")
sys.argv[:] = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")

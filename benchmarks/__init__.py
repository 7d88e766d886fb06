"""What signing and verifying cost, beside the least they can cost and beside other libraries.

Run from the root of the checkout: ``python -m benchmarks --help``.
"""

"""Measure the time of signing and verifying; compare this time with other libraries' times and with a lower limit.

The lower limit is called the floor: the shortest time that is possible in pure Python, see ``benchmarks/floor.py``.

Run from the root of the checkout: ``python -m benchmarks --help``.
"""

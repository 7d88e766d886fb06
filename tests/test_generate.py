"""Timestamps and random values (RFC 5849 sections 3.3 and 4.9)."""

import math
import re
import time
from collections import Counter

import pytest

import oauth2
from oauth2._generate import make_nonce, make_verifier, read_verifier


def test_a_timestamp_is_whole_seconds_since_1970():
    before = time.time()
    timestamp = oauth2.generate_timestamp()
    assert type(timestamp) is int
    assert int(before) <= timestamp <= time.time()


@pytest.mark.parametrize("generate", [oauth2.generate_nonce, oauth2.generate_verifier])
def test_nonces_and_verifiers_are_8_digits_unless_another_length_is_given(generate):
    assert re.fullmatch("[0-9]{8}", generate())
    assert re.fullmatch("[0-9]{20}", generate(length=20))
    assert re.fullmatch("[0-9]{3}", generate(3))
    assert generate(0) == ""


def test_digits_are_all_as_likely():
    counts = Counter(oauth2.generate_nonce(20_000))
    assert set(counts) == set("0123456789")
    assert all(1_700 < count < 2_300 for count in counts.values())


def test_what_is_sent_is_22_letters_and_digits_of_128_bits_or_more():
    assert 22 * math.log2(62) >= 128
    assert all(re.fullmatch("[A-Za-z0-9]{22}", make_nonce()) for _ in range(1000))


def test_letters_and_digits_are_all_as_likely():
    counts = Counter("".join(make_nonce() for _ in range(5_000)))
    assert len(counts) == 62
    mean = 22 * 5_000 / 62
    assert all(mean * 0.8 < count < mean * 1.2 for count in counts.values())


def test_too_few_letters_and_digits_are_drawn_again(monkeypatch):
    # In base64, 24 octets of 0xFF are 32 slashes without any letter.
    drawn = iter([b"\xff" * 24, bytes(24)])
    monkeypatch.setattr("oauth2._generate._random_octets", lambda: lambda size: next(drawn))
    assert make_nonce() == "A" * 22


def test_reading_a_verifier_loses_none_of_its_bits():
    made = {make_verifier() for _ in range(1000)}
    assert {read_verifier(verifier) for verifier in made} == made
    assert len(made) == 1000
    verifier = min(made)
    assert read_verifier(f" {verifier[:5].upper()}\u00a0{verifier[5:]}\n") == verifier

"""What MemoryStore promises of nonces besides the contract of every store."""

from hypothesis import given, settings
from hypothesis import strategies as st

from oauth2.stores import MemoryStore

NOW = 1_700_000_000


# --- nonces -------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    window=st.integers(0, 400),
    steps=st.lists(st.tuples(st.integers(0, 200), st.sampled_from([-1, 1]) | st.floats(-1, 1)), max_size=60),
)
def test_inside_the_window_what_is_new_is_new_and_what_is_used_stays_used(window, steps):
    store, used, clock = MemoryStore(window=window), set(), NOW
    for elapsed, skew in steps:
        clock += elapsed
        timestamp = clock + int(skew * window)
        assert store.add_nonce("n", timestamp, "ck", None) is (timestamp not in used)
        used.add(timestamp)
        assert not any(store.add_nonce("n", each, "ck", None) for each in used)


def test_text_without_utf8_form_is_a_nonce_like_any():
    store = MemoryStore()
    assert store.add_nonce("\ud800", NOW, "ck", None) is True
    assert store.add_nonce("\ud801", NOW, "ck", None) is True
    assert store.add_nonce("\ud800", NOW, "ck", None) is False

"""In SQLite, claims with later timestamps delete old nonces. If there are no old nonces, a claim does not search."""

import contextlib

from oauth2.stores.sqlite import SQLiteStore

EARLY, LATER = 6_000, 60_000


def claim(store, timestamp, count):
    for number in range(count):
        assert store.add_nonce(str(number), timestamp, "key", None)


def test_more_old_nonces_than_one_step_deletes_are_all_deleted(tmp_path):
    with contextlib.closing(SQLiteStore(tmp_path / "store.db", window=60)) as store:
        claim(store, EARLY, 2_000)
        claim(store, LATER, 2_000)
        assert store.nonce_count() == 2_000


def test_nonces_below_the_next_horizon_are_deleted_too(tmp_path):
    with contextlib.closing(SQLiteStore(tmp_path / "store.db", window=60)) as store:
        for step in range(4):
            claim(store, EARLY + step * 1_000, 1_000)
        assert store.nonce_count() == 1_000


def test_old_nonces_of_another_process_are_deleted(tmp_path):
    path = tmp_path / "store.db"
    with (
        contextlib.closing(SQLiteStore(path, window=60)) as one,
        contextlib.closing(SQLiteStore(path, window=60)) as two,
    ):
        claim(one, EARLY, 1_000)
        claim(two, LATER, 1_000)
        claim(one, LATER + 1_000, 1_000)
        assert two.nonce_count() == 1_000


def test_a_deletion_that_found_no_more_rows_is_not_repeated(tmp_path):
    with contextlib.closing(SQLiteStore(tmp_path / "store.db", window=60)) as store:
        claim(store, EARLY, 500)
        statements = []
        store._file._opened().set_trace_callback(statements.append)
        for number in range(500, 1_000):
            store.add_nonce(str(number), EARLY, "key", None)
        store._file._opened().set_trace_callback(None)
        assert len(statements) >= 500
        assert not [text for text in statements if text.startswith(("BEGIN", "DELETE"))]

"""One contract for every store of nonces."""

import threading

import databases
import pytest

WINDOW = 300
T = 1_700_000_000
KINDS = [kind for kind in databases.ALL if kind != "combined"]


@pytest.fixture(scope="module", params=KINDS)
def backend(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("stores")) as backend:
        yield backend


@pytest.fixture
def make_store(backend, monkeypatch):
    if backend.pace > 1:  # fewer claims, and more of them look for what can go
        monkeypatch.setattr("oauth2.stores.sql.FORGET_EVERY", 4)
    backend.clear()
    return lambda window=WINDOW: backend.make(window=window)


@pytest.fixture
def store(make_store):
    return make_store()


@pytest.fixture
def claim_many(backend):
    """A store may look for what can go only now and then: enough claims for it to do so."""

    def claim(store, count, timestamp, prefix="many"):
        count //= backend.pace
        assert all(store.add_nonce(f"{prefix}{i}", timestamp, "filler", None) for i in range(count))
        return count

    return claim


def test_a_new_nonce_is_claimed_and_a_used_one_is_refused(store):
    assert store.add_nonce("n", T, "c", "t") is True
    assert store.add_nonce("n", T, "c", "t") is False
    assert store.add_nonce("n", T, "c", "t") is False
    assert store.nonce_count() == 1


def test_each_part_makes_another_combination(store):
    combinations = [("n", T, "c", "t"), ("N", T, "c", "t"), ("n", T + 1, "c", "t"), ("n", T, "d", "t")]
    combinations += [("n", T, "c", "u"), ("n", T, "c", None), ("n ", T, "c", "t"), ("n", T, "C", "t")]
    assert [store.add_nonce(*combination) for combination in combinations] == [True] * len(combinations)
    assert [store.add_nonce(*combination) for combination in combinations] == [False] * len(combinations)
    assert store.nonce_count() == len(combinations)


def test_no_token_and_an_empty_token_are_the_same(store):
    assert store.add_nonce("n", T, "c", None)
    assert not store.add_nonce("n", T, "c", "")
    assert store.add_nonce("m", T, "c", "")
    assert not store.add_nonce("m", T, "c", None)


def test_the_parts_do_not_run_into_each_other(store):
    combinations = [("ab", "c", None), ("a", "bc", None), ("abc", "", None), ("", "abc", None), ("", "", "abc")]
    combinations += [("a", "b", "c"), ("a", "", "bc"), ("1,1", "a", "b"), ("1", "1,a", "b"), ("a\0", "b", "c")]
    combinations += [("a", "\0b", "c"), ("a,1", "b", "c"), ("a", "1,b", "c")]
    assert all(store.add_nonce(nonce, T, consumer, token) for nonce, consumer, token in combinations)
    assert not any(store.add_nonce(nonce, T, consumer, token) for nonce, consumer, token in combinations)


@pytest.mark.parametrize("text", ["é☃𝒳", "a\0b", "\0", " ", "", "n" * 100_000, "'; DROP TABLE nonce; --", "e\u0301"])
def test_any_text_is_a_nonce_a_consumer_and_a_token(store, text):
    for combination in [
        (f"n{text}", T, "c", "t"),
        ("n", T, f"k{text}", "t"),
        ("n", T, "c", f"s{text}"),
        (text, T, "a", "b"),
    ]:
        assert store.add_nonce(*combination)
        assert not store.add_nonce(*combination)


def test_what_unicode_holds_equivalent_stays_apart(store):
    assert store.add_nonce("\u00e9", T, "c", None)
    assert store.add_nonce("e\u0301", T, "c", None)


def test_a_timestamp_far_ahead_lets_the_old_ones_go_and_they_stay_refused(store, claim_many):
    claim_many(store, 500, T)
    later = T + 10 * WINDOW
    count = claim_many(store, 500, later, "later")
    assert store.nonce_count() <= count * 1.2
    # What is forgotten is refused, and so is what is new but as old.
    assert not store.add_nonce("many0", T, "filler", None)
    assert not store.add_nonce("never seen", T, "filler", None)
    assert not store.add_nonce("later0", later, "filler", None)


def test_memory_is_bounded_while_time_goes_on(store, claim_many):
    for step in range(100):
        count = claim_many(store, 64, T + 60 * step, f"{step}-")
    # The window in both directions, and some buckets more.
    assert store.nonce_count() <= count * (2 * WINDOW // 60 + 6)


@pytest.mark.parametrize("window", [1, 30, 59, 60, 61, 90, 300, 3600])
@pytest.mark.parametrize("phase", [0, 1, 59])
def test_nothing_inside_twice_the_window_is_forgotten(make_store, claim_many, window, phase):
    store = make_store(window)
    newest = T - T % 60 + phase
    oldest = newest - 2 * window  # what a server may have let through before its clock went on
    assert store.add_nonce("victim", oldest, "c", None)
    count = claim_many(store, 130, newest)
    assert not store.add_nonce("victim", oldest, "c", None)
    assert store.add_nonce("another of that time", oldest, "c", None)
    assert store.nonce_count() == count + 2


def test_timestamps_out_of_order_are_claimed_at_the_edges_of_the_window(store):
    order = [T, T + WINDOW, T - WINDOW, T + 1, T - WINDOW + 1, T + WINDOW - 1, T]
    for round_ in range(20):
        for index, timestamp in enumerate(order):
            assert store.add_nonce(f"{round_}-{index}", timestamp, "c", None)
    for round_ in range(20):
        for index, timestamp in enumerate(order):
            assert not store.add_nonce(f"{round_}-{index}", timestamp, "c", None)


def test_an_old_timestamp_does_not_turn_the_horizon_back(store, claim_many):
    count = claim_many(store, 320, T + 10 * WINDOW)
    for i in range(count):
        assert not store.add_nonce(f"old{i}", T, "c", None)
    assert not store.add_nonce("old", T + WINDOW, "c", None)
    assert store.nonce_count() == count


def test_what_lies_before_the_epoch_is_refused(store):
    assert not store.add_nonce("n", -1, "c", None)


def test_of_sixteen_threads_with_one_nonce_exactly_one_claims_it(store):
    rounds, threads = 100, 16
    barrier = threading.Barrier(threads)
    claims = [[] for _ in range(rounds)]

    def run():
        for round_ in range(rounds):
            barrier.wait(60)
            claims[round_].append(store.add_nonce(f"round{round_}", T + round_, "c", "t"))

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [sorted(claimed) for claimed in claims] == [[False] * (threads - 1) + [True]] * rounds

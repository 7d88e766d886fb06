"""One contract for every store of client, token and temporary credentials."""

import threading
from dataclasses import replace

import databases
import pytest
from hosted import APP, Hosted, problem
from peer import what_is_shown

from oauth2.errors import StoreUnavailable
from oauth2.stores import ClientCredentials, TemporaryCredentials, TokenCredentials
from oauth2.stores.statements import FORGET_BESIDE

T = 1_700_000_000
CREDENTIALS = [kind for kind in databases.ALL if kind != "redis"]
BY_ISSUE = [kind for kind in CREDENTIALS if kind != "combined"]  # forget when others are issued, not by a clock
FULL = ClientCredentials(
    key="printer",
    secret="s3cret",
    previous_secret="before",
    public_key="-----BEGIN PUBLIC KEY-----\n...",
    name='Prîntr "<x>" ☃',
    callbacks=("https://printer.example/ready?a=b,c", "oob"),
    signature_methods=("HMAC-SHA1", "RSA-SHA256"),
    two_legged=True,
    xauth=True,
    owner="jane",
)
# Keys that a database may take for one another, or stumble over.
TEXTS = [
    "a",
    "A",
    "á",
    "a\u0301",
    "a ",
    " a",
    "a\t",
    "ä",
    "ß",
    "ss",
    "𝒳",
    "☃",
    "%",
    "_",
    "'",
    '"',
    "\\",
    "{a}",
    ":a",
    "?",
]
ODD = [*TEXTS, "a\0", "a\0b", "\0", "\ud800", "\udfff" * 3, "'; DROP TABLE token; --", "%s", "k" * 300, "k" * 100_000]


def client(key, **fields):
    return ClientCredentials(key=key, secret="secret of " + key, **fields)


def token(key, **fields):
    return TokenCredentials(**{"key": key, "secret": f"s{key}", "consumer_key": "printer", "user": "jane", **fields})


def temporary(key, **fields):
    given = {"key": key, "secret": f"s{key}", "consumer_key": "printer", "callback": "oob"}
    return TemporaryCredentials(**{**given, "issued_at": T, "expires_at": T + 600, **fields})


def pytest_generate_tests(metafunc):
    kinds = CREDENTIALS if "store" in metafunc.fixturenames else databases.ALL
    if metafunc.function is test_temporary_credentials_that_expired_go_a_few_at_a_time_as_new_ones_come:
        kinds = BY_ISSUE
    metafunc.parametrize("backend", kinds, indirect=True, scope="module")


@pytest.fixture(scope="module")
def backend(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("stores")) as backend:
        yield backend


@pytest.fixture
def any_store(backend):
    backend.clear()
    return backend.make()


@pytest.fixture
def store(any_store):
    return any_store


# --- client credentials ---------------------------------------------------------------


@pytest.mark.parametrize(
    "consumer", [FULL, ClientCredentials(key="k"), client("k", signature_methods=())], ids=["full", "least", "none"]
)
def test_client_credentials_come_back_as_they_were(store, consumer):
    store.add_consumer(consumer)
    assert store.get_consumer(consumer.key) == consumer
    assert store.find(consumer.key, None) == (consumer, None)
    assert store.get_consumer("other") is None
    assert store.find("other", "other") == (None, None)


def test_client_credentials_take_the_place_of_earlier_ones(store):
    store.add_consumer(FULL)
    store.add_token(token("t"))
    changed = FULL.with_new_secret()
    store.add_consumer(changed)
    assert store.get_consumer("printer") == changed
    assert store.find("printer", "t") == (changed, token("t"))
    store.add_consumer(ClientCredentials(key="printer"))
    assert store.get_consumer("printer") == ClientCredentials(key="printer")


def test_client_credentials_are_replaced_where_they_are_and_kept_nowhere_else(store):
    assert store.replace_consumer(FULL) is False
    assert store.get_consumer("printer") is None
    store.add_consumer(client("other"))
    store.add_consumer(FULL)
    store.add_token(token("t"))
    assert store.replace_consumer(FULL) is True  # by an equal one, too
    changed = replace(FULL.with_new_secret(), name="Another", callbacks=(), signature_methods=None, owner="joe")
    assert store.replace_consumer(changed) is True
    assert store.find("printer", "t") == (changed, token("t"))
    assert (store.consumers_of("jane"), store.consumers_of("joe")) == ([], [changed])
    assert store.replace_consumer(ClientCredentials(key="printer")) is True
    assert store.get_consumer("printer") == ClientCredentials(key="printer")
    assert store.remove_consumer("printer") is True
    assert store.replace_consumer(changed) is False
    assert store.find("printer", "t") == (None, None)
    assert store.get_consumer("other") == client("other")


def test_with_client_credentials_goes_what_was_issued_to_them(store, backend):
    for key in ("printer", "other"):
        store.add_consumer(client(key))
        store.add_token(token(f"token of {key}", consumer_key=key))
        store.issue(temporary(f"temporary of {key}", consumer_key=key))
    assert store.remove_consumer("printer") is True
    assert store.remove_consumer("printer") is False
    assert store.find("printer", "token of printer") == (None, None)
    assert store.find("other", "token of other")[1] is not None
    assert store.get_temporary("temporary of other") is not None
    if backend.kind != "combined":  # there they expire, and are good for nothing
        assert store.get_temporary("temporary of printer") is None


def test_temporary_credentials_of_a_removed_client_are_never_redeemed(store):
    hosted = Hosted(store)
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    assert store.remove_consumer(APP.key)
    assert problem(hosted.exchange(temporary, verifier))[0] == 401
    assert hosted.ask().status == 401
    assert store.tokens_of("jane") == []


def test_client_credentials_are_listed_by_owner_name_and_key(store):
    given = [("3", "b"), ("1", "a"), ("2", "b"), ("4", "B"), ("5", "ä"), ("6", "")]
    for key, name in given:
        store.add_consumer(client(key, name=name, owner="jane"))
    store.add_consumer(client("7", owner="Jane"))
    store.add_consumer(client("8"))
    assert [each.key for each in store.consumers_of("jane")] == ["6", "4", "1", "2", "3", "5"]
    assert [each.key for each in store.consumers_of("Jane")] == ["7"]
    assert store.consumers_of("nobody") == store.consumers_of("") == []


# --- token credentials ----------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        token("t"),
        token("t", realms=("photos", "a b", "☃"), issued_at=T, expires_at=T + 1, secret="", user=""),
        token("t", expires_at=T, session_handle="handle", session_expires_at=T + 9),
        token("t", expires_at=T, session_handle="handle"),
    ],
)
def test_token_credentials_come_back_as_they_were(store, given):
    store.add_token(given)
    assert store.get_token("t") == given
    assert store.find("other", "t") == (None, given)
    assert store.get_token("u") is None


def test_one_look_finds_both_and_each_without_the_other(store):
    store.add_consumer(FULL)
    store.add_token(token("t", consumer_key="another"))
    assert store.find("printer", "t") == (FULL, token("t", consumer_key="another"))
    assert store.find("printer", "u") == (FULL, None)
    assert store.find("printer", "") == (FULL, None)
    assert store.find("p", "t") == (None, token("t", consumer_key="another"))


def test_a_token_is_replaced_once(store):
    store.add_token(token("old"))
    assert store.replace_token("old", token("new", issued_at=T)) is True
    assert store.replace_token("old", token("newer")) is False
    assert store.get_token("old") is None
    assert store.get_token("newer") is None
    assert store.tokens_of("jane") == [token("new", issued_at=T)]
    assert store.replace_token("new", token("new", secret="anew")) is True
    assert store.get_token("new") == token("new", secret="anew")


def test_a_token_takes_no_key_that_another_has(store):
    for key in ("old", "taken"):
        store.add_token(token(key))
    another = token("taken", secret="hush")
    with pytest.raises(StoreUnavailable) as caught:
        store.replace_token("old", another)
    assert "hush" not in what_is_shown(caught.value)
    assert store.replace_token("absent", another) is False
    assert (store.get_token("old"), store.get_token("taken")) == (token("old"), token("taken"))


def test_a_token_is_revoked_once(store):
    store.add_token(token("t"))
    assert store.revoke_token("t") is True
    assert store.revoke_token("t") is False
    assert store.get_token("t") is None


def test_the_tokens_of_a_user_are_listed_the_newest_first(store):
    for key, issued_at in [("b", T + 1), ("a", T + 2), ("c", T)]:
        store.add_token(token(key, issued_at=issued_at))
    store.add_token(token("d", user="Jane"))
    assert [each.key for each in store.tokens_of("jane")] == ["a", "b", "c"]
    assert [each.key for each in store.tokens_of("Jane")] == ["d"]
    assert store.tokens_of("jane ") == store.tokens_of("") == []


def test_tokens_that_are_over_go_a_few_at_a_time_as_new_ones_come(store):
    for i in range(20):
        store.add_token(token(f"old{i}", issued_at=T, expires_at=T + 10))
    store.add_token(token("renewable", issued_at=T, expires_at=T + 10, session_handle="h", session_expires_at=T + 999))
    store.add_token(token("for good", issued_at=T))
    left = []
    for i in range(9):
        store.add_token(token(f"new{i}", issued_at=T + 11, expires_at=T + 999, user="joe"))
        left.append(len(store.tokens_of("jane")))
    assert left[-1] == 2
    assert all(0 <= before - after <= FORGET_BESIDE for before, after in zip([22, *left], left, strict=False))
    assert store.get_token("renewable")
    assert store.get_token("for good")
    assert len(store.tokens_of("joe")) == 9


# --- temporary credentials --------------------------------------------------------------


def test_temporary_credentials_are_issued_approved_and_redeemed_once(any_store):
    store, issued = any_store, temporary("t", realms=("photos", "☃"))
    store.issue(issued)
    assert store.get_temporary("t") == issued
    assert store.approve("t", "jane", "verifier", ("photos",)) is True
    approved = replace(issued, user="jane", verifier="verifier", realms=("photos",))
    assert store.get_temporary("t") == approved
    assert store.redeem("t") == approved
    assert store.redeem("t") is None
    assert store.get_temporary("t") is None


def test_nobody_approves_twice_nor_what_is_not_there(any_store):
    store = any_store
    assert store.approve("t", "jane", "v", ()) is False
    assert store.get_temporary("t") is None
    store.issue(temporary("t"))
    assert store.approve("t", "jane", "v", ()) is True
    assert store.approve("t", "joe", "w", ("all",)) is False
    assert store.redeem("t") == temporary("t", user="jane", verifier="v")
    assert store.approve("t", "jane", "v", ()) is False


def test_tries_are_counted_and_start_anew_with_each_issue(any_store):
    store = any_store
    assert store.count_try("t") == 0
    store.issue(temporary("t"))
    assert [store.count_try("t") for _ in range(4)] == [1, 2, 3, 4]
    assert store.approve("t", "jane", "v", ())
    assert store.count_try("t") == 5
    store.redeem("t")
    assert store.count_try("t") == 0
    store.issue(temporary("t"))
    assert store.count_try("t") == 1


def test_temporary_credentials_that_expired_go_a_few_at_a_time_as_new_ones_come(any_store):
    store = any_store
    for i in range(20):
        store.issue(temporary(f"old{i}"))
    store.issue(temporary("on the edge", expires_at=T + 601))
    counts = []
    for i in range(4):
        store.issue(temporary(f"new{i}", issued_at=T + 600, expires_at=T + 1200))
        counts.append(sum(store.get_temporary(f"old{i}") is not None for i in range(20)))
    assert counts[-1] == 0
    assert all(before - after <= FORGET_BESIDE for before, after in zip([20, *counts], counts, strict=False))
    assert store.get_temporary("on the edge")
    assert all(store.get_temporary(f"new{i}") for i in range(4))


# --- any text ---------------------------------------------------------------------------


def test_keys_are_compared_exactly(store):
    for text in TEXTS:
        store.add_consumer(client(text, owner=text))
        store.add_token(token(text, user=text, consumer_key=text))
        store.issue(temporary(text, consumer_key=text))
    for text in TEXTS:
        assert store.find(text, text) == (client(text, owner=text), token(text, user=text, consumer_key=text))
        assert [each.key for each in store.consumers_of(text)] == [text]
        assert [each.key for each in store.tokens_of(text)] == [text]
        assert store.count_try(text) == 1
        assert store.approve(text, text, text, (text,))
    for text in TEXTS:
        redeemed = store.redeem(text)
        assert redeemed == temporary(text, consumer_key=text, user=text, verifier=text, realms=(text,))
        assert store.revoke_token(text)
        assert store.remove_consumer(text)


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_any_text_is_a_key_that_is_not_there(any_store, backend, text):
    store = any_store
    store.issue(temporary("a"))
    if text != "a":
        assert store.get_temporary(text) is None
        assert store.redeem(text) is None
        assert store.count_try(text) == 0
        assert store.approve(text, "jane", "v", ()) is False
    if backend.kind in CREDENTIALS:
        store.add_consumer(client("printer"))
        store.add_token(token("t"))
        assert store.find(text, text) == (None, None)
        assert store.find("printer", text) == (client("printer"), None)
        assert store.find(text, "t") == (None, token("t"))
        assert store.get_consumer(text) is store.get_token(text) is None
        assert store.remove_consumer(text) is store.revoke_token(text) is store.replace_token(text, token("n")) is False
        assert store.consumers_of(text) == store.tokens_of(text) == []
        assert not kept(store.replace_consumer, client(text))
        assert store.get_consumer(text) is None


def kept(add, *given):
    """Add something; tell whether the store holds it."""
    try:
        return add(*given) is not False
    except UnicodeError:
        pytest.fail("no word of what cannot be held")
    except ValueError:
        return False


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_any_text_is_kept_as_it_is_or_refused(any_store, backend, text):
    store = any_store
    fields = {"secret": text, "consumer_key": text, "callback": text, "realms": (text, "a")}
    if kept(store.issue, temporary(text, **fields)):
        if kept(store.approve, text, text, text, (text,)):
            fields |= {"realms": (text,), "user": text, "verifier": text}
        assert store.redeem(text) == temporary(text, **fields)
    else:
        assert text not in TEXTS
        assert store.get_temporary(text) is None
    if backend.kind not in CREDENTIALS:
        return
    consumer = ClientCredentials(key=text, secret=text, previous_secret=text, public_key=text, name=text, owner=text)
    consumer = replace(consumer, callbacks=(text,), signature_methods=(text, text))
    assert kept(store.add_consumer, consumer) == (store.get_consumer(text) == consumer) >= (text in TEXTS)
    renewed = consumer.with_new_secret()
    assert kept(store.replace_consumer, renewed) == (store.get_consumer(text) == renewed) >= (text in TEXTS)
    given = token(text, secret=text, consumer_key=text, user=text, realms=(text,), session_handle=text)
    assert kept(store.add_token, given) == (store.get_token(text) == given) >= (text in TEXTS)


# --- races ------------------------------------------------------------------------------


def at_once(count, work):
    """Call *work* with each number in a thread of its own, all at once; return the answers."""
    barrier, answers = threading.Barrier(count), []

    def run(number):
        barrier.wait(60)
        answers.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def test_of_32_threads_that_redeem_one_verifier_exactly_one_does(any_store):
    for round_ in range(3):
        any_store.issue(temporary(f"t{round_}"))
        answers = at_once(32, lambda _, round_=round_: any_store.redeem(f"t{round_}"))
        assert len(answers) == 32
        assert [answer for answer in answers if answer] == [temporary(f"t{round_}")]


def test_of_16_threads_that_approve_exactly_one_does(any_store):
    any_store.issue(temporary("t"))
    answers = at_once(16, lambda number: (any_store.approve("t", f"user{number}", "v", ()), f"user{number}"))
    (winner,) = [user for won, user in answers if won]
    assert any_store.redeem("t").user == winner


def test_tries_of_16_threads_are_all_counted(any_store):
    any_store.issue(temporary("t"))
    assert sorted(at_once(16, lambda _: any_store.count_try("t"))) == list(range(1, 17))


def test_of_16_threads_that_replace_a_token_exactly_one_does(store):
    store.add_token(token("old"))
    answers = at_once(16, lambda number: (store.replace_token("old", token(f"new{number}")), f"new{number}"))
    (winner,) = [key for won, key in answers if won]
    assert [each.key for each in store.tokens_of("jane")] == [winner]


def test_client_credentials_that_are_removed_while_others_replace_them_stay_removed(store):
    for round_ in range(5):
        consumer = client(f"{round_}", owner="jane")
        store.add_consumer(consumer)

        def work(number, consumer=consumer):
            if number == 0:
                return store.remove_consumer(consumer.key)
            return store.replace_consumer(consumer.with_new_secret())

        assert len(at_once(8, work)) == 8
        assert store.get_consumer(consumer.key) is None
    assert store.consumers_of("jane") == []


def test_tokens_are_added_and_removed_by_many_threads_at_once(store):
    def work(number):
        for i in range(5):
            store.add_token(token(f"{number}-{i}", issued_at=T + i, expires_at=T + 1))
            store.issue(temporary(f"{number}-{i}", issued_at=T + i, expires_at=T + 1))
        return True

    assert at_once(8, work) == [True] * 8
    store.add_consumer(client("printer"))
    assert store.remove_consumer("printer")
    assert store.tokens_of("jane") == []

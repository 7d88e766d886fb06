"""The admin pages and the management commands of the Django app."""

import re
from dataclasses import replace
from io import StringIO

import django_project
import pytest
from served import CLIENT

from oauth2.provider.audit import Revoked
from oauth2.rsa import generate_key_pair
from oauth2.stores import ClientCredentials, MemoryStore, TokenCredentials

django_project.set_up()

from django.contrib.admin.models import LogEntry  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Permission  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client, override_settings  # noqa: E402

from oauth2.integrations.django import provider  # noqa: E402
from oauth2.integrations.django.models import RegisteredClient  # noqa: E402

pytestmark = pytest.mark.slow

CLIENTS, GRANTS = "/admin/oauth2/registeredclient/", "/admin/oauth2/grant/"
READY = "https://printer.example/ready"


@pytest.fixture(scope="module")
def made():
    with django_project.project() as made:
        get_user_model().objects.create_superuser("admin", password="admin")
        yield made


@pytest.fixture
def store(made):
    store = provider().store
    yield store
    for client in RegisteredClient.objects.exclude(pk="printer"):
        store.remove_consumer(client.pk)
    store.add_consumer(CLIENT)
    store.add_token(made[1])


@pytest.fixture
def admin(store):
    client = Client(headers={"host": "api.example"})
    client.force_login(get_user_model().objects.get(username="admin"))
    return client


def text(page):
    assert page.status_code == 200, page
    return page.content.decode()


def marked(page, name):
    assert "no-store" in page["Cache-Control"]
    return re.findall(rf'<code class="{name}">(.*?)</code>', text(page))


def act(admin, action, *keys, url=CLIENTS, **fields):
    return admin.post(url, {"action": action, "_selected_action": keys, **fields})


# --- admin pages --------------------------------------------------------------------------


def test_a_secret_is_shown_once_when_a_client_is_registered(admin, store):
    fields = {"name": "Robot", "callback_urls": f"{READY}\r\n oob \r\n", "owner": "", "two_legged": "on"}
    page = admin.post(f"{CLIENTS}add/", fields)
    (key,), (secret,) = marked(page, "key"), marked(page, "secret")
    assert store.get_consumer(key) == ClientCredentials(
        key=key, secret=secret, name="Robot", callbacks=(READY, "oob"), two_legged=True
    )
    change = f"{CLIENTS}{key}/change/"
    for url in (CLIENTS, change, f"{CLIENTS}{key}/history/", f"{CLIENTS}{key}/delete/", "/admin/"):
        assert secret not in text(admin.get(url))
    assert READY in text(admin.get(change))
    assert LogEntry.objects.filter(object_id=key).exists()


def test_a_client_that_signs_with_rsa_has_no_secret(admin, store):
    _, public_key = generate_key_pair()
    page = admin.post(f"{CLIENTS}add/", {"name": "Bank", "public_key": public_key.decode()})
    (key,) = marked(page, "key")
    assert marked(page, "secret") == []
    assert store.get_consumer(key).secret == ""
    assert act(admin, "make_new_secret", key).status_code == 302
    assert store.get_consumer(key).secret == ""


def test_a_callback_that_is_not_valid_is_refused(admin):
    page = admin.post(f"{CLIENTS}add/", {"name": "Robot", "callback_urls": "https://user@robot.example/"})
    assert "must be an http or https URL" in text(page)
    assert not RegisteredClient.objects.filter(name="Robot").exists()


def test_a_change_keeps_the_secret_and_all_that_the_page_does_not_show(admin, store):
    before = ClientCredentials(key="a b/c", secret="s", previous_secret="p", signature_methods=("HMAC-SHA256",))
    store.add_consumer(before)
    page = admin.get(CLIENTS)
    (change,) = re.findall(r'href="(/admin/oauth2/registeredclient/a[^"]+/change/)', text(page))
    answer = admin.post(change, {"name": "New", "callback_urls": READY, "owner": "jane", "xauth": "on"})
    assert answer.status_code == 302
    assert store.get_consumer("a b/c") == ClientCredentials(
        key="a b/c", secret="s", previous_secret="p", signature_methods=("HMAC-SHA256",),
        name="New", callbacks=(READY,), owner="jane", xauth=True)  # fmt: skip


def test_a_client_that_was_removed_meanwhile_is_not_stored_again(admin, store):
    from django.contrib import admin as pages

    client = RegisteredClient(consumer_key="gone", name="Gone")
    form = type("Form", (), {"cleaned_data": {"callback_urls": ()}})
    pages.site.get_model_admin(RegisteredClient).save_model(None, client, form, True)
    assert store.get_consumer("gone") is None


def test_a_secret_is_rotated(admin, store):
    page = act(admin, "make_new_secret", "printer")
    (secret,) = marked(page, "secret")
    assert (store.get_consumer("printer").secret, store.get_consumer("printer").previous_secret) == (
        secret, "printer-secret")  # fmt: skip
    assert act(admin, "forget_previous_secret", "printer").status_code == 302
    assert (store.get_consumer("printer").secret, store.get_consumer("printer").previous_secret) == (secret, None)
    logged = [each.get_change_message() for each in LogEntry.objects.filter(object_id="printer")]
    assert logged == ["Forgot the previous secret.", "Made a new secret."]


def test_a_client_is_removed_with_its_tokens(admin, store):
    for key in ("one", "two", "three"):
        store.add_consumer(ClientCredentials(key=key, secret="s"))
        store.add_token(TokenCredentials(key=f"t{key}", secret="s", consumer_key=key, user="1"))
    assert admin.post(f"{CLIENTS}one/delete/", {"post": "yes"}).status_code == 302
    assert act(admin, "delete_selected", "two", "three", post="yes").status_code == 302
    assert [store.find(key, f"t{key}") for key in ("one", "two", "three")] == [(None, None)] * 3
    assert store.get_consumer("printer") is not None


def test_grants_are_shown_without_secrets_and_revoked(admin, store, made):
    events = []
    store.add_token(TokenCredentials(key="other", secret="s", consumer_key="printer", user="1"))
    page = admin.get(f"{GRANTS}janes/change/")
    assert "printer" in text(page)
    for secret in django_project.SECRETS:
        assert secret not in text(page) + text(admin.get(GRANTS))
    assert admin.post(f"{GRANTS}janes/change/", {"approved_by": "x"}).status_code == 403
    assert admin.get(f"{GRANTS}add/").status_code == 403
    with override_settings(OAUTH2_AUDIT=events.append):
        assert admin.post(f"{GRANTS}janes/delete/", {"post": "yes"}).status_code == 302
        assert act(admin, "delete_selected", "other", url=GRANTS, post="yes").status_code == 302
    assert [(type(each), each.grant) for each in events] == [(Revoked, "janes"), (Revoked, "other")]
    assert store.get_token("janes") is store.get_token("other") is None


def test_a_user_without_permission_sees_nothing(store):
    client = Client(headers={"host": "api.example"})
    client.force_login(get_user_model().objects.create_user("clerk", is_staff=True))
    for url in (CLIENTS, GRANTS, f"{CLIENTS}printer/change/"):
        assert client.get(url).status_code == 403
    assert act(client, "make_new_secret", "printer").status_code == 403
    assert store.get_consumer("printer") == CLIENT


def test_the_secrets_in_the_tables_are_encrypted_with_the_cipher(admin):
    from cryptography.fernet import Fernet

    from oauth2.stores.fernet import FernetCipher

    with override_settings(OAUTH2_CIPHER=FernetCipher(Fernet.generate_key())):
        page = admin.post(f"{CLIENTS}add/", {"name": "Robot"})
        (key,), (secret,) = marked(page, "key"), marked(page, "secret")
        assert provider().store.get_consumer(key).secret == secret
    assert secret not in RegisteredClient.objects.get(pk=key).secret


# --- management commands --------------------------------------------------------------------


def run(*arguments, **options):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_consumers_are_added_listed_rotated_and_removed(store, tmp_path):
    out, err = run("oauth2_consumers", "add", "Robot", "--callback=oob", f"--callback={READY}", "--owner=jane")
    key, secret = re.fullmatch(r"key: (\S+)\nsecret: (\S+)\n", out).groups()
    assert "only now" in err
    made = store.get_consumer(key)
    assert (made.secret, made.callbacks, made.owner, made.two_legged) == (secret, ("oob", READY), "jane", False)
    assert run("oauth2_consumers", "list")[0] == f"printer\t\n{key}\tRobot\n"
    out, err = run("oauth2_consumers", "rotate", key)
    assert out == f"key: {key}\nsecret: {store.get_consumer(key).secret}\n"
    assert store.get_consumer(key).previous_secret == secret
    assert "two secrets" in run("oauth2_consumers", "list")[0]
    run("oauth2_consumers", "rotate", key, "--end")
    assert store.get_consumer(key).previous_secret is None
    assert "removed" in run("oauth2_consumers", "remove", key)[0]
    assert store.get_consumer(key) is None


def test_a_consumer_that_signs_with_rsa_is_added_with_a_file(store, tmp_path):
    (tmp_path / "key.pem").write_bytes(generate_key_pair()[1])
    out, _ = run("oauth2_consumers", "add", "Bank", f"--public-key={tmp_path}/key.pem", "--two-legged", "--xauth")
    (key,) = re.fullmatch(r"key: (\S+)\n", out).groups()
    assert store.get_consumer(key).public_key.startswith("-----BEGIN PUBLIC KEY")
    with pytest.raises(CommandError, match="signs with RSA"):
        run("oauth2_consumers", "rotate", key)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["oauth2_consumers", "rotate", "none"], "There is no client with the key 'none'"),
        (["oauth2_consumers", "remove", "none"], "There is no client with the key 'none'"),
        (["oauth2_consumers", "add", "x", "--callback=ftp://a"], "callback: must be an http"),
        (["oauth2_consumers", "add", "x", "--public-key=/none"], "/none cannot be read"),
        (["oauth2_consumers", "add", "x", f"--public-key={__file__}"], "public_key: must be"),
        (["oauth2_consumers"], "action"),
        (["oauth2_grants", "revoke", "none"], "There is no such grant"),
        (["oauth2_import_django_oauth_plus", "--source=none"], "--source: must be the alias"),
        (["oauth2_import_django_oauth_plus"], "nothing was copied: no such table: oauth_provider_"),
    ],
)
def test_a_mistake_is_one_line(store, arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)


def test_a_client_that_is_removed_while_its_secret_is_rotated_stays_removed(store, monkeypatch):
    monkeypatch.setattr(type(store), "replace_consumer", lambda *_: False)
    with pytest.raises(CommandError, match="There is no client"):
        run("oauth2_consumers", "rotate", "printer")


def test_grants_are_listed_and_revoked(store, made):
    user = made[0]
    line = f'janes\tprinter\t{user.pk}\t1970-01-01T00:00:00+00:00\t["photos"]\n'
    assert run("oauth2_grants", "list") == (line, "")
    assert run("oauth2_grants", "list", f"--user={user.pk}", "--client=printer")[0] == line
    assert run("oauth2_grants", "list", "--user=none")[0] == ""
    assert run("oauth2_grants", "list", "--client=none")[0] == ""
    run("oauth2_grants", "revoke", "janes")
    assert store.get_token("janes") is None


def test_expired_records_are_cleaned(store):
    store.add_token(TokenCredentials(key="old", secret="s", consumer_key="printer", user="1", expires_at=1))
    assert run("oauth2_clean")[0] == "1 expired records are deleted.\n"
    assert store.get_token("janes") is not None
    with override_settings(OAUTH2_STORE=MemoryStore()), pytest.raises(CommandError, match="does not use the database"):
        run("oauth2_clean")


# --- django-oauth-plus ------------------------------------------------------------------------

# The tables of django-oauth-plus 2.2.9, as its migration creates them in SQLite.
OLD_TABLES = """
CREATE TABLE oauth_provider_scope (id integer PRIMARY KEY, name varchar(255), url text, is_readonly bool);
CREATE TABLE oauth_provider_consumer (id integer PRIMARY KEY, name varchar(255), description text, key varchar(256),
    secret varchar(16), status smallint, xauth_allowed bool, user_id integer NULL);
CREATE TABLE oauth_provider_token (id integer PRIMARY KEY, key varchar(32) NULL, secret varchar(16) NULL,
    token_type smallint, timestamp integer, is_approved bool, verifier varchar(10), callback varchar(2083) NULL,
    callback_confirmed bool, consumer_id integer, scope_id integer NULL, user_id integer NULL);
INSERT INTO oauth_provider_scope VALUES (1, 'photos', '/photos', 1), (2, 'old', '/old', 0);
INSERT INTO oauth_provider_consumer VALUES
    (1, 'Old', '', 'old-key', 'old-secret', 2, 0, {user}), (2, 'Pending', '', 'pending-key', 'secret', 1, 1, NULL),
    (3, 'Rejected', '', 'rejected-key', 'secret', 4, 0, NULL), (4, 'Known', '', 'printer', 'secret', 2, 0, NULL),
    (5, 'Empty', '', 'empty-key', '', 2, 0, NULL);
INSERT INTO oauth_provider_token VALUES
    (1, 'a', 'a-secret', 2, 1400000000, 1, '', 'https://old.example/cb', 1, 1, 1, {user}),
    (2, 'b', 'b-secret', 2, 1400000001, 1, '', 'javascript:alert(1)', 1, 1, 2, {user}),
    (3, 'c', 'c-secret', 1, 1400000002, 0, 'v', '', 1, 1, NULL, {user}),
    (4, 'd', 'd-secret', 2, 1400000003, 1, '', NULL, 0, 3, 1, {user}),
    (5, NULL, NULL, 2, 1400000004, 1, '', NULL, 0, 1, 1, {user}),
    (6, 'f', 'f-secret', 2, 1400000005, 1, '', NULL, 0, 2, 1, NULL)
"""


@pytest.fixture
def old_tables(store, made):
    with connection.cursor() as cursor:
        for statement in OLD_TABLES.format(user=made[0].pk).split(";"):
            cursor.execute(statement)
    yield
    with connection.cursor() as cursor:
        for name in ("scope", "consumer", "token"):
            cursor.execute(f"DROP TABLE IF EXISTS oauth_provider_{name}")


def test_clients_and_tokens_of_django_oauth_plus_are_copied(store, made, old_tables):
    user = str(made[0].pk)
    assert run("oauth2_import_django_oauth_plus", "--dry-run")[0] == "2 clients and 2 tokens would be copied.\n"
    assert store.get_consumer("old-key") is None
    out, err = run("oauth2_import_django_oauth_plus")
    assert out == "2 clients and 2 tokens are copied.\n"
    assert err.splitlines() == [
        "Pending: it has no callback URL. Add its callback URLs on the admin page.",
        "Rejected: not copied, because it was canceled or rejected.",
        "Known: not copied, because there is a client with this key already.",
        "Empty: not copied, because its key is not valid, or it has no secret.",
        "These scopes are not copied, because OAUTH2_REALMS does not contain them: old",
    ]
    assert store.get_consumer("old-key") == ClientCredentials(
        key="old-key", secret="old-secret", name="Old", callbacks=("https://old.example/cb", "oob"), owner=user
    )
    assert store.get_consumer("pending-key") == ClientCredentials(
        key="pending-key", secret="secret", name="Pending", xauth=True
    )
    token = {"consumer_key": "old-key", "user": user}
    assert store.tokens_of(user)[:2] == [
        TokenCredentials(key="b", secret="b-secret", issued_at=1400000001, **token),
        TokenCredentials(key="a", secret="a-secret", issued_at=1400000000, realms=("photos",), **token),
    ]
    assert run("oauth2_import_django_oauth_plus")[0] == "0 clients and 0 tokens are copied.\n"


def test_a_copied_client_signs_as_before(store, made, old_tables):
    import oauth2
    from oauth2.http import HTTPRequest

    run("oauth2_import_django_oauth_plus")
    consumer, token = oauth2.Consumer("old-key", "old-secret"), oauth2.Token("a", "a-secret")
    request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", f"{django_project.ORIGIN}/photos")
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), consumer, token)
    received = HTTPRequest("GET", f"{django_project.ORIGIN}/photos", list(request.to_header().items()))
    assert provider().authenticate(received, realm="photos").user == str(made[0].pk)


def test_nothing_is_copied_if_a_record_cannot_be_copied(store, old_tables):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE oauth_provider_scope")
    with pytest.raises(CommandError, match="nothing was copied"):
        run("oauth2_import_django_oauth_plus")
    assert store.get_consumer("old-key") is None


@pytest.fixture
def clerk(store):
    """A member of the staff who may view clients and grants, and nothing else."""
    user, _ = get_user_model().objects.get_or_create(username="viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_registeredclient", "view_grant"]))
    client = Client(headers={"host": "api.example"})
    client.force_login(user)
    return client


def test_a_filter_in_the_url_does_not_find_secrets(clerk, admin):
    pairs = ((CLIENTS, "secret"), (CLIENTS, "previous_secret"), (GRANTS, "secret"), (GRANTS, "session_handle"))
    for page in (clerk, admin):
        for url, field in pairs:
            assert page.get(url, {f"{field}__startswith": "p"}).status_code == 400
            assert page.get(url, {field: "printer-secret"}).status_code == 400
        assert page.get(CLIENTS, {"owner": "jane"}).status_code == 200


def test_who_may_only_view_clients_cannot_see_or_rotate_secrets(clerk, store):
    store.replace_consumer(replace(CLIENT, previous_secret="older-secret", callbacks=(READY,)))
    for url in (CLIENTS, f"{CLIENTS}printer/change/", GRANTS, f"{GRANTS}janes/change/"):
        page = text(clerk.get(url))
        assert not any(secret in page for secret in (*django_project.SECRETS, "older-secret"))
    assert READY in text(clerk.get(f"{CLIENTS}printer/change/"))
    for action in ("make_new_secret", "forget_previous_secret", "delete_selected"):
        act(clerk, action, "printer", post="yes")
    assert clerk.post(f"{CLIENTS}printer/change/", {"name": "x"}).status_code == 403
    assert clerk.post(f"{GRANTS}janes/delete/", {"post": "yes"}).status_code == 403
    assert store.get_consumer("printer").previous_secret == "older-secret"
    assert store.get_token("janes") is not None


@pytest.mark.parametrize("public_key", ["not PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_a_public_key_that_is_not_valid_is_refused(admin, store, public_key):
    for url in (f"{CLIENTS}add/", f"{CLIENTS}printer/change/"):
        assert "public_key: must be" in text(admin.post(url, {"name": "Robot", "public_key": public_key}))
    assert store.get_consumer("printer") == CLIENT


def test_records_are_copied_only_to_the_database_of_the_project(store, old_tables):
    elsewhere = MemoryStore()
    with override_settings(OAUTH2_STORE=elsewhere), pytest.raises(CommandError, match="does not use the database"):
        run("oauth2_import_django_oauth_plus", "--dry-run")
    assert elsewhere.get_consumer("old-key") is None


def test_the_admin_pages_show_the_database_of_the_provider(admin, store):
    with django_project.tables("sqlite"), override_settings(OAUTH2_DATABASE="sqlite"):
        page = admin.post(f"{CLIENTS}add/", {"name": "Elsewhere"})
        (key,), (first,) = marked(page, "key"), marked(page, "secret")
        assert provider().store.using == "sqlite"
        provider().store.add_token(TokenCredentials(key="there", secret="s", consumer_key=key, user="1"))
        assert "Elsewhere" in text(admin.get(CLIENTS))
        assert "printer" not in text(admin.get(CLIENTS))
        assert "Elsewhere" in text(admin.get(f"{CLIENTS}{key}/change/"))
        assert key in text(admin.get(f"{GRANTS}there/change/"))
        (second,) = marked(act(admin, "make_new_secret", key), "secret")
        assert (provider().store.get_consumer(key).secret, second == first) == (second, False)
        assert act(admin, "delete_selected", "there", url=GRANTS, post="yes").status_code == 302
        assert admin.post(f"{CLIENTS}{key}/delete/", {"post": "yes"}).status_code == 302
        assert (provider().store.get_consumer(key), provider().store.get_token("there")) == (None, None)
    assert key not in text(admin.get(CLIENTS))

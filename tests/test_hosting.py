"""The files in example/hosting are valid, and the commands of docs/hosting.md work."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import databases
import pytest
import yaml
from command import Command
from cryptography.fernet import Fernet
from cuttable import own_redis

import oauth2 as oauth

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
FILES = ROOT / "example" / "hosting"
PAGE = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
UNITS = sorted([*FILES.glob("*.service"), *FILES.glob("*.timer")])


def test_the_page_names_each_file():
    linked = set(re.findall(r"\(\.\./example/hosting/([^)]+)\)", PAGE))
    unnamed = {path.name for path in FILES.iterdir() if path.is_file()} - linked
    assert unnamed <= {"oauth-check.service"}  # The page names its timer instead.
    assert all((FILES / name).exists() for name in linked)


# --- systemd ---------------------------------------------------------------------------


@pytest.mark.heavy
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_each_unit(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        databases.missing("systemd", "there is no systemd-analyze")
    # systemd-analyze refuses a program that does not exist, so the test replaces the programs by programs that exist.
    for name in ("oauth2", "gunicorn"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for path in UNITS:
        text = path.read_text().replace("/opt/oauth-provider/bin", str(tmp_path))
        (tmp_path / path.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / unit.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    ours = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.heavy
def test_systemd_finds_a_mistake_in_a_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        databases.missing("systemd", "there is no systemd-analyze")
    text = (FILES / "notebook.service").read_text().replace("DynamicUser", "DynamikUser")
    (tmp_path / "notebook.service").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "notebook.service")]
    assert "DynamikUser" in subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr


@pytest.mark.parametrize("unit", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name)
def test_the_commands_of_a_unit_have_options_that_exist(unit, tmp_path):
    for line in re.findall(r"^ExecStart(?:Pre)?=\S+/oauth2 (.*)$", unit.read_text(), re.MULTILINE):
        done = Command(tmp_path)(*shlex.split(line), "--help")
        assert done.code == 0, done


# --- compose ---------------------------------------------------------------------------


def test_the_compose_file_refers_to_what_exists():
    found = yaml.safe_load((FILES / "compose.yaml").read_text())
    services = found["services"]
    for name, service in services.items():
        assert "image" in service or (FILES / service["build"]["context"] / service["build"]["dockerfile"]).exists()
        assert set(service.get("depends_on", ())) <= set(services), name
        assert set(service.get("secrets", ())) <= set(found["secrets"]), name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in found["volumes"] or source.startswith("./secrets/") or (FILES / source).exists(), volume
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    for name in ("app1", "app2"):
        assert f"server {name}:8000" in (FILES / "nginx.conf").read_text()
    assert services["migrate"]["command"] == ["oauth2", "provider", "migrate"]


def test_redis_of_the_compose_file_passes_the_check(tmp_path):
    command = yaml.safe_load((FILES / "compose.yaml").read_text())["services"]["redis"]["command"]
    assert command[0] == "redis-server"
    with own_redis(tmp_path, *command[1:]) as port:
        done = Command(tmp_path)("provider", "check", "--store", f"redis://127.0.0.1:{port}/0")
    assert (done.code, "problems          none" in done.out) == (0, True), done


# --- the application -------------------------------------------------------------------


def test_the_application_verifies_requests_over_the_stores_of_the_environment(tmp_path, monkeypatch):
    (tmp_path / "keys").write_text(Fernet.generate_key().decode())
    environment = {
        "OAUTH2_PROVIDER_STORE": f"sqlite:///{tmp_path}/provider.db",
        "OAUTH2_PROVIDER_KEY_FILE": str(tmp_path / "keys"),
        "BASE_URL": "https://api.example.com",
    }
    with own_redis(tmp_path) as port:
        environment["OAUTH2_PROVIDER_NONCES"] = f"redis://127.0.0.1:{port}/0"
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        found = {}
        exec(compile((FILES / "app.py").read_text(), "app.py", "exec"), found)
        client = found["provider"].register(name="Printer", two_legged=True)
        assert statuses(found["application"], client) == ["200 OK", "401 Unauthorized"]
        done = Command(tmp_path)("provider", "check", "--store", environment["OAUTH2_PROVIDER_NONCES"], "--json")
        assert '"nonces": 1,' in done.out
        found["store"].close()
    assert client.secret.encode() not in (tmp_path / "provider.db").read_bytes()


def statuses(application, client):
    """Send one signed request twice; return both statuses."""
    request = oauth.Request.from_consumer_and_token(client, None, "GET", "https://api.example.com/a")
    request.sign_request(oauth.SignatureMethod_HMAC_SHA256(), client, None)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/a",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_AUTHORIZATION": request.to_header()["Authorization"],
        "wsgi.input": None,
    }
    found = []
    for _ in range(2):
        list(application(dict(environ), lambda status, headers, error=None: found.append(status)))
    return found


# --- nginx -----------------------------------------------------------------------------


def test_nginx_accepts_its_configuration(tmp_path):
    nginx = os.environ.get("OAUTH2_TEST_NGINX") or shutil.which("nginx")
    if nginx is None:
        pytest.skip("there is no nginx")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=a -keyout privkey.pem -out fullchain.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    text = (FILES / "nginx.conf").read_text()
    for said, real in [
        ("/etc/nginx/tls", str(tmp_path)),
        ("/var/log/nginx", str(tmp_path)),
        ("/run/nginx.pid", f"{tmp_path}/nginx.pid"),
        ("app1:", "127.0.0.1:"),
        ("app2:", "127.0.0.2:"),
    ]:
        text = text.replace(said, real)
    (tmp_path / "nginx.conf").write_text(text)
    done = subprocess.run(
        [nginx, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )
    assert "syntax is ok" in done.stderr, done.stderr


# --- the page --------------------------------------------------------------------------


def test_the_page_shows_lines_of_the_files():
    shown = {"notebook.service": r"^```ini\n(\[Service\].*?)^```", "nginx.conf": r"^```nginx\n(.*?)^```"}
    for name, pattern in shown.items():
        (block,) = re.findall(pattern, PAGE, re.DOTALL | re.MULTILINE)
        lines = [line.strip() for line in (FILES / name).read_text().splitlines()]
        assert [line for line in block.splitlines() if line.strip() not in lines] == []


def test_each_command_of_the_page_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = Command(tmp_path / "config", OAUTH2_PROVIDER_STORE="sqlite:///provider.db")
    command("provider", "migrate")
    lines = [
        line.strip()
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    assert len([line for line in lines if line.startswith("oauth2 provider")]) >= 10
    for line in lines:
        if line.startswith("oauth2 provider"):
            done = command(*shlex.split(line)[1:])
            assert done.code == 0, (line, done)
        elif line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            command.environment[name] = value
        elif line.startswith("python -c"):
            subprocess.run(line.replace("python", sys.executable, 1), shell=True, check=True)
        else:
            assert line.startswith(("python -m pip install", "oauth2 serve", "umask", "set -a"))

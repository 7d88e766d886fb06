"""A keyring backend for the processes that tests start: ``PYTHON_KEYRING_BACKEND=keyring_in_a_file.Keyring``."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class Keyring(KeyringBackend):
    priority = 5

    @property
    def path(self):
        return Path(os.environ["KEYRING_FILE"])

    def _read(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get_password(self, service, username):
        return self._read().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self.path.write_text(json.dumps({**self._read(), f"{service} {username}": password}))

    def delete_password(self, service, username):
        found = self._read()
        del found[f"{service} {username}"]
        self.path.write_text(json.dumps(found))

"""Personal data at rest: encrypted with Fernet, found again by a keyed hash.

Keys are any secrets, newest first; older ones still open what they sealed, so keys can be rotated.
Fernet: AES-128-CBC with HMAC-SHA256 (https://github.com/fernet/spec).
"""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from bot import municipalities
from bot.errors import DataError


def _derived(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()


class Vault:
    """Seals and opens texts and hashes telephone numbers.

    `keys` are secrets of any length, newest first. Hashes use the oldest key, so that rotating does not lose people; once
    keys have been rotated (`bot.rotation`), the key of the hashes is kept sealed, and the oldest secret can go.
    """

    def __init__(self, keys: list[str]) -> None:
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key, "encrypt"))) for key in keys])
        self._hash_key = _derived(keys[-1], "hash")
        self._newest = keys[0]

    @property
    def hash_key(self) -> bytes:
        """The key of the hashes."""
        return self._hash_key

    def use_hash_key(self, key: bytes) -> None:
        """Hash with `key` from now on, whatever the secrets are."""
        self._hash_key = key

    def seal(self, text: str) -> bytes:
        """Encrypt `text`; lone surrogates are kept."""
        return self.seal_bytes(text.encode("utf-8", "surrogatepass"))

    def open(self, token: bytes) -> str:
        """Decrypt what `seal` made. Raises DataError if no key opens it."""
        return self.open_bytes(token).decode("utf-8", "surrogatepass")

    def seal_bytes(self, data: bytes) -> bytes:
        """Encrypt `data`."""
        return self._fernet.encrypt(data)

    def open_bytes(self, token: bytes) -> bytes:
        """Decrypt what `seal_bytes` made. Raises DataError if no key opens it."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken as error:
            raise DataError("A stored text cannot be opened: CARELINE_SECRET_KEY has changed.") from error

    def token(self, purpose: str) -> str:
        """What our own processes show each other, made from the newest key; the same in all of them."""
        return _derived(self._newest, f"token {purpose}").hex()

    def reseal(self, token: bytes) -> bytes:
        """The same content under the newest key. Raises DataError if no key opens it."""
        try:
            return self._fernet.rotate(token)
        except InvalidToken as error:
            raise DataError("A stored text cannot be opened: CARELINE_SECRET_KEY has changed.") from error

    def hash(self, text: str) -> str:
        """The same 64 hexadecimal digits for the same text, useless without the key (HMAC-SHA256)."""
        return hmac.new(self._hash_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


_vaults: dict[str, Vault] = {}


def use(vault: Vault) -> None:
    """Make `vault` the one that encrypted columns use in this process, for the municipality at hand."""
    _vaults[municipalities.current()] = vault


def vault() -> Vault:
    """The vault in use, of the municipality at hand."""
    found = _vaults.get(municipalities.current())
    if found is None:
        raise RuntimeError("bot.encryption.use() has not been called for this municipality")
    return found


def open_vault(secret_key: str, home: Path) -> Vault:
    """The vault for the given keys (comma separated), or for one made once and kept in `home`/secret.key (mode 600)."""
    if secret_key:
        return Vault([key.strip() for key in secret_key.split(",") if key.strip()])
    path = home / "secret.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        # Written aside and linked, so that of two processes starting at once one key wins and is whole.
        draft = home / f".secret.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Vault([path.read_text().strip()])


class Sealed(TypeDecorator[str]):
    """A text column that is encrypted in the database."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else vault().seal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else vault().open(bytes(value))

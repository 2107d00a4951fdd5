"""The key ring that seals secrets at rest: AES-256-GCM, each key with an id, each secret bound to where it lies.

The ring is JSON, {"<id>": "<32 bytes in base64>", …}: the first key seals, every key opens, so that a new one can be
put before the old until all is sealed anew. It lies outside the database and is never derived from SECRET_KEY.
"""

import base64
import binascii
import json
import os
import re
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pks_portal import files, paths

SCHEME: Final = "v1"
KEY_BYTES, NONCE_BYTES = 32, 12
KEY_ID: Final = re.compile(r"[a-z0-9]{1,20}")


class KeyRingError(Exception):
    """The ring is missing or broken, or does not open a secret; the text holds no key and no secret."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """Keys by id, the one that seals first."""

    keys: dict[str, bytes]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.keys)})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the ring of its JSON. Raises KeyRingError."""
        try:
            keys = {name: base64.b64decode(value, validate=True) for name, value in json.loads(text).items()}
        except (ValueError, AttributeError, TypeError, binascii.Error):
            raise KeyRingError('The key ring must be JSON: {"<id>": "<32 bytes in base64>"}.') from None
        if not keys or not all(KEY_ID.fullmatch(name) and len(key) == KEY_BYTES for name, key in keys.items()):
            raise KeyRingError("The key ring needs at least one key, each of 32 bytes with an id of a-z and 0-9.")
        return cls(keys)

    def text(self) -> str:
        """Return the ring's JSON: the most secret text that there is."""
        return json.dumps({name: base64.b64encode(key).decode() for name, key in self.keys.items()}) + "\n"

    @property
    def active(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def seal(self, plain: bytes, place: str) -> str:
        """Return `plain` sealed, so that it opens only for the same `place`, such as "table:row:field"."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.keys[self.active]).encrypt(nonce, plain, place.encode())
        return f"{SCHEME}.{self.active}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, place: str) -> bytes:
        """Return what was sealed for `place`. Raises KeyRingError: moved, changed, or its key is not in the ring."""
        try:
            scheme, name, text = sealed.split(".")
            raw = base64.urlsafe_b64decode(text)
            if scheme != SCHEME or name not in self.keys:
                raise KeyRingError(f"The secret of {place} needs the key “{name}”, which is not in the key ring.")
            return AESGCM(self.keys[name]).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode())
        except (ValueError, InvalidTag):
            raise KeyRingError(f"The secret of {place} is damaged, or was sealed for another place.") from None

    def stale(self, sealed: str) -> bool:
        """Say whether a sealed text wants to be sealed anew with the active key."""
        return not sealed.startswith(f"{SCHEME}.{self.active}.")

    def renewed(self) -> "KeyRing":
        """Return the ring with a new key in front."""
        taken = [int(name[1:]) for name in self.keys if re.fullmatch(r"k[0-9]{1,9}", name)]
        return KeyRing({f"k{max(taken, default=0) + 1}": secrets.token_bytes(KEY_BYTES), **self.keys})


def file() -> Path:
    """Return where the ring lies: PKS_KEY_RING_FILE, else keys/key-ring in the data directory."""
    return Path(os.environ.get("PKS_KEY_RING_FILE") or paths.data() / "keys" / "key-ring")


def ring() -> KeyRing:
    """Return the ring: of PKS_KEY_RING, or of its file; read again when the file changes. Raises KeyRingError."""
    if text := os.environ.get("PKS_KEY_RING"):
        return _parsed(text)
    path = file()
    try:
        seen = path.stat()
    except OSError:
        raise KeyRingError(f"There is no key ring at {path}; make one with: manage.py key_ring create") from None
    return _read(path, seen.st_mtime_ns, seen.st_ino)


def create(path: Path) -> KeyRing:
    """Return the ring of a file, making it where there is none; never replaces one."""
    if not path.exists():
        files.write(path, KeyRing({"k1": secrets.token_bytes(KEY_BYTES)}).text(), durable=True)
    return KeyRing.parse(path.read_text())


@cache
def _parsed(text: str) -> KeyRing:
    return KeyRing.parse(text)


@cache
def _read(path: Path, changed: int, inode: int) -> KeyRing:
    return KeyRing.parse(path.read_text())

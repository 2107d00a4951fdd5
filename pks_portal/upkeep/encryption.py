"""A stream of bytes under a passphrase: AES-256-GCM in chunks, its key derived by scrypt.

A line of JSON (format, salt, cost), then chunks: four bytes of length and the sealed bytes. Each chunk is bound to its
number and to whether it is the last, so that none can be left out, moved, or cut off at the end.
"""

import base64
import json
import os
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

FORMAT: Final = "pks-portal-backup"
VERSION: Final = 1
CHUNK: Final = 1 << 20  # bytes
TAG: Final = 16
COST: Final = 1 << 16  # scrypt's n: 64 MiB and about a quarter of a second
LARGEST_COST: Final = 1 << 20
LONGEST_HEADER: Final = 1000


class ArchiveError(Exception):
    """The file is no backup, is damaged, or the passphrase is another; the text says which, as far as one can tell."""


class Sealing:
    """A file to write to that seals what is written."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt = os.urandom(16)
        header = {"format": FORMAT, "version": VERSION, "salt": base64.b64encode(salt).decode(), "n": COST}
        line = json.dumps(header).encode() + b"\n"
        self._file, self._buffer, self._number = file, bytearray(), 0
        self._cipher, self._header = _cipher(passphrase, salt, COST), line
        file.write(line)

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) > CHUNK:
            self._chunk(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._chunk(bytes(self._buffer), last=True)

    def _chunk(self, data: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number), data, _bound(self._header, last=last))
        self._file.write(len(sealed).to_bytes(4, "big") + sealed)
        self._number += 1


class Opening:
    """A file to read from that opens what was sealed."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._file, self._buffer, self._number, self._done = file, b"", 0, False
        self._header = file.readline(LONGEST_HEADER)
        self._cipher = _cipher(passphrase, *_parsed(self._header))

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size and not self._done:
            self._buffer += self._chunk()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def end(self) -> None:
        """Read what follows the tar: nothing may be missing, and nothing may follow."""
        while not self._done:
            self._chunk()
        if self._file.read(1):
            raise ArchiveError("Something was added behind the backup's end.")

    def _chunk(self) -> bytes:
        head = self._file.read(4)
        length = int.from_bytes(head, "big")
        sealed = self._file.read(length) if TAG <= length <= CHUNK + TAG else b""
        if not sealed or len(sealed) < length:
            raise ArchiveError("The backup is cut off or damaged.")
        for last in (False, True):
            try:
                plain = self._cipher.decrypt(_nonce(self._number), sealed, _bound(self._header, last=last))
            except InvalidTag:
                continue
            self._number, self._done = self._number + 1, last
            return plain
        raise ArchiveError(
            "The backup is damaged." if self._number else "The passphrase is another one, or the backup is damaged."
        )


def _parsed(header: bytes) -> tuple[bytes, int]:
    """Return salt and cost of a file's first line."""
    try:
        facts = json.loads(header)
        kind, version = facts["format"], int(facts["version"])
        salt, cost = base64.b64decode(facts["salt"]), int(facts["n"])
    except (ValueError, KeyError, TypeError):
        kind, version, salt, cost = "", 0, b"", 0
    if kind != FORMAT:
        raise ArchiveError("This file is no backup of PKS Portal.")
    if version > VERSION:
        raise ArchiveError("The backup was made by a newer release; use that one.")
    if cost > LARGEST_COST or cost & (cost - 1) or cost <= 1:
        raise ArchiveError("The backup is damaged.")
    return salt, cost


def _cipher(passphrase: str, salt: bytes, cost: int) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode()))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")  # the key is of this file alone: its salt is random


def _bound(header: bytes, *, last: bool) -> bytes:
    return header + (b"\1" if last else b"\0")

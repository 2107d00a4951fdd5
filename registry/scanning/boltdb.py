"""Read a bbolt file (go.etcd.io/bbolt, the format of trivy's database) as far as counting and naming need it.

Read-only, by memory map, in pages: https://github.com/etcd-io/bbolt, internal/common/page.go and bucket.go.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

MAGIC: Final = 0xED0CDAED
HEADER: Final = struct.Struct("<QHHI")  # id, flags, count, overflow
META: Final = struct.Struct("<IIIIQQQQQQ")  # magic, version, page size, flags, root, sequence, free, pages, txid, sum
BRANCH: Final = struct.Struct("<IIQ")  # position, key size, page
LEAF: Final = struct.Struct("<IIII")  # flags, position, key size, value size
BUCKET: Final = struct.Struct("<QQ")  # root page (0: inline), sequence
IS_BRANCH, IS_LEAF, IS_BUCKET = 0x01, 0x02, 0x01
DEEPEST: Final = 32


class NotBolt(ValueError):
    """The file is none, or damaged."""


class Bolt:
    """An open file. Raises NotBolt for anything that is not as it should be; use it in a `with`."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            try:
                self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:
                raise NotBolt("an empty file") from error
        try:
            self.size, self.root = self._meta()
        except struct.error as error:
            self.data.close()
            raise NotBolt("too short") from error
        except NotBolt:
            self.data.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.data.close()

    def buckets(self) -> Iterator[str]:
        """Yield the names of the top-level buckets, in order."""
        for flags, key, _value in self._items(self.root):
            if flags & IS_BUCKET:
                yield key.decode("utf-8", "replace")

    def items(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield keys and values of a top-level bucket; nothing where it is not there."""
        for flags, key, value in self._items(self.root):
            if flags & IS_BUCKET and key == name.encode():
                yield from ((one.decode("utf-8", "replace"), held) for _flags, one, held in self._bucket(value))

    def count(self, name: str) -> int:
        """Return how many keys a top-level bucket has."""
        return sum(1 for _item in self.items(name))

    def _bucket(self, value: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        (root, _sequence) = self._unpack(BUCKET, value, 0)
        if root:
            yield from self._items(root)
        else:
            yield from self._leaf(value, BUCKET.size)

    def _items(self, page: int, depth: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        start = page * self.size
        _id, flags, count, _overflow = self._unpack(HEADER, self.data, start)
        if depth > DEEPEST:
            raise NotBolt("a tree without an end")
        if flags & IS_LEAF:
            yield from self._leaf(self.data, start)
        elif flags & IS_BRANCH:
            for number in range(count):
                at = start + HEADER.size + number * BRANCH.size
                yield from self._items(self._unpack(BRANCH, self.data, at)[2], depth + 1)
        else:
            raise NotBolt("a page of no known kind")

    def _leaf(self, data: bytes | mmap.mmap, start: int) -> Iterator[tuple[int, bytes, bytes]]:
        count = self._unpack(HEADER, data, start)[2]
        for number in range(count):
            at = start + HEADER.size + number * LEAF.size
            flags, position, keys, values = self._unpack(LEAF, data, at)
            begin = at + position
            if begin + keys + values > len(data):
                raise NotBolt("an item beyond the end")
            yield flags, bytes(data[begin : begin + keys]), bytes(data[begin + keys : begin + keys + values])

    def _meta(self) -> tuple[int, int]:
        """Return page size and root page of the newer of the two sound heads."""
        first = self._head(0)
        size = first[1] if first else 4096
        found = max(filter(None, (first, self._head(size))), default=None)
        if found is None:
            raise NotBolt("no head of a bbolt file")
        return found[1], found[2]

    def _head(self, start: int) -> tuple[int, int, int] | None:
        if start + HEADER.size + META.size > len(self.data):
            return None
        magic, _version, size, _flags, root, _seq, _free, _pages, change, _sum = META.unpack_from(
            self.data, start + HEADER.size
        )
        return (change, size, root) if magic == MAGIC and size else None

    @staticmethod
    def _unpack(form: struct.Struct, data: bytes | mmap.mmap, at: int) -> tuple[int, ...]:
        try:
            return form.unpack_from(data, at)
        except (struct.error, OverflowError) as error:
            raise NotBolt("damaged") from error

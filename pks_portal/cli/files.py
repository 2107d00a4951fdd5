"""Writing files that hold secrets: for their owner only, and never half."""

import os
import tempfile
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Replace the file's content in one go, readable and writable by its owner only (0600). Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

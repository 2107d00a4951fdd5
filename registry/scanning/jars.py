"""Java archives: trivy knows those that tell their own Maven coordinates, others by a database of all of Maven Central.

Without that database it would fetch one, and fail: it has no network. So it is handed an empty one, and an archive that
it does not know then is listed as a package without ecosystem: not assessed, never clean.
"""

import json
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from registry.scanning import place

FILE: Final = "trivy-java.db"
SCHEMA: Final = 1
TABLES: Final = """
CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT);
"""
"""As trivy-java-db makes them, schema 1."""
STRANGER: Final = re.compile(r'\[jar\] No such POM in the central repositories.*file="([^"]{1,200})"')
MOST: Final = 1000


@contextmanager
def none_known() -> Iterator[Path]:
    """Yield a cache directory for trivy with a database of no jars.

    It lies where anybody may go, for SQLite goes by a file's real path: through the data directory the scanner may not.
    """
    with place.passing(Path(tempfile.gettempdir()), "pks-jars-") as made:
        home = made / "java-db"
        home.mkdir()
        with closing(sqlite3.connect(home / FILE)) as link:
            link.executescript(TABLES)
        never = "2000-01-01T00:00:00Z"
        said = {"Version": SCHEMA, "NextUpdate": never, "UpdatedAt": never, "DownloadedAt": never}
        (home / "metadata.json").write_text(json.dumps(said), encoding="utf-8")
        for path in (home.parent, home, *home.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
            if os.geteuid() == 0:
                os.chown(path, place.NOBODY, place.NOBODY)
        yield home.parent


def with_strangers(document: str, lines: Iterable[str]) -> str:
    """Return a CycloneDX document with the archives that trivy said it does not know."""
    strangers = sorted({found[1] for line in lines if (found := STRANGER.search(line))})[:MOST]
    if not strangers:
        return document
    said: dict[str, Any] = json.loads(document)
    said.setdefault("components", []).extend(
        {"type": "library", "bom-ref": f"unknown-jar:{name}", "name": name, "version": ""} for name in strangers
    )
    return json.dumps(said)

"""trivy and our matcher, on the same packages and the same real advisories: what each finds and must not say."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.utils import timezone

from pks_portal.errors import Invalid
from registry.scanning import binary, databases, feeds, place, sbom
from registry.scanning.binary import Unusable
from registry.scanning.matcher import Matcher
from registry.scanning.port import Database, Package
from registry.scanning.trivy import Trivy
from registry.severity import Severity
from tests.registry.scanning.trivydb import ADVISORIES, RECORDS, archive

pytestmark = pytest.mark.django_db
C, H, M, U = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.UNKNOWN
# (purl, what must be found in it: vulnerability → severity, fixed version), written by hand from the records
TABLE: dict[str, dict[str, tuple[Severity, str]]] = {
    "pkg:pypi/django@3.2.0": {"CVE-2023-36053": (U, "3.2.20")},
    "pkg:pypi/django@4.1.9": {"CVE-2023-36053": (U, "4.1.10")},
    "pkg:pypi/django@4.2.3": {},
    "pkg:pypi/django@3.1.0": {},
    "pkg:pypi/requests@2.19.0": {"CVE-2018-18074": (H, "2.20.0"), "CVE-2023-32681": (M, "2.31.0")},
    "pkg:pypi/requests@2.2.1": {"CVE-2018-18074": (H, "2.20.0")},
    "pkg:pypi/requests@2.31.0": {},
    "pkg:pypi/pyyaml@5.3.1": {"CVE-2020-14343": (C, "5.4")},
    "pkg:npm/lodash@4.17.4": {"CVE-2021-23337": (H, "4.17.21"), "CVE-2019-10744": (C, "4.17.12")},
    "pkg:npm/lodash@4.17.15": {"CVE-2021-23337": (H, "4.17.21")},
    "pkg:npm/lodash@4.17.21": {},
    "pkg:npm/lodash-es@4.17.12": {"CVE-2021-23337": (H, "4.17.21"), "CVE-2019-10744": (C, "4.17.14")},
    "pkg:npm/minimist@0.2.3": {"CVE-2021-44906": (C, "0.2.4")},
    "pkg:npm/minimist@0.2.4": {},
    "pkg:npm/minimist@1.2.5": {"CVE-2021-44906": (C, "1.2.6")},
    "pkg:golang/golang.org/x/text@v0.3.6": {"CVE-2021-38561": (U, "0.3.7")},
    "pkg:golang/golang.org/x/text@v0.3.7": {},
    "pkg:golang/gopkg.in/yaml.v3@v3.0.0-20220521103104-8f96da9f5d5e": {},
    "pkg:golang/gopkg.in/yaml.v3@v3.0.1": {},
    "pkg:golang/github.com/dgrijalva/jwt-go/v4@v4.0.0-preview1": {},
    "pkg:cargo/regex@1.5.4": {"CVE-2022-24713": (H, "1.5.5")},
    "pkg:cargo/regex@1.5.5": {},
    "pkg:cargo/smallvec@0.6.2": {},
    "pkg:cargo/smallvec@0.6.13": {"CVE-2021-25900": (C, "0.6.14")},
    "pkg:cargo/smallvec@1.6.0": {"CVE-2021-25900": (C, "1.6.1")},
    "pkg:cargo/smallvec@1.6.1": {},
    "pkg:cargo/time@0.1.45": {"CVE-2020-26235": (M, "0.2.0")},
    "pkg:cargo/time@0.2.6": {},
    "pkg:cargo/time@0.2.7": {"CVE-2020-26235": (M, "0.2.23")},
    "pkg:cargo/ring@0.17.9": {},  # withdrawn
    "pkg:maven/org.apache.logging.log4j/log4j-core@2.3.1": {"CVE-2021-45046": (C, "2.12.2")},
    "pkg:maven/org.apache.logging.log4j/log4j-core@2.15.0": {"CVE-2021-45046": (C, "2.16.0")},
    "pkg:maven/org.apache.logging.log4j/log4j-core@2.16.0": {},
    "pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1": {},
    "pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.12.6.1": {},
    "pkg:gem/rack@2.1.4": {},
    "pkg:gem/rack@2.1.3": {"CVE-2020-8184": (H, "2.1.4")},
    "pkg:composer/guzzlehttp/guzzle@6.5.8": {},
    "pkg:composer/guzzlehttp/guzzle@7.0.0": {"CVE-2022-31091": (H, "7.4.5")},
    "pkg:nuget/Newtonsoft.Json@13.0.1": {},
    "pkg:pypi/urllib3@2.0.5": {"CVE-2023-43804": (H, "2.0.6")},
    "pkg:pypi/urllib3@1.26.17": {},
    "pkg:npm/%40cypress/request@2.88.11": {"CVE-2023-28155": (M, "")},
    "pkg:npm/%40cypress/request@2.88.12": {},
}


def document(*purls: str) -> str:
    """Return an SBOM of packages that are named by their purls."""
    components = [
        {
            "bom-ref": purl, "type": "library", "purl": purl,
            "name": unquote(purl.partition("/")[2].rpartition("@")[0]), "version": purl.rpartition("@")[2],
        }
        for purl in purls
    ]  # fmt: skip
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components})


def feed() -> io.BytesIO:
    """Return the tests' advisories as osv.dev publishes its own: a ZIP."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for file in ADVISORIES:
            opened.write(file, file.name)
    made.seek(0)
    return made


def silent(_line: str) -> None:
    """Keep nothing."""


@pytest.fixture(params=["trivy", "osv"])
def scanner(request: pytest.FixtureRequest, db: None) -> Any:
    """Return each scanner, with its database."""
    if request.param == "trivy":
        request.getfixturevalue("trivy_database")
        return Trivy()
    feeds.take_in(feed(), "Tests", "tests")
    return Matcher()


@pytest.mark.parametrize("purl", TABLE)
def test_each_finds_exactly_what_the_records_say(scanner: Any, purl: str) -> None:
    text = document(purl)
    said = scanner.judge(text, sbom.packages(text), silent)
    assert {one.id: one.severity for one in said.found} == {name: level for name, (level, _fix) in TABLE[purl].items()}
    fixes = {one.id: one.fixed_in for one in said.found}
    if scanner.name == "trivy":  # which names every fixed version of an advisory ("4.2.3, 4.1.10, 3.2.20")
        assert all(fix in fixes[name].split(", ") for name, (_level, fix) in TABLE[purl].items())
    else:
        assert fixes == {name: fix for name, (_level, fix) in TABLE[purl].items()}


def test_what_no_database_covers_is_not_assessed(scanner: Any) -> None:
    purls = ["pkg:hex/plug@1.0.0", "pkg:deb/debian/openssl@1.1.1k-1?distro=debian-9", "pkg:npm/lodash@4.17.21"]
    text = document(*purls)
    said = scanner.judge(text, sbom.packages(text), silent)
    assert list(said.found) == []
    assert list(said.not_assessed) == ["Debian:9", "Hex"]


def test_a_version_that_cannot_be_read_is_not_clean() -> None:
    feeds.take_in(feed(), "Tests", "tests")
    package = Package(name="requests", version="what?", ecosystem="PyPI")
    said = Matcher().judge("", [package], silent)
    assert said.not_assessed == ("PyPI/requests what?",)


@pytest.mark.parametrize("scanner_of", [Trivy, Matcher])
def test_without_a_database_nothing_is_said(scanner_of: Any) -> None:
    with pytest.raises(Unusable) as refused:
        scanner_of().judge(document(), [], silent)
    assert refused.value.key == "error.database_absent"


@pytest.mark.parametrize("how", ["cut", "other", "metadata", "version"])
def test_a_broken_database_is_said_to_be_broken(trivy_database: Database, how: str) -> None:
    home = place.trivy() / "db"
    if how == "cut":
        (home / "trivy.db").write_bytes((home / "trivy.db").read_bytes()[:3000])
    elif how == "other":
        (home / "trivy.db").write_bytes(b"no database" * 1000)
    elif how == "metadata":
        (home / "metadata.json").unlink()
    else:
        (home / "metadata.json").write_text('{"Version": 1, "UpdatedAt": "2026-01-01T00:00:00Z"}')
    assert databases.trivy(timezone.now()).state == "broken"
    with pytest.raises(Unusable) as refused:
        Trivy().judge(document("pkg:npm/lodash@4.17.4"), [], silent)
    assert refused.value.key == "error.database_broken"


def test_an_old_database_is_used_and_said_to_be_old(made: Callable[[datetime], Path]) -> None:
    databases.take_in(archive(made(timezone.now() - timedelta(days=8))))
    text = document("pkg:npm/lodash@4.17.4")
    said = Trivy().judge(text, sbom.packages(text), silent)
    assert said.database.state == "old"
    assert len(said.found) == 2
    assert said.database.records == RECORDS
    assert said.database.sources == ("Advisories of the tests",)


@pytest.mark.parametrize("raw", [b"", b"nothing", b"{}", b'{"id": "X", "modified": "never"}'])
def test_what_is_no_feed_is_refused_and_the_one_before_stays(raw: bytes) -> None:
    feeds.take_in(feed(), "Tests", "tests")
    with pytest.raises(Invalid):
        feeds.take_in(io.BytesIO(raw), "Tests", "tests")
    assert Matcher().database(timezone.now()).records == len(ADVISORIES)


def test_what_is_no_trivy_database_is_refused_and_the_one_before_stays(trivy_database: Database) -> None:
    with pytest.raises(Invalid):
        databases.take_in(io.BytesIO(b"nothing"))
    assert databases.trivy(timezone.now()).state == "ok"


def test_a_strange_program_is_not_run(tmp_path: Path, settings: Any) -> None:
    other = tmp_path / "trivy"
    other.write_text("#!/bin/sh\ntouch /tmp/was-run\n")
    other.chmod(0o755)
    settings.TRIVY = str(other)
    with pytest.raises(Unusable) as refused:
        binary.path()
    assert refused.value.key == "error.scanner_strange"

"""Images of old packages: trivy and the matcher each find exactly what was written down beforehand (old.py)."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from registry.scanning import feeds, sbom
from registry.scanning.matcher import Matcher
from registry.scanning.port import Database, Found
from registry.scanning.trivy import Image, Trivy
from registry.severity import Severity
from tests.registry.scanning import old, registry
from tests.registry.scanning.test_image import _portal_at
from tests.registry.scanning.test_scanners import feed

pytestmark = pytest.mark.django_db
IMAGES = {"debian": (old.debian, old.DEBIAN_MUST), "alpine": (old.alpine, old.ALPINE_MUST)}
DIFFERENCES = {
    "severity": "Debian's “unimportant” is LOW to trivy, which has no level below; to the matcher it is negligible.",
    "fixes": "trivy names every fixed version of an advisory of a language; the matcher names the next one.",
}
"""The two that there are, and the only ones that `agrees` lets pass."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the CycloneDX document of each image, as trivy read it from a registry."""
    home = tmp_path_factory.mktemp("registry")
    found = {}
    with _portal_at(home), registry.running(home) as host:
        for name, (files, _must) in IMAGES.items():
            place = home / name
            place.mkdir()
            repository = f"team/{name}"
            digest = registry.pushed(place, host, repository, files())
            found[name] = Trivy().sbom(Image(host, repository, digest, registry.token(repository, "pull")), print)
    return found


@pytest.fixture(params=["trivy", "osv"])
def scanner(request: pytest.FixtureRequest, db: None) -> Any:
    if request.param == "trivy":
        request.getfixturevalue("trivy_database")
        return Trivy()
    feeds.take_in(feed(), "Tests", "tests")
    return Matcher()


@pytest.mark.parametrize("name", IMAGES)
def test_each_finds_exactly_what_was_written_down(scanner: Any, documents: dict[str, str], name: str) -> None:
    must = IMAGES[name][1]
    said = scanner.judge(documents[name], sbom.packages(documents[name]), print)
    found = {(one.package, one.id): one for one in said.found}
    assert len(found) == len(said.found)
    assert set(found) - set(must) == set()
    assert set(must) - set(found) == set()
    for key, (severity, fix) in must.items():
        agrees(scanner.name, found[key], severity, fix)


def agrees(scanner: str, found: Found, severity: Severity, fix: str) -> None:
    """Check a finding, but for the DIFFERENCES."""
    if scanner == "trivy":
        assert found.severity is (Severity.LOW if severity is Severity.NEGLIGIBLE else severity), found
        assert fix in found.fixed_in.split(", "), found
    else:
        assert (found.severity, found.fixed_in) == (severity, fix), found


def test_what_both_find_counts_once(trivy_database: Database, documents: dict[str, str]) -> None:
    feeds.take_in(feed(), "Tests", "tests")
    packages = sbom.packages(documents["debian"])
    both = [scanner.judge(documents["debian"], packages, print).found for scanner in (Trivy(), Matcher())]
    keys = [{(one.id, one.package, one.version) for one in found} for found in both]
    assert keys[0] == keys[1]


def test_an_archive_that_nobody_knows_is_not_assessed(tmp_path: Path, trivy_database: Database) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    with _portal_at(tmp_path), registry.running(tmp_path) as host:
        digest = registry.pushed(tmp_path, host, "team/jar", {"app/own-1.0.jar": made.getvalue()})
        document = Trivy().sbom(Image(host, "team/jar", digest, registry.token("team/jar", "pull")), print)
    (package,) = sbom.packages(document)
    assert (package.name, package.ecosystem) == ("own-1.0.jar", "")
    assert Trivy().judge(document, [package], print).not_assessed == ("?",)
    assert "own-1.0.jar" in Trivy().spdx(document, print)


def test_there_are_enough_of_them() -> None:
    found = {name for _package, name in (*old.DEBIAN_MUST, *old.ALPINE_MUST)}
    assert len(found) >= 25

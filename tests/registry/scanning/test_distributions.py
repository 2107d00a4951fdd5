"""Distributions: what OSV calls each, what trivy's database calls it, and under which names either speaks of packages.

Each bucket is proven by trivy itself, which finds in it what is there.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from registry.scanning import coverage, databases, feeds, sbom
from registry.scanning.binary import Unusable
from registry.scanning.matcher import Matcher
from registry.scanning.port import Judgement, Package
from registry.scanning.trivy import Trivy
from tests.registry.scanning import trivydb
from tests.registry.scanning.records import affected, record

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True)
class Of:
    """A release: as trivy reads it in an image, as advisories call it, and as packages of it are said to be of."""

    family: str
    release: str
    theirs: str
    ours: str
    kind: str = "rpm"
    space: str = ""
    """The name space of purls, where it is not the family."""

    def document(self, name: str, version: str, source: str = "") -> str:
        """Return the SBOM of an image with one package, as trivy writes it."""
        trivy = "aquasecurity:trivy:"
        distro = quote(self.release if self.kind == "apk" else f"{self.family}-{self.release}")
        plain, _dash, release = version.partition("-") if self.kind != "apk" else (version, "", "")
        kinds = {"Class": "os-pkgs", "Type": self.family}
        said = {"PkgType": self.family, "SrcName": source or name, "SrcVersion": plain, "SrcRelease": release}
        components = [
            {
                "bom-ref": "os", "type": "operating-system", "name": self.family, "version": self.release,
                "properties": [{"name": trivy + key, "value": value} for key, value in kinds.items()],
            },
            {
                "bom-ref": "one", "type": "library", "name": name, "version": version,
                "purl": f"pkg:{self.kind}/{self.space or self.family}/{name}@{version}?arch=x86_64&distro={distro}",
                "properties": [{"name": trivy + key, "value": value} for key, value in said.items() if value],
            },
        ]  # fmt: skip
        bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
        return json.dumps(bom | {"dependencies": [{"ref": "os", "dependsOn": ["one"]}]})


RELEASES = [
    Of("debian", "12.5", "Debian:12", "Debian:12", "deb"),
    Of("ubuntu", "22.04", "Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS", "deb"),
    Of("ubuntu", "25.10", "Ubuntu:25.10", "Ubuntu:25.10", "deb"),
    Of("ubuntu", "18.04-ESM", "Ubuntu:Pro:18.04:LTS", "Ubuntu:Pro:18.04:LTS", "deb"),
    Of("alpine", "3.20.3", "Alpine:v3.20", "Alpine:v3.20", "apk"),
    Of("wolfi", "20230201", "Wolfi", "Wolfi", "apk"),
    Of("chainguard", "20230214", "Chainguard", "Chainguard", "apk"),
    Of("alma", "9.3", "AlmaLinux:9", "AlmaLinux:9"),
    Of("rocky", "8.9", "Rocky Linux:8", "Rocky Linux:8"),
    Of("redhat", "9.3", "Red Hat:enterprise_linux:9::baseos", "Red Hat:9"),
    Of("redhat", "8.10", "Red Hat:enterprise_linux:8::appstream", "Red Hat:8"),
    Of("centos", "7.9.2009", "Red Hat:enterprise_linux:7::server", "Red Hat:7"),
    Of("oracle", "8.9", "Oracle Linux:8", "Oracle Linux:8"),
    Of("amazon", "2 (Karoo)", "Amazon Linux:2", "Amazon Linux:2"),
    Of("amazon", "2018.03", "Amazon Linux:1", "Amazon Linux:1"),
    Of("amazon", "2023.3.20240131 (Amazon Linux)", "Amazon Linux:2023", "Amazon Linux:2023"),
    Of("photon", "4.0", "Photon OS:4.0", "Photon OS:4.0"),
    Of("azurelinux", "3.0", "Azure Linux:3", "Azure Linux:3"),
    Of("cbl-mariner", "2.0", "Azure Linux:2", "Azure Linux:2"),
    Of("opensuse-leap", "15.5", "openSUSE:Leap 15.5", "openSUSE:Leap 15.5", space="opensuse"),
    Of("sles", "15.5", "SUSE:Linux Enterprise 15.5", "SUSE:Linux Enterprise 15.5", space="suse"),
]
"""Family, release and purls as trivy 0.76 writes them of such images."""
NOBODYS = [
    Of("centos", "9", "", ""), Of("opensuse-tumbleweed", "20240101", "", "", space="opensuse"),
    Of("fedora", "40", "", ""), Of("sl-micro", "6.0", "", "", space="suse"), Of("debian", "", "", "", "deb"),
]  # fmt: skip


def told(tmp_path: Path, *records: dict[str, Any]) -> None:
    """Have both scanners know these records."""
    files = [tmp_path / f"{one['id']}.json" for one in records]
    for file, one in zip(files, records, strict=True):
        file.write_text(json.dumps(one))
        feeds.take_in(io.BytesIO(file.read_bytes()), one["id"], "tests")
    databases.take_in(trivydb.archive(trivydb.database(tmp_path / "db", timezone.now(), files)))


def judged(document: str) -> list[Judgement]:
    packages = sbom.packages(document)
    return [scanner.judge(document, packages, print) for scanner in (Trivy(), Matcher())]


@pytest.mark.parametrize("of", RELEASES, ids=lambda of: of.theirs)
def test_both_find_what_is_said_of_a_release(of: Of, tmp_path: Path) -> None:
    told(tmp_path, record("TEST-1", affected("introduced 0", "fixed 1.2.0-r3", package="thing", ecosystem=of.theirs)))
    old, new = of.document("thing", "1.2.0-r2"), of.document("thing", "1.2.0-r3")
    assert [one.ecosystem for one in sbom.packages(old)] == [of.ours]
    assert [[(one.id, one.fixed_in) for one in said.found] for said in judged(old)] == [[("TEST-1", "1.2.0-r3")]] * 2
    assert [(list(said.found), said.not_assessed) for said in judged(new)] == [([], ())] * 2


BY_SOURCE, BY_BOTH = {"TEST-SOURCE"}, {"TEST-SOURCE", "TEST-THING"}
NAMES = {
    "Debian:12": (BY_SOURCE, BY_SOURCE),
    "Ubuntu:22.04:LTS": (BY_SOURCE, BY_SOURCE),
    "Alpine:v3.20": (BY_SOURCE, BY_SOURCE),
    "Wolfi": (BY_SOURCE, BY_BOTH),
    "Chainguard": (BY_SOURCE, BY_BOTH),
    "AlmaLinux:9": ({"TEST-THING"}, BY_BOTH),
    "Rocky Linux:8": ({"TEST-THING"}, BY_BOTH),
    "Red Hat:enterprise_linux:9::baseos": ({"TEST-THING"}, BY_BOTH),
    "Oracle Linux:8": ({"TEST-THING"}, BY_BOTH),
    "Amazon Linux:2": ({"TEST-THING"}, BY_BOTH),
    "Photon OS:4.0": (BY_SOURCE, BY_BOTH),
    "Azure Linux:3": (BY_SOURCE, BY_BOTH),
    "openSUSE:Leap 15.5": ({"TEST-THING"}, BY_BOTH),
    "SUSE:Linux Enterprise 15.5": ({"TEST-THING"}, BY_BOTH),
}
"""Under which names trivy finds a package, and the matcher: that of its source, its own.

They differ where OSV's rule, the name of the source package, and its records, which name what is installed, do: there
the matcher goes by either, and may find more than there is. trivy's database has one of them, each where it looks.
"""


@pytest.mark.parametrize("theirs", NAMES)
def test_under_which_names_packages_are_known(theirs: str, tmp_path: Path) -> None:
    of = next(one for one in RELEASES if one.theirs == theirs)
    rows = [affected("introduced 0", "fixed 9-r0", package=name, ecosystem=theirs) for name in ("source", "thing")]
    told(tmp_path, record("TEST-SOURCE", rows[0]), record("TEST-THING", rows[1]))
    said = judged(of.document("thing", "1.2.0-r2", source="source"))
    assert tuple({one.id for one in each.found} for each in said) == NAMES[theirs]


@pytest.mark.parametrize("of", [of for of in RELEASES if not of.ours.startswith("Red Hat")], ids=lambda of: of.theirs)
def test_a_release_that_nobody_speaks_of_is_not_assessed(of: Of, tmp_path: Path) -> None:
    told(tmp_path, record("TEST-1", affected("introduced 0", package="thing", ecosystem="npm")))
    assert [said.not_assessed for said in judged(of.document("thing", "1.2.0-r2"))] == [(of.ours,)] * 2


@pytest.mark.parametrize("of", NOBODYS, ids=lambda of: of.family)
def test_of_what_nobody_has_advisories_nothing_is_assessed(of: Of) -> None:
    (package,) = sbom.packages(of.document("thing", "1.2.0-r2"))
    assert package.ecosystem == ""


def test_without_any_product_of_red_hat_trivy_refuses(tmp_path: Path) -> None:
    told(tmp_path, record("TEST-1", affected("introduced 0", package="thing", ecosystem="npm")))
    document = Of("redhat", "8.10", "", "").document("thing", "1.2.0-r2")
    with pytest.raises(Unusable):
        Trivy().judge(document, sbom.packages(document), print)
    assert Matcher().judge(document, sbom.packages(document), print).not_assessed == ("Red Hat:8",)


@pytest.mark.parametrize(
    ("product", "version", "found"),
    [
        ("enterprise_linux:9::appstream", "9.4", True), ("enterprise_linux:9::crb", "9.4", True),
        ("enterprise_linux:10.0", "10.1", True), ("enterprise_linux:7::server", "7.9", True),
        ("enterprise_linux:8::baseos", "9.4", False), ("rhel_eus:9.4::baseos", "9.4", False),
        ("openshift:4.12::el9", "9.4", False),
    ],
)  # fmt: skip
def test_products_of_red_hat_that_are_of_a_release(product: str, version: str, found: bool, tmp_path: Path) -> None:
    ecosystem = f"Red Hat:{product}"
    one = record("TEST-1", affected("introduced 0", "fixed 2-1", package="thing", ecosystem=ecosystem))
    told(tmp_path, one)
    document = Of("redhat", version, ecosystem, "").document("thing", "1-1")
    said = Matcher().judge(document, sbom.packages(document), print)
    assert ([one.id for one in said.found], list(said.not_assessed)) == (
        (["TEST-1"], []) if found else ([], [f"Red Hat:{version.partition('.')[0]}"])
    )


@pytest.mark.parametrize(
    ("version", "found"), [("1-1", {"TEST-1", "TEST-2"}), ("2-1+esm1", {"TEST-2"}), ("3-1", set())]
)
def test_ubuntu_pro_fixes_for_longer(version: str, found: set[str], tmp_path: Path) -> None:
    own, pro = "Ubuntu:18.04:LTS", "Ubuntu:Pro:18.04:LTS"
    parts = affected("introduced 0", ecosystem=own), affected("introduced 0", "fixed 2-1+esm1", ecosystem=pro)
    told(tmp_path, record("TEST-1", *parts), record("TEST-2", affected("introduced 0", "fixed 3-1", ecosystem=own)))
    document = Of("ubuntu", "18.04-ESM", "", "", "deb").document("thing", version)
    assert {one.id for one in Matcher().judge(document, sbom.packages(document), print).found} == found


def test_trivy_has_ubuntu_pro_under_either_name() -> None:
    package = Package(name="thing", version="1", ecosystem="Ubuntu:Pro:22.04:LTS")
    for bucket, missing in (("ubuntu 22.04-ESM", ()), ("ubuntu 22.04", ()), ("ubuntu 24.04", (package.ecosystem,))):
        assert coverage.of_trivy([package], [bucket]) == missing

from typing import Any

from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal
from tests.cli.test_images import REPOSITORY, REST, listed

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
PATH = f"{REST}/repositories/r1/comparison"
CVE = {"id": "CVE-2024-1", "title": "Bad", "severity": "high", "packages": ["curl"], "fixed_in": ["8.1"]}
SAID: dict[str, Any] = {
    "before": {"digest": OLD}, "after": {"digest": NEW}, "platform": "linux/amd64", "platforms": ["linux/amd64"],
    "packages": {"added": [], "gone": [], "same": 5, "changed": [
        {"name": "curl", "ecosystem": "Debian", "before": ["7"], "after": ["8"]}]},
    "vulnerabilities": {"added": [CVE], "gone": [], "same": 2, "alike": False},
    "layers": {"added": [{}], "gone": [{}], "same": 3}, "size": -2048,
}  # fmt: skip


def test_what_differs(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/repositories", listed(REPOSITORY))
    signed_in.once("GET", PATH, (200, SAID))
    ran = pks("compare-images", "payments/web:1.0", NEW, "--platform", "linux/amd64")
    assert signed_in.requests("GET", PATH)[0].query == {"before": "1.0", "after": NEW, "platform": "linux/amd64"}
    lines = ran.out.splitlines()
    assert lines[4:6] == ["Size:             -2.0 KiB", "Layers:           +1 -1 (3 the same)"]
    assert "Packages:         +0 -0 ~1 (5 the same)" in lines
    assert "~  curl     Debian     7       8" in lines
    assert "+  CVE-2024-1     high      curl     8.1       Bad" in lines
    assert "a difference may be one of the databases" in ran.out


def test_what_was_not_scanned_is_said_to_be_so(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/repositories", listed(REPOSITORY), listed(REPOSITORY))
    unknown = SAID | {"packages": None, "vulnerabilities": None, "size": None, "layers": None}
    signed_in.once("GET", PATH, (200, unknown), (200, unknown))
    ran = pks("compare-images", "payments/web:1.0", "payments/web:2.0")
    assert "Packages:         not scanned" in ran.out
    assert "Vulnerabilities:  not scanned" in ran.out
    assert pks("compare-images", "payments/web:1.0", "2.0", "--json").json == unknown
    assert signed_in.requests("GET", PATH)[1].query == {"before": "1.0", "after": "2.0"}


def test_two_repositories_are_not_compared(pks: Pks, signed_in: FakePortal) -> None:
    assert pks("compare-images", "payments/web:1.0", "payments/api:1.0").code == 2

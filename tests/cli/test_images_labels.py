from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal
from tests.cli.test_images import ARTIFACT, AT, DETAIL, GONE, REST, listed

OWN = {
    "id": 7, "project": "payments", "name": "approved", "about": "May run", "colour": "green", "made_by": "sun.li",
    "made_at": AT,
}  # fmt: skip
PLATFORMS = [OWN | {"id": 8, "project": None}, OWN | {"id": 9, "project": None, "name": "lts"}]
PROJECTS = f"{REST}/projects/payments/labels"


def test_labels_are_listed_and_made(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", PROJECTS, listed(OWN))
    signed_in.once("GET", f"{REST}/labels", listed(*PLATFORMS), listed(*PLATFORMS))
    lines = pks("image-labels", "payments").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["approved", "green", "payments"], ["approved", "green", "(platform)"], ["lts", "green", "(platform)"],
    ]  # fmt: skip
    assert pks("image-labels", "--json").json == PLATFORMS
    signed_in.once("POST", PROJECTS, (201, OWN))
    made = pks("create-image-label", "approved", "--project", "payments", "--colour", "green", "--about", "May run")
    assert made.out == "Label approved is made.\n"
    assert signed_in.requests("POST", PROJECTS)[0].body == {"name": "approved", "colour": "green", "about": "May run"}
    assert pks("create-image-label", "x", "--colour", "mauve").code == 2


def test_a_label_is_deleted_once_somebody_says_so(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/labels", *[listed(*PLATFORMS)] * 3)
    assert pks("delete-image-label", "lts").code == 2
    signed_in.once("DELETE", f"{REST}/labels/9", GONE)
    assert pks("delete-image-label", "lts", stdin="y\n").out == "Label lts is deleted.\n"
    assert pks("delete-image-label", "absent", "--non-interactive").code == 1


def test_it_is_put_on_and_taken_off_by_name(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/artifacts", *[listed(ARTIFACT)] * 3)
    signed_in.once("GET", PROJECTS, *[listed(OWN)] * 2)
    signed_in.once("GET", f"{REST}/labels", *[listed(*PLATFORMS)] * 2)
    at = f"{REST}/artifacts/a1/labels"
    signed_in.once("POST", at, (201, {"items": [OWN]}))
    assert pks("label-image", "payments/web:1.0", "approved").code == 0
    assert signed_in.requests("POST", at)[0].body == {"label": 7}, "the project's before the platform's"
    signed_in.once("DELETE", f"{at}/9", GONE)
    assert pks("unlabel-image", "payments/web:1.0", "lts").code == 0
    signed_in.once("GET", f"{REST}/artifacts/a1", (200, DETAIL | {"labels": ["approved", "lts"]}))
    assert "Image labels:   approved, lts" in pks("image", "payments/web:1.0").out


def test_images_by_label(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/artifacts", listed(ARTIFACT))
    assert pks("images", "payments/web", "--label", "approved").code == 0
    assert signed_in.requests("GET", f"{REST}/artifacts")[0].query["label"] == "approved"


def test_a_label_is_changed(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", PROJECTS, listed(OWN))
    signed_in.once("PATCH", f"{PROJECTS}/7", (200, OWN | {"name": "allowed"}))
    changed = pks("update-image-label", "approved", "--project", "payments", "--name", "allowed", "--about", "")
    assert changed.out == "Label allowed is changed.\n"
    assert signed_in.requests("PATCH", f"{PROJECTS}/7")[0].body == {"name": "allowed", "about": ""}
    assert pks("update-image-label", "approved").code == 2

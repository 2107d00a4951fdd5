"""The units of deploy/systemd as they are shipped: what each may do. tests/real/test_company.py starts them."""

import shutil
import subprocess

import pytest

from pks_portal.paths import CHECKOUT
from tests.real.units import parse

UNITS = sorted((CHECKOUT / "deploy" / "systemd").glob("*.service"))
LOCAL_CLUSTERS = {"pks-portal-clusters", "pks-portal-clusters-worker"}
READS_ALL = {"pks-portal-backup"}
MOST_EXPOSED = 25  # in tenths, of systemd-analyze's scale from 0 (safe) to 10


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_only_what_needs_it_is_root(file):
    unit = parse(file)
    root = unit["Service.User"] == ["root"]
    assert root == (file.stem in LOCAL_CLUSTERS | READS_ALL)
    assert unit["Service.NoNewPrivileges"] == ["yes"]
    assert "Service.CapabilityBoundingSet" in unit
    if file.stem not in LOCAL_CLUSTERS:
        assert unit["Service.ProtectSystem"] == ["strict"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs the package systemd")
@pytest.mark.parametrize("file", [one for one in UNITS if one.stem not in LOCAL_CLUSTERS], ids=lambda file: file.stem)
def test_little_is_exposed(file):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(file)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-600:] + done.stderr

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pks_portal.cli import kubeconfig
from pks_portal.cli.failures import Failure
from tests.cli.fake_portal import KUBECONFIG

ISSUED = yaml.safe_load(KUBECONFIG)
NAMES = st.text("abc/-", min_size=1, max_size=4)


def _name(item: Any) -> str:
    return str(item["name"])


ENTRIES: dict[str, Any] = {
    "clusters": st.fixed_dictionaries({"name": NAMES, "cluster": st.dictionaries(NAMES, NAMES)}),
    "users": st.fixed_dictionaries({"name": NAMES, "user": st.dictionaries(NAMES, NAMES)}),
    "contexts": st.fixed_dictionaries({"name": NAMES, "context": st.dictionaries(NAMES, NAMES)}),
}
KEPT = st.fixed_dictionaries(
    {},
    optional={
        **{kind: st.none() | st.lists(entry, unique_by=_name) for kind, entry in ENTRIES.items()},
        "current-context": NAMES,
        "preferences": st.dictionaries(NAMES, NAMES),
        "extensions": st.lists(NAMES),
    },
)


@given(KEPT, NAMES, NAMES)
def test_other_entries_stay_and_ours_is_current(kept: dict[str, Any], context: str, entry: str) -> None:
    ours = {"clusters": entry, "users": entry, "contexts": context}
    after = kubeconfig.merged(kept, ISSUED, context=context, entry=entry)
    assert after["current-context"] == context
    for kind, name in ours.items():
        others = [item for item in kept.get(kind) or [] if item["name"] != name]
        assert [item for item in after[kind] if item["name"] != name] == others
        assert len([item for item in after[kind] if item["name"] == name]) == 1
    assert {key: after[key] for key in ("preferences", "extensions") if key in kept} == {
        key: kept[key] for key in ("preferences", "extensions") if key in kept
    }
    assert kubeconfig.merged(after, ISSUED, context=context, entry=entry) == after


@given(KEPT)
def test_what_is_written_is_read_again(kept: dict[str, Any]) -> None:
    after = kubeconfig.merged(kept, ISSUED, context="x", entry="t/x")
    assert yaml.safe_load(kubeconfig._dump(after)) == after


def test_the_file_is_for_its_owner_only_and_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("")
    real.chmod(0o644)
    link.symlink_to(real)
    assert kubeconfig.merge(link, KUBECONFIG, context="x", entry="t/x") == ""
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"], "no lock, no half file is left"


@pytest.mark.parametrize("text", ["{", "- a\n- b", "kind: Pod", "clusters: {a: 1}", "a: \x00"])
def test_what_is_no_kubeconfig_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(Failure, match="is not a kubeconfig"):
        kubeconfig.merge(path, KUBECONFIG, context="x", entry="t/x")
    assert path.read_text() == text
    assert [each.name for each in tmp_path.iterdir()] == ["config"]


def test_a_locked_file_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "LOCK_SECONDS", 0.0)
    (tmp_path / "config.lock").touch()
    with pytest.raises(Failure, match="locked by another program"):
        kubeconfig.merge(tmp_path / "config", KUBECONFIG, context="x", entry="t/x")
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("answer", ["", "{}", "[]", "clusters: []\ncontexts: []\nusers: []"])
def test_an_answer_that_is_none_changes_nothing(tmp_path: Path, answer: str) -> None:
    with pytest.raises(Failure, match="holds no kubeconfig"):
        kubeconfig.merge(tmp_path / "config", answer, context="x", entry="t/x")
    assert not list(tmp_path.iterdir())


def test_the_file_is_the_one_that_kubectl_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["", str(first), str(second)]))
    assert kubeconfig.target() == second
    first.touch()
    assert kubeconfig.target() == first
    assert kubeconfig.target(second) == second
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig.target() == tmp_path / ".kube" / "config"

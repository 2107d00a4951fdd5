"""The directories of scanners' runs: gone with the run, or with a later one when its process was killed."""

import os
import time
from pathlib import Path

from registry.scanning import place


def old(directory: Path) -> Path:
    long_ago = time.time() - 2 * place.YOUNG
    os.utime(directory, (long_ago, long_ago))
    return directory


def test_a_run_takes_its_directory_with_it() -> None:
    with place.run() as home:
        (home / "layer").write_text("large")
    assert not home.exists()


def test_what_a_killed_run_left_goes_with_the_next() -> None:
    with place.run() as first:
        left = first.parent / "left"
        left.mkdir()
        (left / "layer").write_text("large")
        old(left)
        old(first)
        young = first.parent / "young"
        young.mkdir()
        with place.run():
            assert not left.exists()
            assert first.exists()
            assert young.exists()
    young.rmdir()


def test_where_others_keep_theirs_only_what_is_named_so_goes(tmp_path: Path) -> None:
    theirs, link = tmp_path / "theirs", tmp_path / "ours-link"
    theirs.mkdir()
    link.symlink_to(theirs)
    left = tmp_path / "ours-left"
    left.mkdir()
    for directory in (theirs, left):
        old(directory)
    os.utime(link, (0, 0), follow_symlinks=False)
    with place.passing(tmp_path, "ours-") as made:
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["ours-link", "theirs", made.name])

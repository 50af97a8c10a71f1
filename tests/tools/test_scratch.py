"""Folders of throw-away services: gone afterwards, left ones swept, used ones spared."""

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from tools.children import Account
from tools.scratch import PREFIX, is_reachable, scratch_folder

LONG_AGO = 1_000_000_000


def left_folder(base: Path) -> Path:
    """What a killed program leaves behind: a folder with a lock that nobody holds."""
    folder = base / f"{PREFIX}left"
    folder.mkdir()
    (folder / ".held").touch()
    os.utime(folder, (LONG_AGO, LONG_AGO))
    return folder


def test_a_folder_is_gone_when_its_user_is(tmp_path):
    with scratch_folder(base=tmp_path) as folder:
        (folder / "rows").write_text("rows")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_folder_left_by_a_killed_program_is_swept_by_the_next(tmp_path):
    left = left_folder(tmp_path)
    with scratch_folder(base=tmp_path):
        assert not left.exists()


def test_a_folder_in_use_is_not_swept(tmp_path):
    used = left_folder(tmp_path)
    with (used / ".held").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with scratch_folder(base=tmp_path):
            assert used.exists()


def test_a_folder_that_is_not_ours_by_its_shape_is_not_swept(tmp_path):
    somebody = tmp_path / f"{PREFIX}photographs"
    somebody.mkdir()
    os.utime(somebody, (LONG_AGO, LONG_AGO))
    with scratch_folder(base=tmp_path):
        assert somebody.exists()


@pytest.mark.parametrize(("mode", "reachable"), [(0o755, True), (0o711, True), (0o700, False), (0o744, False)])
def test_an_account_reaches_a_folder_only_when_it_may_enter_every_one_on_the_way(mode, reachable):
    stranger = Account(name="nobody", uid=54_321, gid=54_321)
    with tempfile.TemporaryDirectory() as outer:  # tmp_path is inside a folder that is closed to others
        inner = Path(outer) / "inner"
        inner.mkdir(mode=0o755)
        Path(outer).chmod(mode)
        assert is_reachable(inner, account=stranger) is reachable

"""What `make clean` throws away, what it keeps, and when it refuses."""

import pytest

from tools.clean import clean
from tools.local import only_one
from tools.places import Refusal


def test_rows_and_leftovers_go_and_what_was_installed_stays(tmp_path):
    for folder in ("run", "test", "ministack"):
        (tmp_path / folder).mkdir()
    for file in ("db.sqlite3", "run/db.sqlite3", "tools.json", "ministack/python"):
        (tmp_path / file).write_text("x")

    clean(tmp_path, run_lock=tmp_path / "run" / "lock")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["ministack", "tools.json"]
    assert (tmp_path / "ministack" / "python").exists()


def test_it_refuses_while_the_portal_is_running(tmp_path):
    lock = tmp_path / "run" / "lock"
    with only_one(lock), pytest.raises(Refusal, match="`make run` is running"):
        clean(tmp_path, run_lock=lock)
    assert lock.exists()


def test_a_link_out_of_the_folder_is_removed_and_not_followed(tmp_path):
    outside, var = tmp_path / "outside", tmp_path / "var"
    outside.mkdir()
    var.mkdir()
    (outside / "photograph").write_text("x")
    (var / "link").symlink_to(outside)
    clean(var, run_lock=var / "run" / "lock")
    assert (outside / "photograph").exists()
    assert list(var.iterdir()) == []


def test_there_may_be_nothing_to_throw_away(tmp_path):
    clean(tmp_path / "var", run_lock=tmp_path / "var" / "run" / "lock")
    assert not (tmp_path / "var").exists()

"""When a virtual environment is installed again, and when it is left alone."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tools.environment import Environment, fingerprint
from tools.places import Refusal
from tools.setup import check_python


def requirements_in(folder: Path, text: str, *, name: str = "requirements.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    """An environment of nothing, so that installing it asks no package registry. Made once: that takes seconds."""
    folder = tmp_path_factory.mktemp("environment")
    made = Environment(folder=folder / "venv", requirements=[requirements_in(folder, "")], log=folder / "setup.log")
    made.install()
    return made


def test_a_changed_requirement_changes_the_fingerprint(tmp_path):
    before = fingerprint([requirements_in(tmp_path, "honcho==2.0.0\n")])
    after = fingerprint([requirements_in(tmp_path, "honcho==2.0.1\n")])
    assert before != after


def test_the_same_requirements_have_the_same_fingerprint(tmp_path):
    path = requirements_in(tmp_path, "honcho==2.0.0\n")
    assert fingerprint([path]) == fingerprint([path])


@pytest.mark.parametrize("include", ["-r base.txt", "-c base.txt"])
def test_a_change_in_an_included_file_changes_the_fingerprint(tmp_path, include):
    path = requirements_in(tmp_path, f"{include}\n")
    requirements_in(tmp_path, "boto3==1.0\n", name="base.txt")
    before = fingerprint([path])
    requirements_in(tmp_path, "boto3==1.1\n", name="base.txt")
    assert fingerprint([path]) != before


def test_an_installed_environment_is_left_alone(environment, capsys):
    log = environment.log.read_text()

    environment.install()

    assert capsys.readouterr().out == ""
    assert environment.log.read_text() == log


def test_what_is_run_is_compiled_and_what_is_packed_is_not(environment, tmp_path):
    packed = Environment(
        folder=tmp_path / "venv", requirements=environment.requirements, log=tmp_path / "setup.log", is_run=False
    )
    packed.install()
    compiling = re.compile("compileall|--compile-bytecode")
    assert compiling.search(environment.log.read_text())
    assert not compiling.search(packed.log.read_text())


def test_an_environment_whose_interpreter_has_gone_does_not_work(environment, tmp_path):
    assert environment.works()
    left = Environment(folder=tmp_path / "venv", requirements=[], log=tmp_path / "log")
    left.python.parent.mkdir(parents=True)
    left.python.symlink_to(tmp_path / "no-python-here")
    assert not left.works()


def test_an_environment_that_was_moved_does_not_work(environment, tmp_path):
    moved = Environment(folder=tmp_path / "elsewhere", requirements=[], log=tmp_path / "log")
    moved.folder.symlink_to(environment.folder)
    assert moved.works()  # another way to the same place is no move
    moved.folder.unlink()
    shutil.copytree(environment.folder, moved.folder, symlinks=True)
    assert not moved.works()


def test_a_failed_installation_says_why_and_is_tried_again_the_next_time(environment, capsys, monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)  # without uv, whose words differ
    [requirements] = environment.requirements
    requirements.write_text("this is no requirement\n")
    with pytest.raises(Refusal, match=r"failed\.\n.*The end of .*setup\.log:\n(.*\n)*.*[Ii]nvalid requirement"):
        environment.install()
    requirements.write_text("# better\n")
    capsys.readouterr()

    environment.install()

    assert "done in" in capsys.readouterr().out


def test_an_old_python_is_told_which_one_is_needed():
    with pytest.raises(Refusal, match=r"needs Python 3\.11 or newer, and the one here is 3\.9\."):
        check_python((3, 9))


def test_this_python_is_new_enough():
    check_python(sys.version_info[:2])

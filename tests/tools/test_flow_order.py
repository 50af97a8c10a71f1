"""Stories in `tests/flows`: one worker each, in the order written, whatever shuffles the rest."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests import conftest


class Item(SimpleNamespace):
    """As much of a collected test as the ordering looks at."""

    def add_marker(self, mark):
        self.marks.append(mark)


def item(file: str, line: int, case: int | None = None) -> Item:
    callspec = None if case is None else SimpleNamespace(indices={"case": case})
    return Item(path=Path(file), location=(file, line, ""), callspec=callspec, marks=[], name=f"{line}-{case}")


def test_a_shuffled_story_is_told_in_order_and_the_others_keep_their_places():
    flow = str(conftest.FLOWS / "test_story.py")
    elsewhere = [item("/tests/test_other.py", 9), item("/tests/test_other.py", 3)]
    items: list[Any] = [item(flow, 30), elsewhere[0], item(flow, 10, 1), item(flow, 10, 0), elsewhere[1]]

    conftest._tell_flows_in_order(items)

    assert [one.name for one in items] == ["10-0", "9-None", "10-1", "30-None", "3-None"]


def test_a_story_belongs_to_one_worker_and_other_tests_to_any():
    story: Any = item(str(conftest.FLOWS / "test_story.py"), 10)
    other: Any = item("/tests/test_other.py", 10)
    for one in (story, other):
        conftest.pytest_itemcollected(one)
    assert ([mark.args for mark in story.marks], other.marks) == ([("test_story",)], [])


def test_the_installed_pytest_and_xdist_keep_a_group_on_one_worker(tmp_path):
    """Some releases of the two do not go together, and say nothing."""
    (tmp_path / "test_grouped.py").write_text(
        "import os, pathlib, pytest\n"
        "@pytest.mark.xdist_group('one')\n"
        "@pytest.mark.parametrize('case', range(8))\n"
        "def test_case(case): pathlib.Path(os.environ['PYTEST_XDIST_WORKER']).touch()\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-n2", "--dist=loadgroup", "-c", os.devnull]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "8 passed" in done.stdout
    assert len(list(tmp_path.glob("gw*"))) == 1

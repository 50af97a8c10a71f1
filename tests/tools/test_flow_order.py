"""Stories in `tests/flows`: one worker each, in the order written, whatever shuffles the rest."""

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

    conftest._keep_flows_together(items)

    assert [one.name for one in items] == ["10-0", "9-None", "10-1", "30-None", "3-None"]
    assert [[mark.args for mark in one.marks] for one in items] == [
        [("test_story",)], [], [("test_story",)], [("test_story",)], []
    ]  # fmt: skip

"""What a benchmark says: ratios, targets, the table, its place in a document."""

from functools import partial

import pytest

from benchmarks.crews import take_turns
from benchmarks.figures import AtLeast, AtMost, Figure, figure_of_rounds, table
from benchmarks.readme import BEGIN, END, write_between_markers
from tools.places import Refusal


@pytest.mark.parametrize(
    ("target", "ratio", "missed"),
    [
        (AtLeast(0.5), 0.5, False),
        (AtLeast(0.5), 0.49, True),
        (AtMost(1.3), 1.3, False),
        (AtMost(1.3), 1.31, True),
        (None, 99, False),
    ],
)
def test_a_target_is_met_up_to_its_bound(target, ratio, missed):
    assert Figure("claims", 1, 1, ratio, target, "codes/s").is_missed is missed


def test_the_ratio_is_the_median_of_neighbours():
    # The machine was three times as slow in the middle round, for both.
    figure = figure_of_rounds("claims", [90, 30, 80], [100, 40, 100], target=AtLeast(0.5), unit="codes/s")
    assert (figure.ours, figure.theirs, figure.ratio) == (80, 100, 0.8)


def test_the_table_is_aligned_and_says_what_was_missed():
    shown = table(
        [
            Figure("claims", 1234.5, 2000, 0.617, AtLeast(0.5), "codes/s"),
            Figure("an import", 61.25, 9.5, 6.447, AtMost(5), "s"),
            Figure("for comparison", 0.25, 1, 0.25, None, "ms"),
        ]
    )
    assert shown.splitlines() == [
        "|                |  ours | theirs | unit    | ratio | target |        |",
        "|----------------|------:|-------:|---------|------:|--------|--------|",
        "| claims         | 1 234 |  2 000 | codes/s |  0.62 | ≥ 0.5  | met    |",
        "| an import      |  61.2 |   9.50 | s       |  6.45 | ≤ 5    | missed |",
        "| for comparison |  0.25 |   1.00 | ms      |  0.25 |        |        |",
    ]


def test_rounds_take_turns_and_the_cold_one_does_not_count():
    order = []

    def measure(name):
        order.append(name)
        return float(len(order))

    taken = take_turns({name: partial(measure, name) for name in ("ours", "theirs")}, rounds=2)
    assert order == ["theirs", "ours", "ours", "theirs", "theirs", "ours"]
    assert taken == {"ours": [3.0, 6.0], "theirs": [4.0, 5.0]}


def test_the_table_replaces_what_stood_between_the_markers(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_markers(readme, "new\n")
    assert readme.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    write_between_markers(readme, "newer")
    assert readme.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["no markers", f"{BEGIN} only", f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_document_without_one_place_for_the_table_is_left_alone(tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(Refusal, match="no place for the table"):
        write_between_markers(readme, "new")
    assert readme.read_text() == text

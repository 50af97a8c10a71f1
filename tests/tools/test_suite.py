"""What `make test` reports, and when it is green."""

import pytest

from tools.suite import Pass, counted, exit_status

REPORT = '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/></testsuites>'


def one_pass(status: int) -> Pass:
    return Pass("PostgreSQL", status, 1.0)


def test_errors_count_as_failed_and_the_rest_as_passed(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT)
    result = counted("SQLite", tmp_path / "report.xml", status=1, seconds=2.4)
    assert (result.passed, result.failed, result.skipped) == (4, 3, 3)
    assert str(result) == "SQLite     4 passed, 3 failed, 3 skipped in 2 s"


def test_a_run_that_died_counts_nothing_and_keeps_its_status(tmp_path):
    assert counted("SQLite", tmp_path / "never-written.xml", status=139, seconds=1).status == 139


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 5, 0), (5, 0, 5), (5, 5, 5), (0, 139, 139)],
)
def test_green_needs_tests_in_the_first_pass_and_no_failure_in_either(first, second, expected):
    assert exit_status([one_pass(first), one_pass(second)]) == expected

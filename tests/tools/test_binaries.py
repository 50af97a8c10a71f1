"""Which browser is used, and what is said about one that does not start."""

from pathlib import Path

import pytest

from tools.binaries import chromium_program, is_browser, record_chromium, recorded_chromium
from tools.places import Refusal


def program(path: Path, *, says: str, status: int = 0) -> Path:
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_a_wished_browser_is_used(tmp_path):
    wished = program(tmp_path / "chrome", says="Chromium 120.0")
    assert chromium_program(environ={"CHROMIUM_PATH": str(wished)}) == wished


def test_a_wished_browser_that_does_not_start_is_named_and_no_other_is_taken(tmp_path):
    with pytest.raises(Refusal, match=r"CHROMIUM_PATH is .*nowhere, but no browser starts there"):
        chromium_program(environ={"CHROMIUM_PATH": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(("says", "status"), [("Please install the snap", 0), ("Chromium 120.0", 1)])
def test_a_stub_is_no_browser(tmp_path, says, status):
    assert not is_browser(program(tmp_path / "chromium-browser", says=says, status=status))


def test_a_found_browser_is_remembered(tmp_path):
    record_chromium(tmp_path / "chrome", record=tmp_path / "var" / "tools.json")
    assert recorded_chromium(record=tmp_path / "var" / "tools.json") == tmp_path / "chrome"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"chromium": 5}', "{}"])
def test_a_damaged_record_remembers_nothing(tmp_path, text):
    (tmp_path / "tools.json").write_text(text)
    assert recorded_chromium(record=tmp_path / "tools.json") is None

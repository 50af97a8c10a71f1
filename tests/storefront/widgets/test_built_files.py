"""What is committed below static/gtm is what its sources make, and what its hashes say."""

import json

import pytest

from storefront.configuration import LANGUAGES, newest_version, texts_of, versions
from tools.places import ROOT, Refusal
from tools.widgets import BUILT, TAGS, WIDGETS, build, hash_of

OLDER = {f"0.{number}.0": {"checkout": "sha384-x"} for number in range(8, 13)}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder where five versions stood when the newest was built beside them."""
    folder = tmp_path_factory.mktemp("gtm")
    (folder / "versions.json").write_text(json.dumps(OLDER))
    for version in OLDER:
        (folder / version).mkdir()
    assert build(folder) == newest_version()
    return folder


def test_the_newest_version_is_built_from_its_sources(built):
    made = {str(path.relative_to(built)): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    made.pop("versions.json")
    kept = {name: (BUILT / name).read_bytes() for name in made}
    assert made == kept, "run `make widgets`"


def test_the_last_versions_stay_side_by_side(built):
    kept = [*list(OLDER)[1:], newest_version()]
    assert list(json.loads((built / "versions.json").read_text())) == kept
    assert {path.name for path in built.iterdir() if path.is_dir()} == set(kept)


def test_a_version_that_a_newer_one_has_followed_is_not_built_again(tmp_path):
    (tmp_path / "versions.json").write_text('{"99.0.0": {}}')
    with pytest.raises(Refusal, match=r"older than 99\.0\.0"):
        build(tmp_path)


def test_no_published_script_was_changed():
    for version, hashes in versions().items():
        found = {name: hash_of((BUILT / version / f"{name}.js").read_bytes()) for name in hashes}
        assert found == hashes, f"{version} has changed: a change is a new version in package.json"


def test_there_is_a_version_to_go_back_to():
    assert len(versions()) >= 2


def test_every_text_is_there_in_every_language():
    for part, texts in texts_of(newest_version()).items():
        for name, by_language in texts.items():
            assert set(by_language) == set(LANGUAGES), f"{part}.{name}"
            assert all(by_language.values()), f"{part}.{name}"


def test_the_lock_names_no_registry():
    locked = json.loads((ROOT / "package-lock.json").read_text())
    assert [name for name, package in locked["packages"].items() if "resolved" in package] == []
    assert locked["version"] == newest_version()


def test_one_global_name_and_nothing_said_in_the_console():
    for name in WIDGETS:
        script = (BUILT / newest_version() / f"{name}.js").read_text()
        assert "console." not in script
        assert "localStorage" not in script
    assert set(TAGS) == {path.name for path in BUILT.glob("*.html")}

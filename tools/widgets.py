"""`make widgets`: what the shop's pages load, built from `widgets/` into `static/gtm/`, where it is committed.

A version's files never change once a shop may load them: a change is a new version in package.json, and the old one's files stay for the way back.
`versions.json` names each script's hash; a test builds again and holds the newest version to its sources, the others to their hashes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.node import node_package, node_program
from tools.places import ROOT, Refusal, run_main, shown

# As many versions stay side by side; pages that were loaded before a change, and the way back, need those before the newest.
KEPT = 5
SOURCES = ROOT / "widgets"
BUILT = ROOT / "static" / "gtm"
WIDGETS = ("checkout", "thankyou", "hint", "toasts", "trial")
# The first two bear the predecessor's names: what is wired into the shop's container keeps them.
TAGS = {
    "bonus_checkoutpage_script.html": ("checkout", "Page Path contains /checkout/, not /checkout/complete"),
    "bonus_thankspage_script.html": ("thankyou", "Page Path contains /checkout/complete"),
    "bonus_hint_script.html": ("hint", "All Pages"),
}
# Names that only our own objects have: neither the portal's answers nor the page nor the browser knows them, so they may become one letter.
OWN_NAMES = "^(is|was)[A-Z]|^(doubt|since|asked|drawn|due|sooner|purse|hold|told|typed|discounts|focused)$"

QUIETLY = ("--charset=utf8", "--log-level=warning")


def build(target: Path = BUILT) -> str:
    """Build the version that package.json names, beside those that are there. Returns it. Raises `Refusal` for one that a newer one has followed."""
    version = str(json.loads((ROOT / "package.json").read_text())["version"])
    known = target / "versions.json"
    versions = json.loads(known.read_text()) if known.exists() else {}
    if newer := [other for other in versions if _ordered(other) > _ordered(version)]:
        raise Refusal(
            f"{version} is older than {newer[-1]}: pages may load it, and it must not change. Raise the version in package.json."
        )
    folder = target / version
    folder.mkdir(parents=True, exist_ok=True)
    with _bundled() as bundles:
        for name in WIDGETS:
            (folder / f"{name}.js").write_bytes(_minified((bundles / f"{name}.js").read_bytes()))
    (folder / "texts.json").write_bytes((SOURCES / "texts.json").read_bytes())
    for name, (widget, trigger) in TAGS.items():
        (target / name).write_text(_tag(widget, trigger))
    versions[version] = {name: hash_of((folder / f"{name}.js").read_bytes()) for name in WIDGETS}
    for old in sorted(versions, key=_ordered)[:-KEPT]:
        del versions[old]
        shutil.rmtree(target / old, ignore_errors=True)
    known.write_text(json.dumps(versions, indent=2) + "\n")
    return version


def _ordered(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def hash_of(script: bytes) -> str:
    """As a page's `integrity` wants it."""
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


@contextmanager
def _bundled() -> Iterator[Path]:
    """A folder with one readable script for each widget. The bundler takes style sheets for mere texts: they are made small before, in a copy."""
    with TemporaryDirectory() as folder:
        copy, bundles = Path(folder) / "widgets", Path(folder) / "bundles"
        shutil.copytree(SOURCES, copy)
        bundler = node_package("@esbuild/*/bin/esbuild")
        sheets = sorted(copy.rglob("*.css"))
        _run([bundler, *sheets, "--minify", f"--outdir={copy}", f"--outbase={copy}", "--allow-overwrite", *QUIETLY])
        scripts = [copy / f"{name}.js" for name in WIDGETS]
        _run([bundler, *scripts, "--bundle", "--format=iife", "--target=es2022", "--loader:.css=text", f"--outdir={bundles}", *QUIETLY])  # fmt: skip
        yield bundles


def _minified(script: bytes) -> bytes:
    terser = node_package("terser/bin/terser")
    options = "passes=3,unsafe=true,pure_getters=true,hoist_funs=true"
    return _run([node_program(), terser, "--compress", options, "--mangle", "--mangle-props", f"regex=/{OWN_NAMES}/"], script)  # fmt: skip


def _tag(widget: str, trigger: str) -> str:
    text = (SOURCES / "tags" / "tag.html").read_text()
    return text.replace("{{name}}", widget).replace("{{trigger}}", trigger)


def _run(command: list[Any], given: bytes | None = None) -> bytes:
    done = subprocess.run([str(word) for word in command], input=given, capture_output=True, cwd=ROOT, check=False)
    if done.returncode:
        raise Refusal(done.stderr.decode())
    return done.stdout


def main() -> int:
    """Build, and say how big the scripts became."""
    version = build()
    print(f"Version {version} is built in {shown(BUILT)}:")
    for name in WIDGETS:
        script = (BUILT / version / f"{name}.js").read_bytes()
        print(f"  {name:<10} {len(gzip.compress(script, 9))} bytes gzipped")
    return 0


if __name__ == "__main__":
    run_main(main)

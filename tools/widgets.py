"""`make widgets`: what the shop's pages load, built from `widgets/` into `static/gtm/`, where it is committed.

A version's files never change once a shop may load them: a change is a new version in package.json, and the old one's files stay for the way back.
`versions.json` names each script's hash; a test builds again and holds the newest version to its sources, the others to their hashes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from tools.node import node_package, node_program
from tools.places import ROOT, Refusal, run_main, shown

SOURCES = ROOT / "widgets"
BUILT = ROOT / "static" / "gtm"
WIDGETS = ("checkout", "thankyou", "hint")
# The first two bear the predecessor's names: what is wired into the shop's container keeps them.
TAGS = {
    "bonus_checkoutpage_script.html": ("checkout", "Page Path contains /checkout/ but not /checkout/complete"),
    "bonus_thankspage_script.html": ("thankyou", "Page Path contains /checkout/complete"),
    "bonus_hint_script.html": ("hint", "All Pages"),
}


def build(target: Path = BUILT) -> str:
    """Build the version that package.json names. Returns it."""
    version = str(json.loads((ROOT / "package.json").read_text())["version"])
    folder = target / version
    folder.mkdir(parents=True, exist_ok=True)
    for name in WIDGETS:
        (folder / f"{name}.js").write_bytes(_minified(_bundled(name)))
    (folder / "texts.json").write_bytes((SOURCES / "texts.json").read_bytes())
    for name, (widget, trigger) in TAGS.items():
        (target / name).write_text(_tag(widget, trigger))
    known = target / "versions.json"
    versions = json.loads(known.read_text()) if known.exists() else {}
    versions[version] = {name: hash_of((folder / f"{name}.js").read_bytes()) for name in WIDGETS}
    known.write_text(json.dumps(versions, indent=2) + "\n")
    return version


def hash_of(script: bytes) -> str:
    """As a page's `integrity` wants it."""
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


def _bundled(name: str) -> bytes:
    return _run(
        [
            node_package("@esbuild/*/bin/esbuild"),
            SOURCES / f"{name}.js",
            "--bundle",
            "--format=iife",
            "--target=es2019",
            "--charset=utf8",
            "--loader:.css=text",
            "--log-level=warning",
        ]
    )


def _minified(script: bytes) -> bytes:
    terser = node_package("terser/bin/terser")
    return _run([node_program(), terser, "--compress", "passes=3,unsafe=true,pure_getters=true", "--mangle"], script)


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

"""The worker's container image, made and run on a machine without a Docker engine: buildah and podman, on a base that debootstrap makes.

Docker's own base image cannot be had everywhere; the Dockerfile takes another one as `BASE`, and this one is the same Debian. Everything lives in `var/.image`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.children import end_of_log
from tools.debian import install_packages, is_debian_root
from tools.places import ROOT, VAR, Refusal

# Hidden, as everything else that holds zappa itself: zappa walks the folders that are not, and would take its own module there for a web socket of ours.
FOLDER = VAR / ".image"
LOG = FOLDER / "build.log"
BASE, IMAGE = "localhost/bonusportal-base", "localhost/bonusportal-worker"
# In Lambda a function runs as such a user, and nobody there is root.
USER = "993:990"
_PROGRAMS = {"buildah": "buildah", "podman": "podman", "debootstrap": "debootstrap", "runc": "runc"}
# The folder of layers is ours alone: it does not meet images that the machine's owner has.
_STORE = ("--root", str(FOLDER / "store"), "--runroot", str(FOLDER / "run"), "--storage-driver", "vfs")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def build_image() -> None:
    """Build the image from the Dockerfile, on the base, which is made once. Raises `Refusal` with the end of the log."""
    if not is_debian_root():
        raise Refusal("Building the worker's image without Docker needs Debian and root. With Docker: docker build .")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if missing := [package for program, package in _PROGRAMS.items() if not shutil.which(program)]:
        install_packages(missing, log=LOG)
    if not _has(BASE):
        _make_base()
    # A machine behind a proxy of its own knows its certificates; they are lent to the build and stay out of the image.
    lent = ["--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"] if _CERTIFICATES.exists() else []
    chosen = ["--build-arg", f"BASE={BASE}", "--tag", IMAGE]
    how = ["--isolation", "chroot", "--network", "host", "--pull=never", "--layers"]
    _must(["buildah", *_STORE, "bud", *how, *lent, *chosen, str(ROOT)])


def run_command(environment: Mapping[str, str], *, name: str) -> list[str]:
    """The command that runs the image as Lambda would: an ordinary user without rights, and a file system that can be written in /tmp only."""
    variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    bounds = [
        "--read-only",
        "--tmpfs",
        "/tmp:rw,exec,size=1g",  # noqa: S108 - the container's
        "--cap-drop",
        "all",
        "--security-opt",
        "no-new-privileges",
    ]
    limits = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4000:4000", "--shm-size", "64m"]
    runtime = ["--runtime", "runc", "--cgroup-manager", "cgroupfs"]
    return [
        *("podman", *_STORE, *runtime, "run", "--rm", "--name", name, "--network", "host", "--user", USER),
        *(*bounds, *limits, *variables, IMAGE),
    ]


def stop(name: str) -> None:
    """End a container that `run_command` started. (A function's process has no ear for a request to end.)"""
    subprocess.run(["podman", *_STORE, "kill", name], capture_output=True, check=False)


def _make_base() -> None:
    tree = FOLDER / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    packages = "python3,python3-pip,ca-certificates"
    _must(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(tree)])
    archive = FOLDER / "base.tar"
    _must(["tar", "--directory", str(tree), "--create", "--file", str(archive), "."])
    _must(["podman", *_STORE, "import", str(archive), BASE])
    archive.unlink()
    shutil.rmtree(tree)


def _has(image: str) -> bool:
    found = subprocess.run(["podman", *_STORE, "image", "exists", image], capture_output=True, check=False)
    return found.returncode == 0


def _must(command: Sequence[str]) -> None:
    with LOG.open("a") as out:
        print("$", *command, file=out, flush=True)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=os.environ, check=False
        )
    if done.returncode != 0:
        raise Refusal(f"{command[0]} failed.{end_of_log(LOG)}")

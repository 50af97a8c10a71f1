"""What the documentation tells people to type, typed. A command that does not exist, or an option that is gone, fails here."""

import ast
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.test import Client

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_INLINE_MAKE = re.compile(r"`((?:[A-Z]+=\S+ )*make [a-z][a-z\- ]*[^`]*)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


# Its commands need an AWS account; `make deploy-rehearsal` walks the same way against a stand-in.
ELSEWHERE = {"deploy.md"}


def typed():
    for document in DOCUMENTS:
        if document.name in ELSEWHERE:
            continue
        text = document.read_text()
        lines = [line for block in _BLOCK.findall(text) for line in block.splitlines()] + _INLINE_MAKE.findall(text)
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                yield pytest.param(line.strip(), id=f"{document.name}: {line.strip()[:60]}")


def words_of(line):
    return [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z]+=.*", word)]


def make_targets():
    return set(re.findall(r"^([a-z][a-z\-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("line", typed())
def test_a_command_of_the_documentation_exists(line):
    words = words_of(line)
    if words[0] == "make":
        assert words[1] in make_targets()
        given = dict(re.findall(r"(CMD)='([^']*)'", line))
        if given:
            parse_management_command(shlex.split(given["CMD"]))
    elif words[0].endswith("python") and words[1] == "manage.py":
        parse_management_command(words[2:])
    elif words[0] == "curl":
        assert any(word.startswith("http://127.0.0.1:8000/") for word in words)
    else:
        assert words[0] in {
            "zappa",
            "aws",
            "docker",
            "cd",
            "export",
            "git",
            "cp",
            "python3",
            "pip",
            ".venv/bin/zappa",
            ".venv/bin/pip",
            "psql",
        }, line


def parse_management_command(words):
    name, *arguments = words
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    command.create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.django_db
def test_the_curl_of_the_readme_is_answered():
    from promo.models import Pool
    from tests.factories import make_code

    make_code(Pool.objects.get_or_create(amount_uah=100)[0], code="BON100README")
    (url,) = [
        word
        for word in words_of(next(p.values[0] for p in typed() if p.values[0].startswith("curl")))
        if word.startswith("http")
    ]
    assert Client().get(url.removeprefix("http://127.0.0.1:8000")).json()["success"] is True


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(document):
    missing = [target for target in _LINK.findall(document.read_text()) if not (document.parent / target).exists()]
    assert missing == []


def test_every_target_that_help_lists_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    listed = set(re.findall(r"^([a-z][a-z\-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unnamed = {target for target in listed if f"make {target}" not in readme}
    assert unnamed <= {"format", "lock", "clean"}


def long_proofs():
    """Names of the tests that only `make prove` runs."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and "pytest.mark.prove" in map(ast.unparse, node.decorator_list):
                yield node.name


def test_every_long_proof_is_in_the_readme_by_the_word_that_chooses_it():
    words = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    chosen = {name: [word for word in words if word in name] for name in long_proofs()}
    assert chosen
    assert [name for name, found in chosen.items() if len(found) != 1] == []
    assert set(words) == {word for found in chosen.values() for word in found}

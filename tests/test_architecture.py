"""Which way things flow, read from the imports. A forbidden arrow is named with its file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ("promo", "bonuses", "storefront", "keycrm")
ORDER = {name: rank for rank, name in enumerate(("bonusportal", *APPS))}
# The composition root may know the apps; the rest of the frame is a kernel that knows none.
ROOTS = {
    "urls",
    "settings",
    "widgets",
    "dropin",
    "dropin_accrual",
    "dropin_balance",
    "dropin_callers",
    "dropin_guarded",
    "health",
    "serverless",
    "api",
    "theme",
    "admin_site",
    "celery",
    "wsgi",
    "schedules",
    "roles",
    "origins",
}
EDGES = {"tasks", "sitting", "api", "admin", "views", "wiring", "management"}


def sources(app):
    return [path for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(paths, forbidden):
    return [
        f"{path.relative_to(ROOT)} → {name}"
        for path in paths
        for name in imported(path)
        if forbidden(path, name.split("."))
    ]


def room(path):
    return path.relative_to(ROOT).parts[1].removesuffix(".py")


def test_apps_know_only_lower_apps():
    def upward(path, name):
        own = path.relative_to(ROOT).parts[0]
        return name[0] in ORDER and ORDER[name[0]] > ORDER[own] and not (own == "bonusportal" and room(path) in ROOTS)

    assert arrows([path for app in ORDER for path in sources(app)], upward) == []


def test_models_know_no_sibling_but_the_kernel():
    def sideways(path, name):
        own = path.relative_to(ROOT).parts[0]
        return name[0] == own and len(name) > 1 and name[1] in {"services", "adapters", "ports", "policy", *EDGES}

    assert arrows([path for app in APPS for path in sources(app) if room(path) == "models"], sideways) == []


def test_services_know_no_edge_and_open_no_socket():
    sockets = {"requests", "boto3", "botocore", "socket", "urllib", "playwright", "redis", "celery", "http"}

    def outward(path, name):
        return name[0] in sockets or (name[0] in ORDER and len(name) > 1 and name[1] in {"adapters", "client", *EDGES})

    assert arrows([path for app in APPS for path in sources(app) if room(path) == "services"], outward) == []


def test_adapters_know_no_models_and_no_settings():
    def inward(path, name):
        own = path.relative_to(ROOT).parts[0]
        return (
            name[:2] == ["django", "conf"]
            or name[:2] == ["django", "db"]
            or (name[0] == own and name[1:2] in (["models"], ["services"]))
        )

    assert arrows([path for app in APPS for path in sources(app) if room(path) in {"adapters", "client"}], inward) == []


def test_the_product_never_imports_the_simulated_outside_or_the_tools():
    def demo(path, name):
        return name[0] in {"demo", "tools", "tests", "benchmarks"}

    allowed = {ROOT / "promo/management/commands/seed_demo.py"}
    assert arrows([path for app in ORDER for path in sources(app) if path not in allowed], demo) == []


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "manager", "handler", "process", "data"])
def test_no_module_is_named_by_what_says_nothing(word):
    assert [str(path) for app in ORDER for path in sources(app) if path.stem == word] == []


def test_modules_have_one_reason_to_exist():
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for app in ORDER for path in sources(app)}
    del long["bonusportal/settings.py"]  # a list, one setting after the other
    assert {name: lines for name, lines in long.items() if lines > 330} == {}

"""What the tests' process is told before Django reads its settings. A pytest plugin, loaded first of all.

Each of pytest's parallel workers gets files of its own and a database of its own inside the one Redis. pytest-django does the same for PostgreSQL.
"""

import os
import shutil
import tempfile

from hypothesis import settings as hypothesis_settings
from hypothesis.internal.conjecture import providers

from bonusportal import env

# What `python -m tools.services run` says about the services around us. Everything else that the portal listens to is silenced, so that a
# developer's own deployment, in the environment or in `.env`, reaches no test.
_SERVICES = {"DATABASE_URL", "REDIS_URL", "CHROMIUM_PATH"}
_AWS_REGION = "eu-north-1"

for _variable in env.VARIABLES:
    for _name in (_variable.name, *_variable.also):
        if _name in _SERVICES:
            os.environ.setdefault(_name, "")
        elif not _name.startswith("AWS_"):
            os.environ[_name] = ""

_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
_redis = os.environ["REDIS_URL"]
if _worker and _redis.endswith("/0"):
    os.environ["REDIS_URL"] = f"{_redis.removesuffix('0')}{int(_worker.removeprefix('gw')) + 1}"

# The same examples every time: a change is judged by what it changed. `make prove` searches anew with seeds of its own.
hypothesis_settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis_settings.load_profile("steady")
# Hypothesis also tries the numbers that stand in whatever modules of ours are loaded by now, and which those are is the worker's luck.
providers._get_local_constants = lambda: providers._local_constants

_files = tempfile.mkdtemp(prefix="portal-tests-")
os.environ["VAR_DIR"] = _files
os.environ["PORTAL_STAGE"] = "test"
# Playwright's fixtures keep an event loop running in the tests' own thread.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "yes"
os.environ.update({"AWS_REGION": _AWS_REGION, "AWS_DEFAULT_REGION": _AWS_REGION, "AWS_EC2_METADATA_DISABLED": "true"})
if not os.environ.get("AWS_ENDPOINT_URL"):
    # Should a test ever reach for the real AWS, these keys get it nowhere.
    os.environ.update({"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})


def pytest_unconfigure() -> None:
    shutil.rmtree(_files, ignore_errors=True)

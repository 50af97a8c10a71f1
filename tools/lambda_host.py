"""What the Lambda service is to a function: `python -I -S -B lambda_host.py FOLDER` imports the handler from FOLDER and nothing from elsewhere, and
answers each event on standard input (a JSON object a line) with a line on standard output that begins with `ANSWER `.
"""

import json
import sys
import time
import traceback
from types import SimpleNamespace

FOLDER = sys.argv[1]
sys.path[:] = [FOLDER, *(entry for entry in sys.path if "site-packages" not in entry)]
CONTEXT = SimpleNamespace(aws_request_id="11111111-2222-3333-4444-555555555555", function_name="bonusportal-web")


def say(**answer: object) -> None:
    sys.stdout.write(f"ANSWER {json.dumps(answer)}\n")
    sys.stdout.flush()


began = time.perf_counter()
import handler  # type: ignore[import-not-found]  # noqa: E402 - only now is it found

say(seconds=time.perf_counter() - began)
for line in sys.stdin:
    began = time.perf_counter()
    try:
        result = handler.lambda_handler(json.loads(line), CONTEXT)
    except BaseException as error:  # noqa: BLE001 - the service reports whatever a function raises, and goes on
        traceback.print_exc()
        say(error=type(error).__name__, message=str(error))
    else:
        say(result=result, seconds=time.perf_counter() - began)
foreign = sorted(
    {str(m.__file__) for m in list(sys.modules.values()) if "site-packages" in (getattr(m, "__file__", "") or "")}
)
say(foreign=foreign, modules=sorted(sys.modules))

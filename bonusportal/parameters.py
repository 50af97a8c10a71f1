"""Secrets from the parameter store (AWS Systems Manager), read once when a function starts. `bonusportal.env` takes them over.

One parameter holds one JSON object of variables: a start costs one request for each parameter, and a role is given a parameter by its whole name.
Values never reach a log or an error's text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any


class ParametersUnreadable(Exception):
    """A parameter is missing, forbidden, or not a JSON object of texts. The function does not start; the platform tries again."""


def read_parameters(names: Sequence[str], *, region: str) -> Iterator[tuple[str, str]]:
    """(variable, value) pairs of each parameter in turn."""
    from aws_lambda_powertools.utilities.parameters import SSMProvider
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
    from botocore.config import Config

    store = SSMProvider(boto_config=Config(region_name=region, connect_timeout=2, read_timeout=3))
    for name in names:
        try:
            text = store.get(name, decrypt=True)
        except GetParameterError as error:
            raise ParametersUnreadable(f"The parameter {name} cannot be read: {error}") from error
        yield from _variables(name, text).items()


def _variables(name: str, text: Any) -> dict[str, str]:
    try:
        found = json.loads(text or "")
    except ValueError:
        # Not "from error": the decoder's exception carries the whole text.
        raise ParametersUnreadable(f"The parameter {name} is not JSON.") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ParametersUnreadable(f"The parameter {name} is not a JSON object of texts.")
    return found

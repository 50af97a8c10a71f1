"""The CRM as a value, new for each test."""

import pytest

from tests.keycrm.far_side import FarSide


@pytest.fixture
def far() -> FarSide:
    return FarSide()

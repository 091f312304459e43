"""Each tiny checkpoint in turn."""

from __future__ import annotations

import pytest
from original import KINDS, Kind


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)

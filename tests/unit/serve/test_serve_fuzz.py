"""Requests made up from the server's own description of itself: none brings a 5xx, and every reply is of the described form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, Phase, settings
from serve_fakes import FakeScheduler, app_of

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@asynccontextmanager
async def started_elsewhere(_: object) -> AsyncIterator[None]:
    """The client of these tests starts and ends the application around every request; its engine can do so only once."""
    yield


APP = app_of(FakeScheduler(), max_body_bytes=1 << 20, host="0.0.0.0")  # elsewhere any name is answered to
APP.router.lifespan_context = started_elsewhere
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    APP.state.service.engine.start()
    yield
    APP.state.service.engine.close()


@SCHEMA.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_what_the_description_allows_and_forbids_is_answered_in_its_form(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)

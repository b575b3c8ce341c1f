"""Generated requests to every address of the OpenAPI document: none is a 500, each answer is what the document says.

TIEOUT_API_EXAMPLES is how many of each address; `make fuzz` sends some 100,000 in all.
"""

import os

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from execution import tasks

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("TIEOUT_API_EXAMPLES", "5"))
CHECKED = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]


def test_no_generated_request_meets_what_the_document_does_not_say(asked_demo, settings, monkeypatch):
    settings.EXECUTIONS_PER_MINUTE = settings.IMPORTS_PER_MINUTE = settings.EXPORTS_PER_MINUTE = 10_000
    monkeypatch.setattr(tasks.make_execution, "delay", lambda **_: None)
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}
    there = {
        "portfolio_id": str(asked_demo.public_id),
        "execution_id": asked_demo.ask().json()["execution_id"],
        "pattern_id": "portfolio_overview",
        "pack_id": "PP_2013-03-01_ECB_EUR_r1",
    }
    schema = schemathesis.openapi.from_wsgi("/v1/schema", get_wsgi_application())
    operations = [each.ok() for each in schema.get_all_operations()]

    for operation in operations:
        send_all(operation, headers, there)

    assert len(operations) > 25


def send_all(operation, headers, there):
    """there: ids of what the demo has, which stand in half of the requests in place of generated ones."""

    @given(case=operation.as_strategy(), is_there=st.booleans())
    @how(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def send(case, is_there):
        for named in (case.path_parameters, case.body) if is_there else ():
            if isinstance(named, dict):
                named.update({name: there[name] for name in named.keys() & there.keys()})
        response = case.call(headers=headers)
        assert response.status_code != 500, (case.as_curl_command(), response.content)
        case.validate_response(response, checks=CHECKED, excluded_checks=[not_a_server_error])

    send()

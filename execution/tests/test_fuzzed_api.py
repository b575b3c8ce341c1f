"""Generated requests to every address of the OpenAPI document: none is a 500, each answer is what the document says.

TIEOUT_API_EXAMPLES is how many of each address; `make fuzz` sends some 100,000 in all.
"""

import os

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("TIEOUT_API_EXAMPLES", "5"))
CHECKED = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]


def test_no_generated_request_meets_what_the_document_does_not_say(asked_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = settings.IMPORTS_PER_MINUTE = settings.EXPORTS_PER_MINUTE = 10_000
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}
    schema = schemathesis.openapi.from_wsgi("/v1/schema", get_wsgi_application())
    tried = []

    for each in schema.get_all_operations():
        operation = each.ok()
        send_all(operation, headers)
        tried.append(operation.label)

    assert len(tried) > 25


def send_all(operation, headers):
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case):
        response = case.call(headers=headers)
        assert response.status_code != 500, (case.as_curl_command(), response.content)
        case.validate_response(response, checks=CHECKED, excluded_checks=[not_a_server_error])

    send()

"""A client that a common generator makes of the OpenAPI document works."""

import importlib
import json
import subprocess
import sys

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from execution.web.api import openapi

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def generated(migrated, tmp_path_factory):
    """The package that openapi-python-client writes."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "schema.json").write_text(json.dumps(openapi.OneDocument().get_schema()))
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", "schema.json", "--meta", "none",
         "--output-path", "tieout_client"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Unable to parse" not in made.stdout, made.stdout
    sys.path.insert(0, str(folder))
    yield importlib.import_module("tieout_client")
    sys.path.remove(str(folder))


def test_it_finds_a_portfolio_and_reads_its_overview(generated, demo):
    client = generated.AuthenticatedClient(
        base_url="http://testserver",
        token=demo.token("owner"),
        httpx_args={"transport": httpx.WSGITransport(app=get_wsgi_application())},
    )
    portfolios = importlib.import_module("tieout_client.api.portfolios.portfolios")
    execute = importlib.import_module("tieout_client.api.execute.execute")
    models = importlib.import_module("tieout_client.models")

    listed = portfolios.sync(client=client)
    request = models.ExecuteRequest(pattern_id="portfolio_overview", portfolio_id=listed.portfolios[0].id)
    answer = execute.sync(client=client, body=request)
    refused = execute.sync(client=client, body=models.ExecuteRequest(pattern_id="portfolio_overview"))

    assert isinstance(answer.result, models.PortfolioOverviewResult)
    assert answer.result.valued_positions.total_value == "756411.71"
    assert answer.metadata.pattern_id == "portfolio_overview"
    assert refused.errors[0].pointer == "/inputs/portfolio_id"

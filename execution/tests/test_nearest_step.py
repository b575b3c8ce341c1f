"""What a page offers where the day that is asked for has no figures, and where a day was restated."""

import re

import pytest
from django.core.management import call_command

from execution.tests import staging

OVERVIEW = "/portfolios/public/portfolio_overview/"
TRUST = "/portfolios/public/reconciliation/"


def restate(world, reason):
    with world.role("job"):
        call_command("nightly", "--date", "2013-03-01", "--restate", reason, "--json", verbosity=0)


@pytest.mark.parametrize(
    ("status", "failed"), [("warming", {}), ("error", {"job": "compute_metrics", "reason": "full"})]
)
def test_a_day_that_is_not_ready_offers_the_last_one_that_is(private_demo, status, failed):
    staging.set_packs(private_demo, status, **failed)
    client = private_demo.client("owner")

    page = client.get(OVERVIEW, {"range": "1y"})
    text = page.content.decode()
    (offered,) = re.findall(r'class="primary" href="([^"]+)"', text)
    there = client.get(offered.replace("&amp;", "&"))

    assert page.status_code == 503
    assert "The same page as of 2013-02-28" in text
    assert "range=1y" in offered
    assert there.status_code == 200
    assert 'aria-label="Pages of' in text  # the frame stays


def test_a_question_that_is_wrong_offers_no_other_day(demo):
    text = demo.client("owner").get(OVERVIEW, {"asof": "1990-01-01"}).content.decode()

    assert "The same page as of" not in text


def test_a_restated_day_says_so_and_leads_to_both_values(private_demo):
    client = private_demo.client("owner")
    before = client.get(OVERVIEW).content.decode()
    restate(private_demo, "a late <close>")

    page, trust = client.get(OVERVIEW).content.decode(), client.get(TRUST).content.decode()

    assert "were restated" not in before
    assert "were restated (a late &lt;close&gt;): this is release 2" in page
    assert f'href="{TRUST}#restatements"' in page
    rows = trust.partition('id="restatements"')[2].partition("</section>")[0]
    assert "PP_2013-03-01_ECB_EUR_r2" in rows
    assert rows.count("756,411.71") == 2
    assert "a late &lt;close&gt;" in rows


def test_restated_values_that_may_not_be_shown_are_not(private_demo):
    restate(private_demo, "a late close")
    staging.decide_rights(private_demo, "bokeh-wiki", "deny")

    trust = private_demo.client("owner").get(TRUST).content.decode()

    assert "PP_2013-03-01_ECB_EUR_r2" in trust
    assert "756,411" not in trust

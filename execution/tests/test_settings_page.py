"""The settings of a portfolio in a browser: its owner renames it and changes what figures are computed by."""

import pytest

from portfolio.models import LedgerRevision, Portfolio

SETTINGS = "/portfolios/public/settings/"


@pytest.fixture
def owner(private_demo):
    return private_demo.client("owner")


def public(world):
    with world.role("job"):
        return Portfolio.objects.get(slug="public")


def revisions(world):
    with world.role("job"):
        return LedgerRevision.objects.filter(portfolio__slug="public").count()


def test_the_owner_renames_the_portfolio_and_its_pages_say_so(private_demo, owner):
    response = owner.post(SETTINGS, {"name": " Pension & <b>more</b> "}, follow=True)

    page = response.content.decode()
    assert response.redirect_chain == [(f"{SETTINGS}?changed=name", 302)]
    assert "Changed: name." in page
    assert "Pension &amp; &lt;b&gt;more&lt;/b&gt;" in page
    assert public(private_demo).name == "Pension & <b>more</b>"
    assert "Pension &amp; " in owner.get("/").content.decode()
    assert revisions(private_demo) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "A portfolio has a name."),
        ("   ", "A portfolio has a name."),
        ("x" * 201, "Is longer than 200 characters."),
        ("turned \u202e round", "Has characters that can&#x27;t be seen"),
        ("line\nbreak", "Has characters that can&#x27;t be seen"),
    ],
)
def test_a_name_that_can_not_be_is_refused_and_stays_in_the_form(private_demo, owner, name, reason):
    before = public(private_demo).name

    response = owner.post(SETTINGS, {"name": name, "accrual": "accrual"})

    assert response.status_code == 400
    assert reason in response.content.decode()
    assert '<option value="accrual" selected>' in response.content.decode()
    assert (public(private_demo).name, public(private_demo).accrual) == (before, "cash")


def test_a_setting_of_figures_is_changed_and_one_of_lots_is_a_revision(private_demo, owner):
    response = owner.post(SETTINGS, {"accrual": "accrual", "fees_in_cost": "false"})

    assert response["Location"] == f"{SETTINGS}?changed=fees_in_cost%2Caccrual"
    assert public(private_demo).accrual == "accrual"
    assert revisions(private_demo) == 2


def test_what_is_no_value_of_a_setting_is_named_at_its_field_and_nothing_is_changed(private_demo, owner):
    response = owner.post(SETTINGS, {"name": "Other", "accrual": "never", "benchmark": "None such"})

    page = response.content.decode()
    assert response.status_code == 400
    assert "Is one of cash, accrual." in page
    assert "Is no benchmark; staff have defined none yet." in page
    assert public(private_demo).name != "Other"


def test_nothing_else_is_nothing_changed(owner):
    response = owner.post(SETTINGS, {"accrual": "cash"}, follow=True)

    assert "Nothing was changed" in response.content.decode()


def test_somebody_elses_settings_are_not_there(private_demo):
    client = private_demo.client("other")

    assert (client.get(SETTINGS).status_code, client.post(SETTINGS, {"name": "Mine"}).status_code) == (404, 404)


def test_who_may_only_read_is_told_so_and_changes_nothing(private_demo):
    from django.contrib.auth import get_user_model

    from portfolio.models import PortfolioAccess

    with private_demo.role("job"):
        PortfolioAccess.objects.create(
            portfolio=public(private_demo), user=get_user_model().objects.get(username="other")
        )
    client = private_demo.client("other")

    page, refused = client.get(SETTINGS), client.post(SETTINGS, {"name": "Mine"})

    assert "Only the owner of the portfolio changes its settings." in page.content.decode()
    assert '<button class="primary"' not in page.content.decode()
    assert refused.status_code == 403
    assert public(private_demo).name != "Mine"


def test_a_post_without_its_token_is_refused(private_demo):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.cookies = private_demo.client("owner").cookies

    assert client.post(SETTINGS, {"name": "Mine"}).status_code == 403

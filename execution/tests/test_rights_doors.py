"""With display of the only price source denied, no value that rests on it is shown at any door."""

import re
from decimal import ROUND_DOWN, Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.urls import get_resolver, reverse

from execution.tests import staging
from portfolio.models import DailyValue, Reconciliation
from pricing.models import PackPrice

PRICES = "bokeh-wiki"
ROOMS = ("pricing", "portfolio", "execution")
ASKING = {
    *("execute", "execution", "explain", "pack", "reconciliations"),
    "compare",  # withheld outputs are not compared: test_compare_doors
    *("portfolios", "pattern", "holding", "reconciliation", "reconciliation-at-pack"),
    "chart-data",
    "figure",  # of an answer, as the page of its pattern; what it rests on as `explain`
    *("transactions", "lots"),  # the ledger's own: test_portfolio_doors
    "portfolio-file",  # of the ledger: test_portfolio_file
    "portfolio-imports",  # the preview: test_imports_page
    *("exports", "export-file"),  # the right of the form, and display: test_exports_api
}
"""Addresses that show values, and ask the rights: tried here, a new one is to be."""
SHOWING_NO_VALUE = {
    *("packs", "settings", "schema", "reference", "health-pack", "health-live", "health-ready", "metrics"),
    *("export", "exports-page", "bundle-verifier", "signing-keys", "portfolio-audit", "audit"),
    *("sharing", "portfolio-access", "portfolio-access-row"),
    *("imports", "import"),  # what the owner's file says
    *("portfolio-settings", "portfolio-transactions"),  # what the owner's ledger says
    *("token", "token-refresh", "token-revoke", "login", "admin-login", "second-factor", "logout"),
    "display",
    "unsent-form",  # what was typed
    *("personal-tokens", "portfolio-ids", "portfolio", "securities", "patterns", "pattern-schemas"),
    *(
        "executions",
        "execution-trace",
        "execution-order",
        "replay",
    ),  # which steps ran, and whether the bytes are the same
}


def packs_of(world):
    with world.role("job"):
        head, before = (
            Reconciliation.objects.filter(portfolio=world.public_id)
            .order_by("-pack__asof_date")
            .values_list("pack_id", flat=True)
            .distinct()[:2]
        )
    return head, before


@pytest.fixture
def denied(private_demo):
    """A demo whose price source may not be shown, all that it held before being known."""
    private_demo.ask()
    staging.decide_rights(private_demo, PRICES, "deny")
    return private_demo


@pytest.fixture
def root(denied):
    get_user_model().objects.create_superuser("root", password=None)
    staging.grant(denied, "root", denied.public_id)
    return denied.client("root")


@pytest.fixture
def secrets(denied):
    """The values of the last two packs, and the closes of the head: each as it would be written."""
    head, before = packs_of(denied)
    with denied.role("job"):
        rows = Reconciliation.objects.filter(portfolio=denied.public_id, pack__in=[head, before])
        values = [value for row in rows for value in (row.ledger_value, row.database_value)]
        values += DailyValue.objects.filter(portfolio=denied.public_id, pack__in=[head, before]).values_list(
            "value", flat=True
        )
        closes = PackPrice.objects.filter(content__packs=head).values_list("close", flat=True)
    return {spelt for value in values for spelt in spellings(value, 2)} | {
        spelt for close in closes for spelt in spellings(close, 4) if len(spelt) > 6
    }


def spellings(number, places):
    """How a page, an answer or the admin may begin to write a number: exact, rounded, cut, with commas between thousands."""
    rounded, cut = round(number, places), number.quantize(Decimal(1).scaleb(-places), ROUND_DOWN)
    return {f"{number.normalize():f}", f"{rounded:f}", f"{rounded:,f}", f"{cut:f}"}


def found_in(text, secrets):
    return sorted(each for each in secrets if re.search(rf"(?<![\d.]){re.escape(each)}", text))


def test_no_page_of_the_owner_and_no_answer_shows_a_value(denied, secrets):
    client, head = denied.client("owner"), packs_of(denied)[0]
    paths = [
        "/", "/portfolios/public/portfolio_overview/", "/portfolios/public/reconciliation/",
        f"/portfolios/public/reconciliation/{head}/",
        f"/v1/portfolios/{denied.public_id}/reconciliations", f"/v1/packs/{head}", f"/v1/packs/{head}?kind=prices",
    ]  # fmt: skip

    shown = {path: client.get(path) for path in paths}
    shown["execute"] = denied.ask()
    execution = shown["execute"].json()["execution_id"]
    explained = client.get(f"/v1/executions/{execution}/explain", {"path": "/valued_positions/total_value"})
    charts = client.get(f"/portfolios/public/charts/{execution}/", {"panel": "historical_nav"})

    assert {path: answer.status_code for path, answer in shown.items()} == dict.fromkeys(shown, 200)
    assert (charts.status_code, charts.json()) == (200, {})
    assert (explained.status_code, found_in(explained.content.decode(), secrets)) == (403, [])
    assert {
        path: found for path, answer in shown.items() if (found := found_in(answer.content.decode(), secrets))
    } == {}
    assert "he terms of bokeh-wiki do not allow to show it" in shown["/"].content.decode()


def test_a_value_comes_back_with_the_right(denied, secrets):
    staging.decide_rights(denied, PRICES, "attribute")

    text = denied.client("owner").get("/").content.decode()

    assert found_in(text, secrets) != []


def models():
    return [
        model for room in ROOMS for model in apps.get_app_config(room).get_models() if admin.site.is_registered(model)
    ]


def test_no_list_and_no_detail_of_the_admin_shows_a_value(root, denied, secrets):
    withheld = set(shown_in_admin(root, secrets))
    staging.decide_rights(denied, PRICES, "attribute")
    allowed = set(shown_in_admin(root, secrets))

    assert withheld == set()
    assert allowed >= {
        "pricing.PackPrice list", "pricing.PackPrice detail", "portfolio.DailyValue list", "portfolio.DailyValue detail",
        "portfolio.Reconciliation detail", "execution.Execution detail",
    }  # fmt: skip


def shown_in_admin(root, secrets):
    """The lists and details of models that show one of the secrets."""
    for model in models():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed = root.get(reverse(f"{name}_changelist"))
        assert listed.status_code == 200
        if found_in(listed.content.decode(), secrets):
            yield f"{model._meta.label} list"
        for row in listed.context["cl"].result_list[:2]:
            page = root.get(reverse(f"{name}_change", args=[row.pk]))
            assert page.status_code == 200
            if found_in(page.content.decode(), secrets):
                yield f"{model._meta.label} detail"


def test_neither_the_differences_of_packs_nor_the_terminal_shows_a_value(root, denied, secrets, capsys):
    head, before = packs_of(denied)
    page = root.get(reverse("admin:pack_diff", args=[head]))
    outputs = {"page": page.content.decode()}
    commands = (
        ("pack_diff", before, head), ("verify_ledger",), ("execute", "portfolio_overview", "--portfolio", "public"),
    )  # fmt: skip
    with denied.role("job"):
        for command in commands:
            for flags in ([], ["--json"]):
                call_command(*command, *flags)
                outputs[" ".join([*command, *flags])] = capsys.readouterr().out

    assert page.status_code == 200
    assert {name: found for name, text in outputs.items() if (found := found_in(text, secrets))} == {}
    assert [name for name, text in outputs.items() if not text] == []


def test_every_address_asks_the_rights_or_shows_no_value():
    names = {name for name, _ in addresses(get_resolver().url_patterns)}

    assert names == ASKING | SHOWING_NO_VALUE


def addresses(patterns, space=""):
    for each in patterns:
        if hasattr(each, "url_patterns"):
            if each.namespace != "admin":  # its lists and details are all tried above
                yield from addresses(each.url_patterns, f"{space}{each.namespace}:" if each.namespace else space)
        else:
            yield f"{space}{each.name or each.pattern}", each

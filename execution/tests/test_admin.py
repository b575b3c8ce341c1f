"""The admin of all rooms: everything is there, evidence can't be touched, and nobody sees what is not theirs."""

from datetime import date
from decimal import Decimal
from itertools import cycle
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.admin import MAX_SHOWN_CHARACTERS, EvidenceAdmin, pretty
from execution.models import Execution, JobRun, NightlyRun
from execution.tests import staging
from portfolio.models import Benchmark, BenchmarkComponent, LedgerRevision, Portfolio, PortfolioAccess
from pricing.models import RiskFreeRate, Security, SecurityAlias, SymbolOverride

ROOMS = ("compliance", "pricing", "portfolio", "execution")
MODELS = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
EDITED = {
    "execution.patterndraft",
    "portfolio.portfolioaccess",
    *(
        "portfolio.portfolio",
        "compliance.datasource",
        "compliance.licence",
        "pricing.riskfreerate",
        "pricing.factorseries",
    ),
    *("pricing.securityalias", "pricing.symboloverride", "portfolio.benchmark", "portfolio.onemonthrate"),
}
EVIDENCE = [model for model in MODELS if model._meta.label_lower not in EDITED]


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def named(model):
    return model._meta.label


@pytest.fixture
def root(private_demo):
    """A client that is a superuser's, on a demo of its own."""
    get_user_model().objects.create_superuser("root", password=None)
    return private_demo.client("root")


@pytest.fixture
def owner_on_staff(private_demo):
    """The owner of public as a member of the staff who may do what the admin offers."""
    owner = private_demo.user("owner")
    owner.is_staff = True
    owner.save(update_fields=["is_staff"])
    owner.user_permissions.set(Permission.objects.filter(content_type__app_label__in=ROOMS))
    return private_demo.client("owner")


def test_every_model_of_every_room_is_registered():
    assert [model for model in MODELS if not admin.site.is_registered(model)] == []


@pytest.mark.parametrize("model", EVIDENCE, ids=named)
def test_evidence_is_evidence_by_its_class(model):
    assert isinstance(admin.site.get_model_admin(model), EvidenceAdmin)


def test_a_superuser_opens_every_page_and_finds_nothing_to_add_or_delete_in_evidence(root):
    others = [model for model in admin.site._registry if model not in EVIDENCE]

    answers = {
        model._meta.label: (
            root.get(url(model, "changelist")).status_code,
            root.get(url(model, "add")).status_code,
        )
        for model in EVIDENCE
    }
    opened = {model._meta.label: root.get(url(model, "changelist")).status_code for model in others}

    assert {label: codes for label, codes in answers.items() if codes != (200, 403)} == {}
    assert set(opened.values()) == {200}


def test_a_posted_change_or_deletion_of_evidence_is_refused(root, private_demo):
    run = NightlyRun.objects.get()

    changed = root.post(url(NightlyRun, "change", run.pk), {"state": "failed"})
    deleted = root.post(url(NightlyRun, "delete", run.pk), {"post": "yes"})

    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert NightlyRun.objects.get().state == "done"


SEALED = ("PricingPack", "PackContent", "PackPrice", "PackRate", "PackObservation", "PackAction", "MarketArchive")


def test_what_is_sealed_is_nobodys_to_change(root):
    """By every verb, for a superuser; also as one of the selected rows of a list."""
    for name in SEALED:
        sealed = apps.get_model("pricing", name)
        row = sealed.objects.first()
        fields = {field.name: getattr(row, field.attname) for field in sealed._meta.fields}
        asked = {name: str(value) for name, value in fields.items() if value is not None}

        answers = [
            root.post(url(sealed, "add"), asked),
            root.post(url(sealed, "change", row.pk), asked),
            root.post(url(sealed, "delete", row.pk), {"post": "yes"}),
        ]
        root.post(url(sealed, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})

        assert [answer.status_code for answer in answers] == [403] * 3, name
        left = sealed.objects.get(pk=row.pk)
        assert {field.name: getattr(left, field.attname) for field in sealed._meta.fields} == fields, name
        assert root.get(url(sealed, "change", row.pk)).status_code == 200, name


def test_a_user_who_leaves_is_made_inactive_not_deleted(root, private_demo):
    answer = root.post(url(get_user_model(), "delete", private_demo.user("other").pk), {"post": "yes"})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "model", [model for model in MODELS if any(field.name == "portfolio" for field in model._meta.fields)], ids=named
)
def test_staff_without_a_grant_see_no_row_of_a_portfolio(demo, model):
    answer = demo.client("viewer").get(url(model, "changelist"))

    assert answer.status_code == 200
    assert answer.context["cl"].result_count == 0


def test_staff_without_a_grant_can_not_open_a_portfolio_by_its_address(demo):
    answer = demo.client("viewer").get(url(Portfolio, "change", demo.public_id), follow=True)

    assert answer.redirect_chain[-1][0] == reverse("admin:index")
    assert "Public-domain" not in answer.content.decode()


def test_staff_with_a_grant_read_the_portfolio_and_do_not_rename_it(private_demo):
    viewer = private_demo.user("viewer")
    viewer.user_permissions.add(Permission.objects.get(codename="change_portfolio"))
    with private_demo.role("job"):
        PortfolioAccess.objects.create(portfolio_id=private_demo.public_id, user=viewer)
    client = private_demo.client("viewer")

    seen = client.get(url(Portfolio, "change", private_demo.public_id))
    changed = client.post(url(Portfolio, "change", private_demo.public_id), {"name": "Mine now"})

    assert seen.status_code == 200
    assert changed.status_code == 403


def test_an_owner_renames_a_portfolio_and_nothing_else_of_it(owner_on_staff, private_demo):
    page = url(Portfolio, "change", private_demo.public_id)

    answer = owner_on_staff.post(page, {"name": "Renamed", "base_currency": "USD", "slug": "stolen"})

    with private_demo.role("job"):
        row = Portfolio.objects.get(pk=private_demo.public_id)
    assert answer.status_code == 302
    assert (row.name, row.base_currency, row.slug) == ("Renamed", "CAD", "public")


def test_the_risk_free_choice_is_staffs_to_edit(root):
    answer = root.post(url(RiskFreeRate, "add"), {"base_currency": "USD", "series": "UST3M", "series_currency": "USD"})

    assert answer.status_code == 302
    assert RiskFreeRate.objects.get(pk="USD").series_id == "UST3M"


def define(client, weights):
    rows = {
        f"components-{number}-{name}": value
        for number, (symbol, weight) in enumerate(weights.items())
        for name, value in (("security", Security.objects.get(symbol=symbol).pk), ("weight", weight))
    }
    management = {"components-TOTAL_FORMS": len(weights), "components-INITIAL_FORMS": 0}
    return client.post(url(Benchmark, "add"), {"name": "Two", "rebalance": "monthly", **management, **rows})


def test_staff_define_a_benchmark_and_the_owner_takes_it(owner_on_staff, private_demo):
    refused = define(owner_on_staff, {"IBM": "0.6", "MSFT": "0.3"})
    defined = define(owner_on_staff, {"IBM": "0.6", "MSFT": "0.4"})
    made = Benchmark.objects.get(name="Two")
    taken = owner_on_staff.post(
        url(Portfolio, "change", private_demo.public_id), {"name": "Public", "benchmark": made.pk}
    )

    assert "must sum to 1" in refused.content.decode()
    assert (defined.status_code, taken.status_code) == (302, 302)
    assert "0.6 IBM, 0.4 MSFT" in owner_on_staff.get(url(Benchmark, "changelist")).content.decode()
    assert private_demo.ask().json()["result"]["perf_metrics"]["benchmark"] == "Two"


def test_a_benchmark_without_a_price_or_a_rate_is_refused_where_it_is_defined_and_where_it_is_taken(
    owner_on_staff, private_demo
):
    page = url(Portfolio, "change", private_demo.public_id)
    with private_demo.role("job"):
        ibm = Security.objects.get(symbol="IBM")
        ghost = Security.objects.create(
            symbol="GHOST", name="Ghost", currency="USD", kind="equity", exchange="XNYS", first_date=ibm.first_date
        )
        with transaction.atomic():
            unpriced = Benchmark.objects.create(name="Ghosts")
            BenchmarkComponent.objects.create(benchmark=unpriced, security=ghost, weight=1)
            priced = Benchmark.objects.create(name="Blue")
            BenchmarkComponent.objects.create(benchmark=priced, security=ibm, weight=1)

    defined = define(owner_on_staff, {"IBM": "0.5", "GHOST": "0.5"})
    taken = owner_on_staff.post(page, {"name": "Public", "benchmark": unpriced.pk})
    staging.by_force(private_demo, "UPDATE pricing_security SET currency = 'TWD' WHERE symbol = 'IBM'")
    without_rate = owner_on_staff.post(page, {"name": "Public", "benchmark": priced.pk})

    assert (defined.status_code, taken.status_code, without_rate.status_code) == (200, 200, 200)
    assert "no price of GHOST on 2013-03-01" in defined.content.decode()
    assert "Ghosts can&#x27;t be taken: no price of GHOST on 2013-03-01" in taken.content.decode()
    assert "Blue can&#x27;t be taken: no rate TWD/EUR on 2013-03-01" in without_rate.content.decode()
    with private_demo.role("job"):
        assert Portfolio.objects.get(pk=private_demo.public_id).benchmark is None
        assert not Benchmark.objects.filter(name="Two").exists()


def test_a_benchmark_whose_security_is_not_listed_yet_or_any_more_may_be_taken(owner_on_staff, private_demo):
    with private_demo.role("job"), transaction.atomic():
        made = Benchmark.objects.create(name="Past and future")
        for symbol, first, last in (("PAST", date(1990, 1, 2), date(1999, 12, 31)), ("NEXT", date(2030, 1, 2), None)):
            security = Security.objects.create(
                symbol=symbol,
                name=symbol,
                currency="USD",
                kind="equity",
                exchange="XNYS",
                first_date=first,
                last_date=last,
            )
            BenchmarkComponent.objects.create(benchmark=made, security=security, weight=Decimal("0.5"))

    taken = owner_on_staff.post(
        url(Portfolio, "change", private_demo.public_id), {"name": "Public", "benchmark": made.pk}
    )

    assert taken.status_code == 302
    figure = private_demo.ask().json()["result"]["perf_metrics"]["benchmark_twr_1y"]
    assert (figure["status"], figure["reason"]) == ("unavailable", "missing_benchmark_price")


def test_an_execution_is_shown_with_its_result_and_hashes_without_what_a_right_denies(owner_on_staff, private_demo):
    served = private_demo.ask().json()
    staging.decide_rights(private_demo, "ledger", "deny")

    page = owner_on_staff.get(url(Execution, "change", served["execution_id"])).content.decode()

    assert served["metadata"]["result_hash"] in page
    assert served["metadata"]["pricing_pack_id"] in page
    assert "right-denied" in page
    assert "756411.71" not in page


def test_long_json_is_cut_and_says_so():
    shown = pretty(["<b>" * MAX_SHOWN_CHARACTERS])

    assert len(shown) < 5 * MAX_SHOWN_CHARACTERS
    assert "more characters" in shown
    assert "<b>" not in shown


def test_a_long_list_shows_its_beginning_so_that_what_follows_it_is_seen():
    shown = pretty({"values": list(range(1000, 4000)), "after": "seen"})

    assert "1011" in shown
    assert "1012" not in shown
    assert "… 2,988 more" in shown
    assert "seen" in shown


def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(owner_on_staff, private_demo):
    private_demo.ask()
    for model in (Execution, JobRun, LedgerRevision):
        owner_on_staff.get(url(model, "changelist"))

        with CaptureQueriesContext(connection) as few:
            owner_on_staff.get(url(model, "changelist"))
        _more(model, private_demo)
        with CaptureQueriesContext(connection) as many:
            owner_on_staff.get(url(model, "changelist"))

        assert len(many) == len(few), named(model)


def _more(model, demo):
    """Six rows more, like the first."""
    with demo.role("job"):
        row = model.objects.order_by("pk")[0]
        for number in range(100, 106):
            row.pk = uuid4() if model is Execution else None
            match row:
                case Execution():
                    row.key = f"{number:064d}"
                case JobRun():
                    row.name = f"job {number}"
                case LedgerRevision():
                    row.portfolio_id, row.number = demo.public_id, number
            row.save(force_insert=True)


UNREADABLE = (("exact", "%00"), ("regex", "["), ("year", "-1e30"), ("gt", "9" * 40), ("in", "%ED%A0%80"))


def unreadable_addresses(model):
    fields = [field.name for field in model._meta.fields]
    filters = [f"?{field}__{lookup}={value}" for field, (lookup, value) in zip(fields, cycle(UNREADABLE), strict=False)]
    filters += [f"?{fields[0]}__{lookup}={value}" for lookup, value in UNREADABLE]
    filters += [f"?{name}={value}" for name in ("q", "p", "o") for value in ("%00", "9" * 40)]
    return [url(model, "changelist") + each for each in (*filters, *(f"{value}/change/" for _, value in UNREADABLE))]


def test_an_address_that_the_database_cannot_read_is_the_callers_fault(root):
    pages = [page for model in MODELS for page in unreadable_addresses(model)]

    answers = {page: root.get(page).status_code for page in pages}

    assert {page: status for page, status in answers.items() if status not in (200, 302, 400, 403, 404)} == {}
    assert {200, 302, 400} <= set(answers.values())


def test_what_a_list_offers_to_filter_by_can_be_filtered_by(root):
    offered = {
        f"{url(model, 'changelist')}?{name}__isnull=False": named(model)
        for model in MODELS
        for name in (*admin.site.get_model_admin(model).list_filter, admin.site.get_model_admin(model).date_hierarchy)
        if isinstance(name, str)
    }

    assert "execution.Execution" in offered.values()
    assert {page: root.get(page).status_code for page in offered} == dict.fromkeys(offered, 200)


def test_by_what_a_list_does_not_offer_it_cannot_be_filtered(root):
    assert root.get(f"{url(Execution, 'changelist')}?result__contains=1").status_code == 400


@pytest.mark.parametrize("model", [SecurityAlias, SymbolOverride])
def test_an_address_fills_no_form_in(root, model):
    assert root.get(url(model, "add"), {"security": "true", "provider": "x"}).status_code == 200

"""The first page of the admin: how everything is, and where it is mended."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.html import escape

from compliance.models import RightsDecision
from execution.admin import board
from execution.admin.tasks import TASKS
from execution.models import JobRun, NightlyRun, PatternDraft
from execution.tests import staging
from pricing.models import PricingPack, QuarantinedRow
from tests.plugin import log_in

NOW = datetime(2013, 3, 4, 8, tzinfo=UTC)
TASKS_BY_LABEL = {label: words for of_task in TASKS.values() for label, words in of_task.items()}
OF_MIGRATE = {
    *(
        "auth.group",
        "compliance.auditentry",
        "compliance.datasource",
        "compliance.rightsversion",
        "pricing.factorseries",
    ),
    "pricing.pricingpolicy",
}


def cards(world):
    with world.role("job"):
        return {card.title: card for card in board.cards(NOW)}


@pytest.fixture
def root(private_demo):
    get_user_model().objects.create_superuser("root", password=None)
    return private_demo.client("root")


def test_a_demo_whose_night_is_done_is_well_but_for_what_nobody_has_decided(private_demo):
    shown = cards(private_demo)

    assert shown["Pack ECB_EUR"].text == "PP_2013-03-01_ECB_EUR_r1 is fresh."
    night = shown["Night ECB_EUR"].text
    assert re.fullmatch(
        r"2013-03-01 is done since \d{4}-\d\d-\d\d \d\d:\d\d UTC; beat rings next 2013-03-05 00:05 UTC\.", night
    )
    assert shown["Refused by rights"].text == "None in the last 24 hours."
    assert shown["Blocked portfolios ECB_EUR"].text == "Every portfolio has an answer."
    assert re.fullmatch(r"Portfolios that equal their ledgers: all \d+\.", shown["Breaks ECB_EUR"].text)
    assert "off: FMP_API_KEY is not set" in shown["Providers"].text
    assert {title for title, card in shown.items() if not card.is_well} <= {"Quarantine", "Audit log"}


def test_what_fails_is_said_with_its_reason(private_demo):
    with private_demo.role("job"):
        run = NightlyRun.objects.latest("started_at")
        JobRun.objects.filter(run=run, name="compute_metrics").update(state="failed", reason="the disk is full")
        pack = PricingPack.objects.get(pk="PP_2013-03-01_ECB_EUR_r1")
        QuarantinedRow.objects.create(
            kind="price",
            key="OAK",
            date=pack.asof_date,
            value="9",
            rule="jump",
            reason="x",
            source="y",
            first_seen=run.pk,
        )

    shown = cards(private_demo)

    night = shown["Night ECB_EUR"]
    assert not night.is_well
    assert night.text.endswith(
        "compute_metrics failed, the disk is full; a person has to run it again; beat rings next 2013-03-05 00:05 UTC."
    )
    assert night.address.endswith(f"{run.pk}/change/")
    assert shown["Quarantine"].text.startswith("Rows that wait for a decision: ")
    assert shown["Quarantine"].address.endswith("?decision__exact=pending")


def test_a_night_that_runs_says_when_it_is_expected_to_be_done(private_demo):
    with private_demo.role("job"):
        done = NightlyRun.objects.latest("started_at")
        run = NightlyRun.objects.create(
            policy=done.policy, from_date=done.date, date=done.date, release=done.release + 1, state="running"
        )
    staging.by_force(private_demo, "UPDATE pricing_pricingpack SET run = %s WHERE asof_date = '2013-03-01'", [run.pk])

    text = cards(private_demo)["Night ECB_EUR"].text

    assert re.match(r"2013-03-01 is running, expected to be done about \d{4}-\d\d-\d\d \d\d:\d\d UTC; beat rings", text)


def test_what_rights_refused_today_is_counted_with_whose_rights(private_demo):
    with private_demo.role("job"):
        RightsDecision.objects.create(
            at=NOW, user_id=1, use="csv", outcome="deny", sources={}, refusing=["bokeh-wiki"], rights_version=1, day=NOW
        )

    card = cards(private_demo)["Refused by rights"]

    assert card.text == "In the last 24 hours, by bokeh-wiki: 1."
    assert card.address.endswith("?verdict=refused")


def test_a_proposed_draft_waits_for_a_second_person(private_demo):
    root = get_user_model().objects.create_superuser("root", password=None)
    with private_demo.role("app"):
        PatternDraft.objects.create(
            id="mine", text="{}", saved_by_id=root.pk, saved_at=NOW, message="new", proposed_by_id=root.pk
        )

    assert cards(private_demo)["Patterns"].text == "Drafts: 1; to be published by a second person: 1."


def test_every_card_leads_to_a_page_that_opens(private_demo, root):
    page = root.get("/admin/").content.decode()

    rows = page.partition('id="board"')[2].partition("</section>")[0]
    addresses = re.findall(r'href="(/admin/[^"]+)"', rows)
    assert len(addresses) == len(cards(private_demo))
    assert {root.get(address.replace("&amp;", "&")).status_code for address in addresses} == {200}


def test_a_card_stands_there_for_who_may_open_its_page(private_demo):
    steward = get_user_model().objects.create_user("steward", is_staff=True)
    steward.groups.set(Group.objects.filter(name="data steward"))
    page = private_demo.client("steward").get("/admin/").content.decode()

    rows = page.partition('id="board"')[2].partition("</section>")[0]
    assert "Quarantine" in rows
    assert "Audit log" not in rows


def test_every_page_of_the_admin_belongs_to_one_task_and_says_why_it_would_be_empty():
    labels = [label for of_task in TASKS.values() for label in of_task]

    assert sorted(labels) == sorted(model._meta.label_lower for model in admin.site._registry)
    assert [label for of_task in TASKS.values() for label, words in of_task.items() if not words.endswith(".")] == []


def test_the_first_page_and_the_rail_beside_a_list_show_the_pages_by_task(private_demo, root):
    first = root.get("/admin/").content.decode()
    beside = root.get("/admin/pricing/series/").content.decode().partition('id="nav-sidebar"')[2].partition("</nav>")[0]

    for page in (first, beside):
        assert re.findall(r"<caption>([^<]+)</caption>", page) == list(TASKS)
        assert page.index("<caption>Audit</caption>") < page.index("Audit entries") < page.index("Schedules</caption>")


def test_who_has_no_group_is_told_so(private_demo):
    get_user_model().objects.create_user("new", is_staff=True)

    assert "None of your groups opens a page here" in private_demo.client("new").get("/admin/").content.decode()


def test_every_list_without_rows_says_why(empty):
    """On a database that was migrated and holds nothing but the one who looks."""
    client = Client()
    log_in(client, get_user_model().objects.create_superuser("root", password=None))

    lists = {
        label: client.get(f"/admin/{label.replace('.', '/')}/").content.decode()
        for of_task in TASKS.values()
        for label in of_task
    }

    filled = {label for label, page in lists.items() if "result_list" in page}
    assert filled - {"auth.user", "otp_totp.totpdevice"} == OF_MIGRATE
    assert [label for label in lists.keys() - filled if escape(TASKS_BY_LABEL[label]) not in lists[label]] == []


def test_a_list_that_a_search_has_emptied_says_so(private_demo, root):
    assert "None matches what is asked for" in root.get("/admin/pricing/security/?q=nothing-like-it").content.decode()


def test_dates_of_the_admin_are_iso(private_demo, root):
    """On each list, and on the page of its first row."""
    in_words = re.compile(
        r"\b(Jan|Feb|March|April|May|June|July|Aug|Sept|Oct|Nov|Dec)[a-z]*\.? \d|\b[ap]\.m\.|\bmidnight\b"
    )

    lists = {label: root.get(f"/admin/{label.replace('.', '/')}/").content.decode() for label in TASKS_BY_LABEL}
    rows = {
        label: root.get(address[1].replace("&amp;", "&")).content.decode()
        for label, page in lists.items()
        if (address := re.search(r'<th class="field-[^>]*><a href="([^"]+/change/[^"]*)"', page))
    }

    assert len(rows) > 20
    assert "2013-03-01" in lists["pricing.pricingpack"]
    assert "2013-03-01" in rows["pricing.pricingpack"]
    assert {label for pages in (lists, rows) for label, page in pages.items() if in_words.search(page)} == set()


def test_a_page_of_the_admin_says_its_task_where_django_says_the_room(private_demo, root):
    run, owner, group = NightlyRun.objects.get(), private_demo.user("owner"), Group.objects.get(name="data steward")
    pages = {
        "pricing/series/": "Market data › Series",
        f"execution/nightlyrun/{run.pk}/change/": f"Packs and night › Nightly runs › {run}",
        f"auth/user/{owner.pk}/history/": f"People and access › Users › {owner} › History",
        f"auth/user/{owner.pk}/password/": f"People and access › Users › {owner} › Password",
        f"auth/group/{group.pk}/delete/": f"People and access › Groups › {group} › Delete",
        "auth/group/add/": "People and access › Groups › Add",
        "compliance/rightsversion/review/": "Rights and licences › Rights versions",
    }
    answers = {path: root.get(f"/admin/{path}") for path in pages}
    trails = {path: trail_of(answer.content.decode()) for path, answer in answers.items()}

    assert {path: trail for path, trail in trails.items() if not trail.startswith(f"Home › {pages[path]}")} == {}
    assert root.get("/admin/pricing/").headers["Location"] == "/admin/"


def test_no_page_of_the_admin_names_a_room(private_demo, root):
    rooms = [each.verbose_name for each in apps.get_app_configs()]
    lists = [f"/admin/{label.replace('.', '/')}/" for label in TASKS_BY_LABEL]

    named = {
        path: trail
        for path in lists
        if (trail := trail_of(root.get(path).content.decode())).split(" › ")[1] in set(rooms) - set(TASKS)
    }

    assert named == {}


def trail_of(page):
    trail = page.partition('<div class="breadcrumbs">')[2].partition("</div>")[0]
    return unescape(" ".join(re.sub(r"<[^>]+>", "", trail).split()))

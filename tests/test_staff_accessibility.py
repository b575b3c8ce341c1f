"""Pages of the admin in a real browser, as `tests.test_accessibility` looks at those of owners: the board, lists and the first row
of each, forms, the pattern studio, the pages of rights. Each kind of page, widget and table that the admin has is among them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth import get_user_model

from compliance.models import DataSource
from execution.tests import staging
from tests.keyboard import Keyboard
from tests.plugin import DEMO, SHARED, Demo, at_work, template, web_server
from tests.test_accessibility import HEIGHT, WINDOWS, look_at
from tests.test_browser_journeys import DRAFT

LISTS = (
    *("auth/user/", "compliance/datasource/", "compliance/rightsversion/", "compliance/auditentry/"),
    *("execution/nightlyrun/", "execution/patternversion/", "pricing/pricingpack/", "pricing/quarantinedrow/"),
    *(
        "pricing/packprice/",
        "portfolio/reconciliation/",
        "portfolio/portfolioaccess/",
        "django_celery_beat/periodictask/",
    ),
)
"""Lists that are looked at with the page of their first row, where there is one."""
PAGES = (
    *("", "execution/", "auth/group/add/", "auth/user/add/", "pricing/securityalias/add/", "portfolio/benchmark/add/"),
    *("compliance/rightsversion/review/", "compliance/licence/add/", "portfolio/portfolioaccess/add/"),
    *("compliance/datasource/bokeh-wiki/history/", "compliance/datasource/bokeh-wiki/delete/"),
    *("pricing/pricingpack/PP_2013-03-01_ECB_EUR_r1/diff/", "execution/patterndraft/add/"),
    *("execution/patterndraft/own_value/change/", "execution/patterndraft/own_value/publish/"),
)

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Staff:
    base_url: str
    session: str


@pytest.fixture(scope="module")
def staff(demo_database, django_db_blocker) -> Iterator[Staff]:
    """A superuser with a second factor, a pattern's draft and another of the rights."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
        with (
            template(SHARED[DEMO]) as name,
            web_server(name) as base_url,
            at_work(demo := Demo(name), django_db_blocker),
        ):
            with demo.role("job"):
                get_user_model().objects.create_superuser("root", password=None)
                DataSource.objects.filter(code="bokeh-wiki").update(display="deny")
            staging.grant(demo, "root", demo.public_id)
            client = demo.client("root")
            client.post("/admin/execution/patterndraft/add/", {"id": "own_value"})
            client.post("/admin/execution/patterndraft/own_value/change/", {"text": DRAFT, "revision": "1"})
            yield Staff(base_url, client.cookies["sessionid"].value)


@pytest.mark.parametrize("width", WINDOWS)
def test_no_page_of_staff_has_a_finding_of_axe_a_stop_that_is_not_seen_or_more_width_than_the_window(
    chromium, staff, width
):
    window = {"width": width, "height": HEIGHT}
    context = chromium.new_context(base_url=staff.base_url, viewport=window, reduced_motion="reduce")
    context.add_init_script(AXE_SCRIPT)
    context.add_cookies([{"name": "sessionid", "value": staff.session, "url": staff.base_url}])
    page = context.new_page()

    found = []
    for address in walk(page):
        found += [f"{address}: {each}" for each in (*look_at(page, width), *Keyboard(page).faults())]
    context.close()

    assert found == []


def walk(page) -> Iterator[str]:
    """Go to each page; the address of each."""
    for path in PAGES:
        assert page.goto(f"/admin/{path}").status == 200, path
        yield path
    for path in LISTS:
        assert page.goto(f"/admin/{path}").status == 200, path
        yield path
        rows = page.locator("#result_list tbody th a")
        if rows.count():
            page.goto(rows.first.get_attribute("href"))
            yield f"{path}, first row"

"""Each page of an owner in a real browser, by axe-core and by its width, in light and dark, on a desktop and a telephone.

The pages are those that links lead to, from the list of portfolios on: a new page is looked at as soon as a link leads to it. What
no link leads to is listed here: the log-in, an import that is checked and previewed, and refusals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import Resolver404, resolve

from tests.pictures import BAD_FILE, GOOD_FILE
from tests.plugin import DEMO, PASSWORD, SHARED, template, web_server

WINDOWS = {1440: (1440, 820), 390: (390, 320)}
"""Width of the window that axe looks at -> the widths that must hold the page."""
HEIGHT = 900
NO_PAGES = ("/v1/", "/.well-known/", "/static/")
"""What begins with these is no page."""
REACHED = {
    *("audit", "exports-page", "figure", "personal-tokens", "portfolio-imports", "portfolio-settings"),
    *("portfolio-transactions", "portfolios", "reconciliation", "second-factor", "sharing"),
    *("holding_deep_dive", "income", "money_bridge", "performance", "portfolio_holdings", "portfolio_overview"),
    *("portfolio_risk", "portfolio_tax_report", "To correct", "Preview"),
}
"""Pages that a walk which missed them would not have been one."""
REFUSED = (
    "/portfolios/nobodys/imports/",
    "/portfolios/public/portfolio_overview/?asof=1990-01-01",
    "/portfolios/public/portfolio_overview/?asof=yesterday",
)
SCHEMES = {
    "light": {"rules": {"target-size": {"enabled": True}}},
    "dark": {"runOnly": ["color-contrast", "link-in-text-block"], "preload": False},
}
"""What axe looks for: all that it knows, and again in the dark what its rules look at colours for."""
RUN_AXE = """async options => {
    const found = await axe.run(document, {resultTypes: ["violations"], ...options});
    return found.violations.flatMap(each => each.nodes.map(node => `${each.impact} ${each.id} ${node.target} ${node.html}`));
}"""


@dataclass(frozen=True)
class Owner:
    """A web server over a demo of these tests' own, and the cookies of its owner, who has used each form once."""

    base_url: str
    cookies: Any


@pytest.fixture(scope="module")
def owner(chromium, demo_database) -> Iterator[Owner]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
        with template(SHARED[DEMO]) as name, web_server(name) as base_url:
            context = chromium.new_context(base_url=base_url)
            page = context.new_page()
            page.goto("/")
            log_in(page)
            use_each_form(page)
            cookies = context.storage_state()
            context.close()
            yield Owner(base_url, cookies)


def log_in(page) -> None:
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Portfolios").wait_for()


def use_each_form(page) -> None:
    """So that there are rows of tokens, of those who may see, of imports and of exports."""
    page.goto("/account/tokens/")
    page.locator("[name=name]").fill("spreadsheet")
    page.locator("[name=scopes]").first.check()
    page.get_by_role("button", name="Make a token").click()
    page.get_by_role("button", name="Revoke spreadsheet").wait_for()
    page.goto("/portfolios/public/sharing/")
    page.get_by_label("Username").fill("other")
    page.get_by_role("button", name="Give").click()
    page.get_by_role("button", name="Take back from other").wait_for()
    check_import(page, GOOD_FILE)
    page.get_by_role("button", name="Import 3 transactions").click()
    page.get_by_role("button", name="Undo").wait_for()
    page.goto("/portfolios/public/portfolio_overview/")
    page.locator(".ties summary").click()
    page.get_by_role("link", name="Export this result").click()
    page.get_by_role("button", name="csv").click()
    page.get_by_role("button", name="Cancel").or_(page.get_by_role("button", name="Remove")).wait_for()


def check_import(page, text: str) -> None:
    page.goto("/portfolios/public/imports/")
    page.locator("#file").set_input_files({"name": "trades.csv", "mimeType": "text/csv", "buffer": text.encode()})
    page.get_by_role("button", name="Check and preview").click()
    page.wait_for_selector("[aria-current=step]:not(:first-child)")


@pytest.mark.parametrize("width", WINDOWS)
def test_no_page_has_a_finding_of_axe_or_is_wider_than_the_window(chromium, owner, width):
    window = {"width": width, "height": HEIGHT}
    context = chromium.new_context(
        base_url=owner.base_url, storage_state=owner.cookies, viewport=window, reduced_motion="reduce"
    )
    context.add_init_script(AXE_SCRIPT)  # by the browser itself, which the content security policy does not bind
    page = context.new_page()

    reached, found = set(), []
    for name in walk(page, owner.base_url):
        reached.add(name)
        found += [f"{name}: {each}" for each in look_at(page, width)]
    context.close()

    assert reached >= REACHED
    assert found == []


def walk(page, base_url: str) -> Iterator[str]:
    """Go to one page of each kind that a link leads to, then to those that none does; the name of each."""
    waiting, seen = [f"{base_url}/"], set()
    while waiting:
        url = waiting.pop(0)
        name = name_of(url.removeprefix(base_url)) if url.startswith(base_url) else ""
        if not name or name in seen:
            continue
        seen.add(name)
        page.goto(url)
        yield name
        waiting += page.locator("a[href]:not([download])").evaluate_all("all => all.map(each => each.href)")
    for text in (BAD_FILE, GOOD_FILE.replace("2013-02-28", "2013-02-27")):
        check_import(page, text)
        yield page.title().partition(" · ")[0]
    for path in REFUSED:
        page.goto(path)
        yield path
    page.context.clear_cookies()
    page.goto("/")
    yield page.title()


def name_of(address: str) -> str:
    """Of the view, or of the pattern that it shows; two holdings are one page. Empty: it is none."""
    path = address.partition("?")[0].partition("#")[0]
    if path.startswith(NO_PAGES):
        return ""
    try:
        view = resolve(path)
    except Resolver404:
        return ""
    return view.kwargs.get("pattern_id") or view.url_name or ""


def look_at(page, width: int) -> Iterator[str]:
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        for finding in page.evaluate(RUN_AXE, options):
            yield f"{scheme} {finding}"
    for narrow in WINDOWS[width]:
        page.set_viewport_size({"width": narrow, "height": HEIGHT})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > narrow:
            yield f"{wide} px wide in a window of {narrow}"
    page.set_viewport_size({"width": width, "height": HEIGHT})

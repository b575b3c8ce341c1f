"""The overview in a real browser, under the real content security policy."""

import json
from base64 import b32decode
from decimal import Decimal

import psycopg
import pytest
from django_otp.oath import totp

from execution import exports
from execution.exports.tests import bundles
from tests.plugin import DEMO, PASSWORD, SHARED, address, template, web_server


@pytest.fixture
def page(chromium):
    """A page that keeps what the browser complains of, refusals of the content security policy among it."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.complaints = []
    opened.on(
        "console",
        lambda message: (
            opened.complaints.append(f"{message.text} {message.location['url']}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on("requestfailed", lambda request: opened.complaints.append(f"{request.url}: {request.failure}"))
    opened.on("dialog", lambda dialog: (opened.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    yield opened
    context.close()


@pytest.fixture
def overview(page, live_demo):
    """Logged in as the owner, come to the overview by its link."""
    page.goto(live_demo.base_url)
    page.get_by_label("Username").fill(live_demo.username)
    page.get_by_label("Password").fill(live_demo.password)
    page.get_by_role("button", name="Log in").click()
    page.locator("a[href='/portfolios/public/portfolio_overview/']").click()
    page.wait_for_selector("#historical_nav")
    return page


def test_the_owner_sees_the_value_and_the_chart_without_a_complaint_of_the_browser(overview):
    assert overview.locator("#at_once strong").first.inner_text().startswith("756,411.71")
    assert overview.locator("#historical_nav path.s1").first.bounding_box()["width"] > 200
    assert "PP_2013-03-01_ECB_EUR_r" in overview.locator(".ties summary").inner_text()
    assert overview.complaints == []


def test_the_cross_hair_walks_by_keyboard_and_tells_the_day(overview):
    walker = overview.get_by_label("Day of the chart").first
    walker.focus()
    overview.keyboard.press("ArrowLeft")

    told = overview.locator(".readout").first.inner_text()
    assert told.startswith("2013-02-28: Value ")
    assert walker.get_attribute("aria-valuetext") == told


INK = """canvas => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, place) => place % 4 === 3 && value > 0).length;
}"""


def test_lines_are_drawn_with_every_day_and_what_was_traded_is_told(overview):
    chart = overview.locator("#historical_nav figure").first
    chart.locator("canvas").wait_for()
    overview.wait_for_function("document.querySelector('#historical_nav figure').classList.contains('drawn')")
    overview.wait_for_timeout(100)  # the lines are drawn in the next frame
    walker = overview.get_by_label("Day of the chart").first
    walker.focus()
    told = []
    for _ in range(70):
        overview.keyboard.press("ArrowLeft")
        told.append(chart.locator(".readout").inner_text())

    assert chart.locator("canvas").evaluate(INK) > 500
    assert chart.locator(".lines").evaluate("each => getComputedStyle(each).visibility") == "hidden"
    assert any(": bought " in each or ", bought " in each for each in told)
    assert len(set(told)) == 70
    assert overview.complaints == []


def test_a_span_of_the_chart_is_chosen_by_keyboard_and_is_in_the_address(overview):
    overview.get_by_label("Day of the chart").first.focus()
    overview.keyboard.press("ArrowLeft")
    overview.keyboard.press("Shift+ArrowLeft")
    overview.keyboard.press("Shift+ArrowLeft")
    begun = overview.locator(".readout").first.inner_text()
    overview.keyboard.press("Escape")
    left = overview.locator(".readout").first.inner_text()
    overview.keyboard.press("Shift+ArrowRight")
    overview.keyboard.press("Enter")

    overview.wait_for_url("**/portfolio_overview/?*from_date=2013-02-26&asof=2013-02-27*")
    assert begun.startswith("2013-02-26 to 2013-02-28: Enter shows this span, Escape leaves it. 2013-02-26: Value ")
    assert left.startswith("2013-02-26: Value ")
    assert overview.locator(".span summary").inner_text().endswith("2013-02-26 – 2013-02-27")
    assert overview.complaints == []


def test_a_span_of_the_chart_is_chosen_by_dragging(overview):
    over = overview.locator("#historical_nav .u-over").first
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    overview.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)
    overview.mouse.down()
    overview.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60, steps=4)
    overview.mouse.up()

    overview.wait_for_url("**/portfolio_overview/?*from_date=*")
    query = dict(each.split("=") for each in overview.url.partition("?")[2].split("&"))
    assert "2012-05-25" < query["from_date"] < "2012-06-08"
    assert "2012-08-25" < query["asof"] < "2012-09-08"
    assert overview.complaints == []


@pytest.mark.parametrize(
    "answer", [{"status": 503}, {"status": 200, "body": "{}"}], ids=["refused", "without the chart"]
)
def test_without_its_data_a_chart_is_the_drawing_that_it_was(overview, answer):
    overview.route("**/charts/**", lambda route: route.fulfill(content_type="application/json", **answer))
    with overview.expect_response("**/charts/**"):
        overview.reload()

    assert overview.locator("#historical_nav path.s1").first.bounding_box()["width"] > 200
    assert (
        overview.locator("#historical_nav .lines").first.evaluate("each => getComputedStyle(each).visibility")
        == "visible"
    )
    assert not overview.locator("canvas").count()


def test_hidden_amounts_are_hidden_in_what_a_chart_tells(overview):
    overview.context.add_cookies([{"name": "privacy", "value": "on", "url": overview.url.partition("portfolios")[0]}])
    overview.reload()
    overview.get_by_label("Day of the chart").first.focus()
    overview.keyboard.press("ArrowLeft")

    told = overview.locator(".readout").first.inner_text()
    assert told.startswith("2013-02-28: Value ••• CAD, Money put in, net ••• CAD")
    assert overview.complaints == []


def mark(page):
    """A page that is loaded anew has not what was written on it."""
    page.evaluate("window.isTheSame = true")
    page.locator("#main").evaluate("each => each.classList.add('before')")


def is_in_place(page) -> bool:
    page.wait_for_selector("#main:not(.before)")
    return bool(page.evaluate("window.isTheSame === true"))


def test_another_range_comes_in_place_with_address_title_focus_tab_and_the_way_back(overview):
    tab = overview.locator("#historical_nav input[type=radio]").nth(1)
    tab.focus()
    overview.keyboard.press("Space")
    mark(overview)
    overview.get_by_role("link", name="3Y").focus()
    overview.keyboard.press("Enter")
    overview.wait_for_url("**range=3y**")
    stayed = is_in_place(overview)
    overview.wait_for_selector("#historical_nav .tab:nth-of-type(2) canvas")
    seen = [
        overview.evaluate("document.activeElement.textContent"),
        overview.locator(".ranges [aria-current]").inner_text(),
        overview.evaluate("[...Object.keys(sessionStorage), ...Object.keys(localStorage)]"),
        "range=3y" in overview.locator(".tabbar a").first.get_attribute("href"),
        overview.locator("#historical_nav .tab").nth(1).is_visible(),
    ]
    with overview.expect_response("**/charts/**"):
        overview.get_by_role("link", name="The pack day before").click()
    titles = [overview.title()]
    with overview.expect_response("**/charts/**"):
        overview.go_back()
    overview.wait_for_selector("#historical_nav figure.drawn")
    titles.append(overview.title())

    assert stayed
    assert seen == ["3Y", "3Y", ["htmx-current-path-for-history"], True, True]
    assert ["2013-02-28" in titles[0], "2013-03-01" in titles[1]] == [True, True]
    assert overview.locator(".ranges [aria-current]").inner_text() == "3Y"
    assert overview.complaints == []


def test_an_own_span_and_another_day_are_asked_for_in_place(overview):
    overview.locator(".span summary").press("Enter")
    overview.get_by_label("First day").fill("2012-01-10")
    overview.get_by_label("Last day").fill("2012-06-29")
    mark(overview)
    overview.locator("#span button").press("Enter")
    overview.wait_for_url("**from_date=2012-01-10&asof=2012-06-29**")

    assert is_in_place(overview)
    assert overview.locator("main .asof time").first.inner_text() == "2012-06-29"
    assert overview.evaluate("document.activeElement !== document.body")
    assert overview.complaints == []


@pytest.mark.parametrize("status", [403, 404, 422, 429, 500, 503])
def test_a_refusal_in_place_of_a_range_is_the_page_that_it_always_is(overview, status):
    refused = f"<!doctype html><title>Refused</title><h1>Refusal {status}</h1>"
    overview.route("**range=3y**", lambda route: route.fulfill(status=status, body=refused, content_type="text/html"))
    overview.get_by_role("link", name="3Y").click()

    overview.get_by_role("heading", name=f"Refusal {status}").wait_for()
    assert "range=3y" in overview.url
    assert not overview.locator(".bar").count()


def test_a_span_that_is_none_leads_to_the_designed_refusal_with_its_frame(overview):
    overview.locator(".span summary").press("Enter")
    overview.get_by_label("First day").fill("2012-06-29")
    overview.get_by_label("Last day").fill("2012-01-10")
    overview.locator("#span button").press("Enter")

    overview.get_by_text("invalid-request").wait_for()
    assert overview.locator(".tabbar").is_visible()
    assert overview.locator("main h1").count() == 1


def test_a_session_that_has_ended_leads_to_the_log_in_and_back(overview):
    overview.context.clear_cookies(name="sessionid")
    overview.get_by_role("link", name="3Y").click()

    overview.wait_for_url("**/login/?next=**")
    assert "range" in overview.url
    assert overview.get_by_label("Password").is_visible()


def test_an_answer_that_does_not_come_is_asked_for_by_the_browser(overview):
    overview.route(
        "**range=3y**", lambda route: route.abort() if route.request.headers.get("hx-request") else route.continue_()
    )
    overview.get_by_role("link", name="3Y").click()

    overview.wait_for_url("**range=3y**")
    assert overview.locator(".ranges [aria-current]").inner_text() == "3Y"


def test_a_chart_behind_another_tab_is_chosen_by_keyboard(overview):
    overview.locator("#historical_nav input[type=radio]").first.focus()
    overview.keyboard.press("ArrowRight")

    assert overview.locator("#historical_nav .tab").nth(1).is_visible()
    assert not overview.locator("#historical_nav .tab").nth(0).is_visible()


def test_a_chart_that_was_drawn_for_a_wider_window_does_not_widen_the_page(overview):
    overview.locator("#historical_nav .u-wrap").first.evaluate("drawing => { drawing.style.width = '600px'; }")

    assert overview.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(("width", "height", "screens"), [(1440, 900, 3), (390, 844, 5)])
def test_the_overview_has_few_screens_and_none_is_wider_than_the_window(overview, width, height, screens):
    overview.set_viewport_size({"width": width, "height": height})

    assert overview.evaluate("document.documentElement.scrollWidth") == width
    for kind in ("Sectors", "Currencies", "Securities"):
        overview.locator("#allocation label", has_text=kind).click()
        assert overview.evaluate("document.documentElement.scrollHeight") <= screens * height
    overview.evaluate("window.scrollTo(0, 0)")
    assert overview.locator("#historical_nav .plot").first.bounding_box()["y"] < 1.5 * height
    assert overview.locator(".rail").is_visible() == (width > 800)
    assert overview.locator(".tabbar").is_visible() == (width <= 800)
    assert overview.complaints == []


def test_the_day_and_the_range_go_on_from_page_to_page(overview):
    overview.get_by_role("link", name="The pack day before").click()
    overview.wait_for_selector(".tabbar a[href*='asof=2013-02-28']")
    overview.get_by_role("link", name="3Y").click()
    overview.wait_for_selector(".tabbar a[href*='asof=2013-02-28'][href*='range=3y']")
    overview.locator(".tabbar").get_by_role("link", name="Performance").click()

    overview.wait_for_url("**/performance/**")
    assert "asof=2013-02-28" in overview.url
    assert "range=3y" in overview.url
    assert overview.locator(".ranges [aria-current]").inner_text() == "3Y"


def number_of(text):
    return Decimal(text.split()[0].replace(",", "").replace("−", "-"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_is_opened_read_and_closed_by_keyboard_alone(overview, scheme, tmp_path):
    keyboard, dialog = overview.keyboard, overview.locator("dialog")
    overview.emulate_media(color_scheme=scheme)
    for _ in range(80):
        keyboard.press("Tab")
        if overview.evaluate("document.activeElement.matches('#at_once a.fig')"):
            break
    printed = overview.evaluate("document.activeElement.textContent")

    keyboard.press("Enter")
    dialog.locator("h1").wait_for()
    overview.screenshot(path=tmp_path / "figure.png")
    assert dialog.locator(".amount").inner_text().startswith(printed)
    lists = dialog.locator(".made > .terms > li")
    items = [lists.nth(place).locator("> .terms > li:not(.total) > .term .num") for place in range(lists.count())]
    added = [number_of(text) for item in items for text in item.all_inner_texts()]
    assert len(added) == 6
    assert round(sum(added), 2) == number_of(printed) == Decimal("756411.71")
    assert dialog.evaluate("each => each.scrollWidth <= each.clientWidth")

    for _ in range(40):
        keyboard.press("Tab")
        if overview.evaluate("document.activeElement.matches('dialog summary')"):
            break
    keyboard.press("Enter")
    keyboard.press("Tab")
    keyboard.press("Enter")
    dialog.locator("h1", has_text="Units held at the close").or_(dialog.locator("h1", has_text="Quantity")).wait_for()
    assert "687" in dialog.locator(".amount").inner_text()

    keyboard.press("Escape")
    assert not dialog.is_visible()
    assert overview.evaluate("document.activeElement.textContent") == printed
    assert overview.complaints == []


def test_without_script_a_figure_is_a_page_of_its_own(chromium, live_demo):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(live_demo.base_url)
    page.get_by_label("Username").fill(live_demo.username)
    page.get_by_label("Password").fill(live_demo.password)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{live_demo.base_url}/portfolios/public/portfolio_overview/?asof=2013-03-01&range=3y")

    page.locator("#at_once a.fig").first.click()
    page.wait_for_url("**/figures/**")

    assert page.locator("h1").inner_text() == "Value"
    assert page.locator(".made .amount").inner_text().startswith("756,411.71")
    assert page.locator(".tabbar").get_by_role("link", name="Holdings").get_attribute("href").endswith("range=3y")
    context.close()


def test_a_gain_has_an_arrow_that_is_not_read_out(overview):
    gain = overview.locator("#at_once a.gain").first
    arrow = gain.evaluate("each => getComputedStyle(each, '::before').content")

    assert gain.inner_text().lstrip("▲") == "+1,729.04"
    assert arrow == '"▲" / ""'
    assert (
        overview.locator("#months a.gain").first.evaluate("each => getComputedStyle(each, '::before').content")
        == "none"
    )


def test_the_owner_can_log_out(overview):
    overview.get_by_role("button", name="Log out").click()

    overview.wait_for_url("**/login/**")
    assert overview.complaints == []


@pytest.fixture
def demo_name(monkeypatch, demo_database):
    """A demo of the test's own."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
    with template(SHARED[DEMO]) as name:
        yield name


@pytest.fixture
def own_site(demo_name):
    """The address of a web server over it."""
    with web_server(demo_name) as base_url:
        yield base_url


TRADES = (
    "date,type,symbol,quantity,unit_price,fee,currency\n"
    "2013-02-27,buy,APPL,10,444.57,5,USD\n"
    "2013-02-28,buy,AAPL,1,441.40,5,USD\n"
)


def log_in_as_owner(page):
    page.get_by_label("Username").press_sequentially("owner")
    page.get_by_label("Password").press_sequentially(PASSWORD)
    page.keyboard.press("Enter")


def test_an_owner_imports_by_keyboard_without_script_through_a_session_that_ends(chromium, own_site):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{own_site}/portfolios/public/imports/")
    log_in_as_owner(page)
    page.wait_for_url(f"{own_site}/portfolios/public/imports/")

    page.locator("#file").set_input_files({"name": "trades.csv", "mimeType": "text/csv", "buffer": TRADES.encode()})
    page.get_by_role("button", name="Check and preview").press("Enter")
    page.get_by_label("Leave row 2 out").press("Space")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Check again").press("Enter")
    page.wait_for_url(f"{own_site}/login/**")
    log_in_as_owner(page)
    page.wait_for_url(f"{own_site}/portfolios/public/imports/?waiting=*")
    preview, width = page.locator("main").inner_text(), page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("button", name="Import 1 transaction").press("Enter")
    page.wait_for_url(f"{own_site}/portfolios/public/imports/?done=*")
    page.get_by_role("link", name="See the new value").press("Enter")
    page.wait_for_url("**/portfolio_overview/")

    assert "Left out: row 2." in preview
    assert "756,411.71" in preview
    assert width == 390
    assert page.get_by_role("heading", level=1).is_visible()
    context.close()


def log_in_as_staff(page):
    """At the page of the log-in; gives back how large the drawing of the key is."""
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/account/second-factor/**")
    drawn = page.locator(".qr svg").bounding_box()
    key = page.locator("p > code").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(f"{totp(b32decode(key)):06}")
    page.get_by_role("button", name="Set up").click()
    return drawn


def test_staff_set_up_a_second_factor_at_their_first_log_in_and_come_to_the_admin(page, own_site):
    page.goto(f"{own_site}/admin/")
    drawn = log_in_as_staff(page)
    recovery = page.locator("ul.codes li").count()
    width = page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url("**/admin/")

    assert drawn["width"] > 200
    assert (recovery, width) == (8, 390)
    assert page.title().startswith("What staff look after")
    assert page.complaints == []


@pytest.fixture
def studio(page, own_site, demo_name):
    """One of the pattern editors, who may see public, has come to the admin with a second factor."""
    statements = (
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g"
        " WHERE u.username = 'staff' AND g.name = 'pattern editor'",
        "INSERT INTO portfolio_portfolioaccess (portfolio_id, user_id) SELECT p.id, u.id FROM portfolio_portfolio p, auth_user u"
        " WHERE u.username = 'staff' AND p.slug = 'public'",
    )
    with psycopg.connect(address(demo_name, "postgres"), autocommit=True) as session:
        for statement in statements:
            session.execute(statement)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{own_site}/admin/")
    log_in_as_staff(page)
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url("**/admin/")
    return page


DRAFT = """{
  "id": "own_value", "version": "1.0.0", "title": "Own value", "description": "",
  "inputs": {"portfolio_id": {"type": "uuid", "required": true}},
  "steps": [
    {"capability": "ledger.positions", "args": {"portfolio_id": "{{inputs.portfolio_id}}"}, "as": "positions"},
    {"capability": "pricing.apply_pack", "args": {"positions": "{{state.positions}}"}, "as": "valued"}
  ],
  "outputs": ["valued"],
  "panels": [{"id": "value", "type": "metrics_grid", "title": "Value", "ttl": 60, "items": [
    {"label": "All of it", "value": "{{state.valued.total_value}}", "format": "currency"}]}]
}"""


def test_staff_write_a_pattern_from_nothing_by_keyboard_and_it_is_a_page(studio, own_site, tmp_path):
    page, keyboard = studio, studio.keyboard
    page.goto(f"{own_site}/admin/execution/patterndraft/add/")
    page.get_by_label("Id:").fill("own_value")
    keyboard.press("Enter")
    page.wait_for_url("**/own_value/change/")
    page.wait_for_selector(".cm-content")
    page.locator(".cm-content").focus()
    keyboard.press("Control+a")
    keyboard.insert_text(
        DRAFT.replace("state.valued.total_value", "state.valued.").replace("ledger.positions", "ledger.pos")
    )

    page.wait_for_selector("#findings >> text=no agent offers ledger.pos")
    page.wait_for_selector("#findings >> text=line 5")
    keyboard.press("Control+Home")
    for _ in range(9):
        keyboard.press("ArrowDown")
    line = DRAFT.splitlines()[9].replace("state.valued.total_value", "state.valued.")
    for _ in range(line.index("state.valued.") + len("state.valued.")):
        keyboard.press("ArrowRight")
    keyboard.type("total_v")
    page.wait_for_selector(".cm-tooltip-autocomplete >> text=state.valued.total_value")
    page.wait_for_timeout(100)  # the first moments of a list take no key: somebody may be typing on
    keyboard.press("Enter")
    assert "state.valued.total_value}}" in page.locator(".cm-content").inner_text()
    keyboard.press("Control+a")
    keyboard.insert_text(DRAFT)
    page.wait_for_selector("#findings >> text=None: it can be published")
    assert page.locator("#graph svg .node").count() == 2
    page.screenshot(path=tmp_path / "studio.png", full_page=True)

    page.get_by_role("button", name="Dry run").click()
    page.wait_for_url("**/dry-run/")
    assert page.locator("#value dd").inner_text().startswith("756,411.71")
    page.screenshot(path=tmp_path / "dry-run.png", full_page=True)
    page.get_by_role("button", name="Back to the draft").click()
    page.wait_for_selector("#findings >> text=None: it can be published")
    page.get_by_role("button", name="Save and review").click()
    page.wait_for_url("**/publish/")
    page.get_by_label("What changes, and why").fill("the value alone")
    page.screenshot(path=tmp_path / "review.png", full_page=True)
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/pattern/own_value/change/")
    page.goto(f"{own_site}/portfolios/public/own_value/")

    assert page.locator("#value dd").inner_text().startswith("756,411.71")
    assert page.complaints == []


def test_the_page_that_verifies_bundles_works_from_a_disk_without_a_server(page, tmp_path):
    """`crypto.subtle` is there for a page that was opened as a file, too; a changed byte is named."""
    whole, changed, keys = tmp_path / "whole.zip", tmp_path / "changed.zip", tmp_path / "keys.json"
    data = bundles.bundle()
    whole.write_bytes(data)
    at = data.index(b'"pattern_id"') + 3
    changed.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    keys.write_text(json.dumps(bundles.keys_document()))
    page.context.set_offline(True)
    page.goto(exports.VERIFIER.as_uri())
    page.locator("#keys").set_input_files(keys)

    page.locator("#bundle").set_input_files(whole)
    page.wait_for_function("document.getElementById('findings').textContent.includes('Overview')")
    proved = page.locator("#findings").inner_text()
    page.locator("#bundle").set_input_files(changed)
    page.wait_for_function("document.getElementById('findings').textContent.includes('is not what was signed')")
    refused = page.locator("#findings").inner_text()

    assert bundles.KEY.keyid in proved
    assert "manifest.json is not what was signed" in refused
    assert page.complaints == []

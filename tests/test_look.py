"""How pages look: sizes, weights, spaces and colours by the style sheets, and one filled button where a page asks for something."""

import colorsys
import re
from pathlib import Path

import pytest
from django.test import Client

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
SHEETS = {
    name: re.sub(r"/\*.*?\*/", "", (TEMPLATES / "static" / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    for name in ("tieout.css", "studio.css", "board.css", "staff.css")
}
SIZES = {"12px", "14px", "16px", "20px", "28px", "44px"}
WEIGHTS = {"400", "600"}
UNSEEN = "margin: -1px"
"""Of what only a screen reader has."""
GREEN, AMBER = (100, 165), (30, 60)
"""Degrees of the colour wheel."""


def declared(sheet, properties):
    return re.findall(rf"(?<![\w-])(?:{properties}): *([^;}}]+)", sheet)


@pytest.mark.parametrize("name", SHEETS)
def test_a_style_sheet_has_six_sizes_and_two_weights(name):
    sizes = declared(SHEETS[name], "font-size") + [
        size for font in declared(SHEETS[name], "font") for size in re.findall(r"[\d.]+(?:px|r?em|pt|%)", font)
    ]
    weights = declared(SHEETS[name], "font-weight") + re.findall(r"font: *(bold|\d{3})\b", SHEETS[name])

    assert set(sizes) <= SIZES
    assert set(weights) <= WEIGHTS


def test_the_pages_use_all_six_sizes_and_both_weights():
    assert set(declared(SHEETS["tieout.css"], "font-size")) == SIZES
    assert set(declared(SHEETS["tieout.css"], "font-weight")) == WEIGHTS


@pytest.mark.parametrize("name", SHEETS)
def test_spaces_are_steps_of_eight_px_or_half_a_step(name):
    """Between things, and around what they hold."""
    sheet = SHEETS[name].replace(UNSEEN, "")
    lengths = {
        length
        for value in declared(sheet, r"(?:margin|padding|gap|row-gap|column-gap)(?:-[a-z-]+)?")
        for length in re.findall(r"-?[\d.]+(?:px|r?em|pt|vw|vh)", value)
    }

    assert {each for each in lengths if not each.endswith("px") or float(each[:-2]) % 4} == set()


@pytest.mark.parametrize("name", SHEETS)
def test_a_sign_by_its_number_keeps_the_space_behind_it(name):
    """The first space after a number ends it and is not shown: a space that is meant is written \\a0."""
    assert re.findall(r"content: *\"[^\"]*\\[0-9a-fA-F]{1,6} [^\"]*\"", SHEETS[name]) == []


def test_no_page_has_a_style_of_its_own():
    """The 500 and 503 pages have none either, since a policy forbids it."""
    assert [page.name for page in TEMPLATES.rglob("*.html") if re.search(r"<style|\sstyle=", page.read_text())] == []


@pytest.mark.parametrize(
    ("name", "hues"),
    [("good", GREEN), ("fine", GREEN), ("fine-rule", GREEN), ("warn", AMBER), ("warn-rule", AMBER)],
)
def test_success_is_green_and_doubt_is_amber_by_day_and_by_night(name, hues):
    both = re.search(rf"--{name}: light-dark\(#(\w{{6}}), #(\w{{6}})\)", SHEETS["tieout.css"])

    degrees = [
        360 * colorsys.rgb_to_hls(*(int(each[at : at + 2], 16) / 255 for at in (0, 2, 4)))[0] for each in both.groups()
    ]

    assert all(hues[0] <= each <= hues[1] for each in degrees), degrees


def test_what_went_well_is_said_in_green():
    said = {
        page.name: re.findall(r'<div class="banner([^"]*)" role="status"><p>([^<{]*)', page.read_text())
        for page in TEMPLATES.glob("*.html")
    }

    assert said["second_factor.html"] == [
        (" good", "Your second factor is set up. From now on a log-in asks for its code.")
    ]
    assert {kind for kind, words in said["settings.html"] if "owner" not in words} == {" good"}


PORTFOLIO = "/portfolios/public"


@pytest.mark.parametrize(
    "path",
    [
        "/account/tokens/",
        "/account/second-factor/",
        *(f"{PORTFOLIO}/{name}/" for name in ("sharing", "imports", "settings")),
    ],
)
def test_a_page_that_asks_for_something_has_one_filled_button(demo, path):
    assert filled(demo.client("owner").get(path)) == 1


def test_the_log_in_has_one_filled_button(demo):
    assert filled(Client().get("/login/")) == 1


@pytest.mark.parametrize(
    "path", ["/", "/exports/", *(f"{PORTFOLIO}/{name}/" for name in ("portfolio_overview", "transactions", "nothing"))]
)
def test_a_page_to_read_has_at_most_one_filled_button(demo, path):
    assert filled(demo.client("owner").get(path)) <= 1


def filled(answer):
    return len(re.findall(r'class="primary"', answer.content.decode()))

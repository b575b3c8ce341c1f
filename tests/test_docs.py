"""The pages say what is there: links, files, targets, problems, packages, variables and addresses."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandParser, load_command_class
from django.urls import URLPattern
from prometheus_client import REGISTRY

from config import cache, doctor, pulse
from config.telemetry import http_metrics
from execution.web import problems, urls, world
from tests.sources import python_files

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
NOT_OURS = {"var", "node_modules"}
ROOMS_WITH_ROWS = ("compliance", "config", "execution", "portfolio", "pricing")
ROOMS = "agents|compliance|config|demo|docs|execution|portfolio|pricing|templates|tests"

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def pages() -> Iterator[Path]:
    for folder, below, files in os.walk(PROJECT):
        below[:] = [name for name in below if not name.startswith(".") and name not in NOT_OURS]
        yield from (Path(folder, name) for name in files if name.endswith(".md"))


def links(page: Path) -> list[str]:
    found = LINK.findall(FENCE.sub("", page.read_text()))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """As they are made from headings: lower case, spaces to dashes, signs left out."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def table(page: Path, columns: int) -> list[list[str]]:
    """The first cells of every table row that begins with a word in backticks."""
    rows = [line.strip("|").split("|") for line in page.read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row[:columns]] for row in rows]


def direct_packages(requirements: str) -> set[str]:
    """The names of what is asked for by itself, without what comes along."""
    asked = [line for line in (PROJECT / requirements).read_text().splitlines() if not line.startswith("#")]
    pinned = [re.match(r"([a-z0-9-]+)(?:\[[^\]]*\])?==", line) for line in asked]
    assert all(pinned), "a line without a pin"
    return {pin[1] for pin in pinned if pin}


@pytest.mark.parametrize("page", sorted(pages()), ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_relative_link_leads_somewhere(page):
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        if not to.exists() or (anchor and anchor not in anchors(to)):
            broken.append(target)

    assert broken == []


def test_every_picture_is_small_and_on_a_page():
    pictures = set(DOCS.rglob("*.png"))
    shown = {(page.parent / target).resolve() for page in pages() for target in links(page) if target.endswith(".png")}

    assert pictures == shown
    assert [each.name for each in pictures if each.stat().st_size > 150_000] == []


@pytest.mark.parametrize("page", sorted(pages()), ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_file_that_a_page_names_is_there(page):
    named = re.findall(rf"`((?:{ROOMS})/[\w./*-]+)`", page.read_text())

    missing = [name for name in named if not any(PROJECT.glob(name.rstrip("/")))]

    assert missing == []


def test_every_page_that_a_source_names_is_there():
    named = {
        (path, target)
        for path, text in ((file.relative_to(PROJECT).as_posix(), file.read_text()) for file in python_files())
        for target in re.findall(r"\bdocs/([\w/-]+\.md(?:#[\w-]+)?)", text)
    }

    def is_there(target: str) -> bool:
        page, _, anchor = target.partition("#")
        return (DOCS / page).is_file() and (not anchor or anchor in anchors(DOCS / page))

    assert len(named) > 20
    assert {(path, target) for path, target in named if not is_there(target)} == set()


def test_every_excerpt_is_of_the_version_that_is_served():
    served = {
        document["id"]: document["version"]
        for document in (json.loads(path.read_text()) for path in (PROJECT / "execution/library").glob("*.json"))
    }
    version = re.compile(rf"\b({'|'.join(served)})\b(?:\"?,? \"pattern_version\": \"| )([0-9]+\.[0-9]+\.[0-9]+)")

    shown = {
        (page.relative_to(PROJECT).as_posix(), *found)
        for page in (PROJECT / "README.md", *DOCS.rglob("*.md"))
        for found in version.findall(page.read_text())
    }

    assert {"README.md", "docs/explain.md", "docs/api.md"} <= {page for page, _, _ in shown}
    assert {each for each in shown if served[each[1]] != each[2]} == set()


def rooms() -> dict[str, set[str]]:
    """Room -> the sub-packages that the table of architecture.md names, by their paths within the room."""
    lines = (DOCS / "architecture.md").read_text().splitlines()
    rows = [re.findall(r"`([a-z_/]+)/`", line) for line in lines if re.match(r"\| `[a-z]+/` \|", line)]
    return {room: set(folders) for room, *folders in rows}


def test_architecture_names_every_room_and_every_sub_package_and_no_folder_that_is_not_there():
    not_rooms = {"tests", "migrations", "management"}
    there = {
        room: {
            package.parent.relative_to(PROJECT / room).as_posix()
            for package in (PROJECT / room).rglob("*/__init__.py")
            if not not_rooms & set(package.relative_to(PROJECT).parts)
        }
        for room in ("agents", "compliance", "config", "execution", "portfolio", "pricing")
    }

    assert rooms() == there


def test_the_data_model_names_every_table_and_no_other():
    text = (DOCS / "data-model.md").read_text()
    ours = {model.__name__ for room in ROOMS_WITH_ROWS for model in apps.get_app_config(room).get_models()}

    words = set(re.findall(r"\b[A-Z][A-Za-z]+\b", text))

    assert ours - words == set()
    assert set(re.findall(r"\*\*([A-Z]\w+)\*\*", text)) - ours == set()


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    text = (PROJECT / "README.md").read_text()

    named = set(re.findall(r"`make ([a-z]+)`", text)) | set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE))

    assert {"demo", "test"} <= named <= targets


def test_the_index_leads_to_every_page():
    indexed = {(DOCS / target.partition("#")[0]).resolve() for target in links(DOCS / "README.md")}

    assert {page.resolve() for page in DOCS.rglob("*.md")} - indexed == {(DOCS / "README.md").resolve()}


def test_every_problem_has_its_row_with_its_status_and_no_row_is_left_over():
    rows = {(kind.strip("`"), int(status)) for kind, status in table(DOCS / "runbook/errors.md", 2)}

    assert rows == {(kind, status) for status, kind in problems.PROBLEMS.values()}


def test_every_metric_has_its_row_and_no_row_is_left_over():
    http_metrics.ViewMetrics.get_instance()  # as the first request makes it; the cache's come with its class
    assert cache.LABEL
    counted = {
        f"{family.name}_total" if family.type == "counter" else family.name: family for family in REGISTRY.collect()
    }
    # Of the process itself, and what django-prometheus would count of models, none of which is one of its.
    of_others = re.compile("(process|python|django_model)_")
    there = {name for name in counted if not of_others.match(name)} | world.GAUGES.keys()
    labels = {name: list(each[1]) for name, each in world.GAUGES.items()}

    rows = table(DOCS / "observability.md", 2)
    read = {name.strip("`"): cell.split(", ") if cell else [] for name, cell in rows if name.strip("`") in labels}

    assert {name.strip("`") for name, _ in rows if name.startswith(("`tieout_", "`django_"))} == there
    assert read == labels


def test_every_piece_that_doctor_names_has_its_row_in_the_runbook():
    code = "".join(
        file.read_text()
        for room in ("config", "execution", "portfolio", "pricing")
        for file in (PROJECT / room).rglob("*.py")
        if "tests" not in file.parts
    )
    named = {piece.strip() for piece in re.findall(r"\b(?:doctor\.)?Fault\(\s*f?\"([^\"{]+)", code)}
    rows = re.findall(r"^\| ([^|]+?): ", (DOCS / "runbook/services.md").read_text(), re.MULTILINE)

    explained = {piece.removesuffix("…").strip() for row in rows for piece in row.split(", ")}
    assert named >= {"database", "disk", "ledger", "migrations", "pricing packs", "Redis", "port"}
    assert (named | {doctor.ROLE, pulse.WORKER, pulse.BEAT}) - explained == set()


def test_every_package_that_we_ask_for_has_its_line_and_no_line_is_left_over():
    rows = [line.split("|")[1] for line in (DOCS / "dependencies.md").read_text().splitlines() if line.startswith("| ")]
    named = {
        name
        for row in rows
        for name in re.findall(r"(?:^|,) ?([a-z0-9-]+)", re.sub(r"\[[^\]]*\]", "", row))
        if "(comes with" not in row and row.strip() not in ("package", "---")
    }

    assert named == direct_packages("requirements.in") | direct_packages("requirements-dev.in")


def test_every_variable_has_its_row_and_no_row_is_left_over():
    rows = {name.strip("`") for (name,) in table(DOCS / "configuration.md", 1)}

    assert rows == set(re.findall(r"^([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))


def test_every_command_has_its_row_and_no_row_is_left_over():
    rows = {name.strip("`").split()[0] for (name,) in table(DOCS / "commands.md", 1)}

    ours = {file.stem for file in PROJECT.glob("*/management/commands/*.py") if file.stem != "__init__"}

    assert rows - {"migrate"} == ours


def test_every_argument_of_a_command_says_what_it_is_and_every_option_stands_in_its_row():
    rows: dict[str, set[str]] = {}
    for row in re.findall(r"^\| `([^`]+)` \|", (DOCS / "commands.md").read_text(), re.MULTILINE):
        rows.setdefault(row.split()[0], {"--help"}).update(re.findall(r"--[a-z-]+", row))
    wordless, unlisted = set(), set()
    for file in PROJECT.glob("*/management/commands/[a-z]*.py"):
        parser = CommandParser()
        load_command_class(file.parts[-4], file.stem).add_arguments(parser)
        for argument in parser._actions:
            if argument.dest != "help" and not argument.help:
                wordless.add((file.stem, argument.dest))
            unlisted |= {(file.stem, name) for name in argument.option_strings[-1:] if name not in rows[file.stem]}

    assert (wordless, unlisted) == (set(), set())


def test_every_address_is_on_a_page():
    text = (DOCS / "api.md").read_text() + (DOCS / "pages.md").read_text()

    routes = [str(each.pattern) for each in urls.urlpatterns if isinstance(each, URLPattern)]
    addresses = ["/" + re.sub(r"<\w+:(?:execution_)?(\w+)>", r"<\1>", route) for route in routes]

    assert [address for address in addresses if f"`{address}`" not in text and f" {address}`" not in text] == []


LOCKS = "requirements.txt", "requirements-dev.txt"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_the_hashes_of_its_files(lock):
    pins = re.split(r"^(?=[a-z])", (PROJECT / lock).read_text(), flags=re.MULTILINE)[1:]

    lacking = [
        pin.split()[0] for pin in pins if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin, re.DOTALL)
    ]

    assert len(pins) > 90
    assert lacking == []


def test_what_is_asked_for_is_pinned():
    asked = direct_packages("requirements.in"), direct_packages("requirements-dev.in")
    pinned = [set(re.findall("^([a-z0-9-]+)==", (PROJECT / lock).read_text(), re.MULTILINE)) for lock in LOCKS]

    assert asked[0] <= pinned[0] <= pinned[1]
    assert asked[1] <= pinned[1]

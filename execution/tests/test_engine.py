"""The engine's version follows from the sources that a figure passes through, and from no others."""

import shutil
from pathlib import Path

import pytest

from config import env
from execution.executor import engine

ROOMS = ("config", "compliance", "pricing", "portfolio", "agents", "execution")
PASSED_THROUGH = {
    "agents.financial_analyst.performance",
    "execution.canonical",
    "execution.executor.market_view",
    "execution.executor.orchestrator",
    "portfolio.ledger.child",
    "portfolio.ledger.journal",
    "portfolio.models",
    "portfolio.valuation",
    "pricing.calendars",
    "pricing.market.history",
    "pricing.market.packed_rows",
    "pricing.packs.deltas",
    "pricing.packs.lookup",
    "pricing.packs.rows",
    "pricing.packs.stored_rows",
}
FACES = (
    "execution/web/api/executions.py",
    "execution/web/pages/pattern.py",
    "execution/admin/evidence.py",
    "portfolio/admin.py",
    "pricing/admin.py",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project's sources, to be changed."""
    project = tmp_path_factory.mktemp("project")
    for room in ROOMS:
        shutil.copytree(env.PROJECT / room, project / room, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    return project


@pytest.fixture(scope="module")
def version(copy):
    return version_of(copy)


def version_of(project: Path) -> str:
    return engine.digest(engine.import_closure(project, engine.roots()))


def file_of(project: Path, module: str) -> Path:
    place = project.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def changed_version(project: Path, file: Path) -> str:
    """The version with a line more in the file, which is then as it was."""
    before = file.read_text()
    file.write_text(before + "\n# another line\n")
    try:
        return version_of(project)
    finally:
        file.write_text(before)


def test_the_closure_holds_what_figures_pass_through():
    modules = engine.import_closure(env.PROJECT, engine.roots()).keys()

    assert modules >= PASSED_THROUGH


@pytest.mark.slow
def test_a_line_more_in_any_file_of_the_closure_makes_another_version(copy, version):
    """All files are changed and read at once; each change alone then makes a version of its own."""
    before = engine.import_closure(copy, engine.roots())
    for module, source in before.items():
        file_of(copy, module).write_text(source + "\n# another line\n")
    after = engine.import_closure(copy, engine.roots())
    for module, source in before.items():
        file_of(copy, module).write_text(source)

    same = [module for module in before if engine.digest(before | {module: after[module]}) == version]

    assert version == version_of(copy) == version_of(env.PROJECT)
    assert same == []


def test_the_closure_holds_no_face():
    modules = engine.import_closure(env.PROJECT, engine.roots()).keys()

    assert not [module for module in modules if module.startswith(("execution.web", "execution.terminal"))]


@pytest.mark.parametrize("path", FACES)
def test_a_line_more_in_a_face_makes_no_other_version(copy, version, path):
    assert changed_version(copy, copy / path) == version


def test_a_package_above_an_import_counts_and_a_relative_import_is_followed(tmp_path):
    (tmp_path / "room" / "part").mkdir(parents=True)
    for path, source in {
        "room/__init__.py": "",
        "room/part/__init__.py": "from room.other import verb",
        "room/part/one.py": "def late():\n    from . import two\n",
        "room/part/two.py": "import numpy",
        "room/other.py": "",
        "room/aside.py": "",
    }.items():
        (tmp_path / path).write_text(source)

    modules = engine.import_closure(tmp_path, ["room.part.one"])

    assert modules.keys() == {"room.part.one", "room.part.two", "room.part", "room", "room.other"}

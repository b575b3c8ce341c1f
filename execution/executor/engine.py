"""The version of the code that computes results: one of the five that a result is a function of."""

import ast
import hashlib
import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy
from django.conf import settings

from agents import registry

ORCHESTRATOR = "execution.executor.orchestrator"
MARKET_VIEW = "execution.executor.market_view"
"""The market that capabilities compute on, which they take from their context and do not import."""
LEDGER = ("portfolio.books.writer", "portfolio.ledger.child")
"""The modules that make rows of a ledger. The second runs as a process of its own, so that nothing imports it."""


@cache
def engine_version() -> str:
    """Release, 12 hex of SHA-256 over the result-bearing sources, and the versions of Python, NumPy and CEL."""
    return "+".join(
        [
            settings.RELEASE,
            digest(import_closure(Path(settings.BASE_DIR), roots())),
            f"py{platform.python_version()}",
            f"np{numpy.__version__}",
            f"cel{version('common-expression-language')}",
        ]
    )


def roots() -> set[str]:
    """Modules that figures come out of: those of the registered capabilities, the orchestrator, the market view, the ledger's
    reader."""
    return {capability.function.__module__ for capability in registry.all()} | {
        *(ORCHESTRATOR, MARKET_VIEW),
        *LEDGER,
    }


def digest(sources: Mapping[str, str]) -> str:
    """12 hex of SHA-256 over the names and texts of modules."""
    content = hashlib.sha256()
    for module, source in sorted(sources.items()):
        content.update(f"{module}\0{source}\0".encode())
    return content.hexdigest()[:12]


def import_closure(project: Path, modules: Iterable[str]) -> dict[str, str]:
    """The modules, and all modules of the project that they import, directly or not and wherever the import stands.

    returns   full name of each module -> its source
    """
    sources: dict[str, str] = {}
    visited: set[str] = set()
    waiting = set(modules)
    while waiting:
        module = waiting.pop()
        visited.add(module)
        file = _file(project, module)
        if file is not None:
            sources[module] = file.read_text(encoding="utf-8")
            package = module if file.name == "__init__.py" else module.rpartition(".")[0]
            waiting |= imported_names(sources[module], package) - visited
    return sources


@cache
def imported_names(source: str, package: str) -> frozenset[str]:
    """Full names that a module of the package imports, with the packages above each: importing one runs those, too."""
    names = set()
    for statement in _statements(ast.parse(source)):
        for name in _names(statement, package):
            parts = name.split(".")
            names |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return frozenset(names)


def _statements(block: ast.AST) -> Iterator[ast.AST]:
    """All statements below, however deep. Expressions, the most of a module, can hold no import and are passed over."""
    for child in ast.iter_child_nodes(block):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from _statements(child)


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        origin = ".".join([*above, *([node.module] if node.module else [])])
        yield origin
        yield from (f"{origin}.{alias.name}" for alias in node.names)


def _file(project: Path, module: str) -> Path | None:
    """None for what is no module of the project: a library, or a name within a module."""
    place = project.joinpath(*module.split("."))
    candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)

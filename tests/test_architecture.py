"""The house, read from the source: who may import whom, and what no module does. Needs no database."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from config import env
from tests.sources import nodes, python_files

ROOMS = {
    "config": {"config"},
    "compliance": {"config", "compliance"},
    "pricing": {"config", "pricing"},
    "portfolio": {"config", "pricing", "portfolio"},
    "agents": {"config", "pricing", "portfolio", "agents"},
    "execution": {"config", "compliance", "pricing", "portfolio", "agents", "execution"},
}
_BOOKS = {"models", "ledger", "analytics"}
_NIGHT = {"models", "patterns", "executor", "night"}
INSIDE: dict[str, dict[str, set[str]]] = {
    "pricing": {
        "models": set(),
        "archive": {"models"},
        "quality": {"models", "archive"},
        "packs": {"models", "archive", "quality"},
        "market": {"models", "archive", "quality", "packs"},
        "providers": {"models", "archive", "quality"},
    },
    "portfolio": {
        "models": set(),
        "ledger": set(),
        "analytics": set(),
        "books": _BOOKS,
        "valuation": {*_BOOKS, "books"},
        "performance": {*_BOOKS, "books", "valuation"},
        "macro": {*_BOOKS, "books", "valuation", "performance"},
        "explanation": {*_BOOKS, "books", "valuation", "performance", "macro"},
        "portfolio_settings": {*_BOOKS, "books", "valuation", "performance"},
    },
    "execution": {
        "models": set(),
        "patterns": {"models"},
        "executor": {"models", "patterns"},
        "night": {"models"},
        "exports": {"models", "patterns", "executor", "figures"},
        "explanation": {"models", "patterns", "executor", "exports"},
        "operations": _NIGHT,
        "comparison": {*_NIGHT, "operations"},
        "figures": set(),
        "admin": {*_NIGHT, "operations", "exports", "figures", "web"},
        "terminal": {*_NIGHT, "operations", "figures"},
        "web": {*_NIGHT, "exports", "explanation", "comparison", "operations", "figures"},
    },
}
"""Room -> its sub-packages, each with those that it may import."""
PURE = (
    "portfolio/analytics/*.py",
    "portfolio/analytics/*/*.py",
    "pricing/packs/fingerprint.py",
    "compliance/terms.py",
    "compliance/decisions.py",
)
PURE_MAY_IMPORT = {
    "numpy",
    "portfolio.analytics",
    "compliance.terms",
    "config.errors",
    "config.dates",
    "config.decimals",
    "config.counts",
}

ENVIRONMENT = {
    "config/env.py": "the one place that reads settings",
    "config/embedded/__init__.py": "hands addresses to this process and its children",
    "config/celery.py": "names the settings before they can be read",
    "config/wsgi.py": "names the settings before they can be read",
    "config/telemetry/sdk.py": "the libraries' own switch, for the names of HTTP attributes",
    "manage.py": "names the settings before they can be read",
    "config/telemetry/multiprocess.py": "the client library's own switch",
    "portfolio/ledger/reader.py": "passes the loader's path on to a child that gets nothing else",
    "portfolio/ledger/child.py": "Beancount's cache is switched off by it",
}
CATCH_ALL = {
    "agents/runtime.py": "a stranger's capability: becomes a named failure with its cause",
    "config/breaker.py": "counts the failure and raises it again",
    "config/command_line.py": "the outermost edge of a command: told in one line, and by the exit code",
    "execution/web/api/executions.py": "observes the duration and raises it again",
    "execution/executor/orders.py": "puts the failure on record and raises it again",
    "execution/executor/running.py": "puts the failure on record and raises it again",
    "config/embedded/__init__.py": "gives its share back and raises it again",
    "portfolio/ledger/reader.py": "stops the child and raises it again",
    "execution/night/attempts.py": "puts the end of the job on record and raises it again",
    "execution/exports/making.py": "puts the failure on record and raises it again",
    "execution/night/chunks.py": "somebody's data, read or stored with that of others: they are done one by one",
    "execution/night/ledger_reconciliation.py": "somebody's books: what breaks on them becomes a break of that portfolio alone",
    "execution/night/history_check.py": "somebody's books: what breaks on them is a difference of that portfolio alone",
}
OF_STRANGERS = {
    "agents/runtime.py",
    "execution/night/chunks.py",
    "execution/night/ledger_reconciliation.py",
    "execution/night/history_check.py",
}
OUTERMOST = {"config/command_line.py"}
"""Where nobody is left to raise to."""
MUST_RAISE_AGAIN = set(CATCH_ALL) - OF_STRANGERS - OUTERMOST
EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|misc|managers?|services?|tools?|lib|base_?classes)$")


@cache
def sources() -> dict[str, tuple[ast.AST, ...]]:
    """Path from the project -> nodes of the tree, of all that is not a test, a migration, a benchmark or an attack."""
    found = {}
    for file in python_files():
        path = file.relative_to(env.PROJECT)
        if {"tests", "migrations", "benchmarks", "chaos", "docs"} & set(path.parts) or path.name == "conftest.py":
            continue
        found[path.as_posix()] = nodes(file)
    return found


@cache
def imported(path: str) -> tuple[tuple[int, str], ...]:
    """Line and full name of each module that is imported, wherever the import stands."""
    return tuple(_imported(path))


def _imported(path: str) -> Iterator[tuple[int, str]]:
    for node in sources()[path]:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = Path(path).with_suffix("").parts
            base = list(here[: len(here) - node.level]) if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__", "importlib.import_module"):
            first = node.args[0] if node.args else None
            yield node.lineno, str(first.value) if isinstance(first, ast.Constant) else "<computed>"


@cache
def called(node: ast.Call) -> str:
    """What is called, as it is written."""
    return node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)


@cache
def calls() -> tuple[tuple[str, ast.Call], ...]:
    return tuple((path, node) for path, tree in sources().items() for node in tree if isinstance(node, ast.Call))


def inside(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_there_are_six_rooms():
    assert {Path(path).parts[0] for path in sources() if "/" in path} <= {*ROOMS, "chaos", "ops"}
    assert {Path(path).parts[0] for path in sources() if "/" in path} >= set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_its_row_allows_and_not_even_lazily_more(room):
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in sources().items()
        if path.startswith(f"{room}/")
        for line, name in imported(path)
        if name.split(".")[0] in ROOMS and name.split(".")[0] not in ROOMS[room]
    ]

    assert wrong == []


def test_no_module_is_imported_by_a_name_that_is_computed():
    computed = [
        f"{path}:{line}" for path, tree in sources().items() for line, name in imported(path) if name == "<computed>"
    ]

    assert computed == []


POINTING = ("config/settings/", "config/urls.py", "config/celery.py")
"""Where the rooms are installed, and faces named for Django and Celery to load."""


def test_config_names_no_room_by_an_import_string_elsewhere():
    pointing = {
        (path, node.value)
        for path, tree in sources().items()
        if path.startswith("config/") and not path.startswith(POINTING)
        for node in tree
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(rf"({'|'.join(set(ROOMS) - {'config'})})(\.\w+)+", node.value)
    }

    assert pointing == set()


@pytest.mark.parametrize("pattern", PURE)
def test_pure_modules_import_no_framework(pattern):
    pure = {path: tree for path, tree in sources().items() if Path(path).match(pattern)}
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in pure.items()
        for line, name in imported(path)
        if not inside(name, PURE_MAY_IMPORT) and name.split(".")[0] not in STANDARD
    ]

    assert pure
    assert wrong == []


STANDARD = {
    "__future__", "collections", "contextlib", "dataclasses", "datetime", "decimal", "enum", "functools", "hashlib", "heapq",
    "itertools", "json", "math", "re", "struct", "types", "typing", "unicodedata", "zlib",
}  # fmt: skip
"""What a pure module may have of the standard library: no files, no clock, no sockets."""


def test_only_the_child_process_imports_beancount():
    importing = {path for path, tree in sources().items() for _, name in imported(path) if inside(name, {"beancount"})}

    assert importing == {"portfolio/ledger/child.py"}


def test_nobody_imports_the_child():
    importing = [path for path, tree in sources().items() for _, name in imported(path) if "ledger.child" in name]

    assert importing == []


UNSAFE_YAML = (
    "load",
    "load_all",
    "unsafe_load",
    "unsafe_load_all",
    "full_load",
    "full_load_all",
    "Loader",
    "UnsafeLoader",
)
"""What makes objects of a text's tags; yaml.safe_load and yaml.SafeLoader don't."""


def test_nothing_evaluates_text_nor_unpickles_it():
    names = {
        "eval",
        "exec",
        "compile",
        *(f"yaml.{name}" for name in UNSAFE_YAML),
        "os.system",
        "os.popen",
        "marshal.loads",
        "shelve.open",
    }
    wrong = [f"{path}:{node.lineno} {called(node)}" for path, node in calls() if called(node) in names]
    wrong += [
        f"{path}:{line} imports {name}"
        for path, tree in sources().items()
        for line, name in imported(path)
        if inside(name, {"pickle", "dill", "marshal", "shelve", *(f"yaml.{name}" for name in UNSAFE_YAML)})
    ]

    assert wrong == []


def test_no_process_is_started_through_a_shell():
    wrong = [
        f"{path}:{node.lineno}"
        for path, node in calls()
        for keyword in node.keywords
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]

    assert wrong == []


def handlers() -> Iterator[tuple[str, ast.ExceptHandler]]:
    for path, tree in sources().items():
        for node in tree:
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or {"Exception", "BaseException"} & set(re.findall(r"\w+", ast.unparse(node.type)))
            ):
                yield path, node


def test_everything_is_caught_only_where_a_strangers_code_or_data_is_met_or_it_is_raised_again():
    catching = {path for path, _ in handlers()}
    silent = [
        f"{path}:{node.lineno}"
        for path, node in handlers()
        if path in MUST_RAISE_AGAIN and not any(isinstance(each, ast.Raise) for each in ast.walk(node))
    ]

    assert catching == set(CATCH_ALL)
    assert silent == []


def test_nothing_expected_is_thrown_away():
    """`except X: pass` hides a state; `suppress` of everything does too."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, node in calls()
        if called(node).endswith("suppress")
        and {"Exception", "BaseException", "TieoutError"} & {ast.unparse(each) for each in node.args}
    ]

    assert wrong == []


def test_no_module_has_a_name_that_says_nothing():
    wrong = [path for path in sources() for part in Path(path).with_suffix("").parts if EMPTY_NAMES.search(part)]

    assert wrong == []


def test_only_the_listed_modules_read_the_environment():
    reading = {
        path
        for path, tree in sources().items()
        for node in tree
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(each.name in ("environ", "getenv") for each in node.names)
        )
    }

    assert reading == set(ENVIRONMENT)


CLOCKS = {
    ("pricing/packs/sealing.py", "datetime.now"): "sealed_at, for the record",
    ("pricing/packs/inputs.py", "datetime.now"): "no row of an archive may lie after today",
    ("pricing/quality/quarantine.py", "datetime.now"): "decided_at, for the record",
    ("pricing/archive/reading.py", "datetime.now"): "what lies in the future is refused; handed in by who knows better",
    ("portfolio/access.py", "timezone.now"): "granted_at, for the record; whether the end that was named is over",
    ("portfolio/models/portfolios.py", "timezone.now"): "whether an access is over",
    ("portfolio/admin.py", "timezone.now"): "the end of an access, so many days from now",
}


def test_verbs_do_not_ask_the_clock_for_the_day():
    """The as-of date is handed in; instants for the record are asked for where a row is written."""
    wrong = [
        f"{path}:{node.lineno} {called(node)}"
        for path, node in calls()
        if path.startswith(("pricing/", "portfolio/"))
        if re.search(r"\bdate\.today$|datetime\.(now|today|utcnow)$|timezone\.now$", called(node))
        if (path, called(node)) not in CLOCKS
    ]

    assert wrong == []


def test_a_day_that_is_sent_as_text_is_read_by_one_rule():
    """`date.fromisoformat` takes 20130301 and 2013-W09-5 as well; `dates.parse` takes YYYY-MM-DD alone, and says so."""
    loose = [
        f"{path}:{node.lineno}"
        for path, tree in sources().items()
        for node in tree
        if isinstance(node, ast.Attribute) and re.fullmatch(r"(\w+\.)?date\.fromisoformat", ast.unparse(node))
    ]

    assert {place.rpartition(":")[0] for place in loose} == {"config/dates.py", "portfolio/ledger/reader.py"}, loose


def test_a_decimal_loses_its_trailing_zeros_at_one_place():
    """By hand it is got wrong at 1E+3, at -0.00, or at more digits than a context keeps."""
    by_hand = [
        f"{path}:{call.lineno}"
        for path, call in calls()
        if (called(call).endswith(".rstrip") and [ast.unparse(each) for each in call.args] == ["'0'"])
        or (called(call) == "format" and call.args and ".normalize(" in ast.unparse(call.args[0]))
    ]
    by_hand += [
        f"{path}:{node.lineno}"
        for path, tree in sources().items()
        for node in tree
        if isinstance(node, ast.FormattedValue) and ".normalize(" in ast.unparse(node.value)
    ]

    assert {place.rpartition(":")[0] for place in by_hand} == {
        "config/decimals.py",
        "execution/night/ledger_reconciliation.py",
    }, by_hand


def test_money_of_the_ledger_is_never_a_float():
    ledger = (
        "portfolio/ledger/",
        "portfolio/books/",
        "portfolio/analytics/booking/",
    )
    wrong = [
        f"{path}:{node.lineno}"
        for path, node in calls()
        if path.startswith(ledger) and called(node) in ("float", "np.float64")
    ]
    wrong += [
        f"{path}:{node.lineno} {node.value}"
        for path, tree in sources().items()
        if path.startswith(ledger) and path != "portfolio/ledger/reader.py"  # its only floats are seconds
        for node in tree
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]

    assert wrong == []


def test_no_column_of_evidence_is_a_float_but_scores_and_durations():
    floats = {
        (path, target.id)
        for path, tree in sources().items()
        if path.endswith("models.py") or "/models/" in path
        for node in tree
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and called(node.value) == "models.FloatField"
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    assert floats == {
        ("execution/models/executions.py", "duration_ms"),
        *(("portfolio/models/economy.py", name) for name in ("score", "margin")),
    }


SIGNALS = {
    "TypeMismatch": "agents.contract: becomes a finding of the linter or a failed step",
    "BadField": "pricing.providers.fields: becomes a refused row",
    "NoSuchPath": "agents.contract: becomes a finding of the linter or a failed step",
    "_FaultError": "execution.exports.bundle_check: becomes a fault of the bundle",
    "NoPanelValueError": "execution.patterns.panel_values: a panel, or a table of an export, that says why it is empty",
    "UnsafeError": "portfolio.ledger.child: becomes a line of its output",
    "UnreadableBody": "pricing.providers.answers: becomes a failure of the provider",
    "UnreadableEntry": "portfolio.ledger.journal: becomes a finding",
    "Undecodable": "portfolio.ledger.importing: becomes a finding",
    "RowRefused": "portfolio.ledger.importing.writing: becomes a finding",
    "UnrankedLots": "portfolio.ledger.importing.shelf: becomes a finding",
}
"""Not errors that a caller meets: each is caught beside where it is raised."""


def test_every_expected_error_is_of_one_family():
    """A class that is raised by name and is no TieoutError would be a 500 without a name."""
    classes = {
        node.name: [ast.unparse(base).split(".")[-1] for base in node.bases]
        for tree in sources().values()
        for node in tree
        if isinstance(node, ast.ClassDef)
    }

    def family(name: str) -> set[str]:
        return {name}.union(*(family(base) for base in classes.get(name, []) if base != name))

    builtin = {"Exception", "ValueError", "KeyError", "RuntimeError", "LookupError"}
    alone = [name for name in classes if family(name) & builtin and "TieoutError" not in family(name)]

    assert set(alone) == set(SIGNALS)


PARTICIPLES = re.compile(
    r"_?(added|asked|chosen|closed|computed|counted|dated|done|drawn|found|given|held|joined|kept|known|listed|made|moved|named"
    r"|opened|ordered|refused|seen|sent|shown|stored|taken|told|used|written)"
)


ON_RECORD = {
    ("config/web_worker.py", "sent"): "gunicorn's response has it",
    ("execution/executor/reproduction.py", "stored"): "a key of the problem different-engine",
}


def bound_names(node: ast.AST) -> Iterator[str]:
    """Of a function, a parameter, a variable, an attribute and an `as`: the name that it binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.Attribute(attr=name, ctx=ast.Store()) | ast.alias(asname=str(name)):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name


def test_nothing_is_named_by_a_participle_alone():
    """It says that something was done, and neither what nor to what. The names of a class's own fields are not looked at: they are
    the paths of results, keys of documents and columns."""
    wrong = []
    for path, tree in sources().items():
        fields = {
            each
            for node in tree
            if isinstance(node, ast.ClassDef)
            for line in node.body
            if isinstance(line, ast.AnnAssign | ast.Assign)
            for each in (line.targets if isinstance(line, ast.Assign) else [line.target])
        }
        names = {each.id for each in fields if isinstance(each, ast.Name)}
        wrong += [
            f"{path}:{getattr(node, 'lineno', '')} {name}"
            for node in tree
            if node not in fields and not (isinstance(node, ast.Attribute) and node.attr in names)
            for name in bound_names(node)
            if PARTICIPLES.fullmatch(name) and (path, name) not in ON_RECORD
        ]

    assert wrong == []


FACES = re.compile(r"execution/(web|terminal)/|\w+/management/|\w+/(tasks|admin|urls)(\.py|/)")
"""Paths of what translates between a caller and one verb: pages, API, problems, commands, tasks, admin."""


@cache
def module_of(name: str) -> str | None:
    """The path of the module that an import of this name loads; None for what is not ours."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        stem = "/".join(parts[:length])
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if path in sources():
                return path
    return None


def test_no_face_is_imported_by_a_verb():
    """What a face calls knows nothing of it."""
    wrong = [
        f"{path}:{line} imports {name}"
        for path in sources()
        if not FACES.match(path) and path != "config/urls.py"
        for line, name in imported(path)
        if FACES.match(module_of(name) or "")
    ]

    assert wrong == []


@cache
def arrows() -> dict[tuple[str, ...], dict[tuple[str, str], str]]:
    """Folder -> the arrows between its parts, each with one import that makes it. A part is a module or a sub-package."""
    found: dict[tuple[str, ...], dict[tuple[str, str], str]] = {}
    for path in sources():
        for line, name in imported(path):
            target = module_of(name)
            if target is None or target == path:
                continue
            ours, theirs = Path(path).with_suffix("").parts, Path(target).with_suffix("").parts
            depth = next(at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other)
            arrow = ours[depth], theirs[depth]
            found.setdefault(ours[:depth], {}).setdefault(arrow, f"{path}:{line} imports {name}")
    return found


def circular(between: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows from whose end a way leads back to their start."""
    after: dict[str, set[str]] = {}
    for start, end in between:
        after.setdefault(start, set()).add(end)

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for part in after.get(waiting.pop(), set()) - seen:
                seen.add(part)
                waiting.append(part)
        return seen

    return {(start, end) for start, parts in after.items() for end in parts if start in reachable(end)}


def test_arrows_between_the_parts_of_a_folder_go_one_way():
    """Neither two sub-packages nor two modules need each other, also by way of others, and not even lazily."""
    wrong = {
        "/".join(folder) or "the project": sorted(between[arrow] for arrow in circular(between))
        for folder, between in arrows().items()
        if circular(between)
    }

    assert wrong == {}


def test_a_sub_package_imports_only_those_that_its_row_lets_it():
    """The rows of docs/architecture.md."""
    packages = {room: {Path(path).parts[1] for path in sources() if re.match(rf"{room}/\w+/", path)} for room in INSIDE}
    wrong = {
        f"{room}/{start} imports {end}: {why}"
        for room, row in INSIDE.items()
        for (start, end), why in arrows()[room,].items()
        if start in row and end in row and end not in row[start]
    }

    assert wrong == set()
    assert {room: names - {"management"} for room, names in packages.items()} == {
        room: set(row) for room, row in INSIDE.items()
    }


def test_a_way_back_is_found_over_any_number_of_parts():
    assert circular({("a", "b"), ("b", "c")}) == set()
    assert circular({("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")}) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_one_place_makes_packs():
    """Two builders would make packs of different content under the same names."""
    models = re.compile(r"(?:^|\.)(Pricing)?Pack(Content|Price|Rate|Observation|Action)?(\.objects\.\w*create)?$")
    writes = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM|TRUNCATE)\s+(pricing_pack|pricing_pricingpack)|\bCOPY\s+$")
    found = {path for path, node in calls() if models.search(called(node)) and called(node) != "Pack"}
    found |= {
        path
        for path, tree in sources().items()
        for node in tree
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and writes.search(node.value)
    }

    assert found == {"pricing/packs/sealing.py"}


def test_a_capability_that_reaches_a_provider_names_it_and_one_place_calls_it_by_asking_first():
    """The runtime asks the rights before it calls a provider, and refuses where its caller hands it nobody to ask."""
    reaching = {
        path
        for path in sources()
        if path.startswith("agents/") and any(inside(name, {"pricing.providers"}) for _, name in imported(path))
    }
    silent = {
        path
        for path, node in calls()
        if path in reaching
        and called(node).endswith("capability")
        and "provider" not in {each.arg for each in node.keywords}
    }
    asking = {path for path, node in calls() if "permit" in {each.arg for each in node.keywords}}

    assert silent == set()
    assert asking == {"execution/executor/orchestrator.py"}


def test_chance_decides_nothing_but_how_long_to_wait_and_the_paths_of_a_seed():
    """A figure that is missing is missing; none is drawn. A simulation is a function of its seed. Keys and words to log in with
    are `secrets`'."""
    random = {path for path in sources() for _, name in imported(path) if inside(name, {"random", "numpy.random"})}
    random |= {path for path, node in calls() if re.search(r"\brandom\.|default_rng|\.shuffle|urandom", called(node))}

    assert random == {"pricing/providers/http.py", "portfolio/analytics/macro/drawdown_at_risk.py"}

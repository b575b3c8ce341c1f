import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest

import agents
from agents import contract, registry
from agents.registry import ArgumentsInvalid, BadCapability, Registry, UnknownCapability
from agents.result import RequestContext, Result

A_UUID = UUID("5d8d5f0e-5c0f-4a2e-9f53-0c1c3a7c1a11")


@dataclass(frozen=True)
class Position:
    symbol: str
    quantity: Decimal


@dataclass(frozen=True)
class Positions:
    positions: tuple[Position, ...]
    by_symbol: Mapping[str, Position]
    note: str | None
    more: Any


@pytest.fixture
def offered():
    own = Registry()

    @own.capability("ledger.positions", agent="financial_analyst")
    def positions(ctx: RequestContext, *, portfolio_id: UUID, asof_date: date | None = None) -> Result[Positions]:
        """What is held.

        And more.
        """
        raise NotImplementedError

    return own


def test_a_signature_is_the_contract(offered):
    cap = offered.get("ledger.positions")

    assert registry.arguments(cap) == {"portfolio_id": (UUID, True), "asof_date": (date | None, False)}
    assert (cap.agent, cap.recorded, cap.summary) == ("financial_analyst", False, "What is held.")


def test_one_that_calls_a_provider_is_recorded():
    own = Registry()

    @own.capability("news.read", agent="reader", provider="newsapi")
    def read(ctx: RequestContext) -> Result[dict[str, str]]:
        raise NotImplementedError

    assert (own.get("news.read").recorded, own.get("news.read").provider) == (True, "newsapi")
    with pytest.raises(BadCapability, match="must name the provider"):
        own.capability("news.silent", agent="reader", reads_as_model=True)(read)


def test_the_paths_of_a_result_go_through_fields_elements_and_keys(offered):
    found = registry.result_paths(offered.get("ledger.positions"))

    assert set(found) == {
        *("positions", "positions.*", "positions.*.symbol", "positions.*.quantity"),
        *("by_symbol", "by_symbol.*", "by_symbol.*.symbol", "by_symbol.*.quantity"),
        *("note", "more"),
    }
    assert found["positions.*.quantity"] is Decimal


def test_a_second_function_under_one_name_is_refused(offered):
    def other(ctx: RequestContext) -> Result[dict[str, Any]]:
        raise NotImplementedError

    with pytest.raises(BadCapability, match="already offered by financial_analyst"):
        offered.capability("ledger.positions", agent="other")(other)


def test_an_unknown_name_tells_near_ones(offered):
    with pytest.raises(UnknownCapability) as unknown:
        offered.get("ledger.position")

    assert unknown.value.near == ("ledger.positions",)


def no_annotation(ctx: RequestContext, *, x) -> Result[dict[str, Any]]:
    raise NotImplementedError


def positional(ctx: RequestContext, x: int) -> Result[dict[str, Any]]:
    raise NotImplementedError


def gathering(ctx: RequestContext, **x: int) -> Result[dict[str, Any]]:
    raise NotImplementedError


def no_return(ctx: RequestContext):
    raise NotImplementedError


def bare_return(ctx: RequestContext) -> dict[str, Any]:
    raise NotImplementedError


@dataclass
class Changeable:
    symbol: str


def changeable_return(ctx: RequestContext) -> Result[Changeable]:
    raise NotImplementedError


def no_context() -> Result[dict[str, Any]]:
    raise NotImplementedError


def unreadable(ctx: RequestContext, *, x: "Nowhere") -> Result[dict[str, Any]]:  # type: ignore[name-defined]  # noqa: F821
    raise NotImplementedError


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (no_annotation, "x has no annotation"),
        (positional, "x must be keyword-only"),
        (gathering, "x must be keyword-only"),
        (no_return, "must be annotated to return"),
        (bare_return, "must be annotated to return"),
        (changeable_return, "Changeable, which it returns, must be a frozen dataclass"),
        (no_context, "first parameter is the request context"),
        (unreadable, "annotation can't be read"),
    ],
)
def test_a_signature_that_leaves_something_unsaid_is_refused_at_import(function, reason):
    with pytest.raises(BadCapability, match=reason):
        Registry().capability("x.y", agent="a")(function)


def test_every_module_of_an_agents_package_is_imported_by_it():
    packages = [import_module(f"agents.{each.name}") for each in pkgutil.iter_modules(agents.__path__) if each.ispkg]
    offering = [package for package in packages if package.__name__ != "agents.tests"]

    forgotten = {
        f"{package.__name__}.{module.name}"
        for package in offering
        for module in pkgutil.iter_modules(package.__path__)
        if module.name not in package.__all__
    }

    assert offering
    assert forgotten == set()


def test_arguments_are_bound_with_canonical_strings_made_dates_and_uuids(offered):
    bound = registry.bind(offered.get("ledger.positions"), {"portfolio_id": str(A_UUID), "asof_date": "2013-03-01"})

    assert bound == {"portfolio_id": A_UUID, "asof_date": date(2013, 3, 1)}


def test_all_findings_about_arguments_are_told_at_once(offered):
    with pytest.raises(ArgumentsInvalid) as invalid:
        registry.bind(offered.get("ledger.positions"), {"asof_date": "yesterday", "pack": 1})

    assert dict(invalid.value.findings) == {
        "pack": "unknown argument",
        "portfolio_id": "missing",
        "asof_date": "'yesterday' where a date is needed",
    }


@pytest.mark.parametrize(
    ("value", "declared", "fitted"),
    [
        (1, int, 1),
        (1, float, 1.0),
        ("1.50", Decimal, Decimal("1.50")),
        (None, int | None, None),
        ([1, 2], tuple[int, ...], (1, 2)),
        (["2013-03-01"], list[date], [date(2013, 3, 1)]),
        ("FIFO", Literal["FIFO", "LIFO"], "FIFO"),
        ({"a": object}, Any, {"a": object}),
        (3, Annotated[int, "unit"], 3),
        ("text", str | int, "text"),
    ],
)
def test_a_value_fits(value, declared, fitted):
    assert contract.fit(value, declared) == fitted


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        (True, int),
        (True, float),
        (1, bool),
        (1.0, int),
        ("1", int),
        (None, int),
        (float("nan"), float),
        ("NaN", Decimal),
        ("abc", tuple[str, ...]),
        ("AVERAGE", Literal["FIFO", "LIFO"]),
        (1, Literal[True]),
        ("20130301", date),
        ({"symbol": "A"}, Position),
        (["x"], list[date]),
    ],
)
def test_a_value_does_not_fit(value, declared):
    with pytest.raises(contract.TypeMismatch):
        contract.fit(value, declared)


def test_an_object_that_fits_is_passed_on_as_itself():
    held = Positions((), {}, None, None)
    dates = [date(2013, 3, 1)]

    assert contract.fit(held, Positions) is held
    assert contract.fit(dates, list[date]) is dates


@pytest.mark.parametrize(
    ("given", "declared", "possible"),
    [
        (int, float, True),
        (bool, int, False),
        (str, date, True),
        (str, int, False),
        (int | None, int, True),
        (list[str], list[int], False),
        (list[str], tuple[str, ...], True),
        (Position, Positions, False),
        (Any, Positions, True),
        (Mapping[str, Any], dict, True),
        (dict, Position, False),
        (Literal["a"], Literal["b"], False),
        (str, Literal["b"], True),
        (str, tuple[str, ...], False),
    ],
)
def test_only_what_can_never_fit_is_told_to_be_of_the_wrong_type(given, declared, possible):
    assert contract.assignable(given, declared) is possible


@pytest.mark.parametrize("path", ["positions.0.symbol", "by_symbol.AAPL.quantity", "note", "more.any.thing"])
def test_a_declared_path_is_found(path):
    contract.type_at(Positions, path.split("."))


@pytest.mark.parametrize(
    "path", ["twr", "positions.symbol", "positions.0.price", "note.x", "__class__", "positions.-1"]
)
def test_an_undeclared_path_is_not(path):
    with pytest.raises(contract.NoSuchPath):
        contract.type_at(Positions, path.split("."))

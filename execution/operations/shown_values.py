"""May stored figures be shown? The night's values and comparisons pass here, as results pass the rights when served."""

from collections.abc import Iterable
from uuid import UUID

from compliance import rights
from portfolio.books.value_sources import value_sources

Pair = tuple[UUID, str]


def find_withheld(pairs: Iterable[Pair]) -> dict[Pair, tuple[str, ...]]:
    """(portfolio, pack id) -> the sources that keep its figures back; what may be shown is absent."""
    by_name = {
        f"{portfolio} {pack}": ((portfolio, pack), codes) for (portfolio, pack), codes in value_sources(pairs).items()
    }
    decision = rights.decide_outputs({name: codes for name, (_, codes) in by_name.items()})
    return {by_name[name][0]: refusing for name, refusing in decision.withheld.items()}


def find_denied(sources: Iterable[str]) -> frozenset[str]:
    """Those of the sources whose rows may not be shown."""
    return frozenset(rights.decide_outputs({code: (code,) for code in sources}).withheld)


def explain(refusing: Iterable[str]) -> str:
    """Why a figure is not shown."""
    return f"the terms of {', '.join(refusing)} do not allow to show it"

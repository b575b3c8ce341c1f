"""What providers call our securities, and where what they say now differs from what we hold. Nothing is changed here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal

from config.errors import TieoutError
from pricing.archive.contents import ArchiveReading
from pricing.models import Security, SecurityAlias, SymbolOverride


class SymbolUnknown(TieoutError):
    """Nobody has said what a provider's symbol means on that day."""

    def __init__(self, provider: str, symbol: str, asof_date: date) -> None:
        super().__init__(f"{provider} has no symbol {symbol} on {asof_date}")
        self.provider, self.symbol, self.asof_date = provider, symbol, asof_date


@dataclass(frozen=True, slots=True)
class Listing:
    """A security as a provider lists it today, or as we hold it."""

    provider: str
    symbol: str
    name: str
    currency: str
    exchange: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a provider's symbol is held to be."""

    provider: str
    symbol: str
    security: str  # our symbol
    decided: bool  # by an override


@dataclass(frozen=True, slots=True)
class Difference:
    """`unknown`: listed and held to be nothing; `gone`: held, not listed; `renamed`: listed, and looks like one that is gone;
    `changed`: another name, currency or exchange than ours, so perhaps a symbol used again."""

    kind: Literal["unknown", "gone", "renamed", "changed"]
    provider: str
    symbol: str
    security: str
    detail: str


def find_differences(
    listed: Iterable[Listing], meanings: Iterable[Meaning], securities: Mapping[str, Listing]
) -> list[Difference]:
    """Pure. Where a provider's listing is not what we hold, by provider and symbol.

    meanings    of the providers that `listed` speaks for, on the day of the listing
    securities  our symbol -> what we hold of it
    """
    now = {(each.provider, each.symbol): each for each in listed}
    held = {(each.provider, each.symbol): each for each in meanings}
    found = []
    explained: set[tuple[str, str]] = set()
    for place in sorted(held.keys() - now.keys()):
        ours = securities[held[place].security]
        likely = [
            other
            for other in sorted(now)
            if other[0] == place[0]
            and other not in explained
            and not (other in held and held[other].decided)
            and _alike(ours, now[other])
        ]
        if likely:
            explained.add(likely[0])
            detail = f"{place[1]} is gone, and this has its name, currency and exchange"
            found.append(Difference("renamed", *likely[0], held[place].security, detail))
        else:
            found.append(Difference("gone", *place, held[place].security, "no longer listed"))
    for place in sorted(now.keys() - held.keys() - explained):
        found.append(Difference("unknown", *place, "", f"{now[place].name}: no security is held to be it"))
    for place in sorted(now.keys() & held.keys()):
        meaning = held[place]
        if not meaning.decided and (detail := _changes(securities[meaning.security], now[place])):
            found.append(Difference("changed", *place, meaning.security, detail))
    return sorted(found, key=lambda each: (each.provider, each.symbol, each.kind))


def _alike(one: Listing, other: Listing) -> bool:
    return (one.name, one.currency, one.exchange) == (other.name, other.currency, other.exchange)


def _changes(ours: Listing, theirs: Listing) -> str:
    changed = [
        f"{name} is {getattr(ours, name)!r} here, {getattr(theirs, name)!r} there"
        for name in ("name", "currency", "exchange")
        if getattr(ours, name) != getattr(theirs, name)
    ]
    return "; ".join(changed)


def resolve(*, provider: str, symbol: str, asof_date: date) -> Security:
    """The security that a provider's symbol means on a day: by override, else by alias, else by our own symbol.

    Our own symbol counts only where the provider's symbol has no alias at any time: one that is used again needs to be said.
    Raises SymbolUnknown.
    """
    for model in (SymbolOverride, SecurityAlias):
        rows = model.objects.filter(provider=provider, symbol=symbol).select_related("security")
        for row in rows:
            if row.valid_from <= asof_date and (row.valid_to is None or asof_date <= row.valid_to):
                return row.security
    spoken_for = SecurityAlias.objects.filter(provider=provider, symbol=symbol).exists()
    security = None if spoken_for else Security.objects.filter(symbol=symbol).first()
    if security is None:
        raise SymbolUnknown(provider, symbol, asof_date)
    return security


def symbol_at(*, provider: str, security: Security, asof_date: date) -> str:
    """What to call a security when asking a provider about a day."""
    for model in (SymbolOverride, SecurityAlias):
        for row in model.objects.filter(provider=provider, security=security).order_by("-valid_from"):
            if row.valid_from <= asof_date and (row.valid_to is None or asof_date <= row.valid_to):
                return row.symbol
    return security.symbol


def report(reading: ArchiveReading) -> list[dict[str, Any]]:
    """The differences between a loaded archive and what we hold, as they stand in a night's record."""
    listed = [Listing(row.source, row.symbol, row.name, row.currency, row.exchange) for row in reading.securities]
    providers = sorted({each.provider for each in listed})
    on, there = reading.archive_end, {each.symbol for each in listed}
    rows = [
        row
        for row in Security.objects.filter(source__in=providers)
        if row.symbol in there or row.last_date is None or row.last_date >= on  # who left is not missed
    ]
    ours = {row.symbol: Listing(row.source, row.symbol, row.name, row.currency, row.exchange) for row in rows}
    found = find_differences(listed, _meanings(providers, ours.values(), on), ours | _others(providers))
    return [asdict(each) for each in found]


def _others(providers: Sequence[str]) -> dict[str, Listing]:
    """Securities of other sources that aliases or overrides of these providers mean."""
    rows = [
        row.security
        for model in (SymbolOverride, SecurityAlias)
        for row in model.objects.filter(provider__in=providers).select_related("security")
    ]
    return {row.symbol: Listing(row.source, row.symbol, row.name, row.currency, row.exchange) for row in rows}


def _meanings(providers: Sequence[str], ours: Iterable[Listing], on: date) -> list[Meaning]:
    """Overrides before aliases before our own symbols. What an alias or an override calls otherwise is not looked for twice."""
    found: dict[tuple[str, str], Meaning] = {}
    called: set[tuple[str, str]] = set()
    for model, decided in ((SymbolOverride, True), (SecurityAlias, False)):
        for row in model.objects.filter(provider__in=providers).select_related("security"):
            if row.valid_from <= on and (row.valid_to is None or on <= row.valid_to):
                found.setdefault(
                    (row.provider, row.symbol), Meaning(row.provider, row.symbol, row.security.symbol, decided)
                )
                called.add((row.provider, row.security.symbol))
    for each in ours:
        if (each.provider, each.symbol) not in called:
            found.setdefault((each.provider, each.symbol), Meaning(each.provider, each.symbol, each.symbol, False))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class SymbolSpan:
    """From `first` to `last` a provider calls a security `symbol`; None: nobody has said which symbol it uses."""

    symbol: str | None
    first: date
    last: date


def symbol_spans(
    *, provider: str, securities: Sequence[Security], first: date, last: date
) -> dict[int, list[SymbolSpan]]:
    """By security, what to call it when asking a provider about each day of a span: rising, without gaps.

    As `symbol_at` says, and only where `resolve` would lead back to the same security.
    """
    overrides = list(SymbolOverride.objects.filter(provider=provider).order_by("-valid_from"))
    aliases = list(SecurityAlias.objects.filter(provider=provider).order_by("-valid_from"))
    said: tuple[Sequence[SymbolOverride | SecurityAlias], ...] = (overrides, aliases)
    begins = {first}
    for row in (row for rows in said for row in rows):
        begins |= {row.valid_from} | ({row.valid_to + timedelta(days=1)} if row.valid_to else set())
    days = sorted(day for day in begins if first <= day <= last)
    spoken_for = {row.symbol for row in aliases}
    found: dict[int, list[SymbolSpan]] = {security.pk: [] for security in securities}
    for day, end in zip(days, [*(day - timedelta(days=1) for day in days[1:]), last], strict=True):
        valid = [
            [row for row in rows if row.valid_from <= day and (row.valid_to is None or day <= row.valid_to)]
            for rows in said
        ]
        means = {row.symbol: row.security_id for rows in reversed(valid) for row in reversed(rows)}
        names = {row.security_id: row.symbol for rows in reversed(valid) for row in reversed(rows)}
        for security in securities:
            symbol = names.get(security.pk) or (None if security.symbol in spoken_for else security.symbol)
            if symbol is not None and means.get(symbol, security.pk) != security.pk:
                symbol = None
            spans = found[security.pk]
            if spans and spans[-1].symbol == symbol:
                spans[-1] = SymbolSpan(symbol, spans[-1].first, end)
            else:
                spans.append(SymbolSpan(symbol, day, end))
    return found

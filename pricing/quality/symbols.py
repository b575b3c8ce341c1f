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
    """The security that a provider's symbol stands for."""

    provider: str
    symbol: str
    security: str  # our symbol
    decided: bool  # by an override


@dataclass(frozen=True, slots=True)
class Difference:
    """`unknown`: listed, and stands for no security; `gone`: ours, not listed; `renamed`: listed, and looks like one that is gone;
    `changed`: another name, currency or exchange than ours, so perhaps a symbol used again."""

    kind: Literal["unknown", "gone", "renamed", "changed"]
    provider: str
    symbol: str
    security: str
    detail: str


def find_differences(
    listings: Iterable[Listing], meanings: Iterable[Meaning], securities: Mapping[str, Listing]
) -> list[Difference]:
    """Pure. Where a provider's listing is not what we hold, by provider and symbol.

    meanings    of the providers that `listings` speaks for, on the day of the listing
    securities  our symbol -> what we hold of it
    """
    listing_of = {(each.provider, each.symbol): each for each in listings}
    meaning_of = {(each.provider, each.symbol): each for each in meanings}
    differences = []
    explained: set[tuple[str, str]] = set()
    for name in sorted(meaning_of.keys() - listing_of.keys()):
        ours = securities[meaning_of[name].security]
        likely = [
            other
            for other in sorted(listing_of)
            if other[0] == name[0]
            and other not in explained
            and not (other in meaning_of and meaning_of[other].decided)
            and _alike(ours, listing_of[other])
        ]
        if likely:
            explained.add(likely[0])
            detail = f"{name[1]} is gone, and this has its name, currency and exchange"
            differences.append(Difference("renamed", *likely[0], meaning_of[name].security, detail))
        else:
            differences.append(Difference("gone", *name, meaning_of[name].security, "no longer listed"))
    for name in sorted(listing_of.keys() - meaning_of.keys() - explained):
        differences.append(Difference("unknown", *name, "", f"{listing_of[name].name}: no security is held to be it"))
    for name in sorted(listing_of.keys() & meaning_of.keys()):
        meaning = meaning_of[name]
        if not meaning.decided and (detail := _changes(securities[meaning.security], listing_of[name])):
            differences.append(Difference("changed", *name, meaning.security, detail))
    return sorted(differences, key=lambda each: (each.provider, each.symbol, each.kind))


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
    listings = [Listing(row.source, row.symbol, row.name, row.currency, row.exchange) for row in reading.securities]
    providers = sorted({each.provider for each in listings})
    on, listed_symbols = reading.archive_end, {each.symbol for each in listings}
    rows = [
        row
        for row in Security.objects.filter(source__in=providers)
        if row.symbol in listed_symbols or row.last_date is None or row.last_date >= on  # who left is not missed
    ]
    own = {row.symbol: Listing(row.source, row.symbol, row.name, row.currency, row.exchange) for row in rows}
    differences = find_differences(listings, _meanings(providers, own.values(), on), own | _others(providers))
    return [asdict(each) for each in differences]


def _others(providers: Sequence[str]) -> dict[str, Listing]:
    """Securities of other sources that aliases or overrides of these providers mean."""
    rows = [
        row.security
        for model in (SymbolOverride, SecurityAlias)
        for row in model.objects.filter(provider__in=providers).select_related("security")
    ]
    return {row.symbol: Listing(row.source, row.symbol, row.name, row.currency, row.exchange) for row in rows}


def _meanings(providers: Sequence[str], own: Iterable[Listing], on: date) -> list[Meaning]:
    """Overrides before aliases before our own symbols. What an alias or an override calls otherwise is not looked for twice."""
    meanings: dict[tuple[str, str], Meaning] = {}
    spoken_for: set[tuple[str, str]] = set()
    for model, decided in ((SymbolOverride, True), (SecurityAlias, False)):
        for row in model.objects.filter(provider__in=providers).select_related("security"):
            if row.valid_from <= on and (row.valid_to is None or on <= row.valid_to):
                meanings.setdefault(
                    (row.provider, row.symbol), Meaning(row.provider, row.symbol, row.security.symbol, decided)
                )
                spoken_for.add((row.provider, row.security.symbol))
    for each in own:
        if (each.provider, each.symbol) not in spoken_for:
            meanings.setdefault((each.provider, each.symbol), Meaning(each.provider, each.symbol, each.symbol, False))
    return list(meanings.values())


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
    decided: tuple[Sequence[SymbolOverride | SecurityAlias], ...] = (overrides, aliases)
    begins = {first}
    for row in (row for rows in decided for row in rows):
        begins |= {row.valid_from} | ({row.valid_to + timedelta(days=1)} if row.valid_to else set())
    days = sorted(day for day in begins if first <= day <= last)
    spoken_for = {row.symbol for row in aliases}
    spans_of: dict[int, list[SymbolSpan]] = {security.pk: [] for security in securities}
    for day, end in zip(days, [*(day - timedelta(days=1) for day in days[1:]), last], strict=True):
        valid = [
            [row for row in rows if row.valid_from <= day and (row.valid_to is None or day <= row.valid_to)]
            for rows in decided
        ]
        means = {row.symbol: row.security_id for rows in reversed(valid) for row in reversed(rows)}
        names = {row.security_id: row.symbol for rows in reversed(valid) for row in reversed(rows)}
        for security in securities:
            symbol = names.get(security.pk) or (None if security.symbol in spoken_for else security.symbol)
            if symbol is not None and means.get(symbol, security.pk) != security.pk:
                symbol = None
            spans = spans_of[security.pk]
            if spans and spans[-1].symbol == symbol:
                spans[-1] = SymbolSpan(symbol, spans[-1].first, end)
            else:
                spans.append(SymbolSpan(symbol, day, end))
    return spans_of

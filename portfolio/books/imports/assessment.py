"""What the ledger as a whole says of an import that could be taken in: notes, breaks, missing prices, cash below zero."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from portfolio.books import cash_shortfalls, preflight, revision_rows
from portfolio.books.book import Book
from portfolio.books.cash_shortfalls import Shortfall
from portfolio.books.imports import row_findings, statements
from portfolio.books.imports.candidate import Candidate, Prepared
from portfolio.books.imports.previews import money
from portfolio.books.ledger_reading import Reading
from portfolio.ledger.importing import near_names
from portfolio.ledger.importing.accounts import Accounts, is_path
from portfolio.ledger.importing.rows import Balance, RowFinding
from portfolio.ledger.journal import LedgerTransaction


def assess(candidate: Candidate) -> Prepared:
    """The import prepared, with everything there is to say of it; once more with deposits, where they are to be inferred."""
    prepared = candidate.prepare()
    reading, notes = prepared.reading, list[str]()
    if reading is None:
        return prepared
    if not prepared.preview.is_good:
        unvalued = _find_unvalued(candidate, prepared, reading)
        return Prepared(row_findings.with_more(prepared.preview, unvalued))
    shortfalls = _find_shortfalls(candidate, reading)
    if shortfalls and candidate.choices.infer_deposits:
        prepared = candidate.prepare(list(dict.fromkeys(each.account for each in shortfalls)))
        reading = prepared.reading
        if reading is None:
            return prepared
        notes.append(f"deposits of {_inferred_deposits(reading)} in all are inferred")
        shortfalls = _find_shortfalls(candidate, reading)
    return _complete(candidate, prepared, reading, shortfalls, notes)


def _complete(
    candidate: Candidate,
    prepared: Prepared,
    reading: Reading,
    shortfalls: tuple[Shortfall, ...],
    deposit_notes: Iterable[str],
) -> Prepared:
    if unvalued := _find_unvalued(candidate, prepared, reading):
        return Prepared(row_findings.with_more(prepared.preview, unvalued))
    events = _events(prepared, reading)
    notes = [*deposit_notes, *prepared.written.notes, *_find_other_balances(candidate, reading)]
    if shortfalls and not candidate.choices.infer_deposits:
        notes.append(
            "the file brings less money than it spends: its deposits can be inferred, or the account marked margin"
        )
    breaks = preflight.find_breaks(candidate.portfolio, reading)
    notes += preflight.find_split_hints(candidate.portfolio, breaks)
    accounts = candidate.accounts
    notes += _find_near_names(candidate, prepared)
    preview = replace(
        prepared.preview,
        notes=tuple(dict.fromkeys(notes)),
        lacks=preflight.find_lacks(candidate.portfolio, reading, events),
        breaks=tuple(map(str, breaks)),
        shortfalls=shortfalls,
        accounts=accounts.accounts_by_name(row.account for row in candidate.rows),
        labels={each.account: accounts.name_of(each.account) for each in shortfalls},
        book=_book(candidate, reading),
    )
    return replace(prepared, preview=preview)


def _events(prepared: Prepared, reading: Reading) -> list[LedgerTransaction]:
    """The events of the file's own entries."""
    return [event for event in reading.transactions if event.file == prepared.path]


def _find_unvalued(candidate: Candidate, prepared: Prepared, reading: Reading) -> list[RowFinding]:
    """Rows that bring or take in kind what has no price on their day."""
    why = "can't be valued on that day, which a transfer from or to outside has to be"
    findings = []
    for event, missing in preflight.find_unvalued(candidate.portfolio, _events(prepared, reading)):
        row = prepared.written.row_at(event.line)
        findings.append(RowFinding(row.row if row else 0, "symbol", why, missing, event.symbol or ""))
    return findings


def _find_near_names(candidate: Candidate, prepared: Prepared) -> Iterator[str]:
    """Columns that are not read and accounts that are new, whose names are nearly those of others."""
    yield from near_names.describe_unread_columns(prepared.preview.ignored, candidate.file.absent)
    before = Accounts(candidate.texts)
    roots = {statements.root_of(account) for account in before.commodities_of if account.startswith("Assets:")}
    new_names = [name for row in prepared.preview.added for name in (row.account, row.to_account) if not is_path(name)]
    yield from near_names.describe_new_accounts(new_names, {before.name_of(root) for root in roots})


def _book(candidate: Candidate, reading: Reading) -> Book:
    """The portfolio's book with the file in it, as it would be stored and loaded again."""
    portfolio = candidate.portfolio
    return Book(
        portfolio.pk,
        portfolio.base_currency,
        portfolio.flow_timing,
        events=tuple(event for event, _ in revision_rows.events(reading)),
        lots=reading.history.lots,
        matches=reading.history.matches,
        accrual=portfolio.accrual,
        **reading.settings.as_dict(),
    )


def _inferred_deposits(reading: Reading) -> str:
    totals: dict[str, Decimal] = {}
    for event in reading.transactions:
        if event.inferred:
            totals[event.currency] = totals.get(event.currency, Decimal(0)) + event.amount
    return ", ".join(f"{money(amount)} {currency}" for currency, amount in sorted(totals.items()))


def _find_shortfalls(candidate: Candidate, reading: Reading) -> tuple[Shortfall, ...]:
    """Cash below zero in accounts that the file moves money in."""
    rows, accounts = candidate.rows, candidate.accounts
    accounts_of_file = {accounts.root(name) for row in rows for name in (row.account, row.to_account) if not row.text}
    if any(row.text for row in rows):
        accounts_of_file |= {each.account for each in cash_shortfalls.find_shortfalls(reading.transactions)}
    shortfalls = cash_shortfalls.find_shortfalls(reading.transactions, margin=candidate.all_margin)
    return tuple(each for each in shortfalls if each.account in accounts_of_file)


def _find_other_balances(candidate: Candidate, reading: Reading) -> Iterator[str]:
    """Balances that the file states and its rows do not come to."""
    cash = cash_shortfalls.cash_by_day(reading.transactions)
    newest: dict[tuple[str, str], Balance] = {}
    for balance in candidate.file.balances:
        newest.setdefault((balance.account, balance.currency), balance)
    for balance in newest.values():
        root = candidate.accounts.root(balance.account)
        days = cash.get((f"{root}:Cash:{balance.currency}", balance.currency), {})
        until = [amount for day, amount in days.items() if balance.date is None or day <= balance.date]
        booked = until[-1] if until else Decimal(0)
        if abs(booked - balance.amount) > Decimal("0.01"):
            yield (
                f"the file says that {balance.account or 'its account'} holds {money(balance.amount)} {balance.currency};"
                f" what is booked comes to {money(booked)} {balance.currency}"
            )

"""Ledgers of the cases, in Beancount."""

NAMED_SALE = "{EUR}"
"""A sale for money of another currency than was paid: the currency of the cost alone, and no price (docs/transactions.md)."""


def opened(base: str, *symbols: str, currencies: tuple[str, ...] = (), method: str = '"FIFO"') -> str:
    """The head of a ledger: its accounts for cash and each symbol, all open from the beginning."""
    cash = dict.fromkeys((base, *currencies))
    return "\n".join(
        [
            'option "title" "case"',
            f'option "operating_currency" "{base}"',
            'option "booking_method" "FIFO"',
            'option "inferred_tolerance_default" "*:0.005"',
            *(f"1970-01-01 open Assets:Broker:Cash:{currency} {currency}" for currency in cash),
            *(f"1970-01-01 open Assets:Broker:{symbol} {symbol} {method}" for symbol in symbols),
            "1970-01-01 open Equity:External",
            "1970-01-01 open Expenses:Commission",
            "1970-01-01 open Income:Realised",
            "1970-01-01 open Income:Dividends",
            "",
        ]
    )

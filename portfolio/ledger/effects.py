"""What each kind of transaction does to cash, quantity, cost basis and external flow: one table, for the docs and the tests.

`python -m portfolio.ledger.effects` prints it as docs/transactions.md holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .journal import Kind


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind does: `+` more, `-` less, `0` untouched, `+-` either; for a second security after a slash.

    cost      of all open lots, with the fees of purchases in it
    external  what crosses the portfolio's border, which no return is made of
    """

    cash: str
    quantity: str
    cost: str
    external: str
    remark: str


EFFECTS: Final[Mapping[Kind, Effect]] = {
    "buy": Effect("-", "+", "+", "0", "opens a lot: price in its cost, fee too unless the portfolio keeps fees apart"),
    "sell": Effect("+", "-", "-", "0", "closes lots; realises proceeds less fee less their cost; cash in lieu is one"),
    "deposit": Effect("+", "0", "0", "+", "money from outside"),
    "withdrawal": Effect("-", "0", "0", "-", "money to outside"),
    "transfer_in": Effect(
        "0", "+", "+", "+", "lots from outside, each with its own day and cost; worth the day's close"
    ),
    "transfer_out": Effect("0", "-", "-", "-", "lots to outside, without a gain; worth the day's close"),
    "transfer": Effect("0", "0", "0", "0", "cash or lots between own accounts; a lot keeps day, cost and rate"),
    "dividend": Effect(
        "+",
        "0",
        "0",
        "0",
        "gross less withholding less fee, at the pay-date rate; a receivable from ex-date; taken back: -",
    ),
    "reinvested_dividend": Effect(
        "0", "+", "+", "0", "income and a purchase at once: gross is quantity x price + withholding"
    ),
    "interest": Effect("+", "0", "0", "0", "gross less withholding; what is charged is -"),
    "fee": Effect(
        "-",
        "0",
        "0",
        "0",
        "of a kind: management and custody are added back to gross returns, others are not; a refund is +",
    ),
    "outside_fee": Effect(
        "0", "0", "0", "0", "a fee that the owner pays from elsewhere: the value stays, the return is less by it"
    ),
    "tax": Effect("-", "0", "0", "0", "tax that no transaction carries itself; what is reclaimed is +"),
    "fx": Effect("+-", "0", "0", "0", "one currency more, one less, at the deal's own rate"),
    "split": Effect(
        "0", "+-", "0", "0", "every lot's quantity x ratio, its cost unchanged; a reverse split has a ratio below 1"
    ),
    "spin_off": Effect(
        "0", "0 / +", "0", "0", "every lot gives a share of its cost, by first-day values, to a lot of the new one"
    ),
    "merger": Effect(
        "0", "- / +", "0", "0", "every lot goes on under another symbol; a change of symbol is one with ratio 1"
    ),
    "return_of_capital": Effect(
        "+", "0", "-", "0", "cash takes the place of cost, lot by lot; what exceeds it is realised gain"
    ),
}


def as_markdown() -> str:
    """The table as Markdown."""
    rows = [
        f"| `{kind}` | {each.cash} | {each.quantity} | {each.cost} | {each.external} | {each.remark} |"
        for kind, each in EFFECTS.items()
    ]
    head = "| kind | cash | quantity | cost basis | external flow | |\n| --- | --- | --- | --- | --- | --- |"
    return "\n".join([head, *rows]).replace("+-", "±").replace(" - ", " − ") + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")

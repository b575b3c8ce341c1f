"""What every format is read into."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Day  # noqa: N812  # a field is named date
from decimal import Decimal
from hashlib import sha256
from typing import Final, Literal, Protocol, TypeAlias, get_args

from config.decimals import trimmed

RowKind: TypeAlias = Literal[
    "buy",
    "sell",
    "deposit",
    "withdrawal",
    "transfer_in",
    "transfer_out",
    "transfer",
    "dividend",
    "reinvested_dividend",
    "interest",
    "fee",
    "tax",
    "fx",
    "split",
    "spin_off",
    "merger",
    "symbol_change",
    "return_of_capital",
    "cash_in_lieu",
]
KINDS: Final[tuple[str, ...]] = get_args(RowKind)
MAX_BYTES: Final = 10 * 1024 * 1024
MAX_ROWS: Final = 100_000
MAX_FINDINGS: Final = 100
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One transaction of a file. Numbers are >= 0: the kind gives the direction. Amounts are in `currency`.

    row         where it stands: the line of a text file, the number of the activity in JSON
    whole       the quantity is `all`: whatever is held then
    amount      gross, before fee and tax; what was paid, where quantity and unit_price are given too
    fx_rate     base currency of the portfolio per 1 `currency`, on the day; fx_acquired on the day `acquired`
    symbol      fx: the currency that `currency` was bought with; counter_amount how much of it
    ratio       new units per old
    cost        transfer_in: what the units cost in all, on the day `acquired`
    to_account  transfer: the portfolio's other account, that the cash or the securities go to, on `to_date` where that is later
    lot         name of the lot that is opened, or of the one to take from
    text        Beancount: the entry as it is written, which is kept to the letter
    factor      money for one unit at a quoted price of 1: 0.01 in percent of nominal, 100 of a contract. No file says it: it is
                the security's (to_factor: of to_symbol)
    to_id       of an own transfer of securities: the id of the row that it arrived by
    """

    row: int
    kind: str
    date: Day
    currency: str = ""
    symbol: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = ZERO
    tax: Decimal = ZERO
    account: str = ""
    settle_date: Day | None = None
    ex_date: Day | None = None
    pay_date: Day | None = None
    fx_rate: Decimal | None = None
    note: str = ""
    given_id: str = ""
    ratio: Decimal | None = None
    to_symbol: str = ""
    to_unit_price: Decimal | None = None
    counter_amount: Decimal | None = None
    acquired: Day | None = None
    cost: Decimal | None = None
    to_account: str = ""
    lot: str = ""
    fee_kind: str = ""
    text: str = ""
    whole: bool = False
    fx_acquired: Decimal | None = None
    to_date: Day | None = None
    to_id: str = ""
    factor: Decimal = Decimal(1)
    to_factor: Decimal = Decimal(1)

    @property
    def unit_value(self) -> Decimal | None:
        """Money for one unit at the quoted price."""
        return None if self.unit_price is None else self.unit_price * self.factor

    @property
    def gross(self) -> Decimal | None:
        """amount, else quantity x unit_price (of cash kinds: unit_price alone); None where neither is given."""
        if self.amount is not None:
            return self.amount
        if self.unit_value is None:
            return None
        return self.unit_value * (Decimal(1) if self.quantity is None else self.quantity)

    def digest(self) -> str:
        """SHA-256 of the transaction, whatever its place in the file and its note; 1.0 and 1 give the same."""
        content = (
            *(self.kind, self.date, self.currency, self.symbol, self.quantity, self.unit_price, self.amount, self.fee),
            *(self.tax, self.account, self.settle_date, self.ex_date, self.pay_date, self.fx_rate, self.ratio),
            *(
                self.to_symbol,
                self.to_unit_price,
                self.counter_amount,
                self.acquired,
                self.cost,
                self.lot,
                self.fee_kind,
            ),
            *((self.to_account,) if self.to_account else ()),
            *(("all",) if self.whole else ()),
            *((f"acquired at {_plain(self.fx_acquired)}",) if self.fx_acquired is not None else ()),
            *((f"until {self.to_date}",) if self.to_date else ()),
            self.text,
        )
        return sha256("|".join(map(_plain, content)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One reason against a file. row 0 speaks of the file as a whole, column "" of the row."""

    row: int
    column: str
    reason: str
    suggestion: str = ""
    value: str = ""

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", {self.column}" if self.column else "") if self.row else self.column or "file"
        return f"{where}: {self.reason}" + (f" ({self.suggestion})" if self.suggestion else "")


@dataclass(frozen=True, slots=True)
class FileReading:
    """A file as rows in its order, and what can't be read of it. Where there are findings nothing of the file is taken.

    ignored   columns or parts that are not read
    absent    columns that the format reads and the file has not
    opens     accounts that the file opens itself -> the directive, as it is written
    balances  cash that accounts hold at the end of the file, where it says so: what its rows come to is compared with them
    """

    rows: tuple[Row, ...] = ()
    findings: tuple[RowFinding, ...] = ()
    ignored: tuple[str, ...] = ()
    opens: Mapping[str, str] | None = None
    balances: tuple["Balance", ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash of an account as a file states it; `date` None: at its end."""

    account: str
    currency: str
    amount: Decimal
    date: Day | None = None


class Format(Protocol):
    """What the module of a format offers."""

    CODE: str
    TITLE: str
    SUFFIX: str

    def recognises(self, name: str, content: bytes) -> bool:
        """Whether the file looks like one of this format; `read` then reports what is wrong with it."""

    def read(self, content: bytes) -> FileReading: ...


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return trimmed(value)
    return "" if value is None else str(value)

"""A thousand seeded provider faults, injected into a year of real data: none enters a pack, each refusal is told."""

import csv
import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from operator import itemgetter
from uuid import UUID

import pytest

from pricing import archive, packs
from pricing.archive import loading
from pricing.models import PackAction, PackObservation, PackPrice, PackRate, PricingPack, QuarantinedRow
from pricing.tests import folders, market_data

SEED = 20261122
TAKEN, REFUSED = 500, 500
"""Faults that can be read and must be suspected; faults that no reader takes."""
PER_BUILD = 125
FIRST, LAST = date(2005, 1, 3), date(2005, 12, 30)

Row = dict[str, str]


@dataclass(frozen=True)
class Fault:
    """What a provider got wrong in one row: the row as it came, or a row that should not be there."""

    file: str
    row: Row
    replaces: bool = True

    @property
    def key(self) -> tuple[str, ...]:
        return KEYS[self.file](self.row)


KEYS = {
    "prices.csv": lambda row: ("price", row["symbol"], row["date"], row["close"]),
    "fx.csv": lambda row: ("rate", f"{row['base']}/{row['quote']}", row["date"], row["rate"]),
    "macro.csv": lambda row: ("observation", row["series_id"], row["date"], row["value"]),
    "corporate_actions.csv": lambda row: (
        "action",
        f"{row['symbol']}/{row['action']}",
        row["ex_date"],
        row["ratio"] if row["action"] == "split" else row["amount"],
    ),
}
FIGURE = {"prices.csv": "close", "fx.csv": "rate", "macro.csv": "value", "corporate_actions.csv": "amount"}
DAY = {"prices.csv": "date", "fx.csv": "date", "macro.csv": "date", "corporate_actions.csv": "ex_date"}


def tables() -> dict[str, list[Row]]:
    """The demo up to the end of 2005."""
    found = {}
    for name in (*KEYS, "securities.csv", "macro_series.csv", "sources.csv"):
        path = folders.DEMO / name
        text = (
            path.read_text() if path.is_file() else gzip.decompress((folders.DEMO / f"{name}.gz").read_bytes()).decode()
        )
        rows = list(csv.DictReader(text.splitlines()))
        day = DAY.get(name)
        found[name] = [row for row in rows if day is None or row[day] <= LAST.isoformat()]
    for row in found["securities.csv"]:
        row["last_date"] = ""
    return found


def written(folder, of: dict[str, list[Row]]):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in of.items():
        with (folder / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(rows[0])
            writer.writerows(map(itemgetter(*rows[0]), rows))
    return folder


def times(text: str, factor: float) -> str:
    return format((Decimal(text) * Decimal(str(factor))).normalize(), "f")


def readable_faults(clean: dict[str, list[Row]], chance: random.Random) -> Iterator[Fault]:
    """Without end: a figure in another unit or of another security, an action that never was. Each is a row of its own place:
    what is drawn twice, or within days of another of its key, is left to the next."""
    factors = (100, 0.01, 10, 0.1, 5, 0.2, 4, 0.25)
    in_2005 = {
        name: [row for row in clean[name] if FIRST.isoformat() < row[DAY[name]] <= LAST.isoformat()] for name in KEYS
    }
    closes: dict[str, list[Row]] = {}
    for row in in_2005["prices.csv"]:
        closes.setdefault(row["symbol"], []).append(row)
    levels = [row for row in in_2005["macro.csv"] if row["series_id"].startswith("CU")]
    yields = [row for row in in_2005["macro.csv"] if row["series_id"] in ("UST10Y", "UST2Y")]
    while True:
        what = chance.choices(
            ("price", "rate", "level", "yield", "dividend", "split", "twice", "spin-off"), (8, 8, 1, 4, 2, 1, 1, 1)
        )[0]
        if what == "price":
            row = chance.choice(in_2005["prices.csv"])
            yield Fault("prices.csv", row | {"close": times(row["close"], chance.choice(factors))})
        elif what == "rate":
            row = chance.choice(in_2005["fx.csv"])
            yield Fault("fx.csv", row | {"rate": times(row["rate"], chance.choice(factors))})
        elif what == "level":
            row = chance.choice(levels)
            yield Fault("macro.csv", row | {"value": times(row["value"], chance.choice(factors))})
        elif what == "yield":
            row = chance.choice(yields)
            yield Fault("macro.csv", row | {"value": times(row["value"], chance.choice((100, 10, 0.01, 0.1)))})
        else:
            symbol = chance.choice(sorted(closes))
            at = chance.choice(closes[symbol])
            event = {
                "ex_date": at["date"], "pay_date": "", "symbol": symbol, "action": "dividend", "ratio": "",
                "amount": "", "currency": "USD", "source": "derived:bokeh-wiki", "quality": "ok", "note": "",
            }  # fmt: skip
            paid = [row for row in in_2005["corporate_actions.csv"] if row["action"] == "dividend"]
            one = chance.choice(paid)
            if what == "dividend":
                yield Fault(
                    "corporate_actions.csv", one | {"amount": times(one["amount"], chance.choice((100, 0.01, 10)))}
                )
            elif what == "split":
                ratio = chance.choice(("10", "4", "0.1", "7"))
                yield Fault("corporate_actions.csv", event | {"action": "split", "ratio": ratio}, replaces=False)
            elif what == "twice":
                again = date.fromisoformat(one["ex_date"]) + timedelta(chance.randint(1, 20))
                yield Fault("corporate_actions.csv", one | {"ex_date": again.isoformat()}, replaces=False)
            else:
                amount = times(at["close"], 0.45)
                yield Fault("corporate_actions.csv", event | {"amount": amount}, replaces=False)


def batches(clean: dict[str, list[Row]], chance: random.Random) -> Iterator[list[Fault]]:
    drawn = readable_faults(clean, chance)
    for _ in range(TAKEN // PER_BUILD):
        chosen: list[Fault] = []
        taken: set[tuple[str, date]] = set()
        while len(chosen) < PER_BUILD:
            fault = next(drawn)
            _, key, day, _ = fault.key
            place, on = key.split("/")[0] if fault.file != "fx.csv" else key, date.fromisoformat(day)
            near = (
                {(place, on + timedelta(days)) for days in range(-45, 46)}
                if "/" in key and fault.file != "fx.csv"
                else {(place, on + timedelta(days)) for days in range(-4, 5)}
            )
            if not near & taken:
                taken.add((place, on))
                chosen.append(fault)
        yield chosen


def places(clean: dict[str, list[Row]]) -> dict[tuple[str, ...], int]:
    """Which row of its file is the one with these cells, the figure apart."""
    found: dict[tuple[str, ...], int] = {}
    for name in KEYS:
        for at, row in enumerate(clean[name]):
            found.setdefault(_place(name, row), at)
    return found


def _place(name: str, row: Row) -> tuple[str, ...]:
    return (name, *(cell for column, cell in row.items() if column != FIGURE[name]))


def injected(clean: dict[str, list[Row]], at: dict[tuple[str, ...], int], faults: list[Fault]) -> dict[str, list[Row]]:
    faulty = {name: list(rows) for name, rows in clean.items()}
    for fault in faults:
        if fault.replaces:
            faulty[fault.file][at[_place(fault.file, fault.row)]] = fault.row
        else:
            faulty[fault.file].append(fault.row)
    return faulty


@pytest.mark.usefixtures("db")
@pytest.mark.role("job")
def test_no_readable_fault_enters_a_pack_and_each_is_in_quarantine(tmp_path):
    clean, chance = tables(), random.Random(SEED)
    at = places(clean)
    policy = market_data.policy()
    entered, unreported, judged = [], [], 0
    for number, faults in enumerate(batches(clean, chance), start=1):
        run = UUID(int=number)
        loading.load(written(tmp_path / str(number), injected(clean, at, faults)))
        packs.build(
            policy=policy,
            dates=packs.pack_days(policy=policy, first=FIRST, last=LAST),
            run=run,
            restate_reason=f"seed {SEED}, batch {number}",
        )
        contents = PricingPack.objects.filter(run=run).values("content")
        held = {
            "prices.csv": PackPrice.objects.filter(content__in=contents).values_list(
                "security__symbol", "observed_date", "close"
            ),
            "fx.csv": PackRate.objects.filter(content__in=contents).values_list(
                "base", "quote", "observed_date", "rate"
            ),
            "macro.csv": PackObservation.objects.filter(content__in=contents)
            .exclude(flags="withdrawn")
            .values_list("series_id", "observation_date", "value"),
            "corporate_actions.csv": PackAction.objects.filter(content__in=contents)
            .exclude(flags="withdrawn")
            .values_list("security__symbol", "action", "ex_date", "ratio", "amount"),
        }
        wrong = {(fault.key[0], fault.key[1], fault.key[2], Decimal(fault.key[3])) for fault in faults}
        for name, rows in held.items():
            entered += [row for row in rows if _as_key(name, row) in wrong]
        told = {
            (kind, key, day.isoformat(), value)
            for kind, key, day, value in QuarantinedRow.objects.values_list("kind", "key", "date", "value")
        }
        unreported += [fault for fault in faults if fault.key not in told]
        judged += len(faults)

    assert judged == TAKEN
    assert (entered, unreported) == ([], [])


def _as_key(name, row):
    if name == "fx.csv":
        base, quote, day, rate = row
        return "rate", f"{base}/{quote}", day.isoformat(), rate
    if name == "corporate_actions.csv":
        symbol, action, day, ratio, amount = row
        return "action", f"{symbol}/{action}", day.isoformat(), ratio if action == "split" else amount
    key, day, value = row
    return "price" if name == "prices.csv" else "observation", key, day.isoformat(), value


NO_NUMBERS = ("nan", "inf", "-Infinity", "1e400", '"30,504.50"', ".", "", "12,5", "1 000", "0x1F")


@pytest.mark.parametrize("part", [0, 1, *(pytest.param(part, marks=pytest.mark.slow) for part in range(2, 10))])
def test_what_no_reader_takes_is_refused_whole_by_file_and_line(tmp_path, part):
    chance = random.Random(SEED + part)
    let_in, unnamed = [], []
    folder = folders.write(tmp_path)
    for _ in range(REFUSED // 10):
        name = chance.choice(("prices.csv", "fx.csv", "macro.csv", "corporate_actions.csv"))
        header, *lines = folders.SMALL[name].splitlines()
        at = chance.choice([n for n, line in enumerate(lines) if not line.endswith("suspect")])
        cells = dict(zip(header.split(","), lines[at].split(","), strict=True))
        kind = chance.choice(("no number", "not positive", "future", "currency", "unknown", "twice", "no date"))
        lines, line = _spoilt(chance, kind, name, cells, lines, at)
        spoilt = "".join(f"{each}\n" for each in (header, *lines))
        (folder / name).write_text(spoilt)
        try:
            archive.read(folder, today=date(2026, 1, 1))
            let_in.append((kind, name, lines[line]))
        except archive.ArchiveRefused as refused:
            if not any((fault.file, fault.line) == (name, line + 2) for fault in refused.faults):
                unnamed.append((kind, name, lines[line], refused))
        (folder / name).write_text(folders.SMALL[name])

    assert (let_in, unnamed) == ([], [])


def _spoilt(chance, kind, name, cells, lines, at):
    """The lines with one fault of a kind, and the number of the line it is on."""
    figure = "ratio" if cells.get("action") == "split" else FIGURE[name]
    if kind == "twice":
        return [*lines, lines[at]], len(lines)
    if kind == "not positive" and name != "macro.csv":
        cells[figure] = chance.choice(("0", "-1", "-0.5", "0.00"))
    elif kind == "future" and name != "corporate_actions.csv":
        cells["date"] = "2031-01-02"
    elif kind == "currency" and name != "macro.csv":
        cells["base" if name == "fx.csv" else "currency"] = "XXY"
    elif kind == "unknown" and name != "fx.csv":
        cells["series_id" if name == "macro.csv" else "symbol"] = "NOBODY"
    elif kind == "no date":
        cells[DAY[name]] = chance.choice(("2020-02-30", "02/01/2020", "", "20200102"))
    else:
        cells[figure] = chance.choice(NO_NUMBERS)
    return [*lines[:at], ",".join(cells.values()), *lines[at + 1 :]], at

"""Sections on how a value came about: the bridge from opening to closing value, and gains with income."""

from collections.abc import Iterator, Mapping
from typing import Any

from execution.terminal.footnotes import Footnotes
from execution.terminal.section import Section, cell, headed_table


def bridge_sections(bridges: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section]:
    """Opening to closing value in three periods. bridges: the output of that name."""
    currency = bridges["since_inception"]["base_currency"]
    table = headed_table(("", "left"), ("since inception", "right"), ("this year", "right"), ("today", "right"))
    for line in bridges["lines"]:
        amounts = [
            cell(line[name], "currency", footnotes, currency=currency)
            for name in ("since_inception", "year_to_date", "last_day")
        ]
        table.add_row(f"  {line['label']}" if line["part_of"] else line["label"], *amounts)
    yield Section(f"How the value came about, in {currency}", table)


def gain_sections(gains: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section]:
    """gains: the output of that name."""
    year, whole, currency = gains["year_to_date"], gains["since_inception"], gains["base_currency"]
    table = headed_table(("", "left"), ("since inception", "right"), ("this year", "right"))
    for label, part, key in (
        ("Realised", "realised", "total"),
        ("Dividends, gross", "income", "dividends"),
        ("Interest", "income", "interest"),
        ("Withheld", "income", "tax"),
    ):
        amounts = [cell(span[part][key], "currency", footnotes, currency=currency) for span in (whole, year)]
        table.add_row(label, *amounts)
    unrealised = cell(gains["unrealised"]["total"], "currency", footnotes, currency=currency)
    table.add_row("Unrealised", unrealised, "")
    yield Section(f"Gains since purchase and income, in {currency}", table)

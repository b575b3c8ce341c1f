"""`python -m benchmarks [NAME...]`: run the cases named, or all. Rows are shown as a case ends; all are in var/bench.json."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from benchmarks import worlds
from benchmarks.cases import CASES
from benchmarks.measuring import Line
from config import env


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Each case beside its floor or peer.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}; all without one")
    names = parser.parse_args().names or list(CASES)
    if unknown := set(names) - CASES.keys():
        parser.error(f"no case is named {', '.join(sorted(unknown))}")
    figures = env.var() / "bench.json"
    lines: list[Line] = []
    with worlds.own_servers():
        for name in names:
            print(f"{name} …", file=sys.stderr)
            of_case = CASES[name]()
            show(of_case)
            lines += of_case
            figures.write_text(json.dumps([asdict(line) for line in lines], indent=1, ensure_ascii=False) + "\n")


NAME_WIDTH = 60
"""So that the tables of the cases stand below each other."""


def show(lines: Sequence[Line]) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=140)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("case", no_wrap=True, min_width=NAME_WIDTH)
    for heading in ("value", "floor", "ratio", "goal", "met"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in lines:
        met = "" if each.met is None else "yes" if each.met else "NO"
        table.add_row(
            each.name,
            f"{each.value:.4g} {each.unit}",
            "" if each.base is None else f"{each.base:.4g} {each.unit}",
            "" if each.ratio is None else f"{each.ratio:.2f}",
            each.goal or "",
            met,
            style="red" if each.met is False else "",
        )
    console.print(table)


if __name__ == "__main__":
    main()

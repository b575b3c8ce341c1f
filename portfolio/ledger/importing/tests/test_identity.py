"""gain = value + sells - buys - fees, over life and by year, to the cent: no lot is lost and none is counted twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portfolio.ledger.importing.tests import identity

DATA = Path(os.environ.get("TIEOUT_DATA") or Path(__file__).resolve().parents[5] / "shared" / "data")
SCRIPT = DATA.parent / "bench" / "make_activities.py"
METHODS = ("FIFO", "LIFO", "HIFO", "AVERAGE")


@pytest.mark.parametrize(("method", "currencies"), list(zip(METHODS, (3, 1, 2, 4), strict=True)))
def test_gain_is_value_plus_sells_less_buys_less_fees_in_every_year(method, currencies):
    content, market = identity.made("tests", activities=300, symbols=6, years=6, currencies=currencies)

    found = identity.differences(content, market, method=method)

    assert len(found) == 7 + 1
    assert max(map(abs, found.values())) < identity.CENT


@pytest.mark.slow
def test_the_same_holds_for_a_set_of_the_benchmark(tmp_path):
    if not SCRIPT.is_file():
        pytest.skip(f"TIEOUT_DATA: there is no {SCRIPT.name} beside {DATA.name}")
    size = ("--activities", "1000", "--symbols", "20", "--years", "10", "--currencies", "3")
    subprocess.run([sys.executable, SCRIPT, "--out", tmp_path, *size], check=True, capture_output=True)
    (folder,) = tmp_path.iterdir()
    market = identity.Market.read((folder / "prices.csv").read_text(), (folder / "fx.csv").read_text())

    found = identity.differences((folder / "activities.csv").read_bytes(), market)

    assert len(found) == 11 + 1
    assert max(map(abs, found.values())) < identity.CENT

"""What one person brings stops nobody else: the night is done, every pack fresh, the result of a neighbour the same."""

import json

import pytest
from django.test import Client

from tests.cases import market, worlds
from tests.cases.desk import FILES, OWNER, Desk, command

pytestmark = pytest.mark.usefixtures("read_once")

BEFORE = "2024-12-30"
FILES_OF_OTHERS = {
    # file: base currency. Each of these is ordinary; some can't be priced, converted or reconciled.
    "20-margin.csv": "EUR",
    "22-bond-percent.csv": "EUR",
    "23-option.csv": "USD",
    "30-paid-after-delisting.csv": "USD",
    "32d-split-booked-day-early.csv": "USD",
    "37b-all-out.csv": "USD",
    "18-negative-first-day.csv": "USD",
    "44-buy-eur-sell-usd.csv": "EUR",
    "49-base-dkk.csv": "DKK",
    "39-account-names.csv": "USD",
    "15-reverse-split-12.csv": "USD",
    "08-fees-over-proceeds.csv": "EUR",
}
HEADER = "date,type,symbol,quantity,unit_price,currency\n"
TEXTS_OF_OTHERS = {
    "held after its last day, without an end on record": HEADER + "2022-05-02,buy,FB,10,196.64,USD\n",
    "an option held for ever": HEADER + "2024-02-01,buy,OPT190C,1,5.20,USD\n",
    "carried for more than 400 days": HEADER + "2023-02-01,buy,VMW,10,142.00,USD\n",
    "before the first pack": HEADER + "2015-05-04,deposit,,,1000,USD\n2015-05-05,buy,ACME,1,60,USD\n",
    "after the last pack": HEADER + "2025-06-02,deposit,,,1000,USD\n",
    "cash alone": HEADER + "2024-12-30,deposit,,,1000,CAD\n",
    "a split that never was": HEADER + "2022-02-01,buy,ACME,10,100,USD\n2023-06-01,split,ACME,2,,USD\n",
    "a split that is missing": HEADER + "2022-02-01,buy,GOOG,10,2255.34,USD\n",
}


def test_a_night_of_everybody_goes_well_whatever_one_person_brings(world_of, tmp_path):
    with world_of("nothing"):
        worlds.begin(market.write(tmp_path / "market"))
        worlds.neighbour(tmp_path, f"{HEADER}2024-02-01,deposit,,,1000,USD\n2024-02-01,buy,ACME,5,120,USD\n")
        worlds.done("nightly", "--from", market.FIRST.isoformat(), "--to", BEFORE)
        worlds.done("nightly", "--date", market.LAST.isoformat())
        undisturbed = _hash_of("neighbour")

        for name, base in FILES_OF_OTHERS.items():
            _take(FILES / name, f"o-{name[:3].rstrip('-')}", base)
        for number, (what, text) in enumerate(TEXTS_OF_OTHERS.items()):
            path = tmp_path / f"{number}.csv"
            path.write_text(text)
            answer = _take(path, f"t-{number}", "USD")
            assert "Traceback" not in answer.text, what
        answer = command("nightly", "--date", market.LAST.isoformat(), "--restate", "after all that")

        assert answer.code == 0, answer.text
        health = Client().get("/health/pack").json()
        assert (health["status"], health["is_fresh"]) == ("fresh", True), health
        assert health["blocked"]["portfolios"] >= 3, (
            health
        )  # the option, the one without an end, the one carried too long
        assert _hash_of("neighbour") == undisturbed
        told = {slug: Desk(slug, slug, "USD", tmp_path).refusal() for slug in ("t-0", "t-1", "t-2")}
        assert all(told.values()), told
        assert not [each for each in told.values() if "none known before" in each or " broke" in each], told


def _take(path, slug, base):
    answer = command("import_transactions", "--portfolio", slug, "--owner", OWNER, "--base", base, path)
    assert answer.code in (0, 1), answer.text
    return answer


def _hash_of(slug: str) -> str:
    """Of what the portfolio is told as of the last day; the pack's name goes with the release."""
    answer = command("execute", "portfolio_overview", "--portfolio", slug, "--json")
    assert answer.code == 0, answer.text
    result = json.dumps(json.loads(answer.out)["result"], sort_keys=True)
    return result.replace(f"PP_{market.LAST}_ECB_EUR_r2", f"PP_{market.LAST}_ECB_EUR_r1")

"""The 57 real revisions of a consumer price index: the pack of the day keeps its bytes, its restatement says exactly these."""

import csv
import gzip
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from pricing import market, packs
from pricing.archive import loading
from pricing.models import PackContent, PackObservation
from pricing.packs import fingerprint, verifying
from pricing.tests import folders, market_data
from pricing.tests.folders import DATA

DAY = date(2023, 10, 16)

pytestmark = [
    pytest.mark.usefixtures("db"),
    pytest.mark.role("job"),
    pytest.mark.skipif(
        not (DATA / "restatements.csv").is_file(), reason=f"TIEOUT_DATA: no restatements in {DATA.name}"
    ),
]


def revisions():
    with (DATA / "restatements.csv").open() as file:
        return list(csv.DictReader(file))


def folder(path, which):
    """The real series up to 2022, the revised one as of a vintage, and a fixing of the day to make it a pack day."""
    revised = {row["date"] for row in revisions()}
    with gzip.open(DATA / "macro.csv.gz", "rt") as file:
        rows = [
            (row["date"], row["series_id"], row["value"], row["source"])
            for row in csv.DictReader(file)
            if row["series_id"] in ("CPIAUCSL", "UNRATE", "DGS10")
            and (row["series_id"] != "CPIAUCSL" or row["date"] not in revised)
        ]
    rows += [(row["date"], "CPIAUCSL", row[f"value_{which}"], row[f"vintage_{which}"]) for row in revisions()]
    return folders.write(
        path,
        {
            "securities.csv": "symbol,name,currency,type,exchange,source\nOAK,Oak,EUR,equity,XETR,wood\n",
            "prices.csv": "date,symbol,close,currency,source\n2023-10-16,OAK,10,EUR,wood\n",
            "fx.csv": "date,base,quote,rate,source\n2023-10-16,EUR,USD,1.0538,central\n",
            "macro.csv": "date,series_id,value,source\n" + "".join(f"{','.join(row)}\n" for row in rows),
            "macro_series.csv": None,
            "corporate_actions.csv": None,
        },
    )


def lines_of(pack):
    ((_, lines),) = verifying.stored_lines([packs.find(pack_id=pack.pk)])
    return lines


def test_a_restatement_changes_the_57_rows_and_no_byte_of_the_pack_before(tmp_path):
    policy = market_data.policy()
    loading.load(folder(tmp_path / "d0", "d0"))
    before = market_data.build(policy, DAY, DAY)[0]
    sealed, chain = lines_of(before), before.chain_hash
    loading.load(folder(tmp_path / "d1", "d1"))

    after = market_data.build(policy, DAY, DAY, restate_reason="CPI revised", run=UUID(int=2))[0]

    wanted = {(date.fromisoformat(row["date"]), Decimal(row["value_d1"])) for row in revisions()}
    told = PackObservation.objects.filter(content=after.content_id).values_list(
        "series_id", "observation_date", "value"
    )
    assert {(day, value) for _, day, value in told} == wanted
    assert len(told) == len(wanted) == 57
    assert {series for series, _, _ in told} == {"CPIAUCSL"}
    known = [
        {(row.observation_date, row.value) for row in market.observations(pack, "CPIAUCSL")} for pack in (before, after)
    ]
    assert known[1] - known[0] == wanted
    assert len(known[0] - known[1]) == 57
    assert (before.pk, after.pk) == ("PP_2023-10-16_ECB_EUR_r1", "PP_2023-10-16_ECB_EUR_r2")
    assert lines_of(before) == sealed
    assert packs.find(pack_id=before.pk).chain_hash == chain
    assert PackContent.objects.get(packs=before).content_hash == fingerprint.content_hash(sealed)
    assert packs.verify(policy=policy) is None

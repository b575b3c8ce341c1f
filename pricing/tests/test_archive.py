"""A market data folder is read whole, or refused whole with every row that can't be read."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.apps import apps

from pricing import archive
from pricing.archive import columns, tables
from pricing.models import PackObservation, PackPrice, Security, Series
from pricing.tests import folders
from pricing.tests.folders import DATA

TODAY = date(2020, 2, 1)
needs_data = pytest.mark.skipif(
    not (DATA / "prices.csv.gz").is_file(), reason=f"TIEOUT_DATA: no market data in {DATA.name}"
)


def refused(folder):
    with pytest.raises(archive.ArchiveRefused) as caught:
        archive.read(folder, today=TODAY)
    return [(fault.file, fault.line, fault.column, fault.reason) for fault in caught.value.faults]


def test_a_folder_is_read_into_typed_rows(tmp_path):
    reading = archive.read(folders.write(tmp_path), today=TODAY)

    assert reading.archive_end == date(2020, 1, 9)
    assert [row.symbol for row in reading.securities] == ["OAK", "ELM", "ASH"]
    assert reading.securities[0].last_date is None
    assert [row.frequency for row in reading.series] == ["M", "D"]
    assert reading.actions[0].ratio == Decimal(2)
    assert reading.actions[0].announced == date(2020, 1, 3)
    assert reading.sources[0].columns == {"source": "wood", "attribution": "Wood Data", "display": "yes"}


def test_decimals_are_kept_exactly_as_published(tmp_path):
    reading = archive.read(folders.write(tmp_path), today=TODAY)

    oak = reading.closes.close[reading.closes.security == 0]

    assert oak[:3].tolist() == [b"100.50", b"101", b"51.25"]


def test_pence_become_pounds_exactly_and_once(tmp_path):
    reading = archive.read(folders.write(tmp_path), today=TODAY)

    elm = reading.closes.close[reading.closes.security == 1]

    assert (reading.securities[1].currency, reading.securities[1].price_unit) == ("GBP", "GBp")
    assert [Decimal(text.decode()) for text in elm] == [
        Decimal("12.345"),
        Decimal("12.4"),
        Decimal("12.5"),
        Decimal("12.51"),
    ]


def test_actions_of_doubtful_quality_are_kept_apart(tmp_path):
    reading = archive.read(folders.write(tmp_path), today=TODAY)

    assert [action.amount for action in reading.quarantined] == [Decimal(25)]
    assert [action.quality for action in reading.actions] == ["ok", "ok"]


def test_gzipped_files_more_columns_and_a_byte_order_mark_are_allowed(tmp_path):
    plain = archive.read(folders.write(tmp_path / "plain"), today=TODAY)
    prices = folders.SMALL["prices.csv"].replace("\n", ",more\n")

    other = archive.read(
        folders.write(tmp_path / "other", {"prices.csv": "\ufeff" + prices}, zipped=("prices.csv", "fx.csv")),
        today=TODAY,
    )

    assert np.array_equal(other.closes.close, plain.closes.close)
    assert other.archive_end == plain.archive_end
    assert other.digest != plain.digest


def test_optional_columns_and_files_may_be_absent(tmp_path):
    securities = "symbol,name,currency,type,exchange,source\nOAK,Oak,USD,equity,XNYS,wood\n"
    prices = "date,symbol,close,currency,source\n2020-01-02,OAK,100,USD,wood\n"
    absent = dict.fromkeys(("macro_series.csv", "corporate_actions.csv", "sources.csv"))

    reading = archive.read(
        folders.write(tmp_path, {"securities.csv": securities, "prices.csv": prices, **absent}), today=TODAY
    )

    assert reading.securities[0].price_basis == "raw"
    assert reading.actions == ()
    assert [(row.id, row.title, row.frequency) for row in reading.series] == [
        ("CPI1", "CPI1", "M"),
        ("Y10", "Y10", "D"),
    ]


@pytest.mark.parametrize(
    ("file", "row", "column", "reason"),
    [
        ("prices.csv", "2020-01-10,OAK,nan,USD,wood", "close", "'nan' is not finite"),
        ("prices.csv", "2020-01-10,OAK,Infinity,USD,wood", "close", "'Infinity' is not finite"),
        ("prices.csv", "2020-01-10,OAK,0.00,USD,wood", "close", "0.00 is not above zero"),
        ("prices.csv", "2020-01-10,OAK,-5,USD,wood", "close", "-5 is not above zero"),
        ("prices.csv", "2020-01-10,OAK,,USD,wood", "close", "is empty"),
        ("prices.csv", "2020-01-10,OAK,.,USD,wood", "close", "'.' is no plain decimal number"),
        ("prices.csv", "2020-01-10,OAK,1e400,USD,wood", "close", "'1e400' is no plain decimal number"),
        ("prices.csv", "2020-01-10,OAK,١٢,USD,wood", "close", "'١٢' is no plain decimal number"),
        (
            "prices.csv",
            '2020-01-10,OAK,"52,5",USD,wood',
            "close",
            "'52,5' holds a comma: decimals have '.', thousands nothing",
        ),
        (
            "prices.csv",
            '2020-01-10,OAK,"30,504.50",USD,wood',
            "close",
            "'30,504.50' holds a comma: decimals have '.', thousands nothing",
        ),
        ("prices.csv", "2020-01-10,FIR,5,USD,wood", "symbol", "unknown symbol 'FIR': not in securities.csv"),
        ("prices.csv", "2020-01-10,OAK,5,USX,wood", "currency", "unknown currency 'USX'"),
        ("prices.csv", "2020-01-10,OAK,5,CAD,wood", "currency", "CAD is not the currency of OAK (USD)"),
        ("prices.csv", "2020-01-09,OAK,52.2,USD,wood", "symbol", "duplicate row: 2020-01-09 OAK"),
        ("prices.csv", "2020-02-30,OAK,5,USD,wood", "date", "'2020-02-30' is no date of the calendar"),
        ("prices.csv", "10/01/2020,OAK,5,USD,wood", "date", "'10/01/2020' is not a date written as YYYY-MM-DD"),
        ("prices.csv", "2020-02-02,OAK,5,USD,wood", "date", "2020-02-02 lies in the future"),
        ("prices.csv", "2020-01-10,OAK,5,USD,", "source", "is empty"),
        ("fx.csv", "2020-01-09,EUR,UUU,5,central", "quote", "unknown currency 'UUU'"),
        ("fx.csv", "2020-01-09,EUR,EUR,1,central", "quote", "is the base, EUR"),
        ("fx.csv", "2020-01-08,EUR,CAD,1.5,central", "quote", "duplicate row: 2020-01-08 EUR CAD"),
        ("fx.csv", "2020-01-09,EUR,CAD,-1.5,central", "rate", "-1.5 is not above zero"),
        ("macro.csv", "2020-01-08,Y9,1,bureau", "series_id", "unknown series 'Y9': not in macro_series.csv"),
        ("macro.csv", "2020-01-08,Y10,.,bureau", "value", "'.' is no plain decimal number"),
        ("macro.csv", "2020-01-07,Y10,1,bureau", "series_id", "duplicate row: 2020-01-07 Y10"),
        ("securities.csv", "OAK,Oak,USD,equity,XNYS,wood,raw,2020-01-02,", "symbol", "duplicate row: OAK"),
        ("securities.csv", "FIR,Fir,gbp,equity,XLON,wood,raw,2020-01-02,", "currency", "unknown currency 'gbp'"),
        (
            "securities.csv",
            "FIR,Fir,USD,equity,XNYS,wood,adjusted,2020-01-02,",
            "price_basis",
            "'adjusted' is none of raw, split_adjusted, total_return_adjusted, price_index",
        ),
        (
            "securities.csv",
            "FIR,Fir,USD,equity,XNYS,wood,raw,2020-01-02,2019-01-02",
            "last_date",
            "2019-01-02 lies before first_date 2020-01-02",
        ),
        ("corporate_actions.csv", "2020-01-08,,OAK,split,,,USD,wood,,ok", "ratio", "is empty"),
        (
            "corporate_actions.csv",
            "2020-01-08,,OAK,merger,1,,USD,wood,,ok",
            "action",
            "'merger' is none of split, dividend, delisting",
        ),
        ("corporate_actions.csv", "2020-01-08,,OAK,dividend,,-1,USD,wood,,ok", "amount", "-1 is not above zero"),
        ("corporate_actions.csv", "2020-01-08,,OAK,dividend,2,1,USD,wood,,ok", "ratio", "a dividend has none"),
        ("corporate_actions.csv", "2020-01-08,,OAK,delisting,2,,,wood,,ok", "ratio", "a delisting has none"),
        ("corporate_actions.csv", "2020-01-08,,OAK,delisting,,3,,wood,,ok", "amount", "a delisting has none"),
        (
            "corporate_actions.csv",
            "2020-01-07,,OAK,dividend,,1,USD,wood,,ok",
            "symbol",
            "second dividend of OAK on 2020-01-07",
        ),
        (
            "corporate_actions.csv",
            "2020-01-08,,OAK,dividend,,1,USD,wood,2020-01-09,ok",
            "announced",
            "lies after the ex-date, 2020-01-08",
        ),
        ("sources.csv", "stone,,yes", "attribution", "is empty"),
        ("sources.csv", "stone,Stone Data,perhaps", "display", "'perhaps' is none of yes, no, ask"),
        ("sources.csv", "wood,Wood Data,no", "source", "duplicate row: wood"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_file_line_column_and_reason(tmp_path, file, row, column, reason):
    folder = folders.write(tmp_path, folders.appended(file, row))

    findings = refused(folder)

    line = folders.SMALL[file].count("\n") + 1
    assert (file, line, column, reason) in findings
    assert {finding[:2] for finding in findings} == {(file, line)}


@pytest.mark.parametrize(
    ("file", "row", "column"),
    [
        ("securities.csv", "{},Fir,USD,equity,XNYS,wood,raw,2020-01-02,", "symbol"),
        ("securities.csv", "FIR,{},USD,equity,XNYS,wood,raw,2020-01-02,", "name"),
        ("securities.csv", "FIR,Fir,USD,{},XNYS,wood,raw,2020-01-02,", "type"),
        ("securities.csv", "FIR,Fir,USD,equity,{},wood,raw,2020-01-02,", "exchange"),
        ("securities.csv", "FIR,Fir,USD,equity,XNYS,{},raw,2020-01-02,", "source"),
        ("prices.csv", "2020-01-10,OAK,5,USD,{}", "source"),
        ("fx.csv", "2020-01-09,EUR,CAD,1.5,{}", "source"),
        ("macro_series.csv", "{},Prices,index,M,bureau", "id"),
        ("macro_series.csv", "Y2,{},percent,D,bureau", "title"),
        ("macro_series.csv", "Y2,Two years,{},D,bureau", "unit"),
        ("sources.csv", "{},Stone Data,yes", "source"),
        ("sources.csv", "stone,{},yes", "attribution"),
    ],
)
def test_a_text_that_there_is_no_room_for_is_named_before_the_database_is_asked(tmp_path, file, row, column):
    most = columns.LONGEST[column]
    fits = folders.write(tmp_path / "fits", folders.appended(file, row.format("x" * most)))
    folder = folders.write(tmp_path / "long", folders.appended(file, row.format("x" * (most + 1))))

    archive.read(fits, today=TODAY)

    assert refused(folder) == [(file, folders.SMALL[file].count("\n") + 1, column, f"is longer than {most} characters")]


def test_a_name_with_a_sign_that_nobody_sees_is_refused_by_its_row(tmp_path):
    row = "FIR,F\u202eir,USD,equity,XNYS,wood,raw,2020-01-02,"
    folder = folders.write(tmp_path / "hidden", folders.appended("securities.csv", row))

    assert refused(folder) == [
        (
            "securities.csv",
            folders.SMALL["securities.csv"].count("\n") + 1,
            "name",
            "holds a sign that nobody sees, U+202E RIGHT-TO-LEFT OVERRIDE: take it out",
        )
    ]


def test_there_is_the_room_that_the_database_has():
    model_of = {
        "symbol": Security, "name": Security, "exchange": Security, "source": PackPrice, "id": Series, "title": Series,
        "unit": Series, "vintage": PackObservation,
    }  # fmt: skip

    room = {column: model._meta.get_field(column).max_length for column, model in model_of.items()}
    room |= {"type": Security._meta.get_field("kind").max_length, "series_id": room["id"]}
    terms = apps.get_model("compliance", "DataSource")._meta
    room |= {"attribution": terms.get_field("attribution").max_length}

    assert room == columns.LONGEST


def test_every_bad_row_is_named_and_nothing_is_taken(tmp_path):
    changes = folders.appended("prices.csv", "2020-01-10,OAK,nan,USD,wood", "x,FIR,5,USD,wood") | folders.appended(
        "fx.csv", "2020-01-09,EUR,CAD,0,central"
    )

    findings = refused(folders.write(tmp_path, changes))

    assert [finding[:3] for finding in findings] == [
        ("prices.csv", 14, "close"),
        ("prices.csv", 15, "date"),
        ("prices.csv", 15, "symbol"),
        ("fx.csv", 14, "rate"),
    ]


def test_a_hundred_findings_are_listed_and_all_are_counted(tmp_path):
    rows = [f"2020-01-10,FIR{number},5,USD,wood" for number in range(250)]
    folder = folders.write(tmp_path, folders.appended("prices.csv", *rows))

    with pytest.raises(archive.ArchiveRefused) as caught:
        archive.read(folder, today=TODAY)

    assert len(caught.value.faults) == 100
    assert caught.value.total == 250
    assert str(caught.value).endswith("and 150 more")


def test_a_line_number_counts_lines_not_rows(tmp_path):
    prices = folders.SMALL["prices.csv"].replace("wood\n2020-01-03,OAK", '"wo\nod"\n\n2020-01-03,OAK', 1)
    folder = folders.write(tmp_path, {"prices.csv": prices + "2020-01-10,OAK,0,USD,wood\n"})

    assert refused(folder) == [("prices.csv", 16, "close", "0 is not above zero")]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "date,symbol,close,source\n2020-01-02,OAK,5,wood\n",
            ("prices.csv", 1, "currency", "column missing from the header"),
        ),
        (
            "date,symbol,close,close,currency,source\n",
            ("prices.csv", 1, "close", "column twice in the header"),
        ),
        ("", ("prices.csv", 1, "date", "column missing from the header")),
        (
            "date,symbol,close,currency,source\n2020-01-02,OAK,5,USD\n",
            ("prices.csv", 2, "", "has 4 fields, the header 5"),
        ),
        ("date,symbol\0\n", ("prices.csv", 1, "", "holds a NUL byte")),
        (
            'date,symbol,close,currency,source\n2020-01-02,OAK,5,USD,wood\n2020-01-03,OAK,"5"1,USD,wood\n',
            ("prices.csv", 3, "", "is no CSV: ',' expected after '\"'"),
        ),
        (
            'date,symbol,close,currency,source\n2020-01-02,OAK,"5,USD,wood\n',
            ("prices.csv", 2, "", "is no CSV: unexpected end of data"),
        ),
        (
            "date,symbol,close,currency,source\n2020-01-02,OAK,5,USD," + "x" * 200_000 + "\n",
            ("prices.csv", 2, "", "is no CSV: field larger than field limit (131072)"),
        ),
    ],
)
def test_a_file_of_the_wrong_shape_is_named(tmp_path, text, finding):
    folder = folders.write(tmp_path, {"prices.csv": text})

    assert finding in refused(folder)


def test_bytes_that_are_no_text_or_no_whole_gzip_are_named(tmp_path):
    folder = folders.write(tmp_path, {"prices.csv": None, "fx.csv": None})
    (folder / "prices.csv").write_bytes(folders.SMALL["prices.csv"].encode("utf-16"))
    (folder / "fx.csv.gz").write_bytes(b"\x1f\x8b\x08\0nonsense")

    findings = refused(folder)

    assert [(finding[0], finding[3]) for finding in findings] == [
        ("prices.csv", "is not UTF-8 (byte 0)"),
        ("fx.csv.gz", "is no complete gzip file"),
    ]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_as_on_any_machine(tmp_path, end):
    plain = archive.read(folders.write(tmp_path / "plain"), today=TODAY)
    folder = folders.write(tmp_path / "other")
    for path in folder.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", end.encode()))

    other = archive.read(folder, today=TODAY)

    assert (other.securities, other.series, other.actions, other.sources) == (
        plain.securities, plain.series, plain.actions, plain.sources,
    )  # fmt: skip
    assert other.closes.close.tolist() == plain.closes.close.tolist()


def test_a_line_is_counted_as_the_machine_that_wrote_it_ends_lines(tmp_path):
    folder = folders.write(tmp_path)
    text = folders.SMALL["prices.csv"].replace("2020-01-03,OAK,101,", "2020-01-03,OAK,1O1,").replace("\n", "\r\n")
    (folder / "prices.csv").write_bytes(text.encode())

    assert refused(folder) == [("prices.csv", 3, "close", "'1O1' is no plain decimal number")]


@pytest.mark.parametrize("name", folders.SMALL)
def test_an_empty_file_has_no_header(tmp_path, name):
    findings = refused(folders.write(tmp_path, {name: ""}))

    assert {(finding[0], finding[1], finding[3]) for finding in findings} == {
        (name, 1, "column missing from the header")
    }


@pytest.mark.parametrize("name", ["prices.csv", "macro.csv", "macro.csv.gz", "sources.csv"])
@pytest.mark.parametrize("what", ["a folder", "a link to nothing"])
def test_what_is_no_file_is_not_taken_for_one_that_is_absent(tmp_path, name, what):
    folder = folders.write(tmp_path, {name.removesuffix(".gz"): None})
    if what == "a folder":
        (folder / name).mkdir()
    else:
        (folder / name).symlink_to(tmp_path / "gone")

    assert refused(folder) == [(name, 0, "", "is no file")]


def test_a_folder_that_is_none_is_named(tmp_path):
    (tmp_path / "prices.csv").write_text(folders.SMALL["prices.csv"])

    assert refused(tmp_path / "nowhere") == [("nowhere", 0, "", "not found")]
    assert refused(tmp_path / "prices.csv") == [("prices.csv", 0, "", "is no folder")]


def test_decimal_commas_of_another_country_are_named_row_by_row(tmp_path):
    prices = folders.SMALL["prices.csv"]
    mixed = prices.replace("2020-01-08,OAK,52,", '2020-01-08,OAK,"52,0",')
    folder = folders.write(tmp_path / "mixed", {"prices.csv": mixed})
    other = folders.write(tmp_path / "other", {"prices.csv": prices.replace(",", ";").replace(".", ",")})

    assert [finding[:3] for finding in refused(folder)] == [("prices.csv", 6, "close")]
    assert {finding[:2] for finding in refused(other)} == {("prices.csv", 1)}


def test_a_byte_that_is_no_text_is_named_by_its_line(tmp_path):
    folder = folders.write(tmp_path)
    text = folders.SMALL["securities.csv"].replace("Elm plc", "Elm plc, Übersee").replace(", Ü", " Ü")
    (folder / "securities.csv").write_bytes(text.encode("latin-1"))

    assert refused(folder) == [("securities.csv", 3, "", f"is not UTF-8 (byte {text.index('Ü')})")]


def test_a_finding_is_told_as_file_line_column_and_reason():
    assert str(tables.FolderFault("fx.csv", 3, "rate", "is empty")) == "fx.csv:3: rate: is empty"
    assert (
        str(tables.FolderFault("fx.csv", 3, "", "has 4 fields, the header 5")) == "fx.csv:3: has 4 fields, the header 5"
    )
    assert str(tables.FolderFault("fx.csv", 0, "", "not found in market")) == "fx.csv: not found in market"


def test_a_missing_file_and_a_file_twice_are_named(tmp_path):
    folder = folders.write(tmp_path, {"fx.csv": None}, zipped=("prices.csv",))
    (folder / "prices.csv").write_text(folders.SMALL["prices.csv"])

    findings = refused(folder)

    assert [(finding[0], finding[3]) for finding in findings] == [
        ("prices.csv", "is there twice, plain and gzipped"),
        ("fx.csv", f"not found in {folder.name}"),
    ]


def test_a_vintage_is_no_duplicate_and_nothing_is_known_before_it_happened(tmp_path):
    macro = "date,series_id,value,source,known_at,vintage\n2019-12-01,CPI1,258.4,bureau,2020-01-14,first\n"
    good = macro + "2019-12-01,CPI1,258.5,bureau,2020-01-20,second\n"
    bad = macro + "2019-12-01,CPI1,258.5,bureau,2019-11-30,second\n"

    reading = archive.read(folders.write(tmp_path / "good", {"macro.csv": good}), today=TODAY)
    findings = refused(folders.write(tmp_path / "bad", {"macro.csv": bad}))

    assert reading.observations.vintage == ("first", "second")
    assert findings == [("macro.csv", 3, "known_at", "2019-11-30 lies before the observation, 2019-12-01")]


def test_the_digest_changes_with_any_byte(tmp_path):
    folder = folders.write(tmp_path)
    before = archive.digest(folder)

    (folder / "sources.csv").write_text(folders.SMALL["sources.csv"].replace("Wood Data", "Wood data"))

    assert archive.digest(folder) != before


def test_arrays_can_not_be_written_to(tmp_path):
    reading = archive.read(folders.write(tmp_path), today=TODAY)

    with pytest.raises(ValueError, match="read-only"):
        reading.closes.close[0] = b"1"


@pytest.mark.slow
def test_the_demo_holds_nothing_but_what_may_be_shipped():
    reading = archive.read(folders.DEMO)

    by_source = {terms.source: terms.columns for terms in reading.sources}

    assert (len(reading.closes.date), len(reading.rates.date), len(reading.observations.date)) == (
        11_958,
        25_410,
        23_035,
    )
    assert set(reading.source_names) == by_source.keys()
    assert {columns["tier"] for columns in by_source.values()} == {"A"}
    assert {columns["redistribute"] for columns in by_source.values()} == {"yes"}
    assert reading.archive_end == date(2013, 3, 1)
    assert max(reading.observations.date).item() <= date(2013, 3, 1)
    assert reading.quarantined == ()


@needs_data
@pytest.mark.slow
def test_the_development_data_is_read_whole():
    reading = archive.read(DATA)

    # the counts of the folder's README
    assert (len(reading.closes.date), len(reading.rates.date), len(reading.observations.date)) == (
        195_043,
        43_029,
        87_258,
    )
    assert (len(reading.securities), len(reading.series)) == (38, 31)
    assert (len(reading.actions), len(reading.quarantined)) == (962, 4)
    assert reading.archive_end == date(2022, 12, 30)

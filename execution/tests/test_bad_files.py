"""What is wrong with a file, through each door that takes it: refused by name with its line, and nothing half taken in.

The doors are POST /v1/portfolios/{id}/imports, the same as a preflight, and manage.py import_transactions; a ledger as a whole
comes by manage.py import_ledger.
"""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from execution.operations.intake.files import read_folder
from execution.tests.test_imports_api import address, rows
from portfolio.ledger.importing.rows import MAX_BYTES
from portfolio.ledger.screening import MAX_FOLDER_BYTES
from tests import plugin

pytestmark = pytest.mark.usefixtures("read_once", "many_imports")

OURS = "id,account,date,type,symbol,quantity,unit_price,fee,currency\n"
OURS_GOOD = "T1,,2013-01-02,buy,AAPL,10,70.5,5,USD\n"
GHOST = "Date,Code,DataSource,Currency,Price,Quantity,Action,Fee,Note\n"
GHOST_GOOD = "02/01/2013,AAPL,YAHOO,USD,70.5,10,buy,5,\n"
BEAN = "2000-01-01 open Assets:Broker:Cash:USD USD\n2000-01-01 open Assets:Broker:USD:AAPL AAPL\n2000-01-01 open Equity:External\n"
BEAN_GOOD = '2013-01-02 * "in"\n  id: "T1"\n  Assets:Broker:Cash:USD  5 USD\n  Equity:External\n'


def ghostfolio(*activities):
    """As JSON; each is what it says otherwise than a good one."""
    good = {
        "currency": "USD", "dataSource": "YAHOO", "date": "2013-01-02", "fee": 5, "quantity": 10, "symbol": "AAPL",
        "type": "BUY", "unitPrice": 70.5,
    }  # fmt: skip
    return json.dumps({"activities": [{**good, **each} for each in activities]})


def flow(amount, account="Equity:External", day="2013-01-03", meta=""):
    return f'{day} * "x"\n{meta}  Assets:Broker:Cash:USD  {amount}\n  {account}\n'


BAD = {
    # name: (file's name, text or bytes, row, column, what is said)
    "ours, decimal comma": (
        "a.csv",
        OURS + OURS_GOOD + 'T2,,2013-01-02,buy,AAPL,10,"70,5",5,USD\n',
        3,
        "unit_price",
        "comma",
    ),
    "ours, byte order mark": ("a.csv", b"\xef\xbb\xbf" + (OURS + OURS_GOOD).encode(), 1, "", "byte order mark"),
    "ours, latin-1": ("a.csv", (OURS + OURS_GOOD + "T2,K\xf6,2013-01-02,\n").encode("latin-1"), 3, "", "not UTF-8"),
    "ours, future": ("a.csv", OURS + OURS_GOOD + "T2,,2999-01-02,buy,AAPL,10,70.5,5,USD\n", 3, "date", "future"),
    "ours, negative": (
        "a.csv",
        OURS + OURS_GOOD + "T2,,2013-01-02,sell,AAPL,-1,70.5,5,USD\n",
        3,
        "quantity",
        "negative",
    ),
    "ours, account": (
        "a.csv",
        OURS + OURS_GOOD + "T2,Assets:No,2013-01-02,buy,AAPL,1,7,5,USD\n",
        3,
        "account",
        "no account",
    ),
    "ours, currency": (
        "a.csv",
        OURS + OURS_GOOD + "T2,,2013-01-02,buy,AAPL,10,70.5,5,USX\n",
        3,
        "currency",
        "no known currency",
    ),
    "ours, id twice": (
        "a.csv",
        OURS + OURS_GOOD + "T1,,2013-01-03,buy,AAPL,10,70.5,5,USD\n",
        3,
        "id",
        "already that of row 2",
    ),
    "ours, sold too much": (
        "a.csv",
        OURS + OURS_GOOD + "T2,,2013-01-03,sell,AAPL,99999999,9,,USD\n",
        3,
        "quantity",
        "more than is held",
    ),
    "ours, formula": (
        "a.csv",
        OURS + OURS_GOOD + "T2,,2013-01-03,sell,AAPL,1/0,9,,USD\n",
        3,
        "quantity",
        "not a number",
    ),
    "CSV, decimal comma": (
        "g.csv",
        GHOST + GHOST_GOOD + '02/01/2013,AAPL,YAHOO,USD,"70,5",10,buy,5,\n',
        3,
        "unitPrice",
        "comma",
    ),
    "CSV, byte order mark": ("g.csv", b"\xef\xbb\xbf" + (GHOST + GHOST_GOOD).encode(), 1, "", "byte order mark"),
    "CSV, two bytes a sign": ("g.csv", (GHOST + GHOST_GOOD).encode("utf-16"), 1, "", "byte order mark"),
    "CSV, latin-1": ("g.csv", (GHOST + GHOST_GOOD + "02/01/2013,K\xf6\n").encode("latin-1"), 3, "", "not UTF-8"),
    "CSV, future": ("g.csv", GHOST + GHOST_GOOD + "02/01/2999,AAPL,YAHOO,USD,70.5,10,buy,5,\n", 3, "date", "future"),
    "CSV, negative": (
        "g.csv",
        GHOST + GHOST_GOOD + "02/01/2013,AAPL,YAHOO,USD,70.5,-10,buy,5,\n",
        3,
        "quantity",
        "negative",
    ),
    "CSV, currency": (
        "g.csv",
        GHOST + GHOST_GOOD + "02/01/2013,AAPL,YAHOO,USX,70.5,10,buy,5,\n",
        3,
        "currency",
        "no known currency",
    ),
    "CSV, security": (
        "g.csv",
        GHOST + GHOST_GOOD + "02/01/2013,APPL,YAHOO,USD,70.5,10,buy,5,\n",
        3,
        "symbol",
        "no known security",
    ),
    "JSON, decimal comma": ("g.json", ghostfolio({}, {"unitPrice": "70,5"}), 2, "unitPrice", "comma"),
    "JSON, byte order mark": ("g.json", b"\xef\xbb\xbf" + ghostfolio({}).encode(), 1, "", "byte order mark"),
    "JSON, latin-1": ("g.json", ghostfolio({}).replace("BUY", "K\xf6").encode("latin-1"), 1, "", "not UTF-8"),
    "JSON, future": ("g.json", ghostfolio({}, {"date": "2999-01-02"}), 2, "date", "future"),
    "JSON, negative": ("g.json", ghostfolio({}, {"quantity": -10}), 2, "quantity", "negative"),
    "JSON, currency": ("g.json", ghostfolio({}, {"currency": "USX"}), 2, "currency", "no known currency"),
    "JSON, id twice": ("g.json", ghostfolio({"id": "T1"}, {"id": "T1"}), 2, "id", "already that of row 1"),
    "JSON, not a number": ("g.json", ghostfolio({}).replace("70.5", "NaN"), 0, "", "no JSON"),
    "Beancount, decimal comma": ("a.beancount", BEAN + BEAN_GOOD + flow("70,5 USD"), 8, "", "'70,5'"),
    "Beancount, byte order mark": (
        "a.beancount",
        b"\xef\xbb\xbf" + (BEAN + BEAN_GOOD).encode(),
        1,
        "",
        "byte order mark",
    ),
    "Beancount, latin-1": ("a.beancount", (BEAN + BEAN_GOOD + "; K\xf6\n").encode("latin-1"), 8, "", "not UTF-8"),
    "Beancount, future": ("a.beancount", BEAN + BEAN_GOOD + flow("5 USD", day="2999-01-02"), 8, "date", "future"),
    "Beancount, balance": (
        "a.beancount",
        BEAN + BEAN_GOOD + flow("5 USD", "Equity:External  -6 USD"),
        8,
        "",
        "does not balance",
    ),
    "Beancount, account": (
        "a.beancount",
        BEAN + BEAN_GOOD + flow("5 USD", "Equity:External:No"),
        8,
        "",
        "unknown account",
    ),
    "Beancount, currency": (
        "a.beancount",
        BEAN + BEAN_GOOD + '2013-01-03 * "x"\n  Assets:Broker:USD:AAPL  1 AAPL {5 USX}\n  Equity:External\n',
        8,
        "",
        "unknown currency USX",
    ),
    "Beancount, negative": (
        "a.beancount",
        BEAN + BEAN_GOOD + '2013-01-03 * "x"\n  Assets:Broker:USD:AAPL  -1 AAPL {5 USD}\n  Assets:Broker:Cash:USD\n',
        8,
        "",
        "not held on that day",
    ),
    "Beancount, id twice": (
        "a.beancount",
        BEAN + BEAN_GOOD + flow("6 USD", meta='  id: "T1"\n'),
        8,
        "id",
        "already that of row 4",
    ),
    "Beancount, crash": ("a.beancount", BEAN + BEAN_GOOD + flow("1/0 USD"), 9, "", "division by zero"),
    "Beancount, hidden crash": (
        "a.beancount",
        BEAN + BEAN_GOOD + flow("1/(1-1) USD"),
        9,
        "",
        "division by an expression",
    ),
    "Beancount, plugin": ("a.beancount", BEAN + 'plugin "evil"\n' + BEAN_GOOD, 4, "", "plugin is not accepted"),
    "Beancount, include": ("a.beancount", BEAN + 'include "/etc/passwd"\n' + BEAN_GOOD, 4, "", "outside the folder"),
}


def door(site):
    """What sends a file to public as its owner."""
    path, headers = address(site), {"Authorization": f"Bearer {site.token('owner')}"}

    def send(name, content, **fields):
        return Client().post(path, {"file": SimpleUploadedFile(name, content), **fields}, headers=headers)

    return send


@pytest.fixture
def many_imports(settings):
    """More in a minute than one user may import."""
    settings.IMPORTS_PER_MINUTE = 10_000


def bytes_of(text):
    return text if isinstance(text, bytes) else text.encode()


def test_a_bad_file_is_refused_by_name_and_line_and_the_site_goes_on(private_demo):
    before, send = rows(private_demo), door(private_demo)

    for case, (name, text, row, column, said) in BAD.items():
        refused, looked = (send(name, bytes_of(text), preflight=each) for each in ("false", "true"))

        body = refused.json()
        assert (refused.status_code, body["type"]) == (400, "invalid-request"), case
        found = [(each["row"], each["column"], each["reason"]) for each in body["errors"]]
        assert any((row, column) == each[:2] and said in each[2] for each in found), (case, found)
        assert looked.status_code == 200, case
        assert [(each["row"], each["reason"]) for each in looked.json()["findings"]] == [
            (each["row"], each["reason"]) for each in body["errors"]
        ], case
        assert rows(private_demo) == before, case
    good = send("a.csv", (OURS + OURS_GOOD).encode())
    assert (good.status_code, Client().get("/health/live").status_code) == (201, 200)


@pytest.mark.role("job")
def test_the_command_refuses_the_same_by_name_and_line(private_demo, tmp_path, capsys):
    before = rows(private_demo)

    for case, (name, text, row, column, said) in BAD.items():
        (tmp_path / name).write_bytes(bytes_of(text))
        for more in ([], ["--dry-run"]):
            with pytest.raises(CommandError, match=r"nothing (was|would be) imported"):
                call_command("import_transactions", str(tmp_path / name), "--portfolio", "public", *more)
            told = capsys.readouterr().err.splitlines()
            where = f"{name}: row {row}" + f", {column}" * bool(column) if row else f"{name}: file"
            assert any(line.startswith(where) and said in line for line in told), (case, told)
        assert rows(private_demo) == before, case


@pytest.mark.role("job")
def test_what_is_no_plain_file_or_too_large_is_refused_before_it_is_read(private_demo, tmp_path, monkeypatch, capsys):
    large, good, link = (tmp_path / name for name in ("large.csv", "good.csv", "link.csv"))
    with large.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    good.write_text(OURS + OURS_GOOD)
    link.symlink_to(good)
    before = rows(private_demo)

    def untouched(self):
        raise AssertionError(f"{self} was read")

    monkeypatch.setattr(type(large), "read_bytes", untouched)
    for file, said in (
        (large, f"at most {MAX_BYTES}"),
        (link, "nothing was imported"),
        (tmp_path, "nothing was imported"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("import_transactions", str(file), "--portfolio", "public")
    assert "link.csv: file: is a link" in capsys.readouterr().err
    assert rows(private_demo) == before


LEDGERS = {
    # name: (text or bytes put at the end, what is said); each begins a line of its own
    "balance": (flow("5 USD", "Equity:External  -6 USD"), "does not balance"),
    "account": (flow("5 USD", "Equity:No"), "unknown account"),
    "currency": ('2013-01-03 * "x"\n  Assets:Z:AAPL  1 AAPL {5 USX}\n  Equity:External\n', "unknown currency USX"),
    "future": (flow("5 USD", day="2999-01-02"), "in the future"),
    "negative": (
        '2013-01-03 * "x"\n  Assets:Z:AAPL  -1 AAPL {5 USD}\n  Equity:External\n',
        "sells more AAPL than is held",
    ),
    "latin-1": ("; K\xf6\n".encode("latin-1"), "not UTF-8"),
    "byte order mark": (None, "byte order mark"),
    "carriage return": (b"; a\r; b\n", "carriage return"),
    "direction": ("; a\u202eb\n", "text direction"),
    "division": ('2013-01-03 * "x" ; 1/0\n  Assets:Broker:Cash:USD  1/0 USD\n  Equity:External\n', "division by zero"),
    "comma": (flow("70,5 USD"), "'70,5'"),
    "plugin": ('plugin "evil"\n', "plugin is not accepted"),
    "python path": ('option "insert_pythonpath" "TRUE"\n', "'insert_pythonpath' is not accepted"),
    "include": ('include "../second/main.beancount"\n', "outside the folder"),
    "document": ('2013-01-03 document Assets:Broker:Cash:USD "/etc/passwd"\n', "outside the folder"),
}


@pytest.mark.role("job")
def test_a_bad_ledger_is_refused_by_file_and_line_and_nothing_of_it_is_taken_in(private_demo, tmp_path, capsys):
    files = read_folder(plugin.PROJECT / "demo" / "ledger" / "public")
    main = files["main.beancount"] + b"\n2000-01-01 open Assets:Z:AAPL AAPL\n"
    before = rows(private_demo)

    for case, (text, said) in LEDGERS.items():
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        written = b"\xef\xbb\xbf" + main if text is None else main + bytes_of(text)
        (tmp_path / "main.beancount").write_bytes(written)
        first = 1 if text is None else main.count(b"\n") + 1

        with pytest.raises(CommandError, match="nothing was imported"):
            call_command("import_ledger", str(tmp_path), "--portfolio", "public")

        told = [line.split(":", 2) for line in capsys.readouterr().err.splitlines()]
        assert any(
            name == "main.beancount" and first <= int(line) <= first + 2 and said in reason
            for name, line, reason in told
        ), (case, told)
        assert rows(private_demo) == before, case


@pytest.mark.role("job")
def test_a_ledger_too_large_or_with_a_link_in_it_is_refused_before_it_is_read(
    private_demo, tmp_path, monkeypatch, capsys
):
    for name in ("main.beancount", "large.beancount"):
        (tmp_path / name).write_text("; nothing\n")
    with (tmp_path / "large.beancount").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    (tmp_path / "link.beancount").symlink_to("/etc/passwd")
    before = rows(private_demo)

    def untouched(self):
        raise AssertionError(f"{self} was read")

    monkeypatch.setattr(type(tmp_path), "read_bytes", untouched)
    with pytest.raises(CommandError, match="2 findings; nothing was imported"):
        call_command("import_ledger", str(tmp_path), "--portfolio", "public")

    told = capsys.readouterr().err.splitlines()
    assert told == ["large.beancount:0: is too large", "link.beancount:0: is a link"]
    assert MAX_FOLDER_BYTES < 100 * 1024 * 1024
    assert rows(private_demo) == before

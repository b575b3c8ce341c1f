import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from portfolio.ledger import reader, screening
from portfolio.ledger.reader import LedgerCrashed, LedgerIncorrect, LedgerTimedOut, LedgerTooBig, LoadingProcess, read
from portfolio.ledger.screening import Finding, LedgerRefused, LedgerUnsafe

MIB = 1024 * 1024
ACCOUNTS = """\
option "operating_currency" "CAD"
2020-01-01 open Assets:Cash CAD
2020-01-01 open Assets:Shares ABC "FIFO"
2020-01-01 open Equity:External
2020-01-01 open Income:Realised
"""
FLOW = """
2020-01-02 * "Deposit" "External transfer"
  Assets:Cash  1000.00 CAD
  Equity:External
"""


def folder(text: str | bytes, **others: str) -> dict[str, bytes]:
    content = text if isinstance(text, bytes) else text.encode()
    return {"main.beancount": content} | {f"{name}.beancount": other.encode() for name, other in others.items()}


def findings_of(files, kind=LedgerRefused, **options) -> tuple[Finding, ...]:
    with pytest.raises(kind) as caught:
        read(files, **options)
    assert type(caught.value) is kind or kind is LedgerRefused
    findings: tuple[Finding, ...] = caught.value.findings
    return findings


def child_lines(box: Path, text: str) -> list[list[object]]:
    """What the child writes of a folder whose main file this is, without the screening before it."""
    (box / "main.beancount").write_text(text)
    return loaded_lines(box)


def loaded_lines(box: Path) -> list[list[object]]:
    lines: list[list[object]] = []
    with LoadingProcess() as child:
        child.load(str(box), "main.beancount", timeout_s=30, take=lines.append)
    return lines


@pytest.fixture
def no_child(monkeypatch):
    """Fails the test where the parser is started."""

    def run(*_, **__):
        raise AssertionError("the parser was started")

    monkeypatch.setattr(LoadingProcess, "load", run)


def test_a_ledger_comes_back_whole_with_amounts_completed():
    reading = read(folder(ACCOUNTS + FLOW))

    (entry,) = reading.entries
    assert (entry.date, entry.file, entry.line) == (date(2020, 1, 2), "main.beancount", 7)
    assert [(p.account, p.units, p.commodity) for p in entry.postings] == [
        ("Assets:Cash", Decimal("1000.00"), "CAD"),
        ("Equity:External", Decimal("-1000.00"), "CAD"),
    ]
    assert reading.operating_currencies == ("CAD",)
    assert [opening.currencies for opening in reading.opens[:2]] == [("CAD",), ("ABC",)]


def test_includes_within_the_folder_are_followed_and_named_by_file():
    files = folder(ACCOUNTS + 'include "year/a.beancount"\n')
    files["year/a.beancount"] = b'include "b.beancount"\n'
    files["year/b.beancount"] = FLOW.encode()

    reading = read(files)

    assert reading.entries[0].file == "year/b.beancount"


def test_the_lots_of_a_sale_and_the_inventory_are_those_that_beancount_books():
    deals = """
2020-02-01 * "Buy"
  Assets:Shares  10 ABC {100 CAD}
  Assets:Cash
2020-02-02 * "Buy"
  Assets:Shares  10 ABC {150 CAD}
  Assets:Cash
2020-03-01 * "Sell"
  Assets:Shares  -15 ABC {} @ 200 CAD
  Assets:Cash  3000 CAD
  Income:Realised
"""

    reading = read(folder(ACCOUNTS + deals))

    closed = [(p.units, p.cost.number) for p in reading.entries[-1].postings if p.cost]
    assert closed == [(Decimal("-10"), Decimal("100")), (Decimal("-5"), Decimal("150"))]
    shares = [h for change in reading.inventory for h in change.holdings if h.commodity == "ABC"]
    assert [(h.units, h.cost) for h in shares] == [
        (Decimal("10"), (("CAD", Decimal("1000")),)),
        (Decimal("20"), (("CAD", Decimal("2500")),)),
        (Decimal("5"), (("CAD", Decimal("750")),)),
    ]


def test_hostile_words_stay_words():  # they are escaped where they are shown
    entry = FLOW.replace("Deposit", "=HYPERLINK(1)").replace("External transfer", '<script> plugin; include \\"x\\"')

    reading = read(folder(ACCOUNTS + entry))

    assert (reading.entries[0].payee, reading.entries[0].narration) == ("=HYPERLINK(1)", '<script> plugin; include "x"')


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('\noption "insert_pythonpath" "TRUE"\nplugin "evil"\n', 2, "insert_pythonpath"),
        ('\n\nplugin "evil"\n', 3, "plugin"),
        ('  plugin\t"evil"\n', 1, "plugin"),
        ('2020-01-01 open Assets:A plugin "evil"\n', 1, "plugin"),
        ('#tag plugin "evil"\n', 1, "plugin"),
        ('; "\nplugin "evil"\n', 2, "plugin"),
        ('* "\nplugin "evil" ; "\n', 2, "plugin"),
        ('option "pythonpath" "/srv"\n', 1, "pythonpath"),
        ('option "plugin_processing_mode" "raw"\n', 1, "plugin_processing_mode"),
        ('option "plugin" "evil"\n', 1, "plugin"),
        ('option "documents" "/etc"\n', 1, "documents"),
        ('option "name_assets" "Vermoegen"\n', 1, "name_assets"),
        ('\ninclude "/etc/hostname"\n', 2, "outside"),
        ('include "../other/main.beancount"\n', 1, "outside"),
        ('include "a/../../other.beancount"\n', 1, "outside"),
        ('include "~/x.beancount"\n', 1, "outside"),
        ('include "$HOME/x.beancount"\n', 1, "outside"),
        ('include "*.beancount"\n', 1, "pattern"),
        ('include "https://example.org/x.beancount"\n', 1, "URL"),
        ('include "absent.beancount"\n', 1, "not in the folder"),
        ('include "secret.asc"\n', 1, "does not end in"),
        ('\n2020-01-01 document Assets:A "/etc/hostname"\n', 2, "outside"),
        ('2020-01-01 document Assets:A "../x.pdf"\n', 1, "outside"),
        ('2020-01-01 * "x"\n  Assets:A  1/0 USD\n', 2, "division by zero"),
        ("2020-01-01 price A  1 / -0.00 USD\n", 1, "division by zero"),
        ("2020-01-01 price A  1/0, USD\n", 1, "division by zero"),
        ("2020-01-01 price A  1/(1-1) USD\n", 1, "brackets"),
        ("\n\ufeff2020-01-01 open Assets:A\n".lstrip("\n"), 1, "byte order mark"),
        ('\n2020-01-01 * "Zoë"\n'.encode("latin-1"), 2, "not UTF-8"),
        ("; a\r; b\r", 1, "carriage return"),
        ("; a\n; \0\n", 2, "NUL"),
        ('\n2020-01-01 * "a\u202eb"\n', 2, "direction"),
        ('\n2020-01-01 * "a\x1b[0m"\n', 2, "control"),
    ],
)
def test_an_unsafe_folder_is_refused_by_file_and_line_before_anything_is_parsed(no_child, text, line, reason):
    files = folder(text)

    findings = findings_of(files, LedgerUnsafe)

    assert (findings[0].file, findings[0].line) == ("main.beancount", line)
    assert reason in findings[0].reason


@pytest.mark.parametrize(
    "text",
    [
        '; plugin "commented"\n',
        '* plugin "heading"\n',
        '2020-01-02 * "Audio plugin shop" "option include plugin"\n  Assets:Cash 1 CAD\n  Equity:External\n',
        "2020/01/02 price ABC 10/3 CAD\n",
        "2020-01-02 price ABC 10/0.5 CAD\n",
        '2020-01-02 * "a" #x/0 ^y/0\n  plugin: "key"\n  Assets:Cash 1 CAD\n  Equity:External\n',
        "; windows\r\n2020-01-02 price ABC 1 CAD\r\n",
    ],
)
def test_harmless_text_that_looks_like_it_is_read(text):
    reading = read(folder(ACCOUNTS + text))

    assert reading.operating_currencies == ("CAD",)


@pytest.mark.parametrize("name", ["../x.beancount", "/etc/x.beancount", "a/../../x.beancount"])
def test_a_file_name_that_leaves_the_folder_is_refused(no_child, name):
    files = folder("; main\n") | {name: b""}

    findings = findings_of(files, LedgerUnsafe)

    assert findings[0].file == name


def test_a_folder_without_its_main_file_is_refused(no_child):
    files = {"other.beancount": b""}

    findings = findings_of(files, LedgerUnsafe)

    assert findings[0].file == "main.beancount"


def test_a_folder_of_a_hundred_megabytes_is_refused_by_its_largest_file(no_child):
    files = folder("; main\n") | {"big.beancount": b"\n" * (100 * 1024 * 1024)}

    findings = findings_of(files, LedgerUnsafe)

    assert findings[0].file == "big.beancount"
    assert str(screening.MAX_FOLDER_BYTES) in findings[0].reason


def test_code_that_slipped_past_the_screening_is_not_run(monkeypatch, tmp_path):
    marker = tmp_path / "ran"
    files = folder('option "insert_pythonpath" "TRUE"\nplugin "evil"\n')
    files["evil.py"] = f"open({str(marker)!r}, 'w')\n".encode()
    monkeypatch.setattr(reader, "screen", lambda _: [])

    findings = findings_of(files, LedgerUnsafe)

    assert "plugin" in findings[0].reason
    assert not marker.exists()


def test_another_file_that_slipped_past_the_screening_is_not_read(monkeypatch, tmp_path):
    secret = tmp_path / "secret.beancount"
    secret.write_text("the secret text\n")
    monkeypatch.setattr(reader, "screen", lambda _: [])

    findings = findings_of(folder(f'include "{secret}"\n'), LedgerUnsafe)

    assert "outside" in findings[0].reason
    assert "secret text" not in str(findings)


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("the secret text\n")
    box = tmp_path / "box"
    box.mkdir()
    (box / "main.beancount").symlink_to(tmp_path / "elsewhere")

    lines = loaded_lines(box)

    assert [line[0] for line in lines] == ["unsafe"]
    assert "secret text" not in str(lines)


@pytest.mark.parametrize(
    ("included", "reason"),
    [("key.gpg", "does not end in"), ("[a]b.beancount", "pattern"), ("../main.beancount", "outside")],
)
def test_an_include_that_slipped_past_the_screening_is_refused_before_it_is_loaded(tmp_path, included, reason):
    box = tmp_path / "box"
    box.mkdir()
    for name in ("key.gpg", "[a]b.beancount"):
        (box / name).write_text("; nothing\n")

    (line,) = child_lines(box, f'include "{included}"\n')

    assert line[0] == "unsafe"
    assert reason in str(line[-1])


@pytest.mark.parametrize(
    "option",
    [
        ("documents", "/etc"),
        ("doc\\uments", "/etc"),
        ("plug\\in_processing_mode", "raw"),
        ("insert_python\\path", "TRUE"),
    ],
)
def test_an_option_that_slipped_past_the_screening_is_refused_before_it_acts(tmp_path, option):
    name, value = option

    (line,) = child_lines(tmp_path, f'option "{name}" "{value}"\n')

    assert line[0] == "unsafe"


def test_a_file_is_refused_for_what_an_included_one_acts_on(tmp_path):
    (tmp_path / "a.beancount").write_text('plugin "evil"\n')

    (line,) = child_lines(tmp_path, 'include "a.beancount"\n')

    assert line[:2] == ["unsafe", "a.beancount"]


def test_text_that_kills_the_parser_kills_only_its_own_process(monkeypatch):
    monkeypatch.setattr(reader, "screen", lambda _: [])

    findings = findings_of(folder(ACCOUNTS + '2020-01-02 * "x"\n  Assets:Cash  1/0 CAD\n'), LedgerCrashed)

    assert findings[0].file == "main.beancount"
    assert "SIG" in findings[0].reason


def test_an_entry_that_does_not_balance_is_refused_with_its_line():
    entry = FLOW.replace("Equity:External", "Equity:External  -999.00 CAD")

    findings = findings_of(folder(ACCOUNTS + 'include "flow.beancount"\n', flow=entry), LedgerIncorrect)

    assert (findings[0].file, findings[0].line) == ("flow.beancount", 2)
    assert "does not balance" in findings[0].reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("2020-01-02 balance Assets:Cash 1.00 CAD\n", 6),
        ('2020-01-02 * "x"\n  Assets:Unknown  1 CAD\n  Equity:External\n', 6),
        ("2020-01-02 price ABC 1,5 CAD\n", 6),
        ("2020-01-02 nonsense\n", 6),
        ('2020-01-02 * "x"\n  Assets:Cash  1 USD\n  Equity:External\n', 6),
    ],
)
def test_what_the_checker_finds_is_refused_with_file_and_line(text, line):
    findings = findings_of(folder(ACCOUNTS + text), LedgerIncorrect)

    assert (findings[0].file, findings[0].line) == ("main.beancount", line)


def test_an_error_after_sound_entries_leaves_nothing_of_them(tmp_path):
    text = ACCOUNTS + FLOW + "2020-01-03 balance Assets:Cash 1.00 CAD\n"

    lines = child_lines(tmp_path, text)
    findings = findings_of(folder(text), LedgerIncorrect)

    assert [line[0] for line in lines] == ["error"]
    assert [(finding.file, finding.line) for finding in findings] == [("main.beancount", 10)]


def test_a_child_that_dies_after_some_entries_leaves_nothing_of_them(monkeypatch, tmp_path):
    child = tmp_path / "child.py"
    child.write_text(
        "import os\n"
        'print(\'["options", "", [], null]\')\n'
        'print(\'["entry", "2020-01-02", "*", "", "", {}, "main.beancount", 7, []]\', flush=True)\n'
        "os.kill(os.getpid(), 9)\n"
    )
    monkeypatch.setattr(reader, "CHILD", child)

    findings = findings_of(folder(ACCOUNTS + FLOW), LedgerCrashed)

    assert "SIGKILL" in findings[0].reason


def test_entries_that_are_padded_in_come_in_order_of_date():
    padded = """
2020-01-03 pad Assets:Cash Equity:External
2020-01-05 balance Assets:Cash 1500.00 CAD
2020-01-06 * "Deposit"
  Assets:Cash  1.00 CAD
  Equity:External
"""

    reading = read(folder(ACCOUNTS + FLOW + padded))

    assert [(entry.date.day, entry.postings[0].units) for entry in reading.entries] == [
        (2, Decimal("1000.00")),
        (3, Decimal("500.00")),
        (6, Decimal("1.00")),
    ]


def test_a_residue_balances_only_within_the_tolerance():
    deal = '2020-01-02 * "x"\n  Assets:Shares  3 ABC {{33.333 CAD}}\n  Assets:Cash  -{paid} CAD\n'

    reading = read(folder(ACCOUNTS + deal.format(paid="100.00")))
    findings = findings_of(folder(ACCOUNTS + deal.format(paid="100.01")), LedgerIncorrect)

    assert len(reading.entries) == 1
    assert "does not balance" in findings[0].reason


def test_no_finding_shows_where_the_text_was_parsed():
    findings = findings_of(
        folder(ACCOUNTS + '2020-01-02 document Assets:Cash "a.pdf"\n') | {"a.pdf": b""} | folder("x\n")
    )

    assert os.sep + "tmp" not in str(findings)
    assert str(Path.cwd()) not in str(findings)


def test_a_ledger_that_takes_too_long_is_stopped():
    files = folder(ACCOUNTS + FLOW * 20_000)

    findings = findings_of(files, LedgerTimedOut, timeout_s=0.3)

    assert findings[0] == Finding("main.beancount", 0, "reading took longer than 0.3 s")


@pytest.mark.slow
def test_a_ledger_that_needs_too_much_memory_is_stopped_and_costs_no_other():
    large = folder(ACCOUNTS + FLOW * 20_000)

    with LoadingProcess(memory_bytes=60 * MIB) as child:
        before = read(folder(ACCOUNTS + FLOW), child=child)
        with pytest.raises((LedgerTooBig, LedgerCrashed)) as stopped:
            read(large, child=child)
        after = read(folder(ACCOUNTS + FLOW), child=child)

    assert stopped.value.findings[0].file == "main.beancount"
    assert before == after


def test_ledgers_that_one_child_loads_are_what_each_is_by_itself():
    deal = '2020-01-02 * "x"\n  Assets:Shares  3 ABC {{100.00 CAD}}\n  Assets:Cash  -100.00 CAD\n'
    options = (
        'option "booking_method" "LIFO"\noption "inferred_tolerance_default" "*:5"\noption "render_commas" "TRUE"\n'
    )
    several = folder(ACCOUNTS + 'include "flow.beancount"\n', flow=FLOW)
    folders = [
        folder(ACCOUNTS + FLOW + deal),
        folder(options + ACCOUNTS + FLOW),
        several,
        folder(ACCOUNTS + deal + FLOW),
    ]

    with LoadingProcess() as child:
        together = [read(files, child=child) for files in folders * 2]

    assert together == [read(files) for files in folders] * 2


def test_a_ledger_that_crashes_or_takes_too_long_costs_no_other(monkeypatch):
    monkeypatch.setattr(reader, "screen", lambda _: [])
    good, crash = folder(ACCOUNTS + FLOW), folder(ACCOUNTS + '2020-01-02 * "x"\n  Assets:Cash  1/0 CAD\n')

    with LoadingProcess() as child:
        before = read(good, child=child)
        crashed = findings_of(crash, LedgerCrashed, child=child)
        between = read(good, child=child)
        findings_of(folder(ACCOUNTS + FLOW * 5_000), LedgerTimedOut, child=child, timeout_s=0.2)
        after = read(good, child=child)

    assert "SIG" in crashed[0].reason
    assert before == between == after


def test_an_error_of_a_later_ledger_is_named_by_its_own_file():
    wrong = folder(ACCOUNTS + 'include "flow.beancount"\n', flow=FLOW + "2020-01-03 balance Assets:Cash 1.00 CAD\n")

    with LoadingProcess() as child:
        read(folder(ACCOUNTS + FLOW), child=child)
        findings = findings_of(wrong, LedgerIncorrect, child=child)

    assert (findings[0].file, findings[0].line) == ("flow.beancount", 5)


def test_a_child_that_is_gone_is_replaced():
    with LoadingProcess() as child:
        before = read(folder(ACCOUNTS + FLOW), child=child)
        child.process.kill()
        after = read(folder(ACCOUNTS + FLOW), child=child)

    assert before == after


@pytest.mark.slow
def test_each_ledger_has_its_own_seconds(tmp_path):
    (tmp_path / "main.beancount").write_text(ACCOUNTS + FLOW * 1_000)
    request = json.dumps([str(tmp_path), "main.beancount", 1]) + "\n"
    command = [sys.executable, "-I", str(reader.CHILD), str(reader.MEMORY_BYTES)]

    done = subprocess.run(command, input=request * 5, capture_output=True, text=True, check=False)

    ends = [line for line in done.stdout.splitlines() if line.startswith('["end"')]
    assert (done.returncode, len(ends)) == (0, 5)

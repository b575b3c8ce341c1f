"""Files that an operator names: read whole, or refused before they are read."""

from pathlib import Path
from typing import Final

from portfolio.books import imports
from portfolio.ledger.importing.rows import MAX_BYTES, RowFinding
from portfolio.ledger.screening import Finding, LedgerRefused, refuse_path

MAX_LEDGER_FILE_BYTES: Final = 64 * 1024 * 1024


def read_file(path: Path) -> bytes:
    """The bytes of a plain file. Raises imports.ImportRefused for anything else, imports.ImportTooLarge before reading."""
    reason = "is a link" if path.is_symlink() else "" if path.is_file() else "is no file"
    if reason:
        raise imports.ImportRefused((RowFinding(0, "", reason),))
    if (size := path.stat().st_size) > MAX_BYTES:
        raise imports.ImportTooLarge(size)
    return path.read_bytes()


def read_folder(path: Path) -> dict[str, bytes]:
    """A ledger as files: a folder as it is; of a single file, itself as main.beancount with its neighbours `<stem>_*`.

    raises   LedgerRefused for links, other things than files, and folders without main.beancount
    """
    if path.is_dir():
        paths = sorted(each for each in path.rglob("*") if not each.is_dir())
        files = {each.relative_to(path).as_posix(): each for each in paths}
    elif path.is_file():
        files = {"main.beancount": path} | {
            each.name: each for each in sorted(path.parent.glob(f"{path.stem}_*.beancount"))
        }
    else:
        raise LedgerRefused((Finding(path.name, 0, "there is no such file or folder"),))
    findings = [
        Finding(name, 0, reason)
        for name, each in files.items()
        if (
            reason := "is a link"
            if each.is_symlink()
            else "is too large"
            if each.stat().st_size > MAX_LEDGER_FILE_BYTES
            else refuse_path(name)
        )
    ]
    if "main.beancount" not in files:
        findings.append(Finding("main.beancount", 0, "is missing"))
    if findings:
        raise LedgerRefused(tuple(findings))
    return {name: each.read_bytes() for name, each in files.items()}

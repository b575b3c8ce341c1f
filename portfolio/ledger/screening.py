"""What a ledger folder may hold. Looked at as bytes, before any parser sees it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import dirname, join, normpath

from config import plain_text
from config.counts import number_of
from config.errors import TieoutError

MAX_FOLDER_BYTES = 64 * 1024 * 1024
MAX_FILES = 1_000
LEDGER_SUFFIXES = (".beancount", ".bean")

# Options that change how numbers are read or shown. Those that load code, read other folders, skip the checks or rename
# the five roots of the chart of accounts are not here.
ALLOWED_OPTIONS = frozenset(
    {
        "title",
        "operating_currency",
        "booking_method",
        "conversion_currency",
        "display_precision",
        "infer_tolerance_from_cost",
        "inferred_tolerance_default",
        "inferred_tolerance_multiplier",
        "long_string_maxlines",
        "render_commas",
        "tolerance_multiplier",
        "use_precise_interpolation",
    }
)

# The words of Beancount's own lexer (3.2.3) that decide where a directive can stand. What this reading could miss, the
# child process refuses once more from the parsed options, before it acts on them.
_WORDS = re.compile(
    r"""
    "(?:[^"\\]|\\.)*"                                                   # string, may span lines
    | ;[^\n]*                                                           # comment
    | ^[*:!&?%][^\n]* | ^\#(?![A-Za-z0-9\-_/.])[^\n]*                   # lines that are skipped whole
    | [#^][A-Za-z0-9\-_/.]+                                             # tag, link
    | [0-9]{4,}[-/][0-9]+[-/][0-9]+                                     # date
    | [A-Z\x80-\U0010ffff][\w\-]*(?::[A-Z0-9\x80-\U0010ffff][\w\-]*)+   # account
    | [a-z][A-Za-z0-9\-_]+:                                             # key
    | /[A-Z0-9'._\-]*[A-Z](?:[A-Z0-9'._\-]*[A-Z0-9])?                   # commodity of a future
    | /[ \t\r+\-]*(?P<divisor>\(|[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]*)?)
    | (?P<directive>plugin|include|option|document)
    """,
    re.VERBOSE | re.MULTILINE,
)
_DIRECTIVES = ("plugin", "include", "option", "document")
_DIVISOR = re.compile(r"/[ \t\r+\-]*(\(|[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]*)?)")
_STRING = r'[ \t\r]*"((?:[^"\\]|\\.)*)"'
_ARGUMENT = re.compile(_STRING)
_OPTION = re.compile(_STRING + _STRING)
_DOCUMENT = re.compile(r"[^\"\n]*" + _STRING)
_ZERO = re.compile(r"[0,]+(?:\.0*)?")
_BARE_RETURN = re.compile(rb"\r(?!\n)")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
_DIRECTION = re.compile(f"[{plain_text.DIRECTION}]")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One reason against a ledger folder; line 0 speaks of the file as a whole."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class LedgerRefused(TieoutError):
    """Nothing of this ledger folder is taken; `findings` say why, by file and line."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}" if findings else "ledger refused")
        self.findings = findings


class LedgerUnsafe(LedgerRefused):
    """The folder holds what no parser may see: code to load, files from elsewhere, text that is not plain UTF-8."""


def screen(files: Mapping[str, bytes]) -> list[Finding]:
    """Reasons not to parse these files (path within the folder -> content), in order of file and line; [] is clean."""
    total = sum(len(content) for content in files.values())
    if len(files) > MAX_FILES:
        return [Finding("", 0, f"{number_of(len(files), 'file')}; a ledger folder holds at most {MAX_FILES}")]
    if total > MAX_FOLDER_BYTES:
        largest = max(files, key=lambda name: len(files[name]))
        return [Finding(largest, 0, f"folder of {total} bytes; a ledger folder holds at most {MAX_FOLDER_BYTES}")]
    findings: list[Finding] = []
    for name, content in files.items():
        reason = refuse_path(name)
        if reason is not None:
            findings.append(Finding(name, 0, reason))
        elif name.endswith(LEDGER_SUFFIXES):
            encoding = _find_encoding_fault(name, content)
            findings.extend([encoding] if encoding else _find_directives(name, content.decode(), files))
    return sorted(findings)


def refuse_path(name: str) -> str | None:
    """Why this is no path within a folder, or None."""
    if not name or "\\" in name or not name.isprintable():
        return "not a plain file name"
    if name.startswith("/") or PurePosixPath(name).as_posix() != name or ".." in PurePosixPath(name).parts:
        return "path leads outside the folder"
    return None


def _find_encoding_fault(name: str, content: bytes) -> Finding | None:
    def at(offset: int, reason: str) -> Finding:
        return Finding(name, content.count(b"\n", 0, offset) + 1, reason)

    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return at(0, "byte order mark; save as UTF-8 without one")
    if (nul := content.find(b"\0")) >= 0:
        return at(nul, "NUL byte")
    if bare := _BARE_RETURN.search(content):
        return at(bare.start(), "carriage return without line feed; save with Unix line ends")
    try:
        text = content.decode()
    except UnicodeDecodeError as fault:
        return at(fault.start, "not UTF-8")
    for pattern, reason in ((_CONTROL, "control character"), (_DIRECTION, "mark that changes the text direction")):
        if match := pattern.search(text):
            return Finding(name, text.count("\n", 0, match.start()) + 1, reason)
    return None


def _find_directives(name: str, text: str, files: Mapping[str, bytes]) -> Iterator[Finding]:
    if _is_harmless_anywhere(name, text, files):
        return
    line, line_start = 1, 0
    for word in _WORDS.finditer(text):
        reason = None
        if word["directive"]:
            reason = _refuse_directive(word["directive"], text, word.end(), name, files)
        elif word["divisor"]:
            reason = _refuse_divisor(word["divisor"])
        if reason is not None:
            line += text.count("\n", line_start, word.start())
            line_start = word.start()
            yield Finding(name, line, reason)


def _is_harmless_anywhere(name: str, text: str, files: Mapping[str, bytes]) -> bool:
    """No directive or divisor in it would be refused even if none stood in a string or a comment: so most ledgers are, and
    to tell those apart takes twenty times as long."""
    for directive in _DIRECTIVES:
        at = text.find(directive)
        while at >= 0:
            if _refuse_directive(directive, text, at + len(directive), name, files) is not None:
                return False
            at = text.find(directive, at + 1)
    return all(_refuse_divisor(match[1]) is None for match in _DIVISOR.finditer(text))


def _refuse_divisor(divisor: str) -> str | None:
    """Beancount's parser dies of a division by zero (it takes the whole process with it)."""
    if divisor == "(":
        return "division by an expression in brackets is not accepted; write the number"
    return "division by zero" if _ZERO.fullmatch(divisor) else None


def _refuse_directive(directive: str, text: str, end: int, name: str, files: Mapping[str, bytes]) -> str | None:
    if directive == "plugin":
        return "plugin is not accepted: it would run code"
    if directive == "option":
        option = _OPTION.match(text, end)
        if option is None or option[1] in ALLOWED_OPTIONS:
            return None
        return f"option {option[1]!r} is not accepted"
    argument = (_ARGUMENT if directive == "include" else _DOCUMENT).match(text, end)
    if argument is None:
        return None  # the parser names the line
    return _refuse_target(directive, argument[1], name, files)


def _refuse_target(directive: str, target: str, name: str, files: Mapping[str, bytes]) -> str | None:
    if "://" in target:
        return f"{directive} of a URL is not accepted"
    if any(sign in target for sign in "*?[") and directive == "include":
        return "include with a pattern is not accepted; name each file"
    if refuse_path(target) is not None or target.startswith("~") or "$" in target:
        return f"{directive} leads outside the folder"
    resolved = normpath(join(dirname(name), target))
    if directive == "include" and not resolved.endswith(LEDGER_SUFFIXES):
        return f"include of a file that does not end in {' or '.join(LEDGER_SUFFIXES)}"
    return None if resolved in files else f"{directive} of a file that is not in the folder"

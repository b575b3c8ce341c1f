"""`python -m tests.cases [CASE…] [-v] [-n N]`: go through the cases and print a table of what is right and what was seen.

A case is named by its number; `F` or `U` names all that begin so. -v prints the rows that are right, too. Ends with 1 where
something is not right. It stands on the databases of the tests, not on those of the service.
"""

import contextlib
import io
import sys
from collections.abc import Sequence

import pytest


class Collected:
    """The rows of each case, as the tests record them."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self.numbers = numbers
        self.rows: dict[str, list[list[object]]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.numbers:
            items[:] = [item for item in items if self._is_wanted(item.callspec.params.get("number", ""))]  # type: ignore[attr-defined]

    def _is_wanted(self, number: str) -> bool:
        return any(number == each or (each.isalpha() and number.startswith(each)) for each in self.numbers)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            number = report.nodeid.partition("[")[2].rstrip("]")
            recorded = [rows for name, rows in report.user_properties if name == "rows" and isinstance(rows, list)]
            failure: list[object] = [report.when, "goes well", " ".join(report.longreprtext.split())[-200:], False]
            self.rows[number] = recorded[0] if recorded else [failure]


def main(words: list[str]) -> int:
    verbose = "-v" in words
    options = [word for word in words if word.startswith("-") and word != "-v"]
    if "-n" in words:
        at = words.index("-n")
        options = ["-n", words[at + 1], "--dist", "worksteal"]
        words = words[:at] + words[at + 2 :]
    collected = Collected([word for word in words if not word.startswith("-")])
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        pytest.main(["tests/cases/test_cases.py", "-q", "-p", "no:cacheprovider", *options], plugins=[collected])
    if not collected.rows:
        print(said.getvalue())
    right = 0
    for number, rows in sorted(collected.rows.items()):
        right += all(row[3] for row in rows)
        for what, should_be, seen, ok in rows:
            if verbose or not ok:
                print(
                    f"{number:<6} {'ok   ' if ok else 'WRONG'} {what}: {should_be}" + ("" if ok else f" | seen: {seen}")
                )
    print(f"{right} of {len(collected.rows)} cases are right")
    return 0 if collected.rows and right == len(collected.rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

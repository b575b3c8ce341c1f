"""Each case through the doors: what is seen is what is right. `python -m tests.cases` prints the same as a table."""

import pytest

from tests.cases import corrections, reports, reports_accounts, unseen  # noqa: F401  # reading them keeps their cases
from tests.cases.desk import CASES

pytestmark = pytest.mark.usefixtures("read_once")


@pytest.mark.parametrize("number", list(CASES))
def test_what_is_seen_is_right(number, world_of, tmp_path, record_property):
    case = CASES[number]
    with world_of(case.world):
        rows = case.go(tmp_path)

    record_property("rows", [[row.what, row.right, row.seen, row.ok] for row in rows])
    assert rows, "the case looks at nothing"
    wrong = [str(row) for row in rows if not row.ok]
    assert not wrong, "\n".join([f"{case.kind}:", *wrong])

"""What two packs say differently, and what that does to the value of each portfolio."""

from execution.operations.pack_diff.changes import (
    Change,
    day_before,
    find_changes,
    find_changes_known_by,
    find_changes_of_day,
)
from execution.operations.pack_diff.comparison import PackDiff, compare
from execution.operations.pack_diff.report import as_dict, change_as_dict, lines

__all__ = [
    "Change",
    "PackDiff",
    "as_dict",
    "change_as_dict",
    "compare",
    "day_before",
    "find_changes",
    "find_changes_known_by",
    "find_changes_of_day",
    "lines",
]

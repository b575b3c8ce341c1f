"""Names that a name was perhaps meant to be."""

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches


def nearest(name: str, names: Collection[str]) -> str:
    """The one of the known names that a name is nearest to, in whatever case; "" where none is near."""
    by_lower = {each.lower(): each for each in names}
    matches = get_close_matches(name.lower(), list(by_lower), 1)
    return by_lower[matches[0]] if matches else ""


def suggest(name: str, names: Collection[str]) -> str:
    near = nearest(name, names)
    return f"perhaps {near}" if near else ""


def rename(missing: str, columns: Collection[str], otherwise: str) -> str:
    """What to do about a column that a header lacks: rename the one that nearly has its name."""
    near = nearest(missing, columns)
    return f"perhaps {near[:40]} is it: name it {missing}" if near else otherwise


def describe_unread_columns(ignored: Iterable[str], names: Collection[str]) -> Iterator[str]:
    """Columns that are not read and nearly have the name of one that is, in words."""
    for column in ignored:
        if near := nearest(column, names):
            yield f"the column {column[:40]} is not read: if it is the {near}, name it so in the first line"


def describe_new_accounts(names: Iterable[str], known_names: Collection[str]) -> Iterator[str]:
    """Accounts that a file would open, whose names are nearly those of accounts that there are, in words."""
    for name in dict.fromkeys(names):
        if name and name not in known_names and (near := nearest(name, known_names)):
            yield f"the account {name} is new: if it is {near}, write it so in the file"

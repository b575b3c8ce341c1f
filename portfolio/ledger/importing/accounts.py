"""The accounts of a ledger, and which of them the names and securities of a file mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from portfolio.ledger import names

from .shelf import Shelf

OPENED: Final = "1970-01-01"
"""When an account that an import needs is opened: before anything, so that an older file may follow."""
BROKER: Final = "Assets:Broker"
"""Where rows without an account belong."""
TRANSIT: Final = "Assets:InTransit"
"""Where securities are between two own accounts."""

_OPEN = re.compile(
    r"^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ \t]+open[ \t]+(\S+)(?:[ \t]+([A-Z/][^\s\";,]*(?:[ \t]*,[ \t]*[^\s\";,]+)*))?"
    r'(?:[ \t]+"([A-Z_]+)")?',
    re.MULTILINE,
)
_METHOD = re.compile(r'^option[ \t]+"booking_method"[ \t]+"([A-Z_]+)"', re.MULTILINE)
_NAMED = re.compile(
    rf'^[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}[ \t]+custom[ \t]+"tieout"[ \t]+"{names.NAME}"[ \t]+"?([^\s"]+)"?'
    r'[ \t]+"((?:[^"\\]|\\.)*)"',
    re.MULTILINE,
)
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029]+')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Accounts:
    """The accounts that the files of a ledger open, and those that an import opens in addition."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.commodities_of: dict[str, tuple[str, ...]] = {}
        """Account -> the symbols and currencies that it may hold; () where anything."""
        self._roots: dict[str, str] = {}
        self.known_names: dict[str, str] = {}
        """Account -> the name that it stands for, where the ledger says so."""
        self.methods: dict[str, str] = {}
        """Account -> how Beancount picks its lots, of those that the ledger has."""
        texts = list(texts)
        otherwise = next((method for text in texts for method in _METHOD.findall(text)), "STRICT")
        for text in texts:
            for account, commodities, method in _OPEN.findall(text):
                self.methods[account] = (method or otherwise).removesuffix("_WITH_SIZE")
                self.commodities_of[account] = tuple(
                    names.symbol(each.strip()) for each in commodities.split(",") if each.strip()
                )
            for account, name in _NAMED.findall(text):
                name = re.sub(r"\\(.)", r"\1", name)
                self._roots[name], self.known_names[account] = account, name
        self.to_name: dict[str, str] = {}
        """Account -> its name, of those that this import has to say."""
        self.to_open: dict[str, str] = {}
        """Account -> the directive, of those that this import has to open."""

    def assign(self, names_of_rows: Iterable[str]) -> None:
        """Decide which account each name of a file means: names that are accounts as they stand come first."""
        fresh = [
            name
            for name in dict.fromkeys(map(_as_one_line, names_of_rows))
            if name and not is_path(name) and name not in self._roots
        ]
        for name in sorted(fresh, key=lambda each: names.component(each) != each):
            component = names.component(name)
            leaves = {root.rpartition(":")[2] for root in self._roots.values()} | {TRANSIT.rpartition(":")[2]}
            root = f"Assets:{names.distinct(component, leaves)}"
            self._roots[name] = root
            if root != f"Assets:{name}":
                self.to_name[root] = name

    def root(self, name: str) -> str:
        """The account of a name, a path, or of rows that name none."""
        if not name:
            return BROKER
        if is_path(name):
            return name
        name = _as_one_line(name)
        if name not in self._roots:
            self.assign([name])
        return self._roots[name]

    def name_of(self, root: str) -> str:
        """What people call an account: the name that it stands for, else its last component."""
        name = self.to_name.get(root) or self.known_names.get(root)
        return name or root.rpartition(":")[2]

    def accounts_by_name(self, names_of_rows: Iterable[str]) -> dict[str, str]:
        """Name -> account, of the names that are not those of their accounts themselves."""
        accounts = {name: self.root(name) for name in dict.fromkeys(names_of_rows) if name and not is_path(name)}
        return {name: root for name, root in accounts.items() if root != f"Assets:{name}"}

    def open(self, account: str, holds: str = "") -> str:
        if account not in self.commodities_of:
            self.to_open.setdefault(account, f"{OPENED} open {account} {holds}".rstrip())
        return account

    def places(self, root: str, symbol: str, shelf: Shelf) -> list[str]:
        """The accounts under a root that hold a security, once did, or are opened for it."""
        accounts = [account for account in shelf.accounts(symbol) if self._is_under(account, root)]
        accounts += [
            account
            for account, symbols in self.commodities_of.items()
            if symbol in symbols and self._is_under(account, root)
        ]
        return list(dict.fromkeys(accounts))

    def shares(self, root: str, symbol: str, currency: str, shelf: Shelf, method: str) -> str:
        """Where a security that comes in belongs: to what there is of it, whatever currency it was dealt in."""
        places = self.places(root, symbol, shelf)
        if places:
            own = [place for place in places if place.startswith(f"{root}:{currency}:")]
            return (own or places)[0]
        leaves = {
            account.rpartition(":")[2]
            for account, symbols in self.commodities_of.items()
            if account.rpartition(":")[0] == root and symbols and symbol not in symbols
        } | {account.rpartition(":")[2] for account in self.to_open if account.rpartition(":")[0] == root}
        account = f"{root}:{names.distinct(names.leaf(symbol), leaves)}"
        self.open(account, f'{names.commodity(symbol)} "{method}"')
        self.commodities_of[account] = (symbol,)
        return account

    def cash(self, root: str, currency: str) -> str:
        return self.open(f"{root}:Cash:{currency}", currency)

    def directives(self, opens: Mapping[str, str], opened_before: Mapping[str, Sequence[str]]) -> list[str]:
        """What has to stand before the entries of an import: accounts opened, by `opens` where it has one, and their names."""
        directives = {**self.to_open, **opens}
        lines = [text for account, text in directives.items() if account not in opened_before]
        return lines + [
            f'{OPENED} custom "tieout" "{names.NAME}" {root} "{_quoted(name)}"' for root, name in self.to_name.items()
        ]

    def _is_under(self, account: str, root: str) -> bool:
        """A child, or a grandchild that is not under a broker account of its own."""
        if not account.startswith(f"{root}:"):
            return False
        components = account[len(root) + 1 :].split(":")
        if len(components) == 1:
            return True
        other = f"{root}:{components[0]}:Cash:"
        return len(components) == 2 and not any(each.startswith(other) for each in self.commodities_of)


def is_path(name: str) -> bool:
    """Whether it is an account of a ledger rather than a name, which may hold a colon, too."""
    return name.startswith(("Assets:", "Liabilities:"))


def plain(text: str) -> str:
    """Text that can stand between quotes and in a comment."""
    return " ".join(_UNSAFE.sub(" ", text).split())


def _as_one_line(name: str) -> str:
    """A name as one line."""
    return _CONTROL.sub(" ", name).strip()


def _quoted(name: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", name)

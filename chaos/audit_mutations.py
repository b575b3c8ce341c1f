"""`python -m chaos.audit_mutations [--count 1000] [--seed 1] [--owner public-owner] [--portfolio public]`: changes by API, page,
admin and command, in random order. Each has to leave just its rows in the audit log, with who, door, request and values; then all
is sealed and has to verify.

It needs `make serve` on the embedded servers, and leaves its deposits in the portfolio's ledger: to be run on a demo.
"""

import argparse
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from chaos import service

TOKEN = "c" * 32
"""Sent as cookie and as header, which is all that the check of forms compares."""
STAFF = "chaos-audit"
LEFT_WHILE_S = 30


@dataclass
class Tally:
    mutations: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass
class Expected:
    """Of the entries that a mutation leaves, in their order: table, action, and a part of what is there after."""

    door: str
    user_id: int | None
    request_id: str
    entries: list[tuple[str, str, dict[str, Any]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--owner", default="public-owner")
    parser.add_argument("--portfolio", default="public")
    options = parser.parse_args()
    url = service.set_up()
    tally = attack(url, options.owner, options.portfolio, count=options.count, seed=options.seed, command=run_command)
    print(
        f"{tally.mutations.total()} mutations (seed {options.seed}):"
        f" {', '.join(f'{number} {door}' for door, number in sorted(tally.mutations.items()))};"
        f" {tally.entries} entries, {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def run_command(*arguments: str) -> None:
    from config import embedded

    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=embedded.child_environment(),
        check=True,
        capture_output=True,
    )


def attack(url: str, owner: str, slug: str, *, count: int, seed: int, command: Callable[..., None]) -> Tally:
    chance, tally = random.Random(seed), Tally()
    doors = _Doors(url, owner, slug, chance, command)
    last_id = _newest()
    for number in range(count):
        # One of each first; then those that are cheap, mostly.
        kind = (
            ("api", "admin", "page", "command")[number]
            if number < 4
            else chance.choices(("api", "admin", "page", "command"), (550, 430, 4, 16))[0]
        )
        expected = getattr(doors, kind)()
        entries = _after(last_id)
        last_id = max((each.pk for each in entries), default=last_id)
        tally.mutations[kind] += 1
        tally.entries += len(entries)
        if why := _wrong(entries, expected):
            tally.failures.append(f"{number}, {kind}: {why}")
    tally.failures += _unsealed()
    doors.put_back()
    return tally


def _wrong(entries: list[Any], expected: Expected) -> str:
    changes = [(each.table_name, each.action) for each in entries]
    if changes != [(table, action) for table, action, _ in expected.entries]:
        return f"left {changes}"
    for entry, (_, _, after) in zip(entries, expected.entries, strict=True):
        who = (entry.door, entry.user_id, entry.request_id)
        if who != (expected.door, expected.user_id, expected.request_id):
            return f"is of {who}"
        values = entry.after or {}
        if any(values.get(name) != value for name, value in after.items()):
            return f"says {values}, not {after}"
    return ""


def _unsealed() -> list[str]:
    """What does not verify once all is sealed; transactions of others, which keep back what is behind them, are waited for."""
    from compliance.audit import sealing, verification

    until = time.monotonic() + LEFT_WHILE_S
    with service.as_job():
        while True:
            sealing.seal(at=datetime.now(UTC))
            verified = verification.verify(most=20)
            if not verified.open_entries or time.monotonic() > until:
                open_ones = [f"{verified.open_entries} are not sealed"] if verified.open_entries else []
                return [*map(str, verified.differences), *open_ones]
            time.sleep(0.1)


def _newest() -> int:
    from compliance.models import AuditEntry

    with service.as_job():
        return AuditEntry.objects.values_list("pk", flat=True).first() or 0


def _after(last_id: int) -> list[Any]:
    from compliance.models import AuditEntry

    with service.as_job():
        return list(AuditEntry.objects.filter(pk__gt=last_id).order_by("pk"))


class _Doors:
    """Each method changes one thing by one door, and says what that has to leave."""

    def __init__(self, url: str, owner: str, slug: str, chance: random.Random, command: Callable[..., None]) -> None:
        self.owner, self.staff = service.Person(url, owner), _make_staff(url)
        self.slug, self.chance, self.run_command = slug, chance, command
        self.page_of_imports = f"/portfolios/{slug}/imports/"
        self.settings = f"/v1/portfolios/{self.owner.portfolio_id(slug)}/settings"
        self.ids = self.owner.user.pk, self.staff.user.pk
        self.accrual = self.before = self.owner.call("GET", self.settings).json()["settings"]["accrual"]
        self.groups: list[int] = []
        self.requests = 0

    def api(self) -> Expected:
        """A setting, by its owner."""
        left = self._other_accrual()
        request_id = self._next()
        _require(
            self.owner.call(
                "PATCH", self.settings, json={"accrual": self.accrual}, headers={"X-Request-ID": request_id}
            ),
            200,
        )
        return Expected("api", self.ids[0], request_id, left)

    def command(self) -> Expected:
        left = self._other_accrual()
        self.run_command("portfolio_settings", "--portfolio", self.slug, "--accrual", self.accrual)
        return Expected("command", None, "", left)

    def admin(self) -> Expected:
        """A group: added, renamed or removed."""
        name, request_id = f"made up {self.chance.randrange(10**12)}", self._next()
        action = self.chance.choice(("insert", "update", "delete")) if self.groups else "insert"
        place = self.chance.randrange(len(self.groups)) if self.groups else 0
        match action:
            case "insert":
                address, form = "add/", {"name": name}
            case "update":
                address, form = f"{self.groups[place]}/change/", {"name": name}
            case _:
                address, form = f"{self.groups.pop(place)}/delete/", {"post": "yes"}
        _require(self._submit(self.staff, f"/admin/auth/group/{address}", request_id, form), 302)
        if action == "insert":
            self.groups.append(_group(name))
        after = {} if action == "delete" else {"name": name}
        return Expected("admin", self.ids[1], request_id, [("auth_group", action, after)])

    def page(self) -> Expected:
        """An import of a deposit, looked at first."""
        content = (
            f"date,type,amount,currency,note\n2020-01-08,deposit,{self.chance.randrange(1, 10**6)}.25,CAD,audited\n"
        )
        preview = self.owner.browse(
            "POST",
            self.page_of_imports,
            files={"file": ("audited.csv", content)},
            headers=self._form(self.owner, self._next()),
        )
        (waiting,) = re.findall(r'name="confirm" value="([^"]*)"', _require(preview, 200).text)
        request_id = self._next()
        _require(self._submit(self.owner, self.page_of_imports, request_id, {"confirm": waiting}), 302)
        revision = [
            ("portfolio_ledgerrevision", "insert", {}),
            ("portfolio_ledgerrevision", "update", {"status": "reconciled"}),
        ]
        return Expected("page", self.ids[0], request_id, revision)

    def put_back(self) -> None:
        """The setting and the groups as they were, and nobody who could log in as the staff of this script."""
        from django.contrib.auth import get_user_model
        from django.contrib.auth.models import Group

        if self.accrual != self.before:
            self.api()
        Group.objects.filter(pk__in=self.groups).delete()
        get_user_model().objects.filter(username=STAFF).update(is_active=False)

    def _other_accrual(self) -> list[tuple[str, str, dict[str, Any]]]:
        self.accrual = "cash" if self.accrual == "accrual" else "accrual"
        return [("portfolio_portfolio", "update", {"accrual": self.accrual})]

    def _submit(self, person: service.Person, path: str, request_id: str, form: dict[str, str]) -> requests.Response:
        return person.browse("POST", path, data=form, headers=self._form(person, request_id))

    def _form(self, person: service.Person, request_id: str) -> dict[str, str]:
        cookie = f"{person.cookie}; csrftoken={TOKEN}"
        return {"Cookie": cookie, "X-CSRFToken": TOKEN, "Referer": f"{person.url}/", "X-Request-ID": request_id}

    def _next(self) -> str:
        self.requests += 1
        return f"chaos-{self.chance.randrange(10**9)}-{self.requests}"


def _require(answer: requests.Response, status: int) -> requests.Response:
    if answer.status_code != status:
        raise AssertionError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}")
    return answer


def _group(name: str) -> int:
    from django.contrib.auth.models import Group

    return Group.objects.get(name=name).pk


def _make_staff(url: str) -> service.Person:
    """Somebody of the staff who may do everything, with a second factor; nobody knows a password of theirs."""
    from django.contrib.auth import get_user_model
    from django_otp import DEVICE_ID_SESSION_KEY
    from django_otp.plugins.otp_totp.models import TOTPDevice

    user, _ = get_user_model().objects.update_or_create(
        username=STAFF, defaults={"is_staff": True, "is_superuser": True, "is_active": True, "password": "!"}
    )
    device, _ = TOTPDevice.objects.get_or_create(user=user, name="codes")
    return service.Person(url, STAFF, {DEVICE_ID_SESSION_KEY: device.persistent_id})


if __name__ == "__main__":
    sys.exit(main())

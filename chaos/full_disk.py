"""`python -m chaos.full_disk [--count 5] [--seed 1] [--size-mib 600]`: a disk that fills up while a night and an import run.

As root: a small disk in memory is mounted, and a demo is made on it, with servers of its own. In each round the disk is filled at a
random moment of a night, or before it; every command that is said then has to end with one line. Then there is room again, and the
watchdog looks: there has to be one release of the night, fresh; nothing is left running, ledger and rows are equal and hold the
imported row once, and the checks of packs, ledger and history find nothing.

What is there already is not touched; the disk is taken away at the end. It takes two minutes to begin with.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from config import env

DAY = "2013-03-01"
ROW = "date,type,amount,currency,note\n2013-02-28,deposit,{0}.25,CAD,full disk {0}\n"
"""Of each round another amount: a row that differs in its note alone is taken for known."""
LINE = re.compile(r"^(CommandError: )?\S.{10,400}$")
TRACEBACK = ("Traceback (most recent call last)", "HINT:", "DETAIL:")
NIGHT_S = 4
"""The disk is filled within so many seconds of the night's start."""
CHUNK = 1 << 20
PATIENCE_S = 120


@dataclass
class Tally:
    rounds: int = 0
    commands: int = 0
    refusals: int = 0
    """Commands that ended with a code of failure while the disk was full."""
    words: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size-mib", type=int, default=600)
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("only root may mount a disk: run it as root")
        return 2
    chance, tally = random.Random(options.seed), Tally()
    with _disk(options.size_mib) as folder:
        attack = _Attack(folder)
        process = attack.manage("demo")
        if process.returncode:
            print(f"no demo could be made: {process.stderr[-500:]}")
            return 2
        for number in range(options.count):
            with attack.servers():
                attack.fill_up(number, chance, tally)
            tally.rounds += 1
            with attack.servers():
                attack.require_whole(number, tally)
    print(
        f"{tally.rounds} full disks (seed {options.seed}), {tally.commands} commands, {tally.refusals} refused,"
        f" {len(tally.failures)} failures"
    )
    for line, count in sorted(tally.words.items(), key=lambda each: -each[1])[:12]:
        print(f"  {count} x {line}")
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


@contextmanager
def _disk(size_mib: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="full-disk-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as another account, and passes through
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=711", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)


class _Attack:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "DATABASE_JOB_URL", "DATABASE_OWNER_URL", "REDIS_URL", "LEDGER_PATH")
        } | {"TIEOUT_VAR": str(folder / "var"), "TMPDIR": str(folder), "DEBUG": "1"}

    def python(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=env.PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        process = self.python("manage.py", *words)
        output, complained = process.communicate(timeout=540)
        return subprocess.CompletedProcess(words, process.returncode, output, complained)

    @contextmanager
    def servers(self) -> Iterator[None]:
        """PostgreSQL and Redis stay while the block lasts, unless the disk ends them."""
        holder = self.python(
            "-c", "from config import embedded; embedded.provide('job'); print('up', flush=True); input()"
        )
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            yield
        finally:
            holder.kill()
            holder.wait()

    def fill(self, chance: random.Random) -> None:
        """Take all room but up to a megabyte, as whoever else writes to that disk would."""
        spare = chance.choice((0, 0, 4096, 65536, 1 << 20))
        with self.filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * CHUNK)
            except OSError:
                pass
            file.truncate(max(0, file.tell() - spare))

    def fill_up(self, number: int, chance: random.Random, tally: Tally) -> None:
        """A disk that fills up during a night, and what is said while it is full."""
        file = self.folder / "row.csv"
        file.write_text(ROW.format(number))
        night = self.python("manage.py", "nightly", "--date", DAY, "--restate", f"full disk {number}")
        time.sleep(chance.uniform(0, NIGHT_S))
        self.fill(chance)
        _, complained = night.communicate(timeout=540)
        self.look("nightly", night.returncode, complained, tally)
        words = [
            ("import_transactions", str(file), "--portfolio", "public"),
            ("verify_ledger",),
            ("verify_packs",),
            ("nightly", "--date", DAY, "--restate", f"full disk {number}"),
            ("execute", "portfolio_overview", "--portfolio", "public", "--input", f"lookback_days={61 + number}"),
            ("doctor",),
            ("load_market_data", "demo"),
        ]
        for each in chance.sample(words, len(words)):
            ended = self.manage(*each)
            self.look(each[0], ended.returncode, ended.stderr, tally)
        self.filler.unlink()

    def look(self, name: str, code: int, complained: str, tally: Tally) -> None:
        """Whether a command ended as it may: in order, or with one line for a person."""
        lines = [line for line in complained.strip().splitlines() if not line.startswith("{")]
        tally.commands += 1
        if code == 0:
            return
        tally.refusals += 1
        last = lines[-1] if lines else ""
        line = f"{name}: {re.sub(r'[0-9a-f]{8,}|/[^ ]+', '…', last)[:150]}"
        tally.words[line] = tally.words.get(line, 0) + 1
        if code not in (1, 3) or not LINE.match(last) or any(each in complained for each in TRACEBACK):
            tally.failures.append(f"{name} ended with {code}: {complained[-400:]}")

    def require_whole(self, number: int, tally: Tally) -> None:
        """With room again: what the watchdog has done, and what the checks say."""
        process = self.python("-c", f"from chaos import full_disk; full_disk.tell({number})")
        output, complained = process.communicate(timeout=540)
        if process.returncode:
            tally.failures.append(f"round {number}: {complained[-600:]}")
            return
        state = json.loads(output.splitlines()[-1])
        expected = {
            "runs": ["done"], "jobs": ["done"], "packs": ["fresh"], "running": [0, 0, 0], "behind": 0, "rows": 1,
        }  # fmt: skip
        if state != expected:
            tally.failures.append(f"round {number}: {state}")
        for name in ("verify_packs", "verify_ledger"):
            ended = self.manage(name)
            if ended.returncode:
                tally.failures.append(f"round {number}: {name}: {(ended.stdout + ended.stderr)[-300:]}")


def tell(number: int) -> None:
    """In a process over the disk's database: let the watchdog look until nothing is left to do, and print what there is then."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import embedded

    embedded.provide("job")
    django.setup()
    from django.utils import timezone

    from execution import tasks
    from execution.models import Execution, JobRun, NightlyRun
    from execution.night import due, nightly
    from portfolio.books import catching_up, imports
    from portfolio.models import Portfolio, Transaction
    from pricing.models import PricingPack, PricingPolicy

    due.STALE_AFTER_S = 0  # type: ignore[attr-defined]  # neither a minute of silence nor the time between two tries is waited for
    tasks.run_nightly.delay_on_commit = lambda **message: tasks.run_nightly(**message)  # type: ignore[attr-defined]
    runs, until = NightlyRun.objects.exclude(state="done"), time.monotonic() + PATIENCE_S
    while runs.exists() and time.monotonic() < until:
        JobRun.objects.exclude(retry_at=None).update(retry_at=timezone.now())
        tasks.take_up_stale_runs()
    tasks.take_up_stale_runs()
    reason = f"full disk {number}"
    day = date.fromisoformat(DAY)
    nightly.run(policy=PricingPolicy.objects.get(pk="ECB_EUR"), from_date=day, date=day, restates=reason)
    public = Portfolio.objects.get(slug="public")
    content = ROW.format(number).encode()
    imports.commit(portfolio=public, name="row.csv", content=content, author="chaos", at=timezone.now())
    of_reason = NightlyRun.objects.filter(restates=reason)
    print(
        json.dumps(
            {
                "runs": [run.state for run in of_reason],
                "jobs": sorted(set(JobRun.objects.filter(run__in=of_reason).values_list("state", flat=True))),
                "packs": sorted(PricingPack.objects.filter(restates=reason).values_list("status", flat=True)),
                "running": [
                    NightlyRun.objects.exclude(state="done").count(),
                    JobRun.objects.filter(state="running").count(),
                    Execution.objects.filter(status="running").count(),
                ],
                "behind": len(catching_up.find_behind(Portfolio.objects.all())),
                "rows": Transaction.objects.filter(removed_in__isnull=True, note=reason).count(),
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())

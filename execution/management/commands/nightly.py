"""`manage.py nightly`: the night of a date, or of a span."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from config.command import day_argument
from config.counts import number_of
from execution.models import JobRun, NightlyRun
from execution.night import blocked, nightly, restatement
from execution.night.jobs import JOBS
from execution.night.night import Progress
from execution.terminal.command import TieoutCommand, progress_bars
from pricing.archive import loading
from pricing.models import PricingPolicy

MAX_LISTED = 20


class Command(TieoutCommand):
    help = "Build, reconcile, compute, mark fresh: the night of --date, or of a span with --from and --to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--policy", default="ECB_EUR", help="pricing policy of the packs (ECB_EUR)")
        parser.add_argument(
            "--date", type=day_argument, help="the pack day; without it, the last day of the loaded archive"
        )
        parser.add_argument("--from", dest="since", type=day_argument, metavar="D", help="first day of a span")
        parser.add_argument("--to", dest="until", type=day_argument, metavar="D", help="last day of a span")
        parser.add_argument(
            "--restate", default="", metavar="REASON", help="why: the next release of its packs is opened"
        )
        parser.add_argument(
            "--restate-lacking",
            action="store_true",
            help="restate all days that lack what the loaded data have, no other",
        )
        parser.add_argument(
            "--from-step", choices=list(JOBS), metavar="S", help=f"do again from this job on: {', '.join(JOBS)}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        policy = PricingPolicy.objects.filter(pk=options["policy"]).first()
        if policy is None:
            raise CommandError(f"there is no pricing policy {options['policy']}", returncode=2)
        if (options["since"] is None) != (options["until"] is None) or (options["date"] and options["since"]):
            raise CommandError("give --date, or both --from and --to", returncode=2)
        if options["restate_lacking"] and any(options[name] for name in ("date", "since", "restate", "from_step")):
            raise CommandError("--restate-lacking finds its days by itself: give no other option", returncode=2)
        begun_at = timezone.now()
        with progress_bars() as report:
            night_run = (
                self._restate_lacking(policy, report)
                if options["restate_lacking"]
                else self._night(policy, options, report)
            )
        if night_run is None:
            self._print_nothing_lacks(policy, as_json=options["json"])
            return
        rows = [
            {"portfolio": row.portfolio.slug, "pack_id": row.pack_id, "kind": row.kind, "reason": row.reason}
            for row in blocked.rows_at_head(night_run)
        ]
        night = {
            "run": str(night_run.pk),
            "policy": policy.code,
            "from": night_run.from_date.isoformat(),
            "to": night_run.date.isoformat(),
            "release": night_run.release,
            "state": night_run.state,
            "jobs": {job.name: job.detail for job in JobRun.objects.filter(run=night_run).order_by("position")},
            "blocked": rows,
        }
        if options["json"]:
            self.print_json(night)
        else:
            self.stdout.write(
                f"{policy.code} {night['from']} to {night['to']}, release {night_run.release}: {night_run.state}"
            )
            if restated := night_run.jobs.get(name="build_pack").detail.get("restated"):
                self.stdout.write(f"{number_of(restated, 'day')} restated: {restatement.LACKING}")
            if options["restate"] and night_run.finished_at is not None and night_run.finished_at < begun_at:
                self.stdout.write(
                    "it was restated for that reason already, and nothing was loaded since: give another reason"
                )
            self._print_blocked(rows)

    def _print_blocked(self, rows: list[dict[str, str]]) -> None:
        """Which portfolios have no answer at the newest pack, and why. The night of all others is not affected."""
        if not rows:
            return
        self.stdout.write(
            f"{len(rows):,} portfolio{'s have' if len(rows) > 1 else ' has'} no answer at {rows[0]['pack_id']}:"
        )
        for row in rows[:MAX_LISTED]:
            self.stdout.write(f"  {row['portfolio']}: {row['kind']}: {row['reason']}")
        if len(rows) > MAX_LISTED:
            self.stdout.write(f"  and {len(rows) - MAX_LISTED} more, in the admin (blocked portfolios)")

    def _night(self, policy: PricingPolicy, options: dict[str, Any], report: Progress) -> NightlyRun:
        last = options["until"] or options["date"]
        if last is None:
            newest = loading.newest_archive()
            if newest is None:
                raise loading.NoArchive
            last = newest.archive_end
        return nightly.run(
            policy=policy,
            from_date=options["since"] or last,
            date=last,
            restates=options["restate"],
            from_step=options["from_step"],
            progress=report,
        )

    def _restate_lacking(self, policy: PricingPolicy, report: Progress) -> NightlyRun | None:
        """The run that restates all days whose pack lacks something, or the one that was begun; None where no pack does."""
        span = restatement.span_of_lacking(policy)
        if span is None:
            return None
        return nightly.run(
            policy=policy, from_date=span[0], date=span[1], restates=restatement.LACKING, progress=report
        )

    def _print_nothing_lacks(self, policy: PricingPolicy, *, as_json: bool) -> None:
        if as_json:
            self.print_json({"policy": policy.code, "restated": 0})
        else:
            self.stdout.write(f"{policy.code}: no pack lacks what the loaded data have")

"""`manage.py demo`: load the demo data, compute everything, print one portfolio."""

import json
from typing import Any

from config import env
from execution.operations import demo
from execution.terminal import other_patterns, report
from execution.terminal.command import TieoutCommand, progress_bars


class Command(TieoutCommand):
    help = "Load demo/, build its packs, reconcile, compute, and print the public portfolio. Again, it only prints."

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bars() as progress:
            result = demo.run(progress=progress)
        if options["json"]:
            self.print_json(json.loads(result.served.body()))
            return
        report.show(result.served, result.portfolio.name)
        other_patterns.show(result.others, result.portfolio.slug, result.portfolio.base_currency)
        address = f"http://127.0.0.1:{env.integer('PORT', default=8000, minimum=1)}"
        self.stdout.write("\nNext: `make serve`, then look at")
        self.stdout.write(f"  {address}/portfolios/{result.portfolio.slug}/{demo.PATTERN}/")
        self.stdout.write(f"  {address}/admin/")
        self.stdout.write("and log in as")
        for each in result.log_ins:
            self.stdout.write(f"  {each.username:<13} {each.password or 'with the password that was set since'}")
        self.stdout.write(
            f"{demo.STAFF} sets up a second factor at the first log-in, and is in every group of the staff"
        )

"""`manage.py verify_packs`: are the sealed packs what was sealed?"""

from typing import Any

from django.core.management.base import CommandError

from config.counts import number_of
from execution.terminal.command import TieoutCommand
from pricing import packs
from pricing.models import PricingPack, PricingPolicy


class Command(TieoutCommand):
    help = "Compute every pack's content and chain hash again; exit 1 with the first pack and row that differ."

    def handle(self, *args: Any, **options: Any) -> None:
        rows: list[dict[str, Any]] = []
        for policy in PricingPolicy.objects.order_by("code"):
            difference = packs.verify(policy=policy)
            count = PricingPack.objects.filter(policy=policy, sequence__isnull=False).count()
            rows.append(
                {
                    "policy": policy.code,
                    "packs": count,
                    "difference": str(difference) if difference else None,
                    "pack_id": difference.pack_id if difference else None,
                    "row": difference.row if difference else None,
                }
            )
        if options["json"]:
            self.print_json(rows)
        for each in rows:
            if each["difference"]:
                raise CommandError(str(each["difference"]))
            if not options["json"]:
                self.stdout.write(f"{each['policy']}: {number_of(each['packs'], 'sealed pack')} unchanged")

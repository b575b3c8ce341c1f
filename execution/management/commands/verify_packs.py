"""`manage.py verify_packs`: are the sealed packs what was sealed?"""

from typing import Any

from django.core.management.base import CommandError

from execution.terminal.command import Command as Base
from pricing import packs
from pricing.models import PricingPack, PricingPolicy


class Command(Base):
    help = "Compute every pack's content and chain hash again; exit 1 with the first pack and row that differ."

    def handle(self, *args: Any, **options: Any) -> None:
        told = []
        for policy in PricingPolicy.objects.order_by("code"):
            found = packs.verify(policy=policy)
            count = PricingPack.objects.filter(policy=policy, sequence__isnull=False).count()
            told.append(
                {
                    "policy": policy.code,
                    "packs": count,
                    "difference": str(found) if found else None,
                    "pack_id": found.pack_id if found else None,
                    "row": found.row if found else None,
                }
            )
        if options["json"]:
            self.print_json(told)
        for each in told:
            if each["difference"]:
                raise CommandError(str(each["difference"]))
            if not options["json"]:
                self.stdout.write(f"{each['policy']}: {each['packs']} sealed packs are what was sealed")

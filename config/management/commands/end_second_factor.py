"""`manage.py end_second_factor USER`: for who has lost the app and the recovery codes."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from config.command import TieoutCommand
from config.log_in import second_factor


class Command(TieoutCommand):
    help = "Forget a user's second factor: staff set up another at the next log-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["user"]
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"there is no user {name}")
        ended = second_factor.end(user)
        if options["json"]:
            self.print_json({"user": name, "ended": ended})
        else:
            self.stdout.write(f"{name} has no second factor any more" if ended else f"{name} had no second factor")

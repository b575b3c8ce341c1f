"""`manage.py token issue|list|revoke USER`: the personal tokens of a user, for who runs the service."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from config.command import TieoutCommand
from config.log_in import personal_tokens
from config.models import PersonalToken, TokenScope


class Command(TieoutCommand):
    help = "Issue, list and revoke personal tokens. The text of a new one is printed once and stored nowhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=("issue", "list", "revoke"), help="what to do with tokens of the user")
        parser.add_argument("user", help="user name")
        parser.add_argument("token", nargs="?", help="of revoke: what the token begins with, as list shows it")
        parser.add_argument("--name", help="of issue: what it is for")
        parser.add_argument("--scope", nargs="+", choices=TokenScope.values, help="of issue: what it may do")
        parser.add_argument(
            "--days",
            type=int,
            choices=range(1, personal_tokens.LONGEST_DAYS + 1),
            metavar=f"1-{personal_tokens.LONGEST_DAYS}",
            default=personal_tokens.USUAL_DAYS,
            help="of issue: how long it lives",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no user {options['user']}")
        {"issue": self._issue, "list": self._list, "revoke": self._revoke}[options["verb"]](user, options)

    def _issue(self, user: Any, options: dict[str, Any]) -> None:
        name, scopes = options["name"], options["scope"]
        if not name or not scopes:
            raise CommandError("say what it is for, --name, and what it may do, --scope")
        token, text = personal_tokens.issue(
            user, name=name, scopes=[TokenScope(each) for each in scopes], days=options["days"], now=datetime.now(UTC)
        )
        if options["json"]:
            self.print_json({**_as_dict(token), "token": text})
        else:
            self.stdout.write(text)

    def _list(self, user: Any, options: dict[str, Any]) -> None:
        tokens = [_as_dict(token) for token in PersonalToken.objects.filter(user=user)]
        if options["json"]:
            self.print_json(tokens)
        for each in () if options["json"] else tokens:
            end = "revoked" if each["revoked_at"] else f"until {each['expires_at']:%Y-%m-%d}"
            self.stdout.write(f"{each['prefix']}  {end}  {','.join(each['scopes'])}  {each['name']}")

    def _revoke(self, user: Any, options: dict[str, Any]) -> None:
        prefix = options["token"]
        ids = list(PersonalToken.objects.filter(user=user, prefix=prefix or "").values_list("pk", flat=True))
        if not ids:
            raise CommandError(f"{user.get_username()} has no token that begins with {prefix or 'nothing'}")
        revoked = [personal_tokens.revoke(user, token_id) for token_id in ids]
        if options["json"]:
            self.print_json({"prefix": prefix, "revoked": any(revoked)})
        else:
            self.stdout.write(f"{prefix} is revoked" if any(revoked) else f"{prefix} was revoked before")


def _as_dict(token: PersonalToken) -> dict[str, Any]:
    fields = ("prefix", "name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {name: getattr(token, name) for name in fields}

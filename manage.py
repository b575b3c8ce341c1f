#!/usr/bin/env python
"""The command line of Tieout."""

import os
import sys

ROLE_OF_COMMAND = {
    "migrate": "owner", "makemigrations": "owner", "sqlmigrate": "owner", "showmigrations": "owner", "dbshell": "owner",
    "createsuperuser": "app", "changepassword": "app", "runserver": "app", "shell": "app", "check": "app",
    "collectstatic": "app", "test": "owner",
}  # fmt: skip
WITHOUT_SERVICES = {"help", "--help", "-h", "--version", "version", "collectstatic", "spectacular", "makemessages"}


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import embedded
    from config.errors import TieoutError

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        if command not in WITHOUT_SERVICES and "--help" not in sys.argv:
            embedded.provide(os.environ.get("TIEOUT_ROLE") or ROLE_OF_COMMAND.get(command, "job"))
        from django.core.management import execute_from_command_line

        from config import origin

        with origin.of_process(origin.Door.COMMAND, command):
            execute_from_command_line(sys.argv)
    except TieoutError as error:
        sys.stderr.write(f"{error}\n")
        return getattr(error, "exit_code", 1)
    finally:
        embedded.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())

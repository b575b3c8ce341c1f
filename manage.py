#!/usr/bin/env python
"""The command line of Tieout."""

import os
import sys

ROLE_OF_COMMAND = {
    "migrate": "owner", "makemigrations": "owner", "sqlmigrate": "owner", "showmigrations": "owner", "dbshell": "owner",
    "createsuperuser": "app", "changepassword": "app", "runserver": "app", "shell": "app", "check": "app",
    "collectstatic": "app", "test": "owner", "sign_anew": "owner",
}  # fmt: skip
WITHOUT_SERVICES = {"help", "--help", "-h", "--version", "version", "collectstatic", "spectacular", "makemessages"}


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import command_line
    from config.errors import TieoutError

    try:
        return _run()
    except (TieoutError, OSError) as failure:
        return command_line.tell(failure)


def _run() -> int:
    from config import command_line, embedded

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        if command not in WITHOUT_SERVICES and "--help" not in sys.argv:
            embedded.provide(os.environ.get("TIEOUT_ROLE") or ROLE_OF_COMMAND.get(command, "job"))
        return command_line.run(sys.argv)
    finally:
        embedded.release()


if __name__ == "__main__":
    sys.exit(main())

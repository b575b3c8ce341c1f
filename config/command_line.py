"""A command, from its words to its exit code. Whatever ends it, the last line on stderr is for a person, and no traceback."""

import logging
import os
import sys
from collections.abc import Sequence

from django.core.management import execute_from_command_line

from config import outage
from config.command import EXIT_FAILED
from config.errors import TieoutError

logger = logging.getLogger(__name__)

EXIT_INTERRUPTED = 130
"""128 and the number of the signal, as shells have it."""


def run(words: Sequence[str]) -> int:
    """Do a command; its exit code."""
    code: object = 0
    try:
        try:
            execute_from_command_line(list(words))
        except SystemExit as ended:
            code = ended.code
            if isinstance(code, str):
                sys.stderr.write(f"{code}\n")
        sys.stdout.flush()  # where stdout is a file, a full disk may show itself only here
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read the output has had enough of it, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as failure:
        return tell(failure)
    return code if isinstance(code, int) else EXIT_FAILED if code else 0


def tell(failure: Exception) -> int:
    """Say in one line what ended a command, and what to do; the exit code. Of what nobody foresaw the log has the traceback."""
    if fault := outage.find(failure):
        line = str(fault)
    elif isinstance(failure, TieoutError):
        line = str(failure)
    else:
        logger.error("command failed", exc_info=failure)
        kind = type(failure).__name__
        line = f"it broke by a fault of this program ({kind}): the line of the log above says where; please report it"
    sys.stderr.write(f"{line}\n")
    return EXIT_FAILED

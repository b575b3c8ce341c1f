"""`python -m config.embedded status` and `stop`."""

import argparse
import sys

from config import embedded, env
from config.errors import TieoutError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description="The embedded PostgreSQL and Redis.")
    parser.add_argument("verb", choices=["status", "stop"])
    verb, var = parser.parse_args(arguments).verb, env.var()
    try:
        if verb == "stop":
            print(f"stopped: {', '.join(embedded.stop(var)) or 'nothing, no embedded service runs'}")
        else:
            print("\n".join(f"{name}: {how}" for name, how in embedded.status(var)))
    except (TieoutError, OSError) as exc:
        print(embedded.inaccessible(var, exc) if isinstance(exc, OSError) else exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

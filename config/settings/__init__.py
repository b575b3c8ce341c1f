"""Settings by subject, from the environment alone."""

from .audit import *  # noqa: F403
from .base import *  # noqa: F403
from .database import *  # noqa: F403
from .errors import *  # noqa: F403
from .jobs import *  # noqa: F403
from .limits import *  # noqa: F403
from .logs import *  # noqa: F403
from .metrics import *  # noqa: F403
from .providers import *  # noqa: F403
from .tracing import *  # noqa: F403
from .web import *  # noqa: F403

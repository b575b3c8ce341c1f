"""What a process tells of its work: one verb opens work, and ids alone are told of it, never names, amounts or holdings.

Here is what work needs to say; `sdk` turns it into spans where a receiver is set, and is loaded nowhere else.
"""

from config.telemetry.ids import Ids, current_ids
from config.telemetry.spans import bind, binding, current_trace, span

__all__ = ["Ids", "bind", "binding", "current_ids", "current_trace", "span"]

"""What a process tells of its work: one verb opens work, and ids alone are told of it, never names, amounts or holdings."""

from config.telemetry.ids import Ids, bind, bound, current_ids
from config.telemetry.spans import span

__all__ = ["Ids", "bind", "bound", "current_ids", "span"]

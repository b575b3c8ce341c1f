"""What one user may ask of the service, so that nobody keeps the others from being answered."""

from config import env

EXECUTIONS_PER_MINUTE = env.integer("EXECUTIONS_PER_MINUTE", default=120, minimum=1)
"""Answers that are computed; those that are stored already are not counted."""
COMPUTATIONS_AT_ONCE = env.integer("COMPUTATIONS_AT_ONCE", default=2, minimum=1)
"""Answers that are computed, and files that are read, for one user at the same time."""
IMPORTS_PER_MINUTE = env.integer("IMPORTS_PER_MINUTE", default=30, minimum=1)
"""Files that are previewed or imported."""
WAITING_IMPORTS = env.integer("WAITING_IMPORTS", default=5, minimum=1)
"""Previewed files that wait for their confirmation; with another one the oldest goes."""

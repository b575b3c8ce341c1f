"""What one user may ask of the service, so that nobody keeps the others from being answered."""

from config import env

EXECUTIONS_PER_MINUTE = env.integer("EXECUTIONS_PER_MINUTE", default=120, minimum=1)
"""Answers that are computed; those that are stored already are not counted."""
COMPUTATIONS_AT_ONCE = env.integer("COMPUTATIONS_AT_ONCE", default=2, minimum=1)
"""Answers that are computed, and files that are read, for one user at the same time."""
STEP_VALUES = env.integer("STEP_VALUES", default=10_000_000, minimum=1000)
"""What a step may read: a value for each entry of the ledger, and one for each pack day of each security that is booked."""
EXPORTS_PER_MINUTE = env.integer("EXPORTS_PER_MINUTE", default=30, minimum=1)
"""Files that are made of answers."""
TOKEN_REQUESTS_PER_MINUTE = env.integer("TOKEN_REQUESTS_PER_MINUTE", default=600, minimum=1)
"""Requests by one personal token, whatever they ask."""
IMPORTS_PER_MINUTE = env.integer("IMPORTS_PER_MINUTE", default=30, minimum=1)
"""Files that are previewed or imported."""
WAITING_IMPORTS = env.integer("WAITING_IMPORTS", default=5, minimum=1)
"""Previewed files that wait for their confirmation; with another one the oldest goes."""

STORED_EXECUTIONS = env.integer("STORED_EXECUTIONS", default=5000, minimum=2)
"""Answers that are stored for one user. Nobody has more; each day the oldest are dropped until half of it is free."""
EXECUTION_DAYS = env.integer("EXECUTION_DAYS", default=400, minimum=1)
"""An older answer is dropped, unless something rests on it."""
IDEMPOTENCY_KEY_DAYS = env.integer("IDEMPOTENCY_KEY_DAYS", default=7, minimum=1)
"""So long a retry with a key is answered by its first try."""

"""Changes that are planted between two answers, and named. `python -m tests.planted --changes 200` plants more."""

CHANGES = 6
FIRST_SEED = 0

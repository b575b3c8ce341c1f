"""How a retried request can fail."""

from config.errors import TieoutError
from execution.web.problems.problem import Problem


class IdempotencyConflict(TieoutError):
    """An idempotency key was used before with another body."""

    def __init__(self, first_at: str) -> None:
        super().__init__(f"this idempotency key was used with another body at {first_at}")
        self.first_at = first_at


class AnsweredBefore(TieoutError):
    """A request is retried whose first try failed. `problem`: what the first try was answered with."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem

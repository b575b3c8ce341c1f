"""What columns are made of: digests, names, and numbers that are exact, and finite by the type itself.

`numeric CHECK (x > 0)` lets NaN pass, because NaN sorts above every number. The two domains close that hole once, for every
column that uses them (created in config/migrations/0001).
"""

from typing import TYPE_CHECKING, Any

from django.db import models

from config import plain_text

DIGEST = r"^[0-9a-f]{64}$"
"""What a column of a SHA-256, plain or keyed, matches."""


if TYPE_CHECKING:
    StringField = models.CharField[str, str]
else:
    StringField = models.CharField  # which takes no types where it runs


class NameField(StringField):
    """A name that people read: forms refuse a sign that nobody sees. Its table has the constraint `visible`, too."""

    default_validators = [plain_text.require_visible]


def visible(table: str, column: str) -> models.CheckConstraint:
    """The database refuses a name with a sign that nobody sees."""
    condition = ~models.Q(**{f"{column}__regex": f"[{plain_text.HIDDEN}]"})
    return models.CheckConstraint(condition=condition, name=f"{table}_{column}_visible")


class FiniteNumeric(models.DecimalField):  # type: ignore[type-arg]
    """An exact number of any scale; NaN and the infinities are refused by the column's type."""

    domain = "finite_number"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 60)
        kwargs.setdefault("decimal_places", 30)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return self.domain

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class PositiveNumeric(FiniteNumeric):
    """An exact number above zero: a price, a rate, a ratio."""

    domain = "positive_number"

"""Columns and rows of the values in `portfolio.books.entries`, derived from their fields."""

import json
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from django.db.models import Field, Model

from portfolio.books.entries import CostLayer, Event, LotMatch, LotState


def column_names(kind: type[Event | LotState | LotMatch], model: type[Model]) -> tuple[str, ...]:
    """Database columns of the fields of a value, in their order. Raises FieldDoesNotExist where the model lacks one."""
    return tuple(_column(model._meta.get_field(each.name)) for each in fields(kind))


def _column(field: Any) -> str:
    assert isinstance(field, Field)
    return field.attname


def as_row(value: Event | LotState | LotMatch) -> tuple[Any, ...]:
    """The values of its columns, in the order of `column_names`."""
    row: tuple[Any, ...] = _GETTERS[type(value)](value)
    return row if isinstance(value, Event) else (*row[:-1], _layers_as_json(value.layers))


_GETTERS = {kind: attrgetter(*(each.name for each in fields(kind))) for kind in (Event, LotState, LotMatch)}


def _layers_as_json(layers: Iterable[CostLayer]) -> str:
    return json.dumps([layer.as_dict() for layer in layers], sort_keys=True, separators=(",", ":"))

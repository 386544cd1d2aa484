"""Values of the journal as JSON: a dataclass becomes an object with its fields, a time becomes ISO 8601 with a Z."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from gateway.control.codec import lookup_to_json, time_to_json
from gateway.model.lookup import Lookup


def to_json(value: Any) -> Any:
    """The JSON value of a row, of a sequence of rows, or of what is JSON already."""
    if isinstance(value, Lookup):
        return lookup_to_json(value)
    if isinstance(value, datetime):
        return time_to_json(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    return value

"""Values of the model to JSON and back, by their own declarations: a frozen dataclass is its message.

Own code, because msgspec takes no union of two address types; it reads the same type hints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gateway.errors import Refused

MOST = 4096
"""Things that one list of a value may have."""

_MOST_TEXT = 512
_ADDRESSES = (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface)
_T = TypeVar("_T")
_HINTS: dict[type[Any], dict[str, Any]] = {}


def to_json(value: Any) -> Any:
    """Objects for dataclasses, texts for addresses, ISO 8601 to the microsecond for times, values for enums."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, _ADDRESSES) else value


def from_json(kind: type[_T], value: Any, place: str) -> _T:
    """The value whose `to_json` this is. Its shape is right then; whether it makes sense is for its user to check.

    Raises Refused, with where it is wrong ("plan.tv.first") as the field.
    """
    if not isinstance(value, Mapping):
        raise Refused("message.object", place, place=place)
    hints = get_type_hints(kind) if kind not in _HINTS else _HINTS[kind]
    _HINTS[kind] = hints
    if surplus := value.keys() - hints.keys():
        raise Refused("message.no", place, place=place, min=f"{str(min(surplus, key=str))[:64]!r}")
    made = {}
    for name, hint in hints.items():
        where = f"{place}.{name}"
        if name not in value and type(None) not in get_args(hint):
            raise Refused("message.lacks", where, place=place, name=f"{name!r}")
        try:
            made[name] = _read(hint, value.get(name), where)
        except Refused:
            raise
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
            raise Refused("message.cannot-stand", where, get=f"{value.get(name)!r:.80}", where=where) from None
    return kind(**made)


def _read(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) in (Union, UnionType):
        kinds = [each for each in get_args(hint) if each is not type(None)]
        if value is None and len(kinds) < len(get_args(hint)):
            return None
        return ip_address(_text(value)) if len(kinds) > 1 else _read(kinds[0], value, where)
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or len(value) > MOST:
            raise ValueError
        return tuple(_read(get_args(hint)[0], each, where) for each in value)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_json(hint, value, where)
    if hint is str:
        return _text(value)
    if hint is datetime:
        return datetime.fromisoformat(_text(value)).astimezone(UTC)
    if hint in (int, float, bool):
        return _number(hint, value)
    return hint(_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError
    value.encode()
    return value


def _number(kind: type[Any], value: Any) -> Any:
    fitting = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not fitting or (kind is not bool and (isinstance(value, bool) or not 0 <= value < 1 << 63)):
        raise ValueError
    return kind(value)

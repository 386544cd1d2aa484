"""Strangers' JSON against a declared message; what does not fit is Refused with one sentence and the field's name.

The sentences are made of the declarations: a field that is declared as "a text of at most 500 characters" is what the
sentence says it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from gateway.errors import Refused

_T = TypeVar("_T")
_PLACE = re.compile(r" - at `\$((?:\.\w+|\[[^\]]*\])*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_SHOWN = 40


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A message; its texts lose the blanks around them and hold nothing that does not print."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str):
                if not value.isprintable():
                    raise Refused("message.failed", name, name=name, describe=f"{describe(type(self), name)}")
                msgspec.structs.force_setattr(self, name, value.strip())


def convert(kind: type[_T], value: Any) -> _T:
    """The message that a decoded JSON value is. Raises Refused."""
    if not isinstance(value, Mapping):
        raise Refused("message.body-json-object")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _refused(kind, str(error)) from None
    except RecursionError:
        raise Refused("message.body-nests-too") from None


def checked(kind: type[_T], handler: Callable[[_T], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """A verb's handler that is only given messages of this kind."""
    return lambda arguments: handler(convert(kind, arguments))


def describe(kind: type[Any], name: str) -> str:
    """What a field of a message is: "a whole number from 1 to 10", "one of: allow, block"."""
    return _described(get_type_hints(kind, include_extras=True)[name])


def _described(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Annotated:
        for meta in hint.__metadata__:
            if isinstance(meta, msgspec.Meta) and meta.description:
                return meta.description
        return _described(get_args(hint)[0])
    if origin in (Union, UnionType):
        return next(_described(each) for each in get_args(hint) if each is not type(None))
    if origin is Literal:
        return "one of: " + ", ".join(map(str, get_args(hint)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of: " + ", ".join(str(each.value) for each in hint)
    return {bool: "true or false", int: "a whole number", str: "a text", float: "a number"}.get(hint, "something else")


def _refused(kind: type[Any], said: str) -> Refused:
    fields = msgspec.structs.fields(kind)
    place = _PLACE.search(said)
    if unknown := _UNKNOWN.match(said):
        name = "".join(char if char.isprintable() else "?" for char in unknown[1][:_SHOWN])
        known = ", ".join(field.encode_name for field in fields) or "none"
        return Refused("message.no-field-known", name, name=name, known=known)
    if missing := _MISSING.match(said):
        return Refused("message.missing", missing[1], missing=f"{missing[1]}", describe=f"{describe(kind, missing[1])}")
    name = place[1].lstrip(".").partition(".")[0].partition("[")[0] if place else ""
    if name not in {field.name for field in fields}:
        return Refused("message.body-json-object-fields")
    return Refused("message.failed", name, name=name, describe=f"{describe(kind, name)}")

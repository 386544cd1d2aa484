"""The kinds of fields that messages have, each with its limit; nobody else has a limit of his own."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta

MAX_SECONDS: Final = 366 * 24 * 3600
MAX_COMMENT: Final = 500
MAX_TITLE: Final = 120
MAX_WORD: Final = 120
MAX_SOURCE: Final = 2048
MAX_NAME: Final = 1024


def _filled(most: int) -> Meta:
    return Meta(min_length=1, max_length=most, description=f"a text of 1 to {most} printable characters")


def _free(most: int) -> Meta:
    return Meta(max_length=most, description=f"a text of at most {most} printable characters")


def _whole(low: int, high: int) -> Meta:
    return Meta(ge=low, le=high, description=f"a whole number from {low} to {high}")


Name: TypeAlias = Annotated[str, _filled(MAX_NAME)]
Word: TypeAlias = Annotated[str, _filled(MAX_WORD)]
Source: TypeAlias = Annotated[str, _filled(MAX_SOURCE)]
Label: TypeAlias = Annotated[str, _free(64)]
Title: TypeAlias = Annotated[str, _free(MAX_TITLE)]
Comment: TypeAlias = Annotated[str, _free(MAX_COMMENT)]
Seconds: TypeAlias = Annotated[int, _whole(1, MAX_SECONDS)]
Duration: TypeAlias = Annotated[int, _whole(0, MAX_SECONDS)]
Id: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 53, description="a whole number")]
PresetName: TypeAlias = Literal["off", "calm", "quiet", "silent"]

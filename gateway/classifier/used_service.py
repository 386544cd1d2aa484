"""A service that a person uses on a device: what an app on the home screen stands for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """`company` runs it; `kind` is television, music, games or social; `stops` says in one sentence what a person no
    longer has without it.
    """

    name: str
    company: str
    kind: str
    stops: str

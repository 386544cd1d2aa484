"""Whose name it is, seen from the device.

Ren et al., "Information Exposure From Consumer IoT Devices", IMC 2019: the *first* party is the device's maker or a
related company responsible for what the device does; a *support* party provides outsourced computing, such as a CDN or
a cloud; everybody else is a *third* party. The label is relative: amazon.com is first for a Fire TV and third for a
television of Samsung.

A *platform* is a party of its own here: it runs devices for many makers, so one company sees what is done in homes that
share no brand. To the study it is support.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.classifier.company import Company
from gateway.model.tag import Category, Party

_SUPPORT = frozenset({Category.CDN, Category.CLOUD, Category.DNS, Category.TIME})
_SELLS_VIEWERS = frozenset({Category.ADVERTISING, Category.ANALYTICS})


def party_of(company: str | None, category: Category, maker: str, companies: Mapping[str, Company]) -> Party:
    """The party of a name of `company`, used for `category`, asked for by a device of `maker` ("" when unknown).

    Companies with one ultimate parent are one family. The company whose operating system runs on the maker's devices
    counts as first too, but not for advertising and analytics: that is its own business, not the device's function.
    """
    if category is Category.LOCAL:
        return Party.LOCAL
    if company is None:
        return Party.SUPPORT if category in _SUPPORT else Party.UNKNOWN
    if maker:
        if _top(company, companies) == _top(maker, companies):
            return Party.FIRST
        if category not in _SELLS_VIEWERS and _runs_on(company, maker, companies):
            return Party.FIRST
    if any(_is_platform(each, companies) for each in family(company, companies)):
        return Party.PLATFORM
    if category in _SUPPORT:
        return Party.SUPPORT
    if not maker and _sells_devices(company, companies):
        return Party.UNKNOWN
    return Party.THIRD


def family(company: str, companies: Mapping[str, Company]) -> tuple[str, ...]:
    """The company and its parents, nearest first."""
    chain = [company]
    while (known := companies.get(chain[-1])) is not None and known.parent and len(chain) < 16:
        chain.append(known.parent)
    return tuple(chain)


def _is_platform(company: str, companies: Mapping[str, Company]) -> bool:
    known = companies.get(company)
    return known is not None and known.iot_platform


def _top(company: str, companies: Mapping[str, Company]) -> str:
    return family(company, companies)[-1]


def _runs_on(company: str, maker: str, companies: Mapping[str, Company]) -> bool:
    known = companies.get(maker)
    if known is None:
        return False
    return any(_top(platform, companies) == _top(company, companies) for platform in known.platforms)


def _sells_devices(company: str, companies: Mapping[str, Company]) -> bool:
    top = _top(company, companies)
    return any(other.devices and _top(other.name, companies) == top for other in companies.values())

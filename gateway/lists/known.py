"""Lists that others keep and that suit a home with televisions: where each is, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

_PERFLYST: Final = "https://github.com/Perflyst/PiHoleBlocklist"
_HAGEZI: Final = "https://github.com/hagezi/dns-blocklists"


@dataclass(frozen=True, slots=True)
class KnownList:
    """`source` is where it is fetched, `home` the page of who keeps it; `suits` says whose lookups it is made for, or
    that it says whose names are and blocks nothing. `licence` is that of a list whose words are shown.
    """

    source: str
    title: str
    keeper: str
    home: str
    about: str
    suits: Literal["televisions", "every device", "owners"]
    licence: str = ""


def _perflyst(file: str, title: str, about: str) -> KnownList:
    source = f"https://raw.githubusercontent.com/Perflyst/PiHoleBlocklist/master/{file}"
    return KnownList(source, title, "Perflyst", _PERFLYST, about, "televisions")


def _hagezi(
    file: str, title: str, about: str, suits: Literal["televisions", "every device"] = "televisions"
) -> KnownList:
    source = f"https://raw.githubusercontent.com/hagezi/dns-blocklists/main/adblock/{file}"
    return KnownList(source, title, "HaGeZi", _HAGEZI, about, suits)


KNOWN_LISTS: Final = (
    _perflyst("SmartTV.txt", "Smart televisions", "Advertising and trackers that televisions of many makers ask for."),
    _perflyst("AmazonFireTV.txt", "Fire TV", "Advertising and trackers that Amazon's Fire TV asks for."),
    _hagezi("native.samsung.txt", "Samsung's trackers", "What Samsung's televisions and phones report to Samsung."),
    _hagezi("native.lgwebos.txt", "LG's trackers", "What LG's televisions report to LG."),
    _hagezi("native.roku.txt", "Roku's trackers", "What Roku players and televisions report to Roku."),
    _hagezi("native.amazon.txt", "Amazon's trackers", "What Fire TV and other Amazon devices report to Amazon."),
    KnownList(
        "https://small.oisd.nl",
        "OISD small",
        "oisd.nl",
        "https://oisd.nl",
        "Advertising, chosen so that little breaks.",
        "every device",
    ),
    KnownList(
        "https://adguardteam.github.io/AdGuardSDNSFilter/Filters/filter.txt",
        "AdGuard DNS filter",
        "AdGuard",
        "https://github.com/AdguardTeam/AdGuardSDNSFilter",
        "Advertising and trackers.",
        "every device",
    ),
    KnownList(
        "https://raw.githubusercontent.com/StevenBlack/hosts/master/hosts",
        "StevenBlack's hosts",
        "Steven Black",
        "https://github.com/StevenBlack/hosts",
        "Advertising and harmful software, gathered from several lists.",
        "every device",
    ),
    _hagezi("multi.txt", "HaGeZi Multi Normal", "Advertising, trackers and fraud.", "every device"),
    _hagezi(
        "doh-vpn-proxy-bypass.txt",
        "Ways round a filter",
        "Encrypted resolvers, VPNs and proxies; whoever uses one of them loses it.",
        "every device",
    ),
    KnownList(
        "https://raw.githubusercontent.com/AdguardTeam/companiesdb/main/dist/trackers.json",
        "AdGuard companiesdb",
        "AdGuard",
        "https://github.com/AdguardTeam/companiesdb",
        "Says whose five thousand names of the wide web are. It blocks nothing.",
        "owners",
        "CC-BY-SA-4.0",
    ),
)
"""Those for televisions first, lists of owners last. Each address was looked up in November 2026; the lists themselves
are no part of us.
"""


def known_at(source: str) -> KnownList | None:
    """The known list that is fetched from this address."""
    return next((each for each in KNOWN_LISTS if each.source == source), None)

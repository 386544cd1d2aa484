"""A company, as a person wants to read about it."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_CODES.split())
"""ISO 3166-1 alpha-2, as the iso3166.tab of tzdata has it."""


@dataclass(frozen=True, slots=True)
class Company:
    """`parent` is the company that owns it, as this file spells it; `country` its seat (ISO 3166-1 alpha-2).

    `business` is what it lives from in two or three words, `privacy` its privacy page, `line` one plain sentence.
    `devices` is true when it sells devices of its own; `platforms` are the companies whose operating system runs on
    devices of its brand. `owned_since` is the day, month or year from which on it belongs to its parent ("2022-01-01"),
    and `owner_source` the https address of a press release, a filing or a page of the company that says so.
    `iot_platform` is true when it runs devices for many makers, who sell them as their own.
    """

    name: str
    country: str
    business: str
    privacy: str
    line: str
    parent: str | None = None
    devices: bool = False
    platforms: tuple[str, ...] = ()
    owned_since: str = ""
    owner_source: str = ""
    iot_platform: bool = False

"""How much lists may ask for. What is over a bound is left out and counted in the list's report, under its sentence.

Whatever lists say, compiling them fits into `COMPILER_MEMORY`, and a lookup looks at no more than `MAX_ALIKE` entries
of a list for each label of the name.
"""

from __future__ import annotations

from typing import Final

COMPILER_MEMORY: Final = 288 << 20
"""Bytes of data that the process that compiles may have (RLIMIT_DATA); 1.2 million names take some 170 MB."""

MAX_NAMES: Final = 1_600_000
"""Of all lists together, those that several lists have counted for each."""

MAX_NAME_BYTES: Final = 40 << 20
MAX_ALIKE: Final = 6
"""Different rules of one list on one name."""

MAX_SETS: Final = 1 << 17
MAX_SPECIAL: Final = 30_000
MAX_SPECIAL_OF_A_LIST: Final = 4_000
MAX_DETAILS: Final = 60_000
"""Record types and exceptions, of all lists together."""

MAX_DETAILS_OF_A_LIST: Final = 20_000
MAX_MODIFIED: Final = 100_000
"""Of one list: rules with record types or exceptions."""

MAX_DISABLED: Final = 20_000
MAX_HOLES: Final = 50_000
"""Of one list: zones that end another one around them, each counted once for every zone that could be around it."""

MAX_PATTERN_SAYINGS: Final = 64
"""Different things that the patterns of all lists together say."""

TOO_MANY_PATTERNS: Final = "The patterns of all lists together are too many, and this is one too many."
TOO_MANY_SPECIAL: Final = "The lists have too many different modifiers, and this is one too many."
TOO_MANY_DETAILS: Final = "The rules have too many record types and exceptions, and this one has more of them."
TOO_MANY_ALIKE: Final = f"The list has more than {MAX_ALIKE} different rules on this name, and this is one too many."
TOO_MANY_SETS: Final = "The lists have too many different rules on the same names, and this is one too many."
TOO_MANY_DISABLED: Final = "It is one of too many rules that only disable others."
TOO_MANY_HOLES: Final = "It is one of too many exceptions inside of other rules."

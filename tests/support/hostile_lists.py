"""Block lists that somebody wrote to make a resolver slow or fill its memory, one for each way that was thought of."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

_VICTIM = "com"


def _exceptions(count: int) -> str:
    return "".join(
        f"||{_VICTIM}^$denyallow={'|'.join(f'a{n}x{m}.{_VICTIM}' for m in range(64))}\n" for n in range(count)
    )


def _common_exceptions() -> str:
    common = "|".join(f"k{n}.{_VICTIM}" for n in range(400))
    return "".join(f"||{_VICTIM}^$denyallow={common}|a{n}.{_VICTIM}\n" for n in range(1000))


def _types() -> str:
    return "".join(f"||{_VICTIM}^$dnstype=TYPE{n}\n" for n in range(1, 60_001))


def _types_and_exceptions() -> str:
    return "".join(f"||{_VICTIM}^$dnstype=~TYPE{n},denyallow=x{n}.{_VICTIM}\n" for n in range(1, 30_001))


def _of_every_name() -> str:
    return "".join(f"*$dnstype=TYPE{n},denyallow=x{n}.{_VICTIM}\n" for n in range(2, 3000))


def _deep() -> str:
    chain = [".".join(["a"] * labels) for labels in range(1, 120)]
    return "".join(f"||{name}.{_VICTIM}^$denyallow=b.{_VICTIM},dnstype=~TYPE{t}\n" for name in chain for t in range(9))


def _many_sets() -> str:
    chance = random.Random(1)
    lines = (
        f"||n{n}.{_VICTIM}^$dnstype=TYPE{chance.randrange(1, 3000)}\n@@||n{n}.{_VICTIM}^\n||n{n}.{_VICTIM}^$important\n"
        for n in range(60_000)
    )
    return "".join(lines)


def _disabling() -> str:
    return f"||x.{_VICTIM}^\n" + "".join(f"||n{n}.{_VICTIM}^$badfilter\n" for n in range(300_000))


def _holes() -> str:
    inside = "".join(f'local-zone: "n{n}.{_VICTIM}" transparent\n' for n in range(100_000))
    return f'local-zone: "{_VICTIM}" always_transparent\nlocal-zone: "x.{_VICTIM}" static\n{inside}'


def _allowed_around() -> str:
    return f"server=/{_VICTIM}/#\n" + "".join(f"address=/n{n}.{_VICTIM}/#\n" for n in range(100_000))


def _windows() -> str:
    return "".join(f"/[a-m].{{{200 + n}}}x/\n" for n in range(40)) + f"||x.{_VICTIM}^\n"


def _all_letters() -> str:
    letters = string.ascii_lowercase + string.digits
    return "".join(f"/{one}[{letters}-]*{other}/\n" for one in letters for other in letters)


def _alternatives() -> str:
    chance = random.Random(2)

    def word() -> str:
        return "".join(chance.choice("abc.") for _ in range(chance.randrange(2, 6)))

    return "".join(f"/({word()}|{word()}|{word()}){{2,4}}[a-c]?x/\n" for _ in range(400)) + f"||x.{_VICTIM}^\n"


def _stars() -> str:
    return "".join(f"||a{n}*b{n}*.{_VICTIM}^\n*q{n}*-*\n" for n in range(900))


def _one_line() -> str:
    return f"||x.{_VICTIM}^\n||{_VICTIM}^$denyallow=" + "|".join(f"a{n}.{_VICTIM}" for n in range(1_000_000))


HOSTILE: dict[str, Callable[[], str]] = {
    "exceptions": lambda: _exceptions(3000),
    "four times as many exceptions": lambda: _exceptions(12_000),
    "the same exceptions again and again": _common_exceptions,
    "record types": _types,
    "record types with exceptions": _types_and_exceptions,
    "rules on every name": _of_every_name,
    "rules on every label of a deep name": _deep,
    "different rules on many names": _many_sets,
    "rules that disable others": _disabling,
    "zones with many holes": _holes,
    "an exception with many holes": _allowed_around,
    "expressions that wait": _windows,
    "expressions that match everything": _all_letters,
    "expressions of alternatives": _alternatives,
    "patterns of stars": _stars,
    "one endless line": _one_line,
}


def long_names(megabytes: int) -> str:
    """Different names as long as names can be."""
    chance = random.Random(3)
    lines = []
    for _ in range(megabytes * 1_000_000 // 250):
        lines.append(f"||{'.'.join(f'{chance.getrandbits(240):060x}' for _ in range(4))}.{_VICTIM}^\n")
    return "".join(lines)

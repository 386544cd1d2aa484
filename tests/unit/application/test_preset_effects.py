"""What a preset would do at home, counted with a made-up home and with the real base."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from gateway.application.core import Core
from gateway.application.preset_effects import AtHome, Effects, effects_on
from gateway.application.presets import judge
from gateway.classifier.service import Classifier
from gateway.policy.presets import Ruling
from gateway.policy.usage import Usage

NAMES = ["ads.example", "app.example", "clock.example", "sdk.example"]


def rule_on(preset: str, name: str, maker: str, services: frozenset[str]) -> Ruling:
    if name == "sdk.example":
        return Ruling(False, ("Player",)) if "Player" in services else Ruling(True, depends=True)
    return Ruling(name == "ads.example" or (preset == "silent" and name == "app.example"))


def test_names_are_counted_by_what_happens_to_them() -> None:
    rests: list[None] = []
    needed = {"app.example", "sdk.example"}.__contains__
    found = effects_on(NAMES * 5, rule_on, needed, "", frozenset({"Player"}), lambda: rests.append(None))
    assert found["calm"].to_json() == {"names": 4, "stops": 1, "open": 1, "missed": 0, "needed_by": ["Player"]}
    assert found["silent"].to_json() == {"names": 4, "stops": 2, "open": 1, "missed": 1, "needed_by": ["Player"]}
    assert len(rests) == 2, "DNS comes in between"


def test_what_only_an_app_that_nobody_uses_would_miss_is_not_missed() -> None:
    found = effects_on(NAMES, rule_on, lambda name: True, "", frozenset())["calm"]
    assert (found.stops, found.open, found.missed) == ({"ads.example", "sdk.example"}, set(), {"ads.example"})


def test_devices_add_up_by_name() -> None:
    home = Effects()
    home.add(Effects({"a", "b"}, {"a"}, {"b"}, set(), {"Player"}))
    home.add(Effects({"b"}, {"b"}, set(), set(), set()))
    assert home.to_json() == {"names": 2, "stops": 2, "open": 1, "missed": 0, "needed_by": ["Player"]}


def test_what_is_in_use_for_the_moment_only_has_nothing_counted_anew() -> None:
    usage = Usage({"app.example": ("Player", True), "idle.example": ("Player", False)}.get)
    at_home = AtHome(cast(Core, SimpleNamespace(usage=usage, classifier=Classifier.load())))
    usage.listen(at_home.use_changed)
    usage.note("mac:tv", "idle.example")
    assert not at_home.is_due
    usage.note("mac:tv", "app.example")
    assert at_home.is_due


def test_by_all_that_we_know_calm_and_quiet_are_missed_nowhere() -> None:
    """For every name of the base, on a device of nobody known that uses nothing."""
    classifier = Classifier.load()
    names = [domain for pattern, domain, _ in classifier.facts() if not pattern.startswith("/")]

    def needed(name: str) -> bool:
        fact = classifier.fact(name)
        return fact is not None and fact.need.value in ("required", "degrades", "disputed")

    found = effects_on(names, judge(classifier), needed, "", frozenset())
    assert found["calm"].missed == found["quiet"].missed == set()
    assert len(found["calm"].stops) < len(found["quiet"].stops) < len(found["silent"].stops)

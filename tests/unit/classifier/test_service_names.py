from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.classifier.service import Classifier
from gateway.errors import SettingsError

_COMPANIES = '["Play"]\ncountry = "US"\nbusiness = "films"\nline = "Streams films."\n'
_SOURCES = '[paper]\ntitle = "A paper"\nurl = "https://example.org/paper"\n'
_SERVICES = '["Play+"]\ncompany = "Play"\nkind = "television"\nstops = "Play+ does not start."\n'
_SAYS = "  confidence: 0.8\n  paper says: So.\n"
_RULES = f"""
.play.example
/^edge\\d\\.cdn\\.example$/
  company: Play
  category: content
  service: Play+
{_SAYS}
boot.play.example
  company: Play
  category: content
  service: Play+
  idle: yes
{_SAYS}
log.play.example
ads.example
  company: Play
  category: telemetry
  service: Play+
{_SAYS}
crash.play.example
  company: Play
  category: crash reports
  service: Play+
{_SAYS}
www.play.example
  company: Play
  category: content
{_SAYS}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "companies.toml").write_text(_COMPANIES)
    (tmp_path / "sources.toml").write_text(_SOURCES)
    (tmp_path / "services.toml").write_text(_SERVICES)
    (tmp_path / "play.txt").write_text(_RULES)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("play.example", "Play+"),
        ("eu.api.play.example", "Play+"),
        ("edge7.cdn.example", "Play+"),
        ("edge77.cdn.example", None),
        ("boot.play.example", None),
        ("log.play.example", None),
        ("ads.example", None),
        ("crash.play.example", None),
        ("www.play.example", None),
        ("nobody.example", None),
    ],
)
def test_only_a_services_own_names_that_nobody_asks_for_idly_are_a_sign_of_use(
    folder: Path, name: str, service: str | None
) -> None:
    classifier = Classifier.load(folder)
    assert classifier.service_of(name) == service
    assert classifier.service_of(name) == service


def test_a_service_is_made_of_its_own_names_and_of_what_watches(folder: Path) -> None:
    own, watching = Classifier.load(folder).names_of("Play+")
    assert sorted(own) == [".play.example", r"/^edge\d\.cdn\.example$/", "boot.play.example"]
    assert sorted(watching) == ["ads.example", "crash.play.example", "log.play.example"]


def test_a_service_that_nobody_knows_has_no_names(folder: Path) -> None:
    assert Classifier.load(folder).names_of("Never+") == ((), ())


def test_services_are_listed_by_name(folder: Path) -> None:
    (folder / "services.toml").write_text(_SERVICES + _SERVICES.replace("Play+", "an Other"))
    assert [service.name for service in Classifier.load(folder).services()] == ["an Other", "Play+"]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (_RULES.replace("idle: yes", "idle: no"), 'write "idle: yes", or leave idle out'),
        (_RULES.replace("  service: Play+\n  idle: yes", "  idle: yes"), "add the service, or leave idle out"),
    ],
)
def test_a_mistake_about_idle_names_is_reported(folder: Path, rule: str, says: str) -> None:
    assert rule != _RULES
    (folder / "play.txt").write_text(rule)
    with pytest.raises(SettingsError, match=says):
        Classifier.load(folder)


def test_the_memory_of_signs_is_bounded_and_right_from_several_threads(folder: Path) -> None:
    classifier = Classifier.load(folder)
    wrong: list[str] = []

    def ask() -> None:
        names = [f"n{number}.play.example" for number in range(6_000)]
        wrong.extend(name for name in names if classifier.service_of(name) != "Play+")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(classifier._service_names._signs) <= 4_096
    assert sorted(set(wrong)) == []

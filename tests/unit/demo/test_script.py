"""Scripts of televisions are data, and data is checked."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from gateway.demo.fleet import TELEVISIONS
from gateway.demo.script import MAX_STORM_RATE, MAX_STORM_SECONDS, When, Wish, load_script
from gateway.errors import SettingsError

GOOD = """
label = "Tiny TV"
maker = "Tiny"
address = "127.0.0.29"
day = [[19.0, 2.0]]
[sources]
us = "invented"
[[chatter]]
says = "hello"
when = "boot"
names = ["a{1-3}.tiny.example", "b.tiny.example A HTTPS"]
source = "us"
[[app]]
name = "Film"
minutes = [5.0, 10.0]
[[app.chatter]]
says = "the film"
every = 30.0
names = ["film.tiny.example"]
source = "us"
[[storm]]
names = ["b.tiny.example"]
rate = 4.0
seconds = 2.0
rest = 60.0
source = "us"
"""


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    return load_script(path)


def test_a_script_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(GOOD)
    script = load_script(path)
    assert script.names() == {"a1.tiny.example", "b.tiny.example", "film.tiny.example"}
    assert script.chatter[0].when is When.BOOT
    assert [wish.qtypes for wish in script.chatter[0].wishes] == [(1, 28), (1, 65)]
    assert script.apps[0].chatter[0].every == 30.0
    storm = script.storm_of("b.tiny.example")
    assert storm is not None
    assert storm.rate == 4.0
    assert script.storm_of("film.tiny.example") is None


def test_a_range_in_a_name_changes_from_time_to_time() -> None:
    rng = Random(3)
    wish = Wish("c{008-011}.oca.example")
    names = {wish.name(rng) for _ in range(100)}
    assert names == {f"c{n}.oca.example" for n in ("008", "009", "010", "011")}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("rate = 4.0", "rate = 21.0", "21.0 is not a number from 0.5 to 20"),
        ("seconds = 2.0", "seconds = 11", "11 is not a number"),
        ("every = 30.0", "every = 0.1", "0.1 is not a number from 5"),
        ('"film.tiny.example"', '"Film.Tiny.Example"', "is not a canonical name"),
        ('"film.tiny.example"', '"film..example"', "empty labels"),
        ('"film.tiny.example"', '"film.example SPAM"', "SPAM"),
        ("a{1-3}", "a{3-1}", "range"),
        ('label = "Tiny TV"', "", "'label' is missing"),
        ('names = ["film.tiny.example"]', "names = []", "has no names"),
        ('source = "us"\n[[app]]', 'source = "them"\n[[app]]', "'them' is missing"),
        ('when = "boot"', 'when = "never"', "never"),
        ("[[app]]", "[[app", "tiny.toml"),
    ],
)
def test_a_script_that_cannot_be_says_why(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError, match=complaint):
        load(tmp_path, GOOD.replace(old, new, 1))


def test_there_are_four_televisions_each_at_its_own_address() -> None:
    assert [(script.label, script.maker, script.address) for script in TELEVISIONS] == [
        ("Samsung TV", "Samsung", "127.0.0.21"),
        ("LG TV", "LG", "127.0.0.22"),
        ("Roku TV", "Roku", "127.0.0.23"),
        ("Fire TV", "Amazon", "127.0.0.24"),
    ]


def test_storms_stay_bearable() -> None:
    storms = [storm for script in TELEVISIONS for storm in script.storms]
    assert storms
    assert all(storm.rate <= MAX_STORM_RATE and storm.seconds <= MAX_STORM_SECONDS for storm in storms)


def test_a_television_only_storms_over_names_that_it_asks() -> None:
    for script in TELEVISIONS:
        asked = {wish.template for one in script.chatter for wish in one.wishes}
        asked |= {wish.template for app in script.apps for one in app.chatter for wish in one.wishes}
        assert frozenset().union(*(storm.names for storm in script.storms)) <= asked


def test_content_recognition_keeps_the_published_beat() -> None:
    beats = {
        wish.template: one.every for script in TELEVISIONS for one in script.chatter for wish in one.wishes if one.every
    }
    assert beats["acr-us-prd.samsungcloud.tv"] == 60
    assert beats["log-ingestion.samsungacr.com"] == 300
    assert beats["tkacr{1-8}.alphonso.tv"] == 15

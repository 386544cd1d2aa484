"""The code on the wall."""

from __future__ import annotations

from xml.etree import ElementTree

from gateway.network.join import join_picture, join_uri


def test_signs_with_a_meaning_are_escaped() -> None:
    assert join_uri('a;b"c', "p:q,r\\s") == 'WIFI:T:WPA;S:a\\;b\\"c;P:p\\:q\\,r\\\\s;;'


def test_the_picture_is_svg_for_a_page_without_scripts_and_styles() -> None:
    picture = join_picture(join_uri("Telltale TV", "abcde-fghjk-mnpqr-stuvw"))
    root = ElementTree.fromstring(picture)
    assert root.tag.endswith("svg")
    assert "viewBox" in root.attrib
    assert "style" not in picture
    assert "script" not in picture

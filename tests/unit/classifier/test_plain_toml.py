from __future__ import annotations

import tomllib

import pytest

from gateway.classifier.loader import BUILT_IN
from gateway.classifier.plain_toml import _plain_tables, loads

_STRANGE = (
    "",
    "# nothing\n",
    "[a]\n",
    '[a]\nb = "c"',
    '["A & B"]\nb = "c"\nd = true\ne = ["f", "g"]\nh = false\n',
    '[a]\nb = "c" # why\n[d]\n# e\nf = "g#h"\n',
    '[a]\r\nb = "c"\r\n',
    '[a]\nb = "\\u00e9\\n"\n',
    '[a]\nb = "tab\there"\n',
    "[a]\nb = 'c'\nd = 1\ne = 2026-01-01\n",
    '[a]\nb = """\nc\n"""\n',
    '[a]\nb = ["c",\n"d"]\n',
    "[a]\nb = []\n",
    '[a]\nb="c"\n',
    '[a]\nb = ["", "c"]\n',
    '[a]\nb = ["c, d", "e"]\n',
    '[""]\nb = ""\n',
    '[a.b]\nc = "d"\n',
    '[[a]]\nc = "d"\n',
    'b = "c"\n[a]\n',
    '[a]\nb = {c = "d"}\n',
    '[a]\nb.c = "d"\n',
    '["a.b"]\nc = "d"\n[a-b_C9]\nd = "é—"\n',
)
_WRONG = (
    "[a]\n[a]\n",
    '[a]\n["a"]\n',
    '[a]\nb = "c"\nb = "d"\n',
    "[a\n",
    "[[",
    '[a]\nb = "c\n',
    '[a]\nb = "c" "d"\n',
    '[a]\nb = "\x01"\n',
    "[a]\nb = \n",
    "[a]\nb\n",
    "[a] b\n",
    '[a]\nb = ["c" "d"]\n',
    "# \x00\n",
    '[a]\nb = "c"\x0b\n',
)


@pytest.mark.parametrize("text", _STRANGE)
def test_every_text_means_what_tomllib_says(text: str) -> None:
    assert loads(text) == tomllib.loads(text)


@pytest.mark.parametrize("text", _WRONG)
def test_what_tomllib_refuses_is_refused_in_its_words(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as theirs:
        tomllib.loads(text)
    with pytest.raises(tomllib.TOMLDecodeError) as ours:
        loads(text)
    assert str(ours.value) == str(theirs.value)


def test_the_tables_that_we_ship_mean_the_same_and_are_read_the_fast_way() -> None:
    paths = [*BUILT_IN.glob("companies*.toml"), *BUILT_IN.glob("sources*.toml"), *BUILT_IN.glob("services*.toml")]
    assert paths
    for path in paths:
        text = path.read_text()
        assert loads(text) == tomllib.loads(text), path.name
        assert _plain_tables(text) is not None, path.name

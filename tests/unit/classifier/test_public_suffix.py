from __future__ import annotations

import pytest

from gateway.classifier.public_suffix import public_suffix, registrable_domain


@pytest.mark.parametrize(
    ("name", "suffix", "registrable"),
    [
        ("www.bbc.co.uk", "co.uk", "bbc.co.uk"),
        ("scribe.logs.roku.com", "com", "roku.com"),
        ("co.uk", "co.uk", None),
        ("com", "com", None),
        ("", None, None),
        ("d3p8zr0ffa9t17.cloudfront.net", "net", "cloudfront.net"),
        ("foxtel.com.au", "com.au", "foxtel.com.au"),
        ("a.b.not-a-real-top-level", "not-a-real-top-level", "b.not-a-real-top-level"),
        ("xn--fiqs8s", "xn--fiqs8s", None),
    ],
)
def test_what_a_company_can_register(name: str, suffix: str | None, registrable: str | None) -> None:
    assert public_suffix(name) == suffix
    assert registrable_domain(name) == registrable

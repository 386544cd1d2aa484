"""What a person reads about names as televisions ask for them, kept word for word.

The lists of names are made up from published facts; no capture of a real home is in them. After a change that is
meant, write the file anew with TELLTALE_WRITE_GOLDEN=1 and read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.classifier.service import Classifier
from gateway.classifier.wording import sentence

_FILE = Path(__file__).with_name("test_knowledge_transcript.txt")
_ASKED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Samsung", "time.samsungcloudsolution.com", ()),
    ("Samsung", "cdn.samsungcloudsolution.com", ("cdn.samsungcloudsolution.com.edgesuite.net", "a1.g.akamai.net")),
    ("Samsung", "acr-eu-prd.samsungcloud.tv", ("acr-eu.eu-west-1.elb.amazonaws.com",)),
    ("Samsung", "log-config.samsungacr.com", ()),
    ("Samsung", "config.samsungads.com", ()),
    ("Samsung", "nmetrics.samsung.com", ("samsung.com.ssl.d1.sc.omtrdc.net",)),
    ("Samsung", "otnprd8.samsungcloudsolution.net", ()),
    ("Samsung", "www.samsungotn.net", ()),
    ("Samsung", "never-seen.samsungcloudsolution.com", ()),
    ("LG", "eu-acr4.alphonso.tv", ()),
    ("LG", "gb.ad.lgsmartad.com", ()),
    ("LG", "us.nextlgsdp.com", ()),
    ("LG", "us.lgtvsdp.com", ()),
    ("LG", "snu.lge.com", ()),
    ("Roku", "scribe.logs.roku.com", ()),
    ("Roku", "api.sr.roku.com", ()),
    ("Roku", "configsvc.cs.roku.com", ()),
    ("TCL", "ads.roku.com", ()),
    ("TCL", "ai.tclking.com", ()),
    ("Amazon", "device-metrics-us.amazon.com", ()),
    ("Amazon", "amazonadsi-a.akamaihd.net", ()),
    ("Amazon", "api.twitch.tv", ()),
    ("Vizio", "control.tvinteractive.tv", ()),
    ("Vizio", "api.vizio.com", ("vizio.d1.sc.omtrdc.net",)),
    ("Hisense", "unified-ter-na.hismarttv.com", ()),
    ("Sony", "events.cid.samba.tv", ()),
    ("Sony", "connectivitycheck.gstatic.com", ()),
    ("Sony", "googleads.g.doubleclick.net", ()),
    ("Panasonic", "mhc-ajax-eu.myhomescreen.tv", ()),
    ("Panasonic", "usage-eu-fy2022.myhomescreen.tv", ()),
    ("LG", "appboot.netflix.com", ("appboot.eu-west-1.elb.amazonaws.com",)),
    ("LG", "ichnaea.netflix.com", ()),
    ("LG", "ipv4-c001-ams001-ix.1.oca.nflxvideo.net", ()),
    ("", "metrics.some-station.example", ("some-station.d2.sc.omtrdc.net",)),
    ("", "telemetry.some-maker.example", ()),
    ("", "qwertz.example", ()),
    ("", "2.android.pool.ntp.org", ()),
    ("", "dns.google", ()),
    ("", "d111111abcdef8.cloudfront.net", ()),
    ("", "printer.lan", ()),
)


def _transcript() -> Iterator[str]:
    classifier = Classifier.load()
    for maker, name, targets in _ASKED:
        tag = classifier.tag(name, targets, maker)
        yield f"{maker or 'someone'}: {' -> '.join((name, *targets))}"
        words = (tag.company or "-", tag.category.value, tag.party.value, tag.need.value, str(tag.confidence))
        yield f"    {' | '.join(words)}"
        yield f"    {sentence(name, tag)}"
        for reason in tag.evidence:
            yield f"    - {reason.says} ({reason.source}{', ' + reason.date if reason.date else ''})"
        yield ""


def test_people_read_what_they_read_before() -> None:
    said = "\n".join(_transcript())
    if os.environ.get("TELLTALE_WRITE_GOLDEN"):
        _FILE.write_text(said, encoding="utf-8")
    assert said == _FILE.read_text(encoding="utf-8")

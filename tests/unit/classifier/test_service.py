from __future__ import annotations

import threading

import pytest

from gateway.classifier.service import Classifier
from gateway.model.tag import Category, Need, Party


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def test_a_listed_name_comes_with_owner_purpose_and_reasons(classifier: Classifier) -> None:
    tag = classifier.tag("acr-eu-prd.samsungcloud.tv", maker="Samsung")
    assert (tag.company, tag.category, tag.party) == ("Samsung", Category.ACR, Party.FIRST)
    assert tag.need is Need.NOT_NEEDED
    assert tag.rule == r"/^acr-[a-z]{2,4}-prd\.samsungcloud\.tv$/"
    assert any("IMC 2024" in reason.source for reason in tag.evidence)


def test_one_vendor_domain_holds_clock_and_tracker_apart(classifier: Classifier) -> None:
    assert classifier.tag("time.samsungcloudsolution.com").need is Need.REQUIRED
    assert classifier.tag("prderrordumphsm.samsungcloudsolution.com").category is Category.CRASH_REPORTS


def test_a_name_that_lies_is_not_believed(classifier: Classifier) -> None:
    tag = classifier.tag("amazonadsi-a.akamaihd.net")
    assert (tag.company, tag.category, tag.need) == ("Amazon", Category.APP_STORE, Need.REQUIRED)


def test_a_cdn_behind_a_name_hosts_but_does_not_receive(classifier: Classifier) -> None:
    targets = ("nflximg.com.edgesuite.net", "a1907.dscg.akamai.net")
    tag = classifier.tag("cdn-0.nflximg.com", targets, "LG")
    assert (tag.company, tag.category, tag.hosted_at, tag.via) == ("Netflix", Category.CONTENT, "Akamai", None)


def test_amazon_as_a_landlord_is_not_amazon_as_an_advertiser(classifier: Classifier) -> None:
    hosted = classifier.tag("scribe.logs.roku.com", ("lb-1.us-east-1.elb.amazonaws.com",), "Roku")
    assert (hosted.company, hosted.hosted_at, hosted.party) == ("Roku", "Amazon Web Services", Party.FIRST)
    advertiser = classifier.tag("aax-eu.amazon-adsystem.com", (), "Roku")
    assert (advertiser.company, advertiser.party) == ("Amazon", Party.THIRD)


def test_a_tracker_behind_an_unknown_name_is_named(classifier: Classifier) -> None:
    tag = classifier.tag("metrics.example.com", ("example.com.ssl.d1.sc.omtrdc.net",), "Samsung")
    assert (tag.company, tag.category, tag.party) == ("Adobe", Category.ANALYTICS, Party.THIRD)
    assert tag.via == "example.com.ssl.d1.sc.omtrdc.net"


def test_a_tracker_behind_an_innocent_listed_name_is_named_but_its_need_stays(classifier: Classifier) -> None:
    tag = classifier.tag("api.vizio.com", ("vizio.d1.sc.omtrdc.net",), "Vizio")
    assert (tag.company, tag.category, tag.via) == ("Adobe", Category.ANALYTICS, "vizio.d1.sc.omtrdc.net")
    assert tag.need is Need.REQUIRED
    assert "SmartCast" in tag.symptom


def test_a_relatives_name_behind_a_name_is_no_disguise(classifier: Classifier) -> None:
    tag = classifier.tag("www.youtube.com", ("pagead46.l.doubleclick.net",))
    assert (tag.company, tag.via, tag.category) == ("Google", None, Category.CONTENT)


def test_a_tracker_is_not_unmasked_as_another_tracker(classifier: Classifier) -> None:
    tag = classifier.tag("nmetrics.samsung.com", ("samsung.com.d1.sc.omtrdc.net",))
    assert (tag.company, tag.via) == ("Samsung", None)


def test_a_bare_cdn_name_belongs_to_the_cdn_until_its_target_tells_more(classifier: Classifier) -> None:
    assert classifier.tag("d111.cloudfront.net", (), "LG").company == "Amazon Web Services"
    tag = classifier.tag("edge.example.akamaized.net", ("x.scorecardresearch.com",), "LG")
    assert (tag.company, tag.via) == ("Comscore", "x.scorecardresearch.com")


def test_an_unlisted_name_of_a_known_owner_is_an_uncertain_guess(classifier: Classifier) -> None:
    tag = classifier.tag("never-seen.roku.com")
    assert (tag.company, tag.category) == ("Roku", Category.UNKNOWN)
    assert 0 < tag.confidence <= 0.5
    assert "roku.com" in tag.evidence[0].says


def test_a_word_in_an_unlisted_name_is_said_to_be_a_guess(classifier: Classifier) -> None:
    tag = classifier.tag("telemetry.never-seen.example.org")
    assert (tag.company, tag.category) == (None, Category.TELEMETRY)
    assert 0.3 <= tag.confidence < 0.5
    assert "“telemetry”" in tag.evidence[0].says
    assert tag.need is Need.UNKNOWN


def test_a_domain_of_several_owners_gives_nobody_away(classifier: Classifier) -> None:
    assert classifier.tag("something.akamaihd.net").company == "Akamai"
    assert classifier.tag("something.redbutton.de").company == "ProSiebenSat.1"
    assert classifier.tag("something.ntp.org").company == "Network Time Foundation"
    assert classifier.tag("something.fastly-edge.com").company == "Fastly"


def test_nothing_known_means_nothing_claimed(classifier: Classifier) -> None:
    tag = classifier.tag("qwertz.example.org", (), "Samsung")
    assert (tag.company, tag.category, tag.party, tag.confidence) == (None, Category.UNKNOWN, Party.UNKNOWN, 0.0)


def test_a_name_of_the_home_is_local(classifier: Classifier) -> None:
    tag = classifier.tag("printer.lan", (), "Samsung")
    assert (tag.category, tag.party) == (Category.LOCAL, Party.LOCAL)


def test_the_second_look_is_the_very_same_tag(classifier: Classifier) -> None:
    assert classifier.tag("ichnaea.netflix.com", (), "LG") is classifier.tag("ichnaea.netflix.com", (), "LG")


def test_the_memory_of_names_is_bounded() -> None:
    classifier = Classifier.load()
    for number in range(20_000):
        classifier.tag(f"n{number}.tv")
        classifier.maker_of(f"n{number}.tv")
    assert len(classifier._memo) <= 16_384
    assert len(classifier._makers) <= 16_384


def test_a_chain_of_thousands_of_targets_costs_little(classifier: Classifier) -> None:
    targets = tuple(f"t{number}.example.org" for number in range(5000))
    assert classifier.tag("long-chain.example.org", targets).company is None


def test_several_threads_see_the_same(classifier: Classifier) -> None:
    fresh = Classifier.load()
    names = [f"x{n % 300}.logs.roku.com" for n in range(3000)]
    wrong: list[str] = []

    def ask() -> None:
        wrong.extend(name for name in names if fresh.tag(name).company != "Roku" or fresh.maker_of(name) != "Roku")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_only_a_makers_own_names_say_what_a_device_is(classifier: Classifier) -> None:
    assert classifier.maker_of("scribe.logs.roku.com") == "Roku"
    assert classifier.maker_of("eu-acr1.alphonso.tv") == "LG"
    assert classifier.maker_of("account.samsung.com") is None
    assert classifier.maker_of("www.netflix.com") is None
    assert classifier.maker_of("nobody.example.org") is None


def test_a_company_is_described_in_one_line(classifier: Classifier) -> None:
    samba = classifier.company("Samba TV")
    assert samba is not None
    assert samba.country == "US"
    assert "screen" in samba.line
    assert classifier.company("Nobody") is None
    assert [c.name for c in classifier.companies()][:3] == ["1000mercis", "1plusX", "33Across"]


def test_an_unlisted_name_that_looks_like_a_tracker_says_so_with_its_probability_and_why(
    classifier: Classifier,
) -> None:
    tag = classifier.tag("device-metrics-us.newmaker.tv")
    assert tag.category is Category.ANALYTICS
    assert tag.confidence < 0.5
    assert tag.need is Need.UNKNOWN
    assert "it looks like analytics (0.9" in tag.evidence[-1].says
    assert "metrics" in tag.evidence[-1].says.partition("because")[2]


def test_of_a_known_owner_it_is_the_maker_s_telemetry(classifier: Classifier) -> None:
    tag = classifier.tag("clickstream-log.roku.com")
    assert (tag.company, tag.category) == ("Roku", Category.TELEMETRY)
    assert len(tag.evidence) == 2


def test_a_word_for_what_a_television_needs_is_stronger_than_the_look_of_a_name(classifier: Classifier) -> None:
    assert classifier.tag("metrics-ntp.newmaker.tv").category is Category.TIME
    assert classifier.tag("cdn3.newmaker.tv").category is Category.CDN


def test_a_name_that_leads_to_one_that_looks_like_a_tracker_says_where(classifier: Classifier) -> None:
    tag = classifier.tag("xyz.newmaker.tv", ("eu.metrics.somebody-else.net",))
    assert tag.category is Category.ANALYTICS
    assert tag.confidence < 0.5
    assert "it leads to eu.metrics.somebody-else.net, which looks like analytics" in tag.evidence[-1].says


def test_what_is_not_right_nine_times_of_ten_is_not_said_to_look_like_anything(classifier: Classifier) -> None:
    assert classifier.look("track.newmaker.tv").probability > 0.8
    assert classifier.tag("track.newmaker.tv").category is Category.UNKNOWN
    unsure = classifier.tag("tracking.newmaker.tv")
    assert (unsure.category, unsure.confidence) == (Category.ANALYTICS, 0.3)
    assert unsure.evidence[-1].says.endswith("the word “tracking” in it may mean analytics. We are not sure.")


def test_a_bare_domain_is_not_judged_by_its_looks(classifier: Classifier) -> None:
    assert classifier.tag("metrics-telemetry-ads.net").category is Category.UNKNOWN


def test_the_look_of_any_name_can_be_asked_for(classifier: Classifier) -> None:
    assert classifier.look("metrics.newmaker.tv").probability > 0.9 > classifier.look("www.newmaker.tv").probability

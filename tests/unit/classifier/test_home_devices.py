"""Whose the names are that the devices of a home ask for, and what for: measured by look-ups, and by maker."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from gateway.classifier.service import Classifier
from gateway.model.tag import Category, Party
from tests.support.shared_data import shared_data

# Names as the makers' own documentation, programs and studies of captures show them, with regions and numbers that the
# base does not spell out: what a home asks for tomorrow.
_OF_MAKERS = {
    "Tuya": "m1.tuyaeu.com a1.tuyaus.com m2.tuyacn.com h6.iot-dns.com m1-sg.iotbing.com",
    "AWS IoT": "a1b2c3d4e5f6-ats.iot.ap-southeast-2.amazonaws.com c3abcdefghij.credentials.iot.eu-west-1.amazonaws.com",
    "Azure IoT": "some-maker-hub.azure-devices.net global.azure-devices-provisioning.net",
    "ThroughTek": "p2p-eu-07.iotcplatform.com",
    "Ayla Networks": "ads-field-eu.aylanetworks.com",
    "Signify": "ws.meethue.com time.meethue.com firmware.meethue.com dcp.dc1.philips.com",
    "WiZ": "us.mqtt.wiz.world ntp.wiz.world firmware.wiz.world",
    "LIFX": "v2.broker.lifx.co",
    "Nanoleaf": "my.nanoleaf.me",
    "Govee": "app2.govee.com",
    "Meross": "mqtt-eu-3.meross.com iot.meross.com",
    "Shelly": "shelly-77-eu.shelly.cloud fwcdn.shelly.cloud",
    "Belkin": "nat.xbcs.net fw.xbcs.net",
    "CoolKit": "us-pconnect3.coolkit.cc",
    "Aqara": "aiot-coap.aqara.cn rpc-us.aqara.com",
    "SwitchBot": "api.switch-bot.com",
    "Wink": "api.wink.com",
    "Insteon": "hubstatus.insteon.com",
    "Hubitat": "cloud.hubitat.com",
    "Nabu Casa": "abcdefgh.ui.nabu.casa",
    "Netatmo": "nv2-namain.netatmo.net netcom.netatmo.net",
    "Withings": "scalews.withings.net xmpp.withings.net",
    "Fitbit": "client.fitbit.com",
    "Garmin": "connectapi.garmin.com",
    "ecobee": "api.ecobee.com",
    "Resideo": "provprod02.clouddevice.io fwuprod03.clouddevice.io tccna.honeywell.com",
    "tado": "my.tado.com",
    "Sensibo": "new-emq.sensibo.com",
    "Awair": "ota.awair.is timeserver.awair.is messaging.awair.is",
    "Bose": "streaming.bose.com content.api.bose.io events.api.bosecm.com worldwide.bose.com",
    "Sound United": "production.ws.skyegloup.com",
    "Sonos": "conn-i-0123456789abcdef0-us-east-1.lechmere.prod.ws.sonos.com",
    "Electric Imp": "prd21a.boxen.electricimp.com",
    "Anova": "devices.anovaculinary.io",
    "GE Appliances": "xmpp21.wca.geappliances.com secure.brillion.geappliances.com",
    "Rain Bird": "rdz-rbcloud.rainbird.com",
    "Rachio": "api.rach.io",
    "Chamberlain": "connect-ca.myqdevice.com",
    "Nuki": "api.nuki.io",
    "Lutron": "firmware-downloads.iot.lutron.io",
    "Frontier Smart": "airable.wifiradiofrontier.com update.wifiradiofrontier.com",
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.mark.large
def test_of_nineteen_devices_company_and_purpose_are_known(classifier: Classifier) -> None:
    asked: Counter[str] = Counter()
    owned: Counter[str] = Counter()
    purposed: Counter[str] = Counter()
    with shared_data("labels", "home_devices.csv").open() as file:
        for row in csv.DictReader(file):
            tag, lookups = classifier.tag(row["name"]), int(row["lookups"])
            for of in (row["device"], "all"):
                asked[of] += lookups
                owned[of] += lookups if tag.company else 0
                purposed[of] += lookups if tag.category is not Category.UNKNOWN else 0
    for of, lookups in asked.items():
        print(f"{of:28} {lookups:7} {100 * owned[of] / lookups:5.1f} % {100 * purposed[of] / lookups:5.1f} %")
        assert owned[of] / lookups >= 0.97, of
        assert purposed[of] / lookups >= 0.95, of


@pytest.mark.parametrize("maker", _OF_MAKERS)
def test_names_of_a_maker_are_its_own_and_have_a_purpose(classifier: Classifier, maker: str) -> None:
    for name in _OF_MAKERS[maker].split():
        tag = classifier.tag(name)
        assert tag.company == maker, name
        assert tag.category is not Category.UNKNOWN, name


def test_sixty_five_makers_of_lamps_plugs_hubs_scales_and_speakers_are_known(classifier: Classifier) -> None:
    makers = [company.name for company in classifier.companies() if company.devices]
    platforms = [company.name for company in classifier.companies() if company.iot_platform]
    print(len(makers), "makers,", len(platforms), "platforms")
    assert len(makers) >= 120
    assert len(platforms) >= 15


def test_a_platform_is_nobodys_maker_and_nobodys_guest(classifier: Classifier) -> None:
    for maker in ("Govee", "Sengled", ""):
        assert classifier.tag("aqm3wd1qlc3dy.iot.us-east-1.amazonaws.com", maker=maker).party is Party.PLATFORM
    assert classifier.tag("aqm3wd1qlc3dy.iot.us-east-1.amazonaws.com", maker="Ring").party is Party.FIRST


def test_no_device_must_have_what_only_watches_it(classifier: Classifier) -> None:
    for name in ("events.api.bosecm.com", "app-analytics.huami.com"):
        assert classifier.tag(name).category.tracks, name

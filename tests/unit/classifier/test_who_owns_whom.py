"""Who owns whom, and where each company says what it does with what it learns."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from gateway.classifier.company import Company
from gateway.classifier.loader import load_knowledge
from gateway.classifier.party import family
from gateway.classifier.service import Classifier

_DAY = re.compile(r"(19|20)\d{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_WITHOUT_A_PAGE = {
    "it holds shares, and no device contacts it": [
        "Apollo", "EchoStar", "Fortune Brands", "Francisco Partners", "Inmar", "MFE", "Silver Lake", "SpaceX", "TPG",
        "Visual China Group", "Xperi",
    ],
    "it closed, or was taken apart, and its page went with it": [
        "AdMeta", "Crackle", "Edgio", "Eyeview", "iSmartAlarm", "Neato", "Vdopia", "Vindico",
    ],
    "it runs for free, for everybody, and has no such page": [
        "ipify", "NTP Pool", "OpenATV", "OpenPLi", "OpenWrt", "Tasmota",
    ],
    "no address of it could be checked in public sources": [
        "ABEMA", "AcuRite", "Afero", "Airboxlab", "Airthings", "Ambient Weather", "Anixe", "AppKettle",
        "Applicaster", "APsystems", "Arrayent", "ARTE", "Asustor", "Athom", "Audio Pro", "AVM", "Balena",
        "Bang & Olufsen", "Beachfront Media", "Behmor", "Blurams", "Bosch Smart Home", "BrightLine", "BroadLink",
        "Brother", "BSH", "Cadent", "Canary", "Catlink", "Cielo", "CJ Powercast", "CloudBirds", "Conductrics",
        "ConnMan", "Control4", "Copeland", "Creality", "CZ.NIC", "D-Link", "Dahua", "Daikin", "Davis Instruments",
        "Delta Dore", "Devialet", "DoorBird", "Duck DNS", "Dynu", "Ecowitt", "Edimax", "Electrolux", "eQ-3",
        "ETtoday", "Evrythng", "Ezlo", "Feit Electric", "Fibaro", "Fluidra", "Flume", "Formuler", "Foscam", "Free",
        "FreeDNS", "Fronius", "Frontier Smart", "Fubo", "GE Lighting", "Gigaset", "Ginlong", "GITV", "Gizwits",
        "go-e", "GoodWe", "GooLink", "Gree", "Growatt", "HomeWizard", "Hoymiles", "HSE", "Hubble", "Humax", "iCSee",
        "iHome", "Imou", "Infillion", "Infomir", "Ingenic", "Invoxia", "ip138", "IQAir", "Jingxun", "Jooan", "June",
        "Keenetic", "KEF", "Kuyun", "Lavazza", "LEDVANCE", "Legrand", "Lenbrook", "Leviton", "Lexmark", "Libratone",
        "Linkplay", "Loxone", "Lutron", "Macro-video", "Meari", "Memfault", "Mender", "Mercury", "Meross",
        "Microseven", "Midea", "MikroTik", "Mitsubishi Electric", "Moen", "myStrom", "Naim", "Netnod",
        "Network Time Foundation", "NIBE", "NICT", "No-IP", "NRC Canada", "Onkyo", "Oray", "Orbit", "Orvibo",
        "Overkiz", "P2PLiveCam", "Petkit", "phoenix", "Picea", "Piper", "Plume", "Podtrac", "Prusa", "Qiniu",
        "RainMachine", "RiffTrax", "Roon", "RouteThis", "RTLZWEI", "RTVE", "Runtop", "Securifi", "SiliconDust",
        "SkyBell", "Smarter", "Solar-Log", "Solarman", "Solum", "Sonnenklar.TV", "Sound United", "Sungrow", "tado",
        "Technogym", "Tedee", "Telldus", "Telly", "Tenda", "Teufel", "TheTake", "ThroughTek", "Traeger", "Twinkly",
        "U-NEXT", "Ubia", "Uplynk", "Vaillant", "Verisure", "Verkada", "Versuni", "Vesync", "Vimtag", "Viu",
        "Vodafone", "Vorwerk", "VStarcam", "VTech", "vTuner", "Vu+", "Wangsu", "Wansview", "Weber", "Whirlpool",
        "Whois Corp", "Winix", "Wink", "Xiongmai", "Xlink", "Yi", "YoSmart", "Zaptec", "Zengge", "Zmodo", "Zyxel",
    ],
}  # fmt: skip
# Domains of brands that were sold, and whose they are today, nearest owner first.
_TODAY = """
mopub.com AppLovin
app.adjust.com Adjust > AppLovin
abc.samsung.wurl.tv Wurl > AppLovin
lkqd.net Nexstar
ib.adnxs.com Microsoft
adsymptotic.com Microsoft
advertising.com Yahoo > Apollo
btrll.com Yahoo > Apollo
nexage.com Yahoo > Apollo
vidible.tv Yahoo > Apollo
data.flurry.com Yahoo > Apollo
tremorhub.com Magnite
spotxchange.com Magnite
spotx.tv Magnite
rubiconproject.com Magnite
springserve.com Magnite
moatads.com Oracle
addthis.com Oracle
bluekai.com Oracle
innovid.com Innovid > Mediaocean
tvsquared.com Innovid > Mediaocean
flashtalking.com Mediaocean
fwmrm.net FreeWheel > Comcast
bidr.io FreeWheel > Comcast
stickyadstv.com FreeWheel > Comcast
tidaltv.com Amobee > Nexxen
videohub.tv Nexxen
1rx.io Nexxen
unrulymedia.com Nexxen
yumenetworks.com YuMe > Nexxen
tubemogul.com Adobe
demdex.net Adobe
everesttech.net Adobe
omtrdc.net Adobe
supersonicads.com Unity
tapjoy.com Unity
vungle.com Vungle > Liftoff
api.segment.io Segment > Twilio
newrelic.com New Relic > Francisco Partners
notify.bugsnag.com Bugsnag > SmartBear
semasio.net Samba TV
acr.inscape.tv Inscape > Vizio > Walmart
w55c.net Roku
tubitv.com Fox
pluto.tv Paramount > Skydance
hbo.com Warner Bros. Discovery > Skydance
lifx.co LIFX > Feit Electric
irobotapi.com iRobot > Picea
vudu.com Fandango > Versant
cnbc.com Versant
fubo.tv Fubo > Disney
crunchyroll.com Crunchyroll > Sony
ring.com Ring > Amazon
nest.com Nest > Google
bidswitch.net IPONWEB > Criteo
dotomi.com Epsilon > Publicis
mediaplex.com Epsilon > Publicis
crwdcntrl.net Lotame > Publicis
mookie1.com GroupM > WPP
agkn.com TransUnion
truoptik.com Tru Optik > TransUnion
tapad.com Tapad > Experian
liadm.com LiveIntent > Zeta Global
rfihub.com Zeta Global
chartboost.com Chartboost > LoopMe
adcolony.com Digital Turbine
mathtag.com MediaMath > Infillion
smaato.net Smaato > Verve Group
skimresources.com Skimlinks > Taboola
adentifi.com AdTheorent > Cadent
vidazoo.com Vidazoo > Perion
xiti.com AT Internet > Piano
360yield.com Improve Digital > Azerion
de17a.com Delta Projects > Azerion
opecloud.com 1plusX > TripleLift
hotjar.com Hotjar > Contentsquare
heapanalytics.com Heap > Contentsquare
appdynamics.com AppDynamics > Cisco
loggly.com Loggly > SolarWinds
sumologic.com Sumo Logic > Francisco Partners
parsely.com Parse.ly > Automattic
vimeo.com Vimeo > Bending Spoons
brightcove.com Brightcove > Bending Spoons
tidal.com Tidal > Block
kayosports.com.au Foxtel > DAZN
ad.71i.de ProSiebenSat.1 > MFE
blismedia.com Blis > T-Mobile
zemanta.com Outbrain > Teads
api.statsig.com Statsig > OpenAI
mparticle.com mParticle > Rokt
static.ads-twitter.com X > xAI > SpaceX
imrworldwide.com Nielsen
gracenote.com Gracenote > Nielsen
"""


@pytest.fixture(scope="module")
def companies() -> dict[str, Company]:
    return load_knowledge().companies


def test_every_company_has_a_privacy_page_or_a_reason_why_not(companies: dict[str, Company]) -> None:
    excused = Counter(name for names in _WITHOUT_A_PAGE.values() for name in names)
    without = {company.name for company in companies.values() if not company.privacy}
    assert without - excused.keys() == set(), "give each its privacy page, or put it on the list with a reason"
    assert excused.keys() - without == set(), "these have a page by now: take them off the list"
    assert max(excused.values()) == 1
    assert len(excused) <= len(companies) / 4


def test_no_company_is_written_in_two_ways(companies: dict[str, Company]) -> None:
    spelled = Counter("".join(letter for letter in name.lower() if letter.isalnum()) for name in companies)
    assert [name for name, times in spelled.items() if times > 1] == []


def test_every_parent_comes_with_a_date_and_a_source(companies: dict[str, Company]) -> None:
    owned = [company for company in companies.values() if company.parent]
    assert len(owned) >= 80
    bare = [company.name for company in owned if not (company.owned_since and company.owner_source)]
    assert bare == [], "say since when (owned_since) and where it is written (owner_source)"
    assert [company.name for company in owned if not _DAY.fullmatch(company.owned_since)] == []


def test_brands_that_were_sold_belong_to_whom_they_belong_today(companies: dict[str, Company]) -> None:
    classifier = Classifier.load()
    rows = [line.split(" ", 1) for line in _TODAY.strip().splitlines()]
    wrong = {
        name: found
        for name, owners in rows
        if (found := " > ".join(family(classifier.tag(name).company or "nobody", companies))) != owners
    }
    assert wrong == {}
    assert len(rows) >= 50

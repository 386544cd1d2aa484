"""Words that people put into the names of their servers: those that measure and advertise, and those that serve.

They are common knowledge of the trade. The model learns how much each group weighs. `CLEAR` are those that say by
themselves what a server is for. The others also stand in the names of servers that do something else: a delivery is
tracked, a calendar has events, a signal is processed by a DSP.
"""

from __future__ import annotations

_TRACKING = (
    "acr ad adcdn adimg adlog ads adserver adservice adsvc adtech advert advertisement advertising adx "
    "analytic analytics attribution audience beacon beacons behavior bid bidder bigdata click clicks "
    "clickstream clientlog collect collection collector conversion crash crashlog crashreport datacollection "
    "dataplatform devicelog diag diagnostics dmp dsp errorlog event eventlog events fingerprint imp "
    "impression impressions ingest ingestion insights log logger logging logs measure measurement "
    "measurements metric metrics pixel prebid qoe report reporting reports retargeting rtb rum segment "
    "smetrics ssp stat statistics stats telemetry track tracker tracking tvlog usage userlog vast viewership "
    "vmap watchlog"
)
_SERVING = (
    "account accounts activation airplay api app apps artwork assets audio auth backup billing boot bootstrap "
    "broker browser cache cart cast catalog catalogue cdn cert certificate channel channels chat check "
    "checkout cloud cname config configuration connectivity content crl dev device devices discovery dl dns "
    "doh download drm edge entitlement epg files firmware fota game games gateway geo guide gw hbbtv health "
    "help home homepage id identity image images img input key keyboard launcher lb license live location "
    "login manifest media message mobile mqtt music nettest notification notify ntp oauth ocsp origin ota "
    "pairing pay payment photos ping pki play playback player portal poster posters profile profiles "
    "provisioning proxy push radio recommend register registration remote rights screensaver search security "
    "service services settings shop signin smarttv socket speech speedtest sso stage static status storage "
    "store stream streaming subscription subtitles support sync test thumbnail thumbs time token trust tuner "
    "tv ui update updates upgrade upload user users video vod voice wallpaper weather web widevine ws www"
)

_CLEAR = (
    "ad ads adserver adservice adsvc adtech advert advertisement advertising adlog adx analytic analytics "
    "attribution beacon beacons bid bidder clickstream clientlog collector cookiesync datacollection devicelog "
    "diagnostics eventlog idsync impression impressions log logging logs measure measurement measurements metric "
    "metrics pagead pix pixel prebid px retargeting rtb smetrics telemetry tvlog usermatch usersync"
)
TRACKING = frozenset(_TRACKING.split())
SERVING = frozenset(_SERVING.split())
CLEAR = frozenset(_CLEAR.split())

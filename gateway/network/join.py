"""How a person joins the Wi-Fi: the text of a QR code, and its picture. Pure."""

from __future__ import annotations

import io

_SPECIAL = str.maketrans({sign: "\\" + sign for sign in '\\;,":'})


def join_uri(ssid: str, passphrase: str) -> str:
    """What phones read as "join this Wi-Fi". T:WPA is WPA2 and WPA3 alike (WPA3 specification 3.0, section 7)."""
    return f"WIFI:T:WPA;S:{_escaped(ssid)};P:{_escaped(passphrase)};;"


def join_picture(uri: str) -> str:
    """The QR code as SVG text for a page: no script, no style sheet, with the quiet zone that readers need."""
    # Here, because 1 MB of tables is for the moment when somebody looks at the page.
    import segno

    written = io.BytesIO()
    code = segno.make(uri, error="m", micro=False)
    code.save(
        written, kind="svg", scale=4, border=4, xmldecl=False, svgns=True, omitsize=True, dark="#000", light="#fff"
    )
    return written.getvalue().decode("utf-8").strip()


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)

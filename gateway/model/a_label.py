"""A label with letters beyond ASCII, as browsers ask for it."""

from __future__ import annotations


def to_a_label(label: str) -> str:
    """The A-label of one label without dots: IDNA 2008 with the mapping of UTS #46, nontransitional, as the WHATWG's
    URL standard has it (`faß` is `xn--fa-hia`, and symbols are letters too). An ASCII label only becomes lower case.

    Raises ValueError for a character that no domain name has.
    """
    if label.isascii():
        return label.lower()
    # Half a megabyte of tables, for the few who meet such a name.
    from idna import IDNAError, uts46_remap

    try:
        mapped = uts46_remap(label, std3_rules=False, transitional=False)
        if "." in mapped:
            raise ValueError(mapped)
        return mapped if mapped.isascii() else "xn--" + mapped.encode("punycode").decode("ascii")
    except (IDNAError, ValueError):
        raise ValueError("This name has a letter that domain names cannot have.") from None

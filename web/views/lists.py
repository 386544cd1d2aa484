"""The lists that are subscribed to, and what would happen to a name."""

from __future__ import annotations

from typing import Any

from flask import request

from gateway.errors import Refused
from web.views.frame import ask, call, page, pages, rule_index


@pages.get("/lists")
def lists() -> str:
    """Subscriptions with their state; `?check=NAME&device=ID` answers what would happen to a name."""
    answer: dict[str, Any] = ask(lambda: call("lists.list"), {})
    name, device = request.args.get("check", "").strip()[:1024], request.args.get("device") or None
    explained, refused = _check(name, device) if name else (None, None)
    return page(
        "lists.html",
        "lists",
        lists=answer.get("lists", []),
        refreshing=bool(answer.get("refreshing")),
        known=answer.get("known", []),
        subscribed={each["source"] for each in answer.get("lists", [])},
        check=name,
        check_device=device,
        explained=explained,
        refused=refused,
        rule_index=rule_index(),
    )


def _check(name: str, device: str | None) -> tuple[dict[str, Any] | None, str | None]:
    """The explanation, or the sentence that says why there is none."""
    host = name.split("://", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return ask(lambda: call("explain", name=host, device=device), None), None
    except Refused as error:
        return None, str(error)

"""Asks the policy, twice: about the name on the way down, about where its answer leads on the way up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

from gateway.model.dns import Ede, Rcode
from gateway.model.policy import Policy
from gateway.model.query import Query
from gateway.model.response import Response, Source
from gateway.model.verdict import Action, Reason, Verdict
from gateway.resolver.link import Prompt
from gateway.wire.message import negative_answer, null_answer

_PASSING = 1
"""Seconds for which a client may believe what its own next lookup may change."""
# A member of an enum costs a look-up each time.
_BLOCK, _NOTHING = Action.BLOCK, Reason.NOTHING


class Filter(Prompt):
    """Decides with the policy in force, also when that changes while the answer is on its way: nothing leaves against
    a rule that was there before it left.
    """

    def __init__(
        self, policy: Policy, device_of: Callable[[str], str | None], *, mode: Literal["null", "nxdomain"], ttl: int
    ) -> None:
        self.policy = policy
        self._device_of = device_of
        self._mode = mode
        self._ttl = ttl

    def answer(self, query: Query) -> Response | None:
        verdict = self.policy.decide(query.name.text, self._device_of(query.client), query.qtype)
        return self._blocked(query, verdict) if verdict.action is _BLOCK else None

    def look(self, query: Query, response: Response) -> Response:
        policy, device = self.policy, self._device_of(query.client)
        verdict = policy.decide(query.name.text, device, query.qtype)
        if verdict.action is _BLOCK:
            return self._blocked(query, verdict)
        given = response.verdict
        if response.targets and verdict.reason is _NOTHING:
            for target in response.targets:
                hidden = policy.decide_target(target, device, query.qtype)
                if verdict.stops_at(hidden):
                    # A tracker behind a name of the site itself (cloaking): the list knows only where it leads.
                    hidden = dataclasses.replace(hidden, via=hidden.via or target)
                    return dataclasses.replace(self._blocked(query, hidden), targets=response.targets)
        if given is verdict or given.reason is not _NOTHING or given == verdict:
            return response
        return dataclasses.replace(response, verdict=verdict)

    def pardons(self, query: Query) -> bool:
        """True when a person's own rule allows this name: no other protection of ours may then stand in the way."""
        verdict = self.policy.decide(query.name.text, self._device_of(query.client), query.qtype)
        return not verdict.blocked and verdict.reason in (Reason.RULE, Reason.DEVICE_RULE)

    def _blocked(self, query: Query, verdict: Verdict) -> Response:
        ttl = min(self._ttl, _PASSING) if verdict.passing else self._ttl
        if self._mode == "nxdomain":
            rcode, wire = Rcode.NXDOMAIN, negative_answer(query, Rcode.NXDOMAIN, ttl)
        else:
            rcode, wire = Rcode.NOERROR, null_answer(query, ttl)
        return Response(wire, rcode, Source.POLICY, verdict, ede=Ede.BLOCKED, ttl=ttl)

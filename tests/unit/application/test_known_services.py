from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.application.core import Core
from gateway.application.registry import Registry
from gateway.application.rules import RuleVerbs
from gateway.classifier.service import Classifier
from gateway.errors import Refused
from gateway.lists.compiled import CompiledLists
from gateway.model.tag import UNTAGGED
from gateway.model.verdict import Action
from gateway.policy.book_keeper import BookKeeper
from gateway.policy.service import PolicyService
from gateway.schema.requests import AddRule


@pytest.fixture
def verbs(tmp_path: Path) -> RuleVerbs:
    keeper = BookKeeper(tmp_path / "policy.json", None)
    policy = PolicyService(keeper, CompiledLists.empty(), lambda name: UNTAGGED)
    core = SimpleNamespace(policy=policy, inventory=None, classifier=Classifier.load())
    return RuleVerbs(cast(Core, core), Registry())


def add(verbs: RuleVerbs, **scope: Any) -> dict[str, Any]:
    return asyncio.run(verbs.add(AddRule(action=Action.BLOCK, **scope)))


def test_an_app_is_blocked_by_the_name_that_it_has(verbs: RuleVerbs) -> None:
    assert add(verbs, service="netFLIX")["service"] == "Netflix"
    assert add(verbs, company="Nobody knows it yet")["company"] == "Nobody knows it yet"


def test_an_app_that_nobody_knows_is_refused_instead_of_blocked_in_vain(verbs: RuleVerbs) -> None:
    with pytest.raises(Refused) as refused:
        add(verbs, service="Netflx")
    assert refused.value.field == "service"
    assert not verbs.list({})["rules"]

"""What every process that answers DNS is made of, be it the resolver or one of its workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network

from gateway.classifier.owner_lists import NoOwners
from gateway.classifier.public_suffix import is_top_level
from gateway.classifier.service import Classifier
from gateway.devices.own_addresses import own_addresses
from gateway.errors import ListError
from gateway.lists.compiled import CompiledLists
from gateway.lists.owner_file import OWNERS, OwnerFile
from gateway.model.address import Address
from gateway.model.listed import Owners
from gateway.model.name import Name
from gateway.model.policy import Policy
from gateway.model.rule import ScopeKind
from gateway.model.special_addresses import HOME, is_public
from gateway.model.tag import UNTAGGED, Tag
from gateway.policy.snapshot import Snapshot
from gateway.resolver.fastpath import Concern
from gateway.resolver.options import LEADS_HOME, ResolverOptions
from gateway.resolver.upstream import Upstream
from gateway.settings import Settings

_LOG = logging.getLogger(__name__)
OWN_NAME = "telltale.lan"
"""What the dashboard is called where nobody gave it another name."""
# A guess from the words in a name is shown, but a rule on a category or company does not act on it.
_SURE_ENOUGH = 0.5


def sure_tags(classifier: Classifier) -> Callable[[str], Tag]:
    """The tags that rules on companies and categories act on."""

    def sure_tag(name: str) -> Tag:
        tag = classifier.sure_tag(name)
        return tag if tag.confidence >= _SURE_ENOUGH else UNTAGGED

    return sure_tag


def _own_addresses() -> list[Address]:
    try:
        return [ip_address(each) for each in sorted(own_addresses())]
    except OSError as error:
        # DNS answers all the same; only the dashboard's own name and this machine's IPv6 networks are not known.
        _LOG.warning("the addresses of this machine cannot be read: %s", error)
        return []


def options(settings: Settings, forward_zones: Mapping[str, Sequence[Upstream]]) -> ResolverOptions:
    """As this run was given, with the names and networks of this machine."""
    names: dict[str, tuple[Address, ...]] = {
        Name.parse(name).text: (ip_address(address),) for name, address in settings.names.items()
    }
    dashboard = ip_address(settings.web.host)
    own = _own_addresses()
    reachable = tuple(each for each in own if each.version == dashboard.version and not each.is_loopback)
    if not names:
        names[OWN_NAME] = reachable if dashboard.is_unspecified else (dashboard,)
    lan = tuple(ip_network((each, 64), strict=False) for each in own if each.version == 6 and is_public(each))
    exceptions = tuple(Name.parse(name).text for name in settings.rebinding_exceptions)
    return ResolverOptions(
        local_names=names,
        is_top_level=is_top_level,
        forward_zones=forward_zones,
        rebinding_protection=settings.rebinding,
        rebinding_exceptions=(*LEADS_HOME, *exceptions),
        allowed_networks=(*HOME, *lan),
        trust_ad=settings.trust_ad,
        client_rate=settings.client_rate,
        strategy=settings.strategy,
        plain_fallback=settings.plain_fallback,
    )


def mapped(settings: Settings, complain: Callable[[str], None]) -> CompiledLists:
    """The compiled lists; empty ones where none can be read: then `complain` hears why."""
    path = settings.lists_folder / "compiled.bin"
    if not path.exists():
        return CompiledLists.empty()
    try:
        return CompiledLists.open(path)
    except ListError as error:
        complain(str(error))
        return CompiledLists.empty()


def mapped_owners(settings: Settings) -> Owners:
    """The owner lists; none where there are none, or none that can be read."""
    try:
        return OwnerFile.open(settings.lists_folder / OWNERS)
    except ListError:
        return NoOwners()


def concerned_by(before: Policy, after: Policy) -> Concern | None:
    """For which names it makes a difference that one policy follows the other; None: perhaps for any.

    The rules of both are compared, for a rule may have ended in the same moment.
    """
    if not (isinstance(before, Snapshot) and isinstance(after, Snapshot) and after.stands_on_the_same(before)):
        return None
    scopes = [rule.scope for rule in set(before.rules) ^ set(after.rules)]
    if any(scope.kind not in (ScopeKind.NAME, ScopeKind.SUBTREE) for scope in scopes):
        return None
    trees = [scope.value for scope in scopes if scope.kind is ScopeKind.SUBTREE]
    return Concern(frozenset(scope.value for scope in scopes), tuple(tree and f".{tree}" for tree in trees))

"""What can be asked of a running box: the bodies of the API, and the arguments of the control socket's verbs, which are
the same with what the dashboard adds.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from gateway.errors import Refused
from gateway.model.name import Name as DomainName
from gateway.model.rule import PRESET_OFF, Scope, ScopeKind
from gateway.model.tag import Category
from gateway.model.verdict import Action
from gateway.schema.checking import Message
from gateway.schema.texts import Comment, Duration, Id, Label, Name, PresetName, Seconds, Source, Title, Word

MOST_TARGETS: Final = 16
MOST_TIMES: Final = 1000
Targets: TypeAlias = Annotated[
    list[Name], Meta(max_length=MOST_TARGETS, description=f"at most {MOST_TARGETS} domain names")
]
Times: TypeAlias = Annotated[
    list[float], Meta(max_length=MOST_TIMES, description=f"at most {MOST_TIMES} numbers: seconds since 1970")
]
_SCOPES = ("name", "service", "trackers", "company", "category", "everything", "preset")


class NewRule(Message, frozen=True, kw_only=True):
    """A rule on exactly one thing, for a device or for everyone, for a while or for ever."""

    action: Action
    name: Name | None = None
    service: Word | None = None
    trackers: Word | None = None
    company: Word | None = None
    category: Category | None = None
    everything: bool | None = None
    preset: PresetName | None = None
    subtree: bool | None = None
    device: Word | None = None
    seconds: Seconds | None = None
    comment: Comment | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        named = [key for key in _SCOPES if getattr(self, key) not in (None, False)]
        if len(named) != 1:
            raise Refused("message.say-exactly-name", named[1] if named else "name")
        if self.subtree and self.name is None:
            raise Refused("message.subtree-speaks-names", "subtree")
        if self.everything and (self.action is not Action.BLOCK or self.device is None):
            raise Refused("message.everything-cuts-device", "everything")
        if self.preset not in (None, PRESET_OFF) and self.action is not Action.BLOCK:
            raise Refused("message.preset-goes-block", "action")

    @property
    def scope(self) -> Scope:
        """What the rule speaks of, in canonical spelling. Raises Refused for what is no name."""
        if self.name is not None:
            return _scope_of_name(self.name, subtree=bool(self.subtree))
        for kind, value in (
            (ScopeKind.SERVICE, self.service), (ScopeKind.TRACKERS, self.trackers), (ScopeKind.COMPANY, self.company)
        ):  # fmt: skip
            if value is not None:
                return Scope(kind, value)
        if self.category is not None:
            return Scope(ScopeKind.CATEGORY, self.category.value)
        if self.preset is not None:
            return Scope(ScopeKind.PRESET, self.preset)
        return Scope(ScopeKind.EVERYTHING)


class AddRule(NewRule, frozen=True, kw_only=True):
    """`rules.add`."""

    made_by: Word = "dashboard"


class NewPause(Message, frozen=True, kw_only=True):
    """Lets everything through for a while; 0 seconds end the pause."""

    seconds: Duration
    device: Word | None = None


class Pause(NewPause, frozen=True, kw_only=True):
    """`pause`."""

    made_by: Word = "dashboard"


class Numbered(Message, frozen=True, kw_only=True):
    """A rule or a list, by its number."""

    id: Id


class DeviceChange(Message, frozen=True, kw_only=True):
    """What people say of a device; "" takes it back."""

    name: Label | None = None
    kind: Label | None = None
    maker: Label | None = None

    @property
    def changes(self) -> dict[str, str]:
        said = {"name": self.name, "kind": self.kind, "maker": self.maker}
        return {key: value for key, value in said.items() if value is not None}


class UpdateDevice(DeviceChange, frozen=True, kw_only=True):
    """`devices.update`."""

    id: Word


class NewList(Message, frozen=True, kw_only=True):
    """A list on the internet, by exactly one of `url` and `source`; never a path of this machine."""

    url: Source | None = None
    source: Source | None = None
    title: Title | None = None
    action: Action | None = None
    comment: Comment | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.url is None) == (self.source is None):
            raise Refused("message.say-where-list", "url")


class AddList(Message, frozen=True, kw_only=True):
    """`lists.add`; for the command line also an absolute path."""

    source: Source
    title: Title = ""
    action: Action = Action.BLOCK
    comment: Comment = ""


class Explain(Message, frozen=True, kw_only=True):
    """`explain`: `targets` are the names that the name led to lately; `times` are its last look-ups, in seconds since
    1970, by how many `devices`.
    """

    name: Name
    device: Word | None = None
    targets: Targets | None = None
    times: Times | None = None
    devices: Id = 1


class CompanyQuestion(Message, frozen=True, kw_only=True):
    """`company`."""

    name: Annotated[str, Meta(max_length=200, description="a text of at most 200 characters")]


class WhoseResolvers(Message, frozen=True, kw_only=True):
    """`resolvers.whose`: addresses or names."""

    servers: Annotated[list[str], Meta(max_length=1000, description="at most 1000 texts")]


class NetworkPause(Message, frozen=True, kw_only=True):
    """`network.pause`: this device reaches nothing while `paused`."""

    device: Word
    paused: bool = True


class NetworkIsolate(Message, frozen=True, kw_only=True):
    """`network.isolate`: whether devices of the televisions' network are kept from each other."""

    isolated: bool


class NetworkApply(Message, frozen=True, kw_only=True):
    """`network.apply`; with `dry_run` only what it would do."""

    dry_run: bool = False


class NewPassword(Message, frozen=True, kw_only=True):
    """The old password and the new one, as they stand."""

    old: Annotated[str, Meta(min_length=1, max_length=4096, description="the password that you have now")]
    new: Annotated[str, Meta(min_length=1, max_length=4096, description="the password that you want")]

    def __post_init__(self) -> None:
        """A password is taken as it stands, blanks and all."""


class Nothing(Message, frozen=True, kw_only=True):
    """A verb without arguments."""


def canonical_name(said: str, field: str = "name") -> str:
    """The canonical spelling of a domain name. Raises Refused."""
    try:
        name = DomainName.typed(said)
    except ValueError as error:
        raise Refused.saying(str(error), field) from None
    if not name.text:
        raise Refused("message.domain-name-such", field, what=field)
    return name.text


def _scope_of_name(said: str, *, subtree: bool) -> Scope:
    wild = said.startswith("*.")
    kind = ScopeKind.SUBTREE if subtree or wild else ScopeKind.NAME
    return Scope(kind, canonical_name(said[2:] if wild else said))

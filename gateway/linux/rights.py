"""What root does in somebody's folder, it does with the rights of that somebody (credentials(7), path_resolution(7)).

Whoever owns a folder may lay a link in it that leads anywhere, and exchange it between a look and a step. Nothing that
root looks at first helps against that; the kernel does, once root has given its own rights away.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import SettingsError

_NOBODY = 65534
_MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class Owner:
    """A user as the kernel knows one: `groups` has `group` in it."""

    user: int
    group: int
    groups: tuple[int, ...]


def owner_of(place: Path) -> Owner | None:
    """Who decides what lies at `place`: the owner of the first folder or link on the way there that is not root's.

    None when all of them are root's. What is not there yet is decided by who owns the folder above.
    """
    return _first_owner(place.absolute(), _MOST_LINKS)


def _first_owner(place: Path, links: int) -> Owner | None:
    for each in (*reversed(place.parents), place):
        try:
            about = os.lstat(each)
            if about.st_uid != 0:
                return _owner(about.st_uid, about.st_gid)
            if stat.S_ISLNK(about.st_mode) and links > 0:
                owner = _first_owner(each.parent / os.readlink(each), links - 1)
                if owner is not None:
                    return owner
        except OSError:
            return None
    return None


def become_owner_of(place: Path) -> None:
    """As root: this process is the owner's from here on, for ever. Raises SettingsError when the kernel refuses."""
    owner = owner_of(place) if os.geteuid() == 0 else None
    if owner is not None:
        with _refusal_in_words(place):
            os.setgroups(owner.groups)
            os.setresgid(owner.group, owner.group, owner.group)
            os.setresuid(owner.user, owner.user, owner.user)
        _check_code(place)


@contextmanager
def rights_of_owner(place: Path) -> Iterator[None]:
    """As root: what is done inside is done with the rights of the owner of `place`, and may be nested.

    Holds for the whole process, so only where it has one thread. Raises SettingsError when the kernel refuses.
    """
    before = Owner(os.geteuid(), os.getegid(), tuple(os.getgroups()))
    if 0 not in os.getresuid():
        yield
        return
    root = Owner(0, os.getgid(), before.groups)
    with _refusal_in_words(place):
        os.seteuid(0)
    try:
        owner = owner_of(place)
        with _refusal_in_words(place):
            _act_as(owner or root)
        _check_code(place)
        yield
    finally:
        os.seteuid(0)
        _act_as(before)


def _act_as(owner: Owner) -> None:
    os.setgroups(owner.groups)
    os.setegid(owner.group)
    os.seteuid(owner.user)


def _check_code(place: Path) -> None:
    """Modules are read when they are needed: who may not read them hears so now, in words."""
    for each in (__file__, os.__file__):
        if not os.access(each, os.R_OK, effective_ids=True):
            raise SettingsError("process.owner-cannot-read-code", place=place, code=Path(each).parent)


def _owner(user: int, group: int) -> Owner:
    try:
        known = pwd.getpwuid(user)
    except KeyError:
        # Nobody ever gains root's group this way.
        group = group or _NOBODY
        return Owner(user, group, (group,))
    return Owner(user, known.pw_gid, tuple(os.getgrouplist(known.pw_name, known.pw_gid)))


@contextmanager
def _refusal_in_words(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError("process.may-not-act-for-owner", place=place, strerror=error.strerror) from None

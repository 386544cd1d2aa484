"""The `telltale` command."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from gateway import __version__
from gateway.catalogue.preset_words import at_home
from gateway.commands.lines import list_line, list_lines, plain, print_each, rule_line, service_line
from gateway.control.client import ControlClient
from gateway.errors import SettingsError, TelltaleError, Unavailable
from gateway.linux.rights import become_owner_of, rights_of_owner
from gateway.settings import Settings, add_arguments, data_of, from_arguments

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when it was done, 1 when it could not be, 2 when it was asked wrongly."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        # Who owns the data folder decides what lies in it, so root reads and does nothing there as root.
        with rights_of_owner(data_of(parsed)):
            settings = from_arguments(parsed)
        parsed.takes_rights(settings)
        done: int = parsed.run(parsed, settings)
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="telltale", description="Shows which companies your televisions contact, and stops them with one click."
    )
    parser.add_argument("--version", action="version", version=f"telltale {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(
        name: str,
        run: Callable[[argparse.Namespace, Settings], int],
        says: str,
        takes_rights: Callable[[Settings], None] = _of_data,
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        add_arguments(made)
        made.set_defaults(run=run, takes_rights=takes_rights)
        return made

    verb("up", _up, "answer DNS and show the dashboard, in the foreground, without root", _by_itself)
    demo = verb("demo", _demo, "the same, with simulated televisions and a simulated internet", _by_itself)
    pace = "how much the televisions ask: 2 is twice as much (default 1)"
    demo.add_argument("--pace", type=float, default=1.0, help=pace)

    name = verb("block", _block, "block a name, an app or a company for everybody, or for one device")
    allowed = verb("allow", _allow, "allow a name, an app or a company for everybody, or for one device")
    for made in (name, allowed):
        scope = made.add_mutually_exclusive_group(required=True)
        scope.add_argument(
            "name", nargs="?", metavar="NAME", help="a domain name; *.NAME takes everything below it too"
        )
        scope.add_argument("--service", metavar="APP", help="a whole app; `telltale services` lists them")
        scope.add_argument("--trackers", metavar="APP_OR_COMPANY", help="only what watches in an app or at a company")
        scope.add_argument("--company", metavar="COMPANY", help="all names of a company")
        _device(made)
        how_long = "how long: 30s, 15m, 2h, 1d (default: until you remove it)"
        made.add_argument("--for", dest="duration", metavar="15m", help=how_long)
    pause = verb("pause", _pause, "stop filtering for a while")
    pause.add_argument("duration", metavar="5m", help="how long: 30s, 15m, 2h; 0 ends a pause")
    _device(pause)
    chosen = verb("preset", _preset, "choose how much the televisions may tell")
    chosen.add_argument(
        "preset",
        choices=("calm", "quiet", "silent", "off", "as-everyone"),
        metavar="PRESET",
        help="calm, quiet, silent or off; as-everyone takes a device's own choice back",
    )
    _device(chosen)
    until = "how long: 30s, 15m, 2h, 1d (default: until you change it)"
    chosen.add_argument("--for", dest="duration", metavar="2h", help=until)
    explained = verb("explain", _explain, "say who owns a name, what it is for, and what happens to it")
    explained.add_argument("name", metavar="NAME")
    _device(explained)
    explained.add_argument("--json", action="store_true", help="everything, for programs")

    _add_collections(verb)
    _add_upkeep(verb)
    return parser


_Verb: TypeAlias = Callable[..., argparse.ArgumentParser]


def _add_collections(verb: _Verb) -> None:
    rules = verb("rules", _rules, "list, add or remove rules")
    rules.add_argument("what", choices=("ls", "add", "rm"))
    rules.add_argument("rest", nargs="*", metavar="ACTION NAME | ID", help="add block ads.example | rm 7")
    _device(rules)
    lists = verb("lists", _lists, "list, add, remove, refresh or accept block lists, or say which are known")
    lists.add_argument("what", choices=("ls", "add", "rm", "refresh", "accept", "known"))
    lists.add_argument("rest", nargs="*", metavar="PATH_OR_URL | ID")
    lists.add_argument("--allow", action="store_true", help="the list says what to allow")
    verb("devices", _devices, "list the devices on the network").add_argument("--json", action="store_true")
    services = verb("services", _services, "list the apps that can be blocked as a whole, and who uses them")
    services.add_argument("--json", action="store_true")
    token = verb("token", _token, "print a new bearer token for the API; list or remove those there are", _of_keys)
    token.add_argument("what", nargs="?", choices=("new", "ls", "rm"), default="new")
    token.add_argument("rest", nargs="*", metavar="ID", help="rm 1f3a90c2")
    token.add_argument("--label", default="command line", help="a name for it, to know it by later")


def _add_upkeep(verb: _Verb) -> None:
    net = verb("network", _network, "show, put in force or take away the network for televisions")
    net.add_argument("what", choices=("status", "plan", "apply", "clear"))
    net.add_argument("--dry-run", action="store_true", help="only say what would be done")
    says = "print a link with which the dashboard's password can be chosen, once"
    password = verb("password", _password, says, _of_keys)
    password.add_argument("--type", action="store_true", help="type the password here instead, or pipe it in")
    password.add_argument(
        "--show", action="store_true", help="print the link of the first password, as long as it holds"
    )
    doctor = verb("doctor", _doctor, "look for what is wrong, and say what to do", _by_itself)
    doctor.add_argument("--json", action="store_true", help="for programs: each finding with its code")
    saved = verb("backup", _backup, "write rules, lists, devices and history into one file", _by_itself)
    restored = verb("restore", _restore, "put a backup in force", _by_itself)
    for made in (saved, restored):
        made.add_argument("file", metavar="FILE")
    saved.add_argument("--encrypt", action="store_true", help="seal it with a passphrase, and save the Wi-Fi's too")


def _of_data(settings: Settings) -> None:
    """The rights of whoever owns the data folder are all that it needs."""
    become_owner_of(settings.data)


def _of_keys(settings: Settings) -> None:
    """It touches nothing but the dashboard's keys."""
    become_owner_of(settings.auth.parent)


def _by_itself(_: Settings) -> None:
    """It needs something of root's besides, and gives its rights away where it touches a folder of others."""


def _device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", metavar="ID", help="for this device only; `telltale devices` lists them")


def parse_duration(text: str) -> int:
    """Seconds in "30s", "15m", "2h", "1d" or "90". Raises SettingsError."""
    match = re.fullmatch(r"(\d{1,8})([smhd]?)", text.strip().lower())
    if match is None:
        raise SettingsError("command.not-duration-write", text=f"{text!r}")
    return int(match[1]) * _UNITS.get(match[2], 1)


def _client(settings: Settings) -> ControlClient:
    return ControlClient(settings.control)


def _up(_: argparse.Namespace, settings: Settings) -> int:
    from gateway.commands.up import run_up

    return run_up(settings)


def _demo(parsed: argparse.Namespace, settings: Settings) -> int:
    from gateway.commands.demo import run_demo

    return run_demo(settings, explicit_data=parsed.data is not None, pace=parsed.pace)


def _block(parsed: argparse.Namespace, settings: Settings) -> int:
    return _decide("block", parsed, settings)


def _allow(parsed: argparse.Namespace, settings: Settings) -> int:
    return _decide("allow", parsed, settings)


def _decide(action: str, parsed: argparse.Namespace, settings: Settings) -> int:
    seconds = parse_duration(parsed.duration) if parsed.duration else None
    scope = {kind: getattr(parsed, kind) for kind in ("name", "service", "trackers", "company")}
    rule = _client(settings).call(
        "rules.add", action=action, **scope, device=parsed.device, seconds=seconds, made_by="command line"
    )
    print(rule_line(rule))
    return 0


def _services(parsed: argparse.Namespace, settings: Settings) -> int:
    known = _client(settings).call("services")["services"]
    if parsed.json:
        print(json.dumps(known, indent=2, ensure_ascii=False))
        return 0
    print_each(map(service_line, known), "No app is known.")
    return 0


def _pause(parsed: argparse.Namespace, settings: Settings) -> int:
    rule = _client(settings).call(
        "pause", seconds=parse_duration(parsed.duration), device=parsed.device, made_by="command line"
    )
    print(f"Filtering is paused until {rule['ends']}." if rule else "Filtering is on.")
    return 0


def _preset(parsed: argparse.Namespace, settings: Settings) -> int:
    client = _client(settings)
    whom = f" for {plain(parsed.device)}" if parsed.device else " for everyone"
    if parsed.preset == "as-everyone":
        if not parsed.device:
            raise SettingsError("command.say-device-shall")
        for rule in client.call("rules.list")["rules"]:
            if rule.get("preset") and rule["device"] == parsed.device:
                client.call("rules.remove", id=rule["id"])
        print(f"No preset of its own{whom} any more.")
        return 0
    action = "allow" if parsed.preset == "off" else "block"
    rule = client.call(
        "rules.add",
        action=action,
        preset=parsed.preset,
        device=parsed.device,
        seconds=parse_duration(parsed.duration) if parsed.duration else None,
        made_by="command line",
    )
    chosen = next(each for each in client.call("presets")["presets"] if each["preset"] == parsed.preset)
    until = f" until {rule['ends']}" if rule["ends"] else ""
    print(f"{chosen['title']}{whom}{until}. {chosen['stops']}")
    print(f"  What it costs: {chosen['costs']}")
    effects = client.call("presets.effects")
    figures = effects["devices"].get(parsed.device, {}) if parsed.device else effects["home"]
    if says := at_home(figures.get(parsed.preset)):
        print(f"  {says}")
    return 0


def _explain(parsed: argparse.Namespace, settings: Settings) -> int:
    from gateway.application.explanation import explain_from_disk, last_targets

    targets = last_targets(settings, parsed.name)
    try:
        explained = _client(settings).call("explain", name=parsed.name, device=parsed.device, targets=list(targets))
    except Unavailable:
        explained = explain_from_disk(settings, parsed.name, targets, parsed.device)
    if parsed.json:
        print(json.dumps(explained, indent=2, ensure_ascii=False))
        return 0
    print(explained["sentence"])
    if explained["symptom"] and explained["symptom"].rstrip(".") not in explained["sentence"]:
        print(f"  If blocked: {explained['symptom']}")
    for each in explained.get("owners", ()):
        source = f" ({each['source']})" if each["source"] else ""
        print(f"  {each['says']}{source}")
    for side in ("cadence", "seen", "parties"):
        if explained.get(side) and explained[side]["says"]:
            print(f"  {explained[side]['says']}")
    if explained["leads_to"]:
        print(f"  Leads to: {plain(', then '.join(explained['leads_to']))}")
    if explained["lists"]:
        print(f"  On your lists: {', '.join(explained['lists'])}")
    for rule in explained["rules"]:
        print(f"  Rule {rule_line(rule)}")
    for each in explained["evidence"]:
        dated = f", {each['date']}" if each["date"] else ""
        print(f"  Because: {each['says']} ({each['source']}{dated})")
    return 0


def _rules(parsed: argparse.Namespace, settings: Settings) -> int:
    client = _client(settings)
    match parsed.what, parsed.rest:
        case "ls", []:
            print_each(map(rule_line, client.call("rules.list")["rules"]), "No rule yet.")
        case "add", [action, name]:
            made = client.call(
                "rules.add", action=action, name=name, device=parsed.device, made_by="command line", subtree=False
            )
            print(rule_line(made))
        case "rm", [number] if number.isdigit():
            print("Removed:", rule_line(client.call("rules.remove", id=int(number))))
        case _:
            raise SettingsError("command.write-rules-ls")
    return 0


def _lists(parsed: argparse.Namespace, settings: Settings) -> int:
    from gateway.settings import list_source

    client = _client(settings)
    match parsed.what, parsed.rest:
        case "ls", []:
            lines = (line for each in client.call("lists.list")["lists"] for line in list_lines(each))
            print_each(lines, "No list yet; `telltale lists known` names some.")
        case "add", [source]:
            action = "allow" if parsed.allow else "block"
            print(list_line(client.call("lists.add", source=list_source(source), action=action)))
        case "rm", [number] if number.isdigit():
            print("Removed:", list_line(client.call("lists.remove", id=int(number))))
        case "accept", [number] if number.isdigit():
            taken = client.call("lists.accept", id=int(number))
            print(f"Taken: {plain(taken['title'])}; its new entries are in force in a moment.")
        case "refresh", []:
            client.call("lists.refresh")
            print("The lists are being fetched; `telltale lists ls` says when they are.")
        case "known", []:
            for each in client.call("lists.list")["known"]:
                licence = f" Licence: {each['licence']}." if each["licence"] else ""
                print(f"{each['source']}\n  {each['title']}, kept by {each['keeper']}: {each['about']}{licence}")
        case _:
            raise SettingsError("command.write-lists-ls")
    return 0


def _devices(parsed: argparse.Namespace, settings: Settings) -> int:
    devices = _client(settings).call("devices.list")["devices"]
    if parsed.json:
        print(json.dumps(devices, indent=2, ensure_ascii=False))
        return 0
    lines = (f"{plain(each['id'])}\t{plain(each['label'])}\t{', '.join(each['addresses'])}" for each in devices)
    print_each(lines, "No device yet: none has asked Telltale for a name.")
    return 0


def _network(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.commands.network import run_network

    return run_network(arguments, settings)


def _token(parsed: argparse.Namespace, settings: Settings) -> int:
    from web.auth import AuthStore

    settings.auth.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    store = AuthStore(settings.auth)
    match parsed.what, parsed.rest:
        case "new", []:
            print(store.create_token(parsed.label))
        case "ls", []:
            print_each((f"{each.id}\t{each.label}\t{each.made}" for each in store.tokens()), "No token yet.")
        case "rm", [token_id]:
            store.remove_token(token_id)
            print("Removed; nobody gets in with it any more.")
        case _:
            raise SettingsError("command.write-token-token")
    return 0


def _password(parsed: argparse.Namespace, settings: Settings) -> int:
    from gateway.commands.password import run_password

    return run_password(parsed, settings)


def _doctor(parsed: argparse.Namespace, settings: Settings) -> int:
    from gateway.commands.doctor import examine

    findings = examine(settings)
    if parsed.json:
        print(json.dumps([finding.to_json() for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            print(f"{'ok   ' if finding.healthy else 'WRONG'}  {finding.says}")
    return 0 if all(finding.healthy for finding in findings) else 1


def _backup(parsed: argparse.Namespace, settings: Settings) -> int:
    from gateway.commands.archive import write_backup
    from gateway.commands.passphrase import ask_new

    print(write_backup(settings, parsed.file, ask_new() if parsed.encrypt else None))
    return 0


def _restore(parsed: argparse.Namespace, settings: Settings) -> int:
    from gateway.commands.archive import is_sealed, restore_backup
    from gateway.commands.passphrase import ask

    print(restore_backup(settings, parsed.file, ask() if is_sealed(parsed.file) else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())

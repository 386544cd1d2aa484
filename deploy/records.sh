# shellcheck shell=bash
# What the installer changed, and how to take it back. Sourced by install.sh.
# The manifest has a line a change, written and on the disk before the change itself: VERB<TAB>WHAT[<TAB>ORIGINAL].
STATE=/var/lib/telltale-install
MANIFEST=$STATE/manifest
FLAGS=(mode country ssid passphrase uplink interface address)

begin_record() {
  # One installer at a time; the lock is on a file that is there anyway.
  exec 9<"$SOURCE/deploy/install.sh"
  flock -n 9 || fail "Another install.sh runs; let it end first."
}

# Not before there is something to record: a check that fails leaves nothing behind.
keep_records() { [ -d "$STATE/originals" ] || install -d -m 700 "$STATE" "$STATE/originals"; }

record() {
  [ -z "$dry" ] || return 0
  keep_records
  local line
  printf -v line '%s\t' "$@"
  line=${line%$'\t'}
  # A verb and what it is about stand there once: the first original is the true one.
  if [ -e "$MANIFEST" ] && cut -f 1,2 "$MANIFEST" | grep -qxF -- "$1"$'\t'"$2"; then return 0; fi
  printf '%s\n' "$line" >>"$MANIFEST"
  sync "$MANIFEST"
}

known() { [ -e "$MANIFEST" ] && cut -f 2 "$MANIFEST" | grep -qxF -- "$1"; }

# Every folder on the way to a file that is not there yet.
record_parents() {
  local folder missing=()
  folder=$(dirname "$1")
  while [ ! -d "$folder" ]; do missing=("$folder" "${missing[@]}"); folder=$(dirname "$folder"); done
  for folder in "${missing[@]}"; do
    record dir "$folder"
    [ -n "$dry" ] || mkdir -m 755 "$folder"
  done
}

record_folder() { [ -d "$1" ] || { record_parents "$1/x"; }; record tree "$1"; }

# put SOURCE TARGET [MODE]: a file of ours, whole or not at all; "-" reads standard input. Says nothing when it is there.
put() {
  local text target=$2 original
  if [ "$1" = - ]; then text=$(cat; printf .); else text=$(cat "$1"; printf .); fi
  text=${text%.}
  if [ -f "$target" ] && printf %s "$text" | cmp -s - "$target"; then return 0; fi
  case $target in *.socket | *.socket.d/*) sockets_changed=yes ;; esac
  if [ -z "$dry" ] && ! known "$target"; then
    if [ -e "$target" ]; then
      keep_records
      original=$STATE/originals/$(printf %s "$target" | sha256sum | cut -c 1-32)
      cp -a "$target" "$original"
      sync "$original"
      record kept "$target" "$original"
    else
      record_parents "$target"
      record new "$target"
    fi
  fi
  step "write $target" write_file "$target" "${3:-644}" "$text"
}

write_file() {
  local half=$STATE/half
  printf %s "$3" >"$half"
  chmod "$2" "$half"
  sync "$half"
  # The folder may lie on another file system, so a plain mv might not be atomic there.
  cp -p "$half" "$(dirname "$1")/.telltale-half"
  mv "$(dirname "$1")/.telltale-half" "$1"
}

keep_flags() {
  [ -z "$dry" ] || return 0
  local flag each
  keep_records
  for flag in "${FLAGS[@]}"; do printf '%s %s\n' "$flag" "${!flag}"; done >"$STATE/flags.new"
  for each in "${upstreams[@]}"; do printf 'upstream %s\n' "$each"; done >>"$STATE/flags.new"
  chmod 600 "$STATE/flags.new"
  mv "$STATE/flags.new" "$STATE/flags"
}

# What an earlier run was given counts until this one is given something else.
recall_flags() {
  local flag value remembered=() said=$mode
  if [ -r "$STATE/flags" ]; then
    while read -r flag value; do
      if [ "$flag" = mode ] && [ "${said:-$value}" != "$value" ]; then
        fail "Telltale is installed here as $value. Take that away first; it keeps your history: sudo $0 --uninstall"
      fi
      case " ${FLAGS[*]} " in
        *" $flag "*) [ -n "${!flag}" ] || printf -v "$flag" %s "$value" ;;
        *) [ "$flag" != upstream ] || remembered+=("$value") ;;
      esac
    done <"$STATE/flags"
  fi
  [ ${#upstreams[@]} -gt 0 ] || upstreams=("${remembered[@]}")
  mode=${mode:-dns-only}
  ssid=${ssid:-Telltale TV}
}

remember_packages() {
  [ -e "$STATE/packages" ] || { dpkg-query -W -f '${Package}\n' | sort -u >"$STATE/packages.new"; mv "$STATE/packages.new" "$STATE/packages"; }
}

# Only what we brought, and of that only what nothing else has come to need.
remove_packages() {
  [ -e "$STATE/packages" ] || return 0
  local ours going
  ours=$(comm -13 "$STATE/packages" <(dpkg-query -W -f '${Package}\n' | sort -u))
  [ -n "$ours" ] || return 0
  mapfile -t going < <(mode=access-point wanted_packages | grep -xF -- "$ours" || true)
  [ ${#going[@]} -eq 0 ] || apt-mark auto "${going[@]}" >/dev/null
  mapfile -t going < <(apt-get -s -o APT::AutoRemove::SuggestsImportant=false autoremove | awk '$1 == "Remv" { print $2 }' | sed 's/:.*//' | grep -xF -- "$ours" || true)
  if [ ${#going[@]} -gt 0 ]; then apt-get purge -q -y "${going[@]}"; fi
}

take_back() {
  local verb what original
  tac "$MANIFEST" | while IFS=$'\t' read -r verb what original; do
    case $verb in
      new) rm -f "$what" "$(dirname "$what")/.telltale-half" ;;
      kept) cp -a "$original" "$(dirname "$what")/.telltale-half"; mv "$(dirname "$what")/.telltale-half" "$what" ;;
      tree) rm -rf "$what" ;;
      dir) [ ! -d "$what" ] || rmdir --ignore-fail-on-non-empty "$what" ;;
      user) remove_user "$what" ;;
      group) if getent group "$what" >/dev/null; then groupdel "$what"; fi ;;
      unit) systemctl disable -q "$what" 2>/dev/null || true ;;
    esac
  done
}

# The bridge, the firewall, the switches of the kernel, hostapd and dnsmasq: their own process takes them down.
leave_network() {
  [ -S /run/telltale-network/network.sock ] || return 0
  as_service "$HOME_DIR/current/.venv/bin/python" -I -c 'import pathlib
from gateway.control.client import ControlClient
ControlClient(pathlib.Path("/run/telltale-network/network.sock"), 30).call("clear")' ||
    say "The television network could not be taken down at once; it is gone after the next start of this machine."
}

# It is the service's file, and a link may lie there: it is read with the rights that the service has.
read_settings() { as_owner_of "$DATA" cat "$DATA/settings.toml" 2>/dev/null; }

# Runs a command with the rights of whoever owns this folder, also when that user has been removed meanwhile.
as_owner_of() {
  local folder=$1 ids; shift
  ids=$(stat -c '%u:%g' "$folder" 2>/dev/null) || return 1
  setpriv --reuid "${ids%:*}" --regid "${ids#*:}" --clear-groups -- "$@"
}

settings_are_ours() { [ "$(cat "$STATE/settings.sum" 2>/dev/null)" = "$(read_settings | sha256sum)" ]; }

kept_folders() {
  local folder kept=''
  for folder in "$DATA" "$DATA-web" "$DATA-network"; do
    [ ! -d "$folder" ] || kept+="${kept:+, }$folder"
  done
  printf %s "$kept"
}

# A process that has just been stopped keeps its user for a moment.
remove_user() {
  local _
  for _ in {1..20}; do
    if ! getent passwd "$1" >/dev/null || userdel "$1" 2>/dev/null; then return 0; fi
    sleep 0.25
  done
  userdel "$1"
}

uninstall() {
  if [ ! -d "$STATE" ]; then say "There is no Telltale here; nothing was changed."; return; fi
  if [ -n "$dry" ]; then
    say "would: stop Telltale, and take back these, the last first:"
    [ ! -e "$MANIFEST" ] || tac "$MANIFEST"
    return
  fi
  if running; then
    # First the resolver: it asks for its network again as soon as that is gone.
    systemctl stop telltale-resolver.socket telltale-resolver.service 2>/dev/null || true
    leave_network
    systemctl stop telltale.target 'telltale-*.path' 'telltale-*.socket' 'telltale-*.service' 2>/dev/null || true
  fi
  touch "$MANIFEST"
  take_back
  if running; then
    systemctl daemon-reload
    systemctl reset-failed 'telltale*' 2>/dev/null || true
    systemctl try-reload-or-restart NetworkManager dhcpcd systemd-networkd 2>/dev/null || true
  fi
  rm -rf /run/telltale-network
  remove_packages
  if [ -n "$purge" ]; then
    rm -rf "$DATA" "$DATA-web" "$DATA-network"
    say "Telltale is gone, and so are its history, rules and password."
  else
    # What the installer wrote and nobody touched is no history: the next installation may be of another kind.
    if settings_are_ours; then rm -f "$DATA/settings.toml"; fi
    say "Telltale is gone. Your history, rules and password are still in $(kept_folders);" \
      "delete these folders when you need them no more, or use --uninstall --purge next time."
  fi
  rm -rf "$STATE"
}

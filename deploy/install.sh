#!/usr/bin/env bash
# Makes this Debian 12, Debian 13 or Raspberry Pi OS a Telltale. `deploy/install.sh --help` lists its options.
#
# In bash, because it runs before anything of ours is there, and because each of its steps is a command that a person
# may read and repeat by hand. Nothing is changed before everything was checked. What a step is about to change is
# written into the manifest first, with the original beside it, so that --uninstall works after a power cut as well.
set -euo pipefail
shopt -s inherit_errexit lastpipe
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/checks.sh
. "$SOURCE/deploy/checks.sh"
# shellcheck source=deploy/records.sh
. "$SOURCE/deploy/records.sh"

HOME_DIR=/opt/telltale
DATA=/var/lib/telltale
UNITS=/etc/systemd/system
action=install mode='' country='' ssid='' passphrase='' uplink='' interface='' address='' wheels='' dry='' purge=''
upstreams=()

usage() {
  cat <<'TEXT'
sudo deploy/install.sh [flags]        makes this machine a Telltale; safe to run again
sudo deploy/install.sh --update       puts this checkout in place of the installed one; back again if DNS fails
sudo deploy/install.sh --uninstall    takes everything away and restores what was changed; keeps your history
                       --purge        with --uninstall: your history, rules and password too

  --dry-run              say every step, change nothing
  --mode MODE            dns-only      behind your router; televisions are set to ask this machine (the default)
                         access-point  televisions join a Wi-Fi that this machine makes
                         wired         televisions hang on a second wired port
  --address ADDRESS      where televisions ask (dns-only: this machine's own; otherwise that of the new network)
  --country CC           the country you are in, two letters, such as DE; an access point needs it
  --ssid NAME            the name of the Wi-Fi (default: Telltale TV)
  --passphrase TEXT      the passphrase of the Wi-Fi, 8 to 63 characters (default: a random one, printed at the end)
  --uplink INTERFACE     leads to the internet, such as eth0 (default: the one with the default route)
  --interface INTERFACE  leads to the televisions, such as wlan0 or eth1
  --upstream URL         the resolver to ask, such as tls://9.9.9.9#dns.quad9.net; may be given several times
  --wheels DIR           Python packages from this folder instead of the internet; fill it on a machine like this one:
                         pip download -d DIR -r requirements.lock
TEXT
}

fail() { printf '%s\n' "$*" >&2; exit 1; }
say() { printf '%s\n' "$*"; }

# Runs a command that changes something, or only says it.
step() {
  local words=$1; shift
  changes=$((changes + 1))
  if [ -n "$dry" ]; then say "would: $words"; return; fi
  say "$words"
  "$@"
}

parse() {
  local value
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry=yes ;;
      --purge) purge=yes ;;
      --update | --uninstall) action=${1#--} ;;
      -h | --help) usage; exit 0 ;;
      --mode | --country | --ssid | --passphrase | --uplink | --interface | --address | --wheels | --upstream)
        [ $# -ge 2 ] || fail "$1 needs a value; see $0 --help."
        value=$2
        case $value in *[[:cntrl:]]*) fail "$1 cannot hold control characters." ;; esac
        if [ "$1" = --upstream ]; then upstreams+=("$value"); else printf -v "${1#--}" %s "$value"; fi
        shift ;;
      *) fail "I do not know $1; see $0 --help." ;;
    esac
    shift
  done
}

wanted_packages() {
  sed -E 's/#.*//' "$SOURCE/deploy/system-packages.txt" |
    awk -v all="$mode" '$1 == "run" || ($1 == "gateway" && all != "dns-only") { print $2 }'
}

missing_packages() {
  local package
  for package in $(wanted_packages); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
  done
}

fetch_packages() {
  remember_packages
  apt-get update -q
  # shellcheck disable=SC2086 # one word a package
  apt-get install -q -y --no-install-recommends $1
}

install_packages() {
  local packages
  packages=$(missing_packages)
  if [ -n "$packages" ]; then step "install Debian's packages: $packages" fetch_packages "$packages"; fi
}

make_users() {
  put "$SOURCE/systemd/telltale.sysusers" /etc/sysusers.d/telltale.conf
  local user
  for user in telltale telltale-web telltale-network; do
    if ! getent passwd "$user" >/dev/null; then
      step "make the users telltale, telltale-web and telltale-network" add_users
      return
    fi
  done
}

add_users() {
  [ -e /etc/.pwd.lock ] || record new /etc/.pwd.lock
  # Taken back in the other order: a group goes when nobody is in it.
  record group telltale
  record user telltale
  record user telltale-web
  record user telltale-network
  systemd-sysusers /etc/sysusers.d/telltale.conf
}

# The same code, packages and Python always have the same name.
release_name() {
  {
    python3 -I --version
    cd "$SOURCE"
    find gateway web systemd deploy requirements.lock README.md LICENSE -type f ! -path '*/__pycache__/*' -print0 |
      sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c 1-16
}

build_release() {
  local folder=$1
  rm -rf "$folder"
  mkdir -p "$folder"
  tar -C "$SOURCE" --exclude=__pycache__ --owner=0 --group=0 -cf - \
    gateway web systemd deploy requirements.lock README.md LICENSE | tar -C "$folder" --no-same-owner -xf -
  chmod -R u=rwX,go=rX "$folder"
  ln -s "$packages" "$folder/.venv"
  "$packages/bin/python" -I -m compileall -q "$folder/gateway" "$folder/web"
  seal "$folder"
}

# What has no seal was cut short, and is built again.
seal() {
  sync -f "$1"
  touch "$1/.complete"
}

# A release shares its packages with every other one that wants the same: an update of our code needs no internet.
build_packages() {
  local folder=$1 pip=(-q --disable-pip-version-check --no-cache-dir --require-hashes -r "$SOURCE/requirements.lock")
  # Nothing is compiled here: what has no wheel for this machine is said at once, and no compiler is fetched for it.
  pip+=(--only-binary=:all:)
  rm -rf "$folder"
  mkdir -p "${folder%/*}"
  python3 -I -m venv "$folder"
  [ -z "$wheels" ] || pip+=(--no-index --find-links "$wheels")
  "$folder/bin/python" -I -m pip install "${pip[@]}"
  # Our own code needs no building: a path file makes it importable from anywhere.
  printf '/opt/telltale/current\n' >"$("$folder/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/telltale.pth"
  seal "$folder"
}

install_release() {
  release=$HOME_DIR/releases/$(release_name)
  packages=$HOME_DIR/packages/$({ python3 -I --version; cat "$SOURCE/requirements.lock"; } | sha256sum | cut -c 1-16)
  record_folder "$HOME_DIR"
  if [ ! -e "$packages/.complete" ]; then step "install the Python packages into $packages" build_packages "$packages"; fi
  if [ ! -e "$release/.complete" ]; then
    step "copy the code into $release" build_release "$release"
  fi
  put - /usr/local/bin/telltale 755 <<'TEXT'
#!/bin/sh
# The command line of the Telltale that runs here: its data folder and its dashboard's keys are the default.
export XDG_DATA_HOME=/var/lib TELLTALE_KEYS=/var/lib/telltale-web/web.json
# Isolated: nothing is imported from the folder that somebody stands in, nor from where a variable points.
exec /opt/telltale/current/.venv/bin/python -I -m gateway.cli "$@"
TEXT
}

write_settings() {
  local file=$DATA/settings.toml text
  # Kept from an earlier installation, whose user had another number and is gone.
  if [ -d "$DATA" ] && [ "$(stat -c %U "$DATA")" != telltale ]; then
    step "give $DATA to telltale" chown -R -h -P telltale:telltale "$DATA"
  fi
  text=$(settings_text)
  if [ -e "$file" ]; then
    if [ "$(read_settings)" = "$text" ]; then return; fi
    if ! settings_are_ours; then
      say "$file has words of your own, so it stays. It would have said:" "$text"
      return
    fi
  fi
  if [ ! -d "$DATA" ]; then step "make $DATA" install -d -o telltale -g telltale -m 750 "$DATA"; fi
  step "write $file" write_private "$file" "$text"
}

# TOML's basic strings are JSON's, for what we let in.
quoted() { python3 -I -c 'import json, sys; print(", ".join(json.dumps(each, ensure_ascii=False) for each in sys.argv[1:]))' "$@"; }

settings_text() {
  printf '[dns]\nlisten = ["%s"]\n' "$(with_port "$address" 53)"
  [ ${#upstreams[@]} -eq 0 ] || printf 'upstreams = [%s]\n' "$(quoted "${upstreams[@]}")"
  printf '\n[web]\nlisten = "%s"\n' "$(with_port "$address" 80)"
  [ "$mode" != dns-only ] || return 0
  printf '\n[network]\nmode = "%s"\nuplink = "%s"\naddress = "%s/24"\n' "$mode" "$uplink" "$address"
  if [ "$mode" = wired ]; then
    printf 'ports = ["%s"]\n' "$interface"
  else
    printf 'interface = "%s"\ncountry = "%s"\nssid = %s\npassphrase = %s\n' \
      "$interface" "$country" "$(quoted "$ssid")" "$(quoted "$passphrase")"
  fi
}

with_port() { case $1 in *:*) printf '[%s]:%s' "$1" "$2" ;; *) printf '%s:%s' "$1" "$2" ;; esac; }

# The folder is the service's, which may lay links in it: so root reads and writes nothing there, the service does.
as_service() { runuser -u telltale -- "$@"; }

write_private() {
  printf '%s\n' "$2" | sha256sum >"$STATE/settings.sum"
  # shellcheck disable=SC2016 # it is that shell's $1
  printf '%s\n' "$2" | as_service sh -c 'umask 027; rm -f "$1.new" && cat >"$1.new" && sync "$1.new" && mv -T "$1.new" "$1"' sh "$1"
}

# Each box chooses its own IPv6 network, once. Televisions learn to ask there too, so DNS listens on it.
own_address6() {
  as_service "$release/.venv/bin/python" -I -c 'import pathlib, sys
sys.path.insert(0, sys.argv[1])
from gateway.network_settings import own_network
print(own_network(pathlib.Path("/var/lib/telltale/network.json")).address6.ip)' "$release"
}

install_units() {
  local unit address6=''
  if [ "$mode" != dns-only ] && [ -z "$dry" ]; then address6=$(own_address6); fi
  for unit in "$SOURCE"/systemd/telltale*.{service,socket,target,path}; do
    [ "$mode" = dns-only ] && [ "${unit##*/}" = telltale-network.service ] && continue
    put "$unit" "$UNITS/${unit##*/}"
  done
  # An empty line forgets the addresses of the unit itself. Loopback stays for this machine's own programs.
  { printf '[Socket]\nListenDatagram=\nListenStream=\n'
    for each in 127.0.0.1 "$address" $address6; do
      printf 'ListenDatagram=%s\nListenStream=%s\n' "$(with_port "$each" 53)" "$(with_port "$each" 53)"
    done; } | put - "$UNITS/telltale-resolver.socket.d/address.conf"
  if [ "$mode" = dns-only ]; then
    printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:80\nListenStream=%s\n' "$(with_port "$address" 80)"
  else
    # People at home look at the dashboard from their own network, whose router may give this machine another address
    # any day; the firewall says who may.
    printf '[Socket]\nListenStream=\nListenStream=0.0.0.0:80\n'
  fi | put - "$UNITS/telltale-web.socket.d/address.conf"
  show_on_console
  if [ "$mode" != dns-only ]; then keep_others_away; fi
}

# The network of the televisions is ours alone: whatever else manages networks here has to leave it alone.
keep_others_away() {
  if command -v NetworkManager >/dev/null; then
    printf '[keyfile]\nunmanaged-devices+=interface-name:%s;interface-name:br-tv\n' "$interface" |
      put - /etc/NetworkManager/conf.d/telltale.conf
  fi
  if [ -e /etc/dhcpcd.conf ]; then
    { grep -v ' # telltale$' /etc/dhcpcd.conf || true; printf 'denyinterfaces %s br-tv # telltale\n' "$interface"; } |
      put - /etc/dhcpcd.conf
  fi
  if command -v networkctl >/dev/null; then
    printf '[Match]\nName=%s br-tv\n\n[Link]\nUnmanaged=yes\n' "$interface" |
      put - /etc/systemd/network/00-telltale.network
  fi
  if [ "$mode" = access-point ] && command -v rfkill >/dev/null && rfkill list wifi 2>/dev/null | grep -q 'blocked: yes'; then
    step "switch the Wi-Fi on" rfkill unblock wifi
  fi
}

enable_units() {
  local unit wanted=(telltale.target telltale-resolver.socket telltale-web.socket telltale-resolver.service telltale-web.service)
  wanted+=(telltale-console.service telltale-console.path)
  [ "$mode" = dns-only ] || wanted+=(telltale-network.service)
  for unit in "${wanted[@]}"; do
    if ! systemctl is-enabled -q "$unit" 2>/dev/null; then
      record unit "$unit"
      step "start $unit at every boot" systemctl enable -q "$unit"
    fi
  done
}

switch_to() {
  ln -sfn "$1" "$HOME_DIR/current.new"
  mv -T "$HOME_DIR/current.new" "$HOME_DIR/current"
  sync -f "$HOME_DIR"
}

running() { [ -d /run/systemd/system ] && systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded|starting'; }

restart() {
  systemctl daemon-reload
  if [ "$mode" != dns-only ]; then systemctl try-reload-or-restart NetworkManager dhcpcd systemd-networkd 2>/dev/null || true; fi
  if [ -n "$sockets_changed" ]; then
    # A socket takes a new address only while its service is away.
    systemctl stop telltale-resolver.service telltale-web.service telltale-resolver.socket telltale-web.socket
  fi
  systemctl start telltale-resolver.socket telltale-web.socket telltale.target
  local unit
  for unit in $(systemctl list-units --plain --no-legend 'telltale-*.service' | cut -d ' ' -f 1); do
    # One that fails tries again by itself; whether all is well is judged by what answers.
    systemctl restart "$unit" || say "$unit does not start at once; it goes on trying."
  done
}

# Three answers in a row: a network that is put up, found wanting and taken down again answers once.
healthy() {
  local well=0 ends=$((SECONDS + 40))
  while [ "$SECONDS" -lt "$ends" ]; do
    if python3 -I "$SOURCE/deploy/probe.py" "$address"; then well=$((well + 1)); else well=0; fi
    [ "$well" -lt 3 ] || return 0
    sleep 0.7
  done
  return 1
}

activate() {
  local before='' old
  before=$(readlink "$HOME_DIR/current" 2>/dev/null || true)
  if [ "$before" != "$release" ]; then step "switch to $release" switch_to "$release"; fi
  enable_units
  if [ -n "$dry" ]; then say "would: start Telltale and see that it answers"; return; fi
  if ! running; then say "systemd does not run here: Telltale starts at the next boot."; return; fi
  if [ "$changes" -gt 0 ]; then restart; fi
  if ! healthy; then
    if [ -z "$before" ] || [ "$before" = "$release" ] || [ ! -e "$before/.complete" ]; then
      fail "Telltale does not answer on $address. See: journalctl -u telltale-resolver -u telltale-web"
    fi
    switch_to "$before"
    restart
    rm -rf "$release"
    healthy || fail "Neither the new release nor the old one answers on $address. See: journalctl -u telltale-resolver"
    fail "The new release did not answer, so the old one runs again. Nothing is lost."
  fi
  tidy "$before"
}

# Keeps what runs and what ran before it.
tidy() {
  local old used
  for old in "$HOME_DIR"/releases/*; do
    case $old in "$release" | "$1") ;; *) rm -rf "$old" ;; esac
  done
  used=$(readlink "$HOME_DIR"/releases/*/.venv)
  for old in "$HOME_DIR"/packages/*; do
    grep -qxF -- "$old" <<<"$used" || rm -rf "$old"
  done
}

# Where the first password is chosen; nothing once there is one. The dashboard's own user looks into its own folder, and
# what it says is not believed unless it is an address with a code.
first_password() {
  runuser -u telltale-web -g telltale -- env -i XDG_DATA_HOME=/var/lib TELLTALE_KEYS="$DATA-web/web.json" \
    "$HOME_DIR/current/.venv/bin/python" -I -m gateway.cli password --show 2>/dev/null |
    grep -Eo 'http://[][0-9A-Fa-f.:]+/setup\?code=[a-z0-9-]{14}$' || true
}

# The console's own service writes it anew with each change of the keys.
show_on_console() {
  [ -e /etc/issue.d/telltale.issue ] || put - /etc/issue.d/telltale.issue </dev/null
}

tell() {
  [ -z "$dry" ] || { say "This was a rehearsal: nothing was changed."; return; }
  if [ "$changes" -eq 0 ]; then say "Everything is in place already; nothing was changed."; fi
  say ""
  local shown
  shown=$(first_password)
  if [ -n "$shown" ]; then
    say "Telltale is installed. Whoever opens this address first, from your home network, chooses the password:" \
      "  $shown" "A screen on this machine shows it too; sudo telltale password prints a new one."
  else
    say "Telltale is installed. Its dashboard: http://${home_address:-$address}/"
  fi
  case $mode in
    dns-only) say "On each television, set the DNS server by hand to $address." ;;
    wired) say "Connect your televisions to the port $interface." ;;
    access-point) as_service sed -nE 's/^ssid = /Wi-Fi name: /p; s/^passphrase = /Passphrase: /p' "$DATA/settings.toml" ;;
  esac
  say "Take it away again with: sudo $SOURCE/deploy/install.sh --uninstall"
}

main() {
  changes=0 sockets_changed='' home_address=''
  parse "$@"
  check_root
  begin_record
  case $action in
    uninstall) uninstall; return ;;
    update) [ -e "$STATE/flags" ] || fail "There is no Telltale here to update; run $0 without --update." ;;
  esac
  recall_flags
  check_all
  keep_flags
  install_packages
  make_users
  install_release
  write_settings
  install_units
  activate
  tell
}

main "$@"

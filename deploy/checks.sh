# shellcheck shell=bash
# Everything that is looked at before anything is changed. Sourced by install.sh. All problems are reported at once.
problems=()

problem() { problems+=("$*"); }

check_root() { [ "$(id -u)" = 0 ] || fail "This needs root: sudo $0"; }

check_all() {
  check_system
  check_choices
  if [ ${#problems[@]} -eq 0 ]; then find_network; fi
  if [ ${#problems[@]} -eq 0 ]; then check_ports; fi
  [ ${#problems[@]} -gt 0 ] || return 0
  say "Telltale cannot be installed yet; nothing was changed:" >&2
  printf ' - %s\n' "${problems[@]}" >&2
  exit 1
}

check_system() {
  local id version free folder
  # shellcheck disable=SC1091 # the system's own file
  id=$(. /etc/os-release && printf %s "${ID:-}") version=$(. /etc/os-release && printf %s "${VERSION_ID:-}")
  case $id-$version in
    debian-12 | debian-13 | raspbian-12 | raspbian-13) ;;
    *) problem "This is $id $version; Telltale needs Debian 12 or 13, or Raspberry Pi OS made from them." ;;
  esac
  case $(dpkg --print-architecture 2>/dev/null) in
    amd64 | arm64) ;;
    *) problem "This system has 32 bits; flash the 64-bit Raspberry Pi OS." ;;
  esac
  command -v systemctl >/dev/null || problem "systemd is not here; Telltale's services need it (Debian's package systemd-sysv)."
  command -v ss >/dev/null || problem "ss is not here; it tells who uses port 53: apt-get install iproute2."
  command -v python3 >/dev/null || problem "Python is not here: apt-get install python3."
  if command -v python3 >/dev/null && ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    problem "Python 3.11 or newer is needed; this is $(python3 -I --version)."
  fi
  for folder in /opt /var/lib; do
    free=$(df --output=avail -m "$folder" | tail -n 1)
    [ "$free" -ge 500 ] || problem "$folder has $((free)) MB free; 500 MB are needed."
  done
  [ -z "$wheels" ] || [ -d "$wheels" ] || problem "There is no folder $wheels."
}

check_choices() {
  case $mode in
    dns-only) ;;
    wired) ;;
    access-point)
      [[ $country =~ ^[A-Z]{2}$ ]] || problem "Say which country you are in, like --country DE: the law says how a radio may send."
      # In the C locale a character is a byte.
      [[ ${#ssid} -ge 1 && ${#ssid} -le 32 ]] || problem "The Wi-Fi's name (--ssid) has 1 to 32 bytes."
      [ -n "$passphrase" ] || passphrase=$(random_passphrase)
      [[ $passphrase =~ ^[\ -~]{8,63}$ ]] || problem "The passphrase has 8 to 63 letters, digits and signs, without umlauts." ;;
    *) problem "--mode is dns-only, access-point or wired, not $mode." ;;
  esac
  for each in "$uplink" "$interface"; do
    [ -z "$each" ] || [[ $each =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$ ]] || problem "$each is not the name of a network interface."
  done
  if [ -e "$DATA/settings.toml" ] && ! settings_are_ours && [ "$(written_mode)" != "$mode" ]; then
    problem "$DATA/settings.toml, which you have changed, is for the mode $(written_mode): change its [network], or move it away."
  fi
  [ -z "$address" ] || python3 -I -c 'import ipaddress, sys; ipaddress.ip_address(sys.argv[1])' "$address" 2>/dev/null ||
    problem "$address is not an IP address."
  for each in "${upstreams[@]}"; do
    [[ $each =~ ^(udp|tcp|tls|https)://[][A-Za-z0-9./:#_-]+$ ]] || problem "$each is not a resolver, like udp://9.9.9.9."
  done
}

written_mode() {
  read_settings | python3 -I -c 'import sys, tomllib
try:
    print(tomllib.load(sys.stdin.buffer).get("network", {}).get("mode", "dns-only"))
except (OSError, ValueError, AttributeError):
    print("that cannot be read")'
}

random_passphrase() {
  python3 -I -c 'import secrets
print("-".join("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(5)) for _ in range(4)))'
}

first_address() {
  { ip -4 -o address show dev "$1" scope global 2>/dev/null || true; } | awk 'NR == 1 { sub("/.*", "", $4); print $4 }'
}

find_network() {
  [ -n "$uplink" ] || uplink=$(ip -4 route show default 2>/dev/null | sed -nE '1s/.* dev ([^ ]+).*/\1/p' || true)
  home_address=$([ -z "$uplink" ] || first_address "$uplink")
  if [ "$mode" = dns-only ]; then
    [ -n "$address" ] || address=$home_address
    [ -n "$address" ] || problem "This machine has no network address yet; connect it, or say --address ADDRESS."
    return
  fi
  [ -n "$uplink" ] || problem "Nothing leads to the internet yet; connect the cable, or say --uplink eth0."
  [ -n "$interface" ] || interface=$(guess_interface)
  if [ -z "$interface" ]; then
    problem "I do not see what leads to the televisions; say --interface wlan0 (Wi-Fi) or --interface eth1 (second port)."
  elif ! ip link show dev "$interface" >/dev/null 2>&1; then
    problem "There is no interface $interface; here are: $(ip -br link | awk '{ sub("@.*", "", $1); print $1 }' | tr '\n' ' ')"
  elif [ "$interface" = "$uplink" ]; then
    problem "$interface leads to the internet, so the televisions need another one."
  elif [ -n "$(ip -4 route show default dev "$interface" 2>/dev/null)" ]; then
    problem "$interface leads to the internet too; take it off that network first, or you would be cut off."
  elif [ "$mode" = access-point ] && [ ! -e "/sys/class/net/$interface/phy80211" ]; then
    problem "$interface is not a Wi-Fi radio."
  fi
  if [ -z "$address" ]; then
    # Not what other routers give out, and not what the home has already.
    address=10.83.7.1
    case $home_address in 10.83.7.*) address=10.83.8.1 ;; esac
  fi
  case $address in *:*) problem "The new network needs an IPv4 address, like --address 10.83.7.1." ;; esac
  if systemctl is-active -q hostapd.service 2>/dev/null; then
    problem "hostapd makes a Wi-Fi here already: systemctl disable --now hostapd"
  fi
}

guess_interface() {
  local path name
  for path in /sys/class/net/*; do
    name=${path##*/}
    if [ "$name" = "$uplink" ] || [ ! -e "$path/device" ]; then continue; fi
    if [ "$mode" = access-point ] && [ ! -e "$path/phy80211" ]; then continue; fi
    if [ "$mode" = wired ] && [ -e "$path/phy80211" ]; then continue; fi
    printf %s "$name"
    return
  done
}

# Who listens on a port that we need, and what to do about it.
check_ports() {
  local port local_end who host
  while read -r _ _ _ _ local_end _ who; do
    port=${local_end##*:}
    host=${local_end%:*}
    case $port in 53 | 80) ;; 67) [ "$mode" != dns-only ] || continue ;; *) continue ;; esac
    host=${host%\%*}
    # The dashboard of a network of our own is for every address.
    [ "$port-$mode" = 80-dns-only ] || [ "$port" != 80 ] || host='*'
    case $host in '*' | 0.0.0.0 | '[::]' | 127.0.0.1 | "$address" | "[$address]") ;; *) continue ;; esac
    who=$(sed -nE 's/users:\(\("([^"]+)".*/\1/p' <<<"$who")
    ours_already "$who" || problem "$(advice "$port" "${who:-a program}")"
  done < <(ss -H -lntup 2>/dev/null | sort -u -k 5,5)
}

ours_already() {
  case $1 in systemd | python* | gunicorn | telltale*) systemctl is-active -q telltale-resolver.socket 2>/dev/null ;; dnsmasq) systemctl is-active -q telltale-network.service 2>/dev/null ;; *) false ;; esac
}

advice() {
  case $2 in
    systemd-resolve*) say "Port $1 is used by systemd-resolved: put DNSStubListener=no into /etc/systemd/resolved.conf, then systemctl restart systemd-resolved." ;;
    pihole-FTL) say "Port $1 is used by Pi-hole: Telltale does what it does; pihole uninstall, or systemctl disable --now pihole-FTL." ;;
    AdGuardHome) say "Port $1 is used by AdGuard Home: AdGuardHome -s uninstall." ;;
    dnsmasq | unbound | named | apache2 | nginx | lighttpd | kresd) say "Port $1 is used by $2: systemctl disable --now $2, or let it listen elsewhere." ;;
    *) say "Port $1 is used by $2: stop it, or let it listen elsewhere." ;;
  esac
}

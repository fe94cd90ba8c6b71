#!/usr/bin/env bash
# npm_ci.sh FOLDER
# Installs the packages of a folder's package-lock.json into it, if they are not those that it has. None of them may run a
# script while it is installed.
set -euo pipefail
cd "$(dirname "$0")/../$1"

node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(Number(major < 20 || (major === 20 && minor < 19)))' 2>/dev/null && command -v npm >/dev/null || {
  echo "error: node is missing or older than 20.19, or has no npm; install Node.js 20.19 or later" >&2
  exit 1
}
# npm writes this file last, so that a failed installation is repeated.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  echo "Installing the packages of $1"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  touch node_modules/.package-lock.json
fi

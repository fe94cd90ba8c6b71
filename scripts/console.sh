#!/usr/bin/env bash
# console.sh [FOLDER]
# Installs the packages of the console if their lock has changed, and builds it if a source has. Copies the built files
# to FOLDER/console, beside the program of the function that serves them. Without FOLDER, only installs.
set -euo pipefail
folder=${1:+$(mkdir -p "$1" && cd "$1" && pwd)}
cd "$(dirname "$0")/../console"

node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
' 2>/dev/null || {
  echo "error: node is missing or older than 20.19, and the console is built with it; install Node.js 20.19 or later" >&2
  exit 1
}
# npm writes this file last, so that a failed installation is repeated.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  echo "Installing the packages of the console"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  touch node_modules/.package-lock.json
fi
[ -n "$folder" ] || exit 0

# The build writes the page's encodings last.
built=dist/index.html.gz
sources=(src vite index.html package-lock.json package.json vite.config.ts tsconfig.json ../clients/typescript/src)
if ! [ -e $built ] || [ -n "$(find "${sources[@]}" -newer $built -print -quit)" ]; then
  echo "Building the console"
  npm run --silent build -- --logLevel warn
  touch $built
fi
if ! diff -rq dist "$folder/console" >/dev/null 2>&1; then
  rm -rf "$folder/console"
  cp -R dist "$folder/console"
fi

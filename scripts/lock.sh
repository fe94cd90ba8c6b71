#!/usr/bin/env bash
# lock.sh [NAME ...]
# Writes requirements/NAME.txt from requirements/NAME.in, by default every one: the same versions, and the SHA-256
# of each of their files on PyPI, for all platforms. pip refuses any other file.
set -euo pipefail
cd "$(dirname "$0")/../requirements"
uv=../.local/venv-lock/bin/uv
[ -x "$uv" ] || { echo "error: uv is missing; run 'make lock'" >&2; exit 1; }

[ $# -gt 0 ] || { set -- *.in; set -- "${@%.in}"; }
written=$(mktemp)
trap 'rm -f "$written"' EXIT
for name in "$@"; do
  # --no-deps: the list names every package, so that a dependency that nobody chose is not installed.
  "$uv" --system-certs pip compile --quiet --no-config --cache-dir ../.local/uv-cache --no-deps --generate-hashes --no-header \
    --python-version 3.11.9 --output-file "$written" "$name.in"
  { echo "# Written by 'make lock' from $name.in."; cat "$written"; } >"$name.txt"
  : >"$written"
done

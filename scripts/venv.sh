#!/usr/bin/env bash
# Makes or refreshes .local/venv-NAME from requirements/NAME.txt, for each NAME given.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
"$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  echo "error: $python is missing, older than 3.11, or has no venv module." >&2
  echo "  Debian, Ubuntu: apt-get install python3 python3-venv; or name another with PYTHON=..." >&2
  exit 1
}

for name in "$@"; do
  wanted=requirements/$name.txt venv=.local/venv-$name
  # The stamp is written last, so that a broken install is made again.
  cmp -s "$wanted" "$venv/installed.txt" && continue
  echo "Installing $wanted into $venv" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv"
  # --no-deps: the file names every package, so nothing else is ever chosen or fetched.
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$wanted" || {
    echo "error: pip could not install $wanted; is PyPI, or your mirror of it, within reach?" >&2
    exit 1
  }
  cp "$wanted" "$venv/installed.txt"
done

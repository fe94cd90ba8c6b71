#!/usr/bin/env bash
# Creates or refreshes .local/venv-NAME from requirements/NAME.txt, for each NAME.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
"$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  echo "error: $python is missing, older than 3.11, or has no venv module." >&2
  echo "  On Debian or Ubuntu: apt-get install python3 python3-venv; or choose another with PYTHON=..." >&2
  exit 1
}

for name in "$@"; do
  wanted=requirements/$name.txt venv=.local/venv-$name
  # The stamp is written last, so that a failed installation is repeated.
  cmp -s "$wanted" "$venv/installed.txt" && continue
  echo "Installing $wanted into $venv" >&2
  rm -rf "$venv"
  # The shell remembers where it has found Python, which may have been there.
  hash -r
  "$python" -m venv "$venv"
  # The file lists every package with the hashes of its files, so pip resolves nothing and takes nothing else. A source
  # distribution would run code from the internet that has no hash: the tools that build it.
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    -r "$wanted" || {
    echo "error: pip failed to install $wanted; check that it can reach PyPI or your mirror" >&2
    exit 1
  }
  cp "$wanted" "$venv/installed.txt"
done

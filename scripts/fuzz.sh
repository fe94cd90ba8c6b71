#!/usr/bin/env bash
# fuzz.sh SECONDS [SEED]
# Fuzzes each file parser for SECONDS. Keeps each input that makes it panic, hang, or use more than
# 4 GiB of address space in corpus/, which the tests read from then on.
set -euo pipefail
cd "$(dirname "$0")/../shared/release-files"
seconds=$1
# The shell would execute other text in a calculation.
[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || { echo "error: SECONDS=$seconds is not a number of seconds" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cargo test --locked --quiet --lib --no-run
export FUZZ_SECONDS=$seconds FUZZ_FOLDER=$folder
[ -z "${2:-}" ] || export FUZZ_SEED=$2
status=0
(
  ulimit -v $((4 * 1024 * 1024))
  timeout --signal=KILL $((seconds * 12 + 60)) cargo test --locked --quiet --lib -- --ignored --exact fuzz::fuzz --nocapture
) || status=$?
for found in "$folder"/*; do
  [ -e "$found" ] || continue
  target=$(basename "$found")
  kept="corpus/$target/$(sha256sum "$found" | cut -c1-16)"
  mkdir -p "corpus/$target"
  cp "$found" "$kept"
  echo "error: $target: input kept in shared/release-files/$kept; 'make test' fails until the parser is fixed" >&2
done
exit "$status"

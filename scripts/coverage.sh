#!/usr/bin/env bash
# Measures line coverage with the LLVM version of rustc, because no other version reads its profiles.
# Tests and main.rs files (a dozen lines that only start a function) are not counted.
set -euo pipefail
cd "$(dirname "$0")/.."

llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
sysroot_bin=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
if [ ! -x "$sysroot_bin/llvm-cov" ] && [ -z "${LLVM_COV:-}" ]; then
  for bin in "/usr/lib/llvm-$llvm/bin" "/opt/homebrew/opt/llvm@$llvm/bin" "$(dirname "$(command -v "llvm-cov-$llvm" || echo /)")"; do
    [ -x "$bin/llvm-cov" ] && export LLVM_COV=$bin/llvm-cov LLVM_PROFDATA=$bin/llvm-profdata && break
  done
  [ -n "${LLVM_COV:-}" ] || {
    echo "error: llvm-cov for LLVM $llvm is missing." >&2
    echo "  Run 'rustup component add llvm-tools', or on Debian: apt-get install llvm-$llvm" >&2
    exit 1
  }
fi

# Builds everything once, instrumented, in its own target folder. %c keeps the counters in the profile
# while a process runs: the local AWS kills the functions, which would lose them. On Linux, %c needs
# relocatable counters.
# Neither debug information nor the state of incremental builds is of use here, and both take gigabytes.
export CARGO_TARGET_DIR=$PWD/target/coverage CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
export RUSTFLAGS="-C llvm-args=-runtime-counter-relocation"
eval "$(cargo llvm-cov show-env --sh 2>/dev/null)"
export LLVM_PROFILE_FILE=${LLVM_PROFILE_FILE%%-%p*}-%p%c.profraw
find "$CARGO_TARGET_DIR" -maxdepth 1 -name '*.profraw' -delete 2>/dev/null || true
echo "Building the instrumented functions"
cargo build --locked --quiet --workspace --bins

# Runs the end-to-end tests on a second local system with these binaries.
export LOCAL_SYSTEM=$PWD/.local/coverage
unset PORT
for folder in functions/*/; do
  name=$(basename "$folder")
  mkdir -p "$LOCAL_SYSTEM/build/$name"
  strip -o "$LOCAL_SYSTEM/build/$name/bootstrap" "$CARGO_TARGET_DIR/debug/$name"
done
scripts/console.sh "$LOCAL_SYSTEM/build/get-console"
cp template.yaml monitoring.yaml "$LOCAL_SYSTEM/"
export JOBS_CLIENT=$CARGO_TARGET_DIR/debug/jobs
trap '"$python" scripts/local.py down' EXIT
python=.local/venv-local/bin/python
"$python" scripts/local.py up
.local/venv-tests/bin/pytest -n 4

# Runs the Rust tests.
cargo nextest run --locked --workspace

cargo llvm-cov report \
  --ignore-filename-regex '(^|/)bench/|(functions/[^/]+/src/main|_tests|/tests|/samples)\.rs|shared/[a-z-]+/src/testing' \
  --fail-under-lines 90 "$@"

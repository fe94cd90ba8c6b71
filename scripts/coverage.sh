#!/usr/bin/env bash
# Line coverage with the LLVM that rustc itself was built with: profiles of another do not read.
# Not counted: tests, and main.rs files (a dozen lines that only start a function).
set -euo pipefail
cd "$(dirname "$0")/.."

llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
sysroot_bin=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
if [ ! -x "$sysroot_bin/llvm-cov" ] && [ -z "${LLVM_COV:-}" ]; then
  for bin in "/usr/lib/llvm-$llvm/bin" "/opt/homebrew/opt/llvm@$llvm/bin" "$(dirname "$(command -v "llvm-cov-$llvm" || echo /)")"; do
    [ -x "$bin/llvm-cov" ] && export LLVM_COV=$bin/llvm-cov LLVM_PROFDATA=$bin/llvm-profdata && break
  done
  [ -n "${LLVM_COV:-}" ] || {
    echo "error: llvm-cov of LLVM $llvm is missing." >&2
    echo "  'rustup component add llvm-tools', or Debian: apt-get install llvm-$llvm" >&2
    exit 1
  }
fi

# The end-to-end tests run other processes, whose coverage is not measured here.
in_process=()
compgen -G 'tests/tests/e2e*' >/dev/null && in_process=(-E 'not binary(/^e2e/)')
exec cargo llvm-cov nextest --locked --workspace ${in_process[@]+"${in_process[@]}"} \
  --ignore-filename-regex '(functions/[^/]+/src/main|_tests|/tests|/samples)\.rs|shared/src/testing' \
  --fail-under-lines 90 "$@"

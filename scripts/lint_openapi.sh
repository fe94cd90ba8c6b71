#!/usr/bin/env bash
# Checks openapi.yaml with Redocly's rules. tools/openapi/redocly.yaml says which, and why some differ.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/npm_ci.sh tools/openapi
cd tools/openapi
# Its output on success is about newer versions of itself and of Node.js.
found=$(REDOCLY_SUPPRESS_UPDATE_NOTICE=true node_modules/.bin/redocly lint --config redocly.yaml --format stylish \
  ../../openapi.yaml 2>&1) || {
  printf '%s\nerror: openapi.yaml breaks a rule\n' "$found" >&2
  exit 1
}

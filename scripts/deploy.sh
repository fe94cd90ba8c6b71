#!/usr/bin/env bash
# deploy.sh STACK ARTIFACT_BUCKET [Parameter=Value ...]
# Deploys template.yaml and build/ of the current folder to AWS, or to the local AWS if AWS_ENDPOINT_URL
# names it. Both use the same two commands.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: deploy.sh STACK ARTIFACT_BUCKET [Parameter=Value ...]" >&2; exit 2; }
export AWS_PAGER=""
aws=$(cd "$(dirname "$0")/.." && pwd)/.local/venv-cli/bin/aws
packaged=$(mktemp)
trap 'rm -f "$packaged"' EXIT
stack=$1 bucket=$2
shift 2

"$aws" s3api head-bucket --bucket "$bucket" >/dev/null 2>&1 || "$aws" s3 mb "s3://$bucket" >/dev/null
"$aws" cloudformation package --template-file template.yaml --s3-bucket "$bucket" \
  --output-template-file "$packaged" >/dev/null
"$aws" cloudformation deploy --template-file "$packaged" --stack-name "$stack" \
  --s3-bucket "$bucket" --no-fail-on-empty-changeset \
  --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \
  ${1:+--parameter-overrides "$@"}

#!/bin/sh
# Installs pgdatahub from a folder of distributions, and loads the quickstart's workbooks.
# try_wheel.sh DIST QUICKSTART: needs Python 3.10 or newer, which it installs on Debian, Ubuntu, Alpine and Fedora.
# DATABASE_URL names the server; without it, workbooks are only read.
set -eu
dist=$1 quickstart=$2

python=$(command -v python3 || command -v python || true)
if [ -z "$python" ] || ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  if command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv
  elif command -v apk >/dev/null; then
    apk add --quiet python3
  elif command -v dnf >/dev/null; then
    dnf install -y -q python3
  fi
  python=python3
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m venv "$place/venv"
if [ -d "$place/venv/Scripts" ]; then bin=$place/venv/Scripts; else bin=$place/venv/bin; fi
# The version of the folder, since the index may have a newer one. Dependencies come from the index, as wheels: there is no
# compiler here.
source=$(basename "$dist"/pgdatahub-*.tar.gz .tar.gz)
"$bin/python" -m pip install --quiet --only-binary :all: --find-links "$dist" "pgdatahub==${source#pgdatahub-}"
cp -R "$quickstart/data" "$quickstart/config" "$place"
cd "$place"
"$bin/pgdatahub" --version
"$bin/pgdatahub" plugins
PGDATAHUB_READER=native "$bin/pgdatahub" inspect "data/sales/2025/orders 2025-03.xlsx"
if [ -n "${DATABASE_URL:-}" ]; then
  "$bin/pgdatahub" run
  "$bin/pgdatahub" run # nothing is left to do
  "$bin/pgdatahub" status
  "$bin/pgdatahub" report --scan -o report.html
fi

#!/usr/bin/env bash
# Put every known client on trial and record what it does: docs/trials.json, and the table in docs/trials.md. As root on Debian it brings the
# clients: msmtp and curl from Debian, Exim unpacked into .venv (its package would put Postfix's away), nodemailer from npm,
# postfix-mta-sts-resolver from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/sbin:/sbin:$PWD/.venv/trials/exim/usr/sbin:$PWD/.venv/trials/mta-sts/bin NODE_PATH=$PWD/.venv/trials/node_modules

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  workshop/packages.sh
  export DEBIAN_FRONTEND=noninteractive
  missing=()
  for entry in curl:curl msmtp:msmtp node:nodejs npm:npm; do
    command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
  done
  (apt-get update && apt-get install -y --no-install-recommends libidn12 "${missing[@]}") >/dev/null
  if ! command -v exim4 >/dev/null; then
    mkdir -p .venv/trials/exim
    (cd .venv/trials && apt-get download exim4-daemon-light >/dev/null && dpkg -x exim4-daemon-light_*.deb exim)
  fi
fi
if [ ! -x .venv/trials/mta-sts/bin/mta-sts-daemon ]; then # in an environment of its own: it is a program beside Postfix, not a library of ours
  .venv/bin/python -m venv .venv/trials/mta-sts && .venv/trials/mta-sts/bin/pip install --quiet postfix-mta-sts-resolver
fi
if command -v npm >/dev/null && [ ! -d .venv/trials/node_modules/nodemailer ]; then
  npm install --silent --prefix .venv/trials nodemailer >/dev/null
fi
.venv/bin/python -m workshop.record_trials "$@"

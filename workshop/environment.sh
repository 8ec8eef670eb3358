#!/usr/bin/env bash
# Make .venv and install what is named into it, in editable form. PYTHON chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if ! command -v "$python" >/dev/null; then
  echo "smtplab needs Python 3.11 or later, and there is no '$python' here. Install it, or say: make PYTHON=/path/to/python3" >&2
  exit 2
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "smtplab needs Python 3.11 or later; '$python' is $("$python" -V 2>&1). Say which to take: make PYTHON=python3.12" >&2
  exit 2
fi
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then # Debian keeps these in a package of their own
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      echo "installing python$version-venv" >&2
      export DEBIAN_FRONTEND=noninteractive
      (apt-get update && apt-get install -y --no-install-recommends "python$version-venv") >&2
    else
      echo "'$python' has no venv module. On Debian and Ubuntu: sudo apt-get install python$version-venv" >&2
      exit 2
    fi
  fi
  rm -rf .venv
  "$python" -m venv .venv
fi
echo "installing $1 into .venv" >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$1"

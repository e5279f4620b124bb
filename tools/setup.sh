#!/bin/sh
# `make setup`: chooses the Python and hands over to setup.py, which does the rest.
# PYTHON=/path/to/python uses that environment; otherwise .venv in the checkout is used, and made if need be.
set -eu
cd "$(dirname "$0")/.."

works() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

choose() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if works "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

if [ -n "${PYTHON:-}" ]; then
    if ! command -v "$PYTHON" >/dev/null 2>&1; then
        echo "setup: PYTHON=$PYTHON is no program that can be run. Give the path of an environment's python." >&2
        exit 1
    fi
    exec "$PYTHON" tools/setup.py --given
fi
if .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    exec .venv/bin/python tools/setup.py
fi
if ! python=$(choose); then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        echo "setup: installing python3-venv"
        export DEBIAN_FRONTEND=noninteractive
        dpkg --configure -a && apt-get -q update >/dev/null &&
            apt-get -y -q --no-install-recommends -o Dpkg::Use-Pty=0 install python3-venv >/dev/null || true
    fi
    if ! python=$(choose); then
        echo "setup: Python 3.11 or newer with its venv module is needed and was not found." >&2
        echo "setup: on Debian or Ubuntu type:  sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
exec "$python" tools/setup.py

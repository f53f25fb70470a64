#!/bin/sh
# Puts the Python client (`kubernetes` from PyPI) into a virtual environment of its own under .build, where it is missing,
# and prints the path of its Python.
set -eu
cd "$(dirname "$0")/.."

version=33.1.0
home=${MARTLET_PYTHON:-$PWD/.build/python-client}
if [ "$(cat "$home/version" 2> /dev/null)" != "$version" ]; then
    rm -rf "$home"
    python3 -m venv "$home" >&2
    "$home/bin/pip" install --quiet --disable-pip-version-check "kubernetes==$version" >&2
    echo "$version" > "$home/version"
fi
echo "$home/bin/python"

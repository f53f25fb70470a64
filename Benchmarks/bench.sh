#!/bin/sh
# Prints the table of measures of docs/architecture.md for this machine: bench.sh PATH_OF_A_RELEASE_BINARY [options]
exec python3 "$(dirname "$0")/bench.py" "$@"

#!/bin/sh
# Everything that is tested: formatting, then all Swift tests, those on real containers included.
set -eu
cd "$(dirname "$0")/.."

echo "== formatting"
swift format lint --strict --recursive --parallel Sources Tests Benchmarks Package.swift

echo "== building"
swift build --build-tests

echo "== testing"
swift test --skip-build --skip EndToEnd

echo "== testing end to end"
swift test --skip-build --filter EndToEnd

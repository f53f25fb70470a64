#!/bin/sh
# Everything that is tested: formatting, then the tests of each room, then whole clusters with real containers.
#
# Rooms are tested one after the other: many of their tests watch the clock, and two cores are soon busy.
set -eu
cd "$(dirname "$0")/.."

echo "== formatting"
swift format lint --strict --recursive --parallel Sources Tests Benchmarks Package.swift

echo "== building"
swift build --build-tests

failed=
passed=0
for tests in Tests/*Tests Tests/EndToEnd; do
    room=$(basename "$tests")
    echo "== $room"
    if swift test --skip-build --filter "^$room\\."; then passed=$((passed + 1)); else failed="$failed $room"; fi
done
# What the service proxy does to real packets is tried in a network namespace of its own.
if [ "$(id -u)" = 0 ]; then
    echo "== ServiceProxyTests in a network namespace"
    unshare -n swift test --skip-build --filter '^ServiceProxyTests\.' || failed="$failed ServiceProxyTests-in-namespace"
fi

if [ -n "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
echo "rooms: $passed passed, 0 failed"

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
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# run NAME COMMAND...: keeps what the command prints for the end, unless somebody is watching. Not through a pipe:
# whatever the command left running would hold it open.
run() {
    name=$1
    shift
    echo "== $name"
    if [ -t 1 ]; then
        "$@"
    else
        "$@" >"$logs/$name" 2>&1
    fi && passed=$((passed + 1)) || failed="$failed $name"
    [ -t 1 ] || cat "$logs/$name"
}

# A few tests at a time: where hundreds share the cores, an answer within any deadline is luck.
test='swift test --skip-build --experimental-maximum-parallelization-width 8 --filter'
for tests in Tests/*Tests Tests/EndToEnd; do
    room=$(basename "$tests")
    run "$room" $test "^$room\\."
done
# What the service proxy does to real packets is tried in a network namespace of its own.
if [ "$(id -u)" = 0 ]; then
    run ServiceProxyTests-in-a-network-namespace unshare -n $test '^ServiceProxyTests\.'
fi

if [ -n "$failed" ]; then
    # The last lines name what failed: more is often not kept of a log.
    for name in $failed; do
        [ -e "$logs/$name" ] || continue
        echo "== what failed of $name"
        what=$(grep -aE -A 3 '✘ .* recorded an issue|Fatal error|Crash|✘ Test run' "$logs/$name" | head -n 40)
        echo "${what:-$(tail -n 20 "$logs/$name")}"
    done
    echo "failed:$failed"
    exit 1
fi
echo "rooms: $passed passed, 0 failed"

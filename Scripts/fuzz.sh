#!/bin/sh
# Fuzzes TARGET (json, yaml, protobuf, cel, patch, selector, schema) for SECONDS with libFuzzer.
#
# The corpus grows in .build/fuzz/corpus/TARGET from the seeds of Fuzz/Seeds/TARGET; what breaks a promise, takes more
# than 10 s or more than 2 GiB is left in .build/fuzz/findings/TARGET, and the script fails.
set -eu
cd "$(dirname "$0")/.."
target=${1:?usage: Scripts/fuzz.sh TARGET [SECONDS]}
seconds=${2:-60}
out=$PWD/.build/fuzz
MARTLET_FUZZ=1 swift build --ignore-lock -c release --scratch-path "$out" --product Fuzz -Xswiftc -sanitize=fuzzer
swiftc -sanitize=fuzzer -o "$out/fuzz" "$out/release/libFuzz.a" -lm -lpthread
mkdir -p "$out/corpus/$target" "$out/findings/$target"
dictionary=
if [ -f "Fuzz/Seeds/$target.dict" ]; then dictionary="-dict=Fuzz/Seeds/$target.dict"; fi
# Swift's own backtraces would come before libFuzzer has kept the input.
SWIFT_BACKTRACE=enable=no FUZZ_TARGET=$target nice -n 19 "$out/fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
    -print_final_stats=1 -artifact_prefix="$out/findings/$target/" $dictionary \
    "$out/corpus/$target" "Fuzz/Seeds/$target"

#!/bin/sh
# Runs the fault simulation with one seed after the other, on every processor, until the time is over or a seed fails.
#
#   faults.sh PROGRAM [SECONDS] [FIRST-SEED]
set -eu
program=${1:?usage: faults.sh PROGRAM [SECONDS] [FIRST-SEED]}
seconds=${2:-600}
first=${3:-$(date +%s)}
end=$(($(date +%s) + seconds))
count=$(nproc)

worker() {
    seed=$((first + $1))
    while [ "$(date +%s)" -lt "$end" ]; do
        "$program" "$seed" || exit 1
        seed=$((seed + count))
    done
}

workers=
for number in $(seq 0 $((count - 1))); do
    worker "$number" &
    workers="$workers $!"
done
status=0
for worker in $workers; do wait "$worker" || status=1; done
exit $status

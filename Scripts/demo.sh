#!/bin/sh
# The demonstration: a cluster comes up, and the slides' application runs in it, is broken, scaled and updated.
#
#   demo.sh PATH-OF-MARTLET
set -eu
cd "$(dirname "$0")/.."
martlet=${1:?usage: demo.sh PATH-OF-MARTLET}
data=${MARTLET_DATA_DIR:-/var/lib/martlet}
export KUBECONFIG="$data/admin.kubeconfig"
work=$(mktemp -d)
requests=

finish() {
    [ -z "$requests" ] || kill "$requests" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() {
    printf '$ %s\n' "$*"
    "$@"
}
fail() {
    echo "demo: $*" >&2
    exit 1
}

# until_true SECONDS COMMAND…: waits until the command succeeds.
until_true() {
    tenths=$(($1 * 10))
    shift
    while ! "$@" > /dev/null 2>&1; do
        tenths=$((tenths - 1))
        [ "$tenths" -gt 0 ] || fail "waited too long for: $*"
        sleep 0.1
    done
}

ready_is() { [ "$(kubectl get deployment helloworld -o 'jsonpath={.status.readyReplicas}')" = "$1" ]; }
pods() { kubectl get pods -l app=helloworld -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}'; }

step "A cluster"
run "$martlet" up --detach --data-dir "$data"
run kubectl get nodes -o wide
node_ip=$(kubectl get nodes -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}')

step "The application's image, made here, in two versions"
Scripts/example-images.sh "$work" helloworld
for tar in "$work"/*.tar; do run "$martlet" image load --data-dir "$data" "$tar"; done

step "The slides' application"
kubectl delete -f Examples/helloworld/ --ignore-not-found --wait=true
run kubectl apply -f Examples/helloworld/
run kubectl rollout status deployment/helloworld --timeout=60s
run kubectl get pods -l app=helloworld -o wide

step "Through the Service's cluster IP, and through its NodePort"
cluster_ip=$(kubectl get service helloworld -o 'jsonpath={.spec.clusterIP}')
node_port=$(kubectl get service helloworld -o 'jsonpath={.spec.ports[0].nodePort}')
until_true 10 curl -sf --max-time 2 "http://$cluster_ip/"
for _ in 1 2 3; do run curl -sf --max-time 5 "http://$cluster_ip/"; done
until_true 10 curl -sf --max-time 2 "http://$node_ip:$node_port/"
run curl -sf --max-time 5 "http://$node_ip:$node_port/"

step "A container is killed: it comes back in the same pod"
victim=$(pods | head -n 1)
restarts() { kubectl get pod "$victim" -o 'jsonpath={.status.containerStatuses[0].restartCount}'; }
before=$(restarts)
id=$(kubectl get pod "$victim" -o 'jsonpath={.status.containerStatuses[0].containerID}')
run ctr --address "$data/containerd/containerd.sock" --namespace k8s.io tasks kill --signal SIGKILL "${id#containerd://}"
restarted() { [ "$(restarts)" -gt "$before" ]; }
until_true 30 restarted
run kubectl rollout status deployment/helloworld --timeout=60s
run kubectl get pod "$victim"

step "A pod is deleted: another takes its place"
run kubectl delete pod "$victim" --wait=false
gone() { ! pods | grep -q "^$victim\$"; }
until_true 60 gone
until_true 60 ready_is 3
run kubectl get pods -l app=helloworld

step "Scaled to 6, and back to 3"
run kubectl scale deployment/helloworld --replicas=6
run kubectl rollout status deployment/helloworld --timeout=60s
run kubectl get deployment helloworld
run kubectl scale deployment/helloworld --replicas=3
until_true 60 ready_is 3

step "A rolling update to version 2 while requests go on"
(
    answered=0 failed=0
    while [ ! -e "$work/stop" ]; do
        if answer=$(curl -sf --max-time 5 "http://$cluster_ip/"); then
            answered=$((answered + 1))
            echo "$answer" | cut -d' ' -f1-4 >> "$work/answers"
        else
            failed=$((failed + 1))
        fi
        echo "$answered $failed" > "$work/count"
        sleep 0.02
    done
) &
requests=$!
sleep 1
run kubectl set image deployment/helloworld web=martlet.local/helloworld:v2
run kubectl rollout status deployment/helloworld --timeout=120s
sleep 3
touch "$work/stop"
wait "$requests" || true
requests=
read -r answered failed < "$work/count"
sort "$work/answers" | uniq -c
echo "$answered requests were answered, $failed were not"
[ "$failed" = 0 ] || fail "the rolling update lost $failed requests"

step "What was rolled out, and back again"
run kubectl rollout history deployment/helloworld
run kubectl rollout undo deployment/helloworld
run kubectl rollout status deployment/helloworld --timeout=120s
version_1() { curl -sf --max-time 5 "http://$cluster_ip/" | grep -q 'version v1'; }
until_true 30 version_1
run curl -sf --max-time 5 "http://$cluster_ip/"

step "The cluster is yours"
cat << EOF
  export KUBECONFIG=$KUBECONFIG
  kubectl get all --all-namespaces

and when you have done:
  $martlet down --data-dir $data            # stops it and keeps what it holds
  $martlet down --purge --data-dir $data    # leaves nothing behind
EOF

#!/usr/bin/env python3
"""Measures scheduling on simulated nodes: the shapes of upstream's scheduler_perf, through the API.

scheduling.py PATH_OF_A_RELEASE_BINARY [--nodes 1000 5000] [--only basic …] [--markdown]

For each shape and number of nodes: a control plane of its own, with simulated nodes in its process; pods created over
HTTPS by h2load, whose CPU counts as well; seen over a watch. Prints pods a second from the first creation to the last
binding, and the median and 99th percentile of the time from a pod's creation to its binding, as the watcher sees them.
Needs Python 3.9 or later and h2load (nghttp2-client).
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import bench  # noqa: E402

# What upstream's scheduler_perf asks of kube-scheduler v1.36 at least (its thresholds in pods/s, 5,000 nodes).
SHAPES = ["basic", "node-affinity", "affinity", "preferred-affinity", "anti-affinity", "preferred-anti-affinity",
          "spread", "preferred-spread", "preemption"]
ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"


def pod(cpu="100m", memory="500Mi", labels=None, **spec):
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "pod-", "labels": labels or {}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
            "name": "pause", "image": "registry.k8s.io/pause:3.10",
            "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}}],
            **spec},
    }


def affinity(kind, color, key, required):
    term = {"labelSelector": {"matchLabels": {"color": color}}, "topologyKey": key}
    if required:
        return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    return {"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": term}]}}}


def spread(color, action):
    return {"topologySpreadConstraints": [{
        "maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": action,
        "labelSelector": {"matchLabels": {"color": color}}}]}


def shape(name, nodes):
    """Pods that are there before (body, number), and those that are measured."""
    plain = (pod(), min(1000, nodes))
    if name == "basic":
        return [plain], (pod(), 3000 if nodes <= 1000 else 10000)
    if name == "node-affinity":
        term = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["zone-0", "zone-1"]}]}
        node = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [term]}}}}
        return [plain], (pod(**node), 3000)
    if name == "affinity":
        body = pod(labels={"color": "blue"}, **affinity("podAffinity", "blue", ZONE, True))
        return [(body, min(1000, nodes))], (body, 3000)
    if name == "preferred-affinity":
        body = pod(labels={"color": "red"}, **affinity("podAffinity", "red", HOST, False))
        return [(body, min(1000, nodes))], (body, 3000)
    if name == "anti-affinity":
        body = pod(labels={"color": "green"}, **affinity("podAntiAffinity", "green", HOST, True))
        return [(body, nodes // 10)], (body, min(3000, nodes * 9 // 10))
    if name == "preferred-anti-affinity":
        body = pod(labels={"color": "yellow"}, **affinity("podAntiAffinity", "yellow", HOST, False))
        return [(body, min(1000, nodes))], (body, 3000)
    if name == "spread":
        return [plain], (pod(labels={"color": "blue"}, **spread("blue", "DoNotSchedule")), 3000)
    if name == "preferred-spread":
        return [plain], (pod(labels={"color": "blue"}, **spread("blue", "ScheduleAnyway")), 3000)
    if name == "preemption":
        # Four that fill each node, then ones that need three of them gone.
        low = pod("900m", "500Mi")
        high = pod("3000m", "500Mi", priorityClassName="high")
        return [(low, nodes * 4)], (high, min(1000, nodes))
    raise bench.Failed(f"there is no shape {name}")


class Watcher(threading.Thread):
    """Reads the watch of the measured namespace as bytes: names, and whether they have a node."""

    NAME = re.compile(rb'"name":"(pod-[a-z0-9]+)"')

    def __init__(self, cluster, namespace):
        super().__init__(daemon=True)
        self.created, self.bound = {}, {}
        self.failure = None
        import http.client
        self.connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=cluster.context(), timeout=300)
        self.connection.request("GET", f"/api/v1/namespaces/{namespace}/pods?watch=true&resourceVersion=0")
        self.response = self.connection.getresponse()

    def run(self):
        try:
            while True:
                line = self.response.readline()
                if not line:
                    return
                now = time.monotonic()
                found = self.NAME.search(line)
                if not found:
                    continue
                name = found.group(1)
                if name not in self.created:
                    self.created[name] = now
                if name not in self.bound and b'"nodeName":"' in line:
                    self.bound[name] = now
        except (OSError, ValueError) as error:
            self.failure = error

    def latencies(self):
        return sorted(bound - self.created[name] for name, bound in list(self.bound.items()))


def create(cluster, namespace, body, count):
    bench.h2load(cluster, f"/api/v1/namespaces/{namespace}/pods", count, 4, 16, body, timeout=600)


def unbound(cluster, namespace):
    path = f"/api/v1/namespaces/{namespace}/pods?fieldSelector=spec.nodeName%3D&limit=1"
    return bool(cluster.must("GET", path)["items"])


def start(binary, root, nodes, profile):
    cluster = bench.Cluster(binary, root, f"n{nodes}-{time.monotonic_ns()}", node=False)
    path = os.path.join(root, "profile.yaml")
    with open(path, "w") as file:
        json.dump(profile, file)
    plain = cluster.up
    # The nodes are in the cluster's own process.
    popen = bench.subprocess.Popen

    def with_nodes(command, **options):
        return popen(command + ["--simulate-nodes", str(nodes), "--profile", path], **options)

    bench.subprocess.Popen = with_nodes
    try:
        plain()
    finally:
        bench.subprocess.Popen = popen

    def there():
        listed = cluster.must("GET", "/api/v1/nodes")["items"]
        return len(listed) >= nodes and not any(node["spec"].get("taints") for node in listed)

    took = bench.wait(f"{nodes} simulated nodes", there, 300, 0.5)
    return cluster, took


def measure(binary, root, name, nodes):
    capacity = {"cpu": "4", "memory": "32Gi", "pods": "110"}
    # As in scheduler_perf: what is bound stays pending, only what is deleted goes.
    cluster, took = start(binary, root, nodes, {"zones": 3, "start": 86400, "capacity": capacity})
    try:
        for namespace in ("before", "measured"):
            cluster.must("POST", "/api/v1/namespaces",
                         {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
            bench.wait("the service account", lambda: cluster.request("GET", account)[0] == 200, 30)
        cluster.must("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000})
        before, (body, count) = shape(name, nodes)
        # Pods of a shape count each other: they share a namespace where they must meet.
        for other, number in before:
            create(cluster, "before" if name in ("basic", "node-affinity", "preemption", "spread", "preferred-spread")
                   else "measured", other, number)
        for namespace in ("before", "measured"):
            bench.wait("the pods before", lambda: not unbound(cluster, namespace), 300, 0.2)
        watcher = Watcher(cluster, "measured")
        watcher.start()
        time.sleep(1)
        known = len(watcher.bound)
        earlier = set(watcher.bound)
        cpu = cluster.cpu_seconds("martlet")
        begin = time.monotonic()
        create(cluster, "measured", body, count)
        created = time.monotonic() - begin
        bench.wait("scheduling", lambda: len(watcher.bound) >= known + count or watcher.failure, 300, 0.005)
        elapsed = max(watcher.bound.values()) - begin
        latencies = sorted(b - watcher.created[n] for n, b in list(watcher.bound.items()) if n not in earlier)
        if len(latencies) < count:
            raise bench.Failed(f"the watch saw {len(latencies)} of {count}: {watcher.failure}")
        return {
            "shape": name, "nodes": nodes, "pods": count, "rate": count / elapsed, "created": created,
            "p50": latencies[len(latencies) // 2], "p99": latencies[int(len(latencies) * 0.99)],
            "cpu": cluster.cpu_seconds("martlet") - cpu, "rss": cluster.resident("martlet"), "up": took,
        }
    finally:
        stop(cluster)


def stop(cluster):
    try:
        cluster.down(purge=True)
    except bench.Failed as failure:
        bench.say(f"  {failure}")


def deployment(binary, root, nodes, replicas):
    """A Deployment of many replicas to Running on simulated nodes, and its namespace deleted."""
    cluster, _ = start(binary, root, nodes, {"zones": 3})
    try:
        cluster.must("POST", "/api/v1/namespaces",
                     {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "big"}})
        template = pod("10m", "16Mi", labels={"app": "big"})
        del template["metadata"]["generateName"]
        begin = time.monotonic()
        cluster.must("POST", "/apis/apps/v1/namespaces/big/deployments", {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "big"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "big"}},
                     "template": {"metadata": template["metadata"], "spec": template["spec"]}}})

        def ready():
            status = cluster.must("GET", "/apis/apps/v1/namespaces/big/deployments/big").get("status", {})
            return status.get("readyReplicas", 0) >= replicas

        bench.wait(f"{replicas} replicas", ready, 900, 0.1)
        running = time.monotonic() - begin
        memory = cluster.resident("martlet")
        begin = time.monotonic()
        cluster.must("DELETE", "/api/v1/namespaces/big")
        bench.wait("the namespace's end", lambda: cluster.request("GET", "/api/v1/namespaces/big")[0] == 404, 900, 0.1)
        return running, memory, time.monotonic() - begin
    finally:
        stop(cluster)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--only", nargs="+", choices=SHAPES + ["deployment"])
    parser.add_argument("--replicas", type=int, default=10000)
    arguments = parser.parse_args()
    wanted = arguments.only or SHAPES + ["deployment"]
    root = tempfile.mkdtemp(prefix="martlet-scheduling-")
    try:
        print("| shape | nodes | pods | pods/s | p50 ms | p99 ms | CPU s | MB |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for nodes in arguments.nodes:
            for name in [name for name in SHAPES if name in wanted]:
                try:
                    row = measure(os.path.abspath(arguments.binary), root, name, nodes)
                except bench.Failed as failure:
                    print(f"| {name} | {nodes:,} | – | {failure} | | | | |", flush=True)
                    continue
                print(f"| {name} | {nodes:,} | {row['pods']:,} | {row['rate']:,.0f} | {row['p50'] * 1000:.0f} "
                      f"| {row['p99'] * 1000:.0f} | {row['cpu']:.1f} | {row['rss']:.0f} |", flush=True)
        if "deployment" in wanted:
            nodes = arguments.nodes[0]
            try:
                running, memory, gone = deployment(os.path.abspath(arguments.binary), root, nodes, arguments.replicas)
                print(f"\nA Deployment of {arguments.replicas:,} on {nodes:,} simulated nodes: Running after "
                      f"{running:.1f} s ({memory:.0f} MB); its namespace gone after {gone:.1f} s.")
            except bench.Failed as failure:
                print(f"\nA Deployment of {arguments.replicas:,}: {failure}")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures a Martlet binary and prints the design's table, with upstream's numbers beside it.

Everything runs on loopback, against clusters of its own in a temporary directory, and is bounded in time and number.
What cannot be measured here (a tool is missing, it takes root, a step failed) is a dash with the reason below the table.
Needs Python 3.9 or later; h2load (nghttp2-client) for the request rates; root and containerd for the pods.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import time
import http.client

import watchers

TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A measure that could not be taken, and why, in one line."""


def say(text):
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------------------------------------------- the cluster


class Cluster:
    """A cluster of its own: a data directory, a port, and the processes that belong to them."""

    def __init__(self, binary, root, name, node):
        self.binary, self.node, self.name = binary, node, name
        self.data = os.path.join(root, name)
        self.port = free_port()
        self.connection = None
        self.token = None
        self.home = os.path.join(root, "home")
        os.makedirs(self.home, exist_ok=True)

    def command(self, *words, timeout=60):
        # HOME is the bench's own, so that the user's kubeconfig is not touched.
        environment = dict(os.environ, HOME=self.home, KUBECONFIG=os.path.join(self.home, "config"))
        try:
            result = subprocess.run(
                [self.binary, *words, "--data-dir", self.data], capture_output=True, text=True, timeout=timeout,
                env=environment, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failed(f"martlet {words[0]} did not return within {timeout} s")
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
            raise Failed(f"martlet {words[0]}: {lines[-1][:160]}")
        return result.stdout

    def up(self):
        """Starts it and returns the seconds until the API answered, and until the node was Ready."""
        self.close()
        words = ["up", "--detach", "--port", str(self.port)] + ([] if self.node else ["--no-node"])
        environment = dict(os.environ, HOME=self.home, KUBECONFIG=os.path.join(self.home, "config"))
        begin = time.monotonic()
        process = subprocess.Popen(
            [self.binary, *words, "--data-dir", self.data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, stdin=subprocess.DEVNULL, text=True)
        api = node = None
        deadline = begin + 60
        while time.monotonic() < deadline:
            if api is None and self.answers("/readyz"):
                api = time.monotonic() - begin
            if api is not None:
                if not self.node:
                    break
                if self.node_is_ready():
                    node = time.monotonic() - begin
                    break
            if process.poll() not in (None, 0):
                break
            time.sleep(0.005)
        try:
            output, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failed("martlet up --detach did not return")
        if process.returncode != 0:
            lines = (output or "").strip().splitlines() or ["no message"]
            raise Failed(f"martlet up: {lines[-1][:160]}")
        if api is None:
            raise Failed("the API did not answer")
        if self.node and node is None:
            raise Failed("the node did not become Ready")
        return api, node

    def down(self, purge=False):
        self.close()
        self.command("down", *(["--purge"] if purge else []), timeout=120)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    # -- HTTPS with the administrator's certificate

    def context(self):
        path = os.path.join(self.data, "admin.kubeconfig")
        with open(path) as file:
            text = file.read()

        def field(name):
            found = re.search(rf"{name}\"?:\s*\"?([A-Za-z0-9+/=]+)", text)
            if not found:
                raise Failed(f"{path} has no {name}")
            return base64.b64decode(found.group(1))

        context = ssl.create_default_context(cadata=field("certificate-authority-data").decode())
        with tempfile.NamedTemporaryFile() as pem:
            os.chmod(pem.name, 0o600)
            pem.write(field("client-certificate-data") + b"\n" + field("client-key-data"))
            pem.flush()
            context.load_cert_chain(pem.name)
        return context

    def request(self, method, path, body=None, content_type="application/json", timeout=30):
        """The status and the parsed body."""
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(
                    "127.0.0.1", self.port, context=self.context(), timeout=timeout)
            try:
                data = None if body is None else json.dumps(body)
                self.connection.request(method, path, data, {"Content-Type": content_type} if data else {})
                response = self.connection.getresponse()
                text = response.read()
                break
            except (OSError, http.client.HTTPException):
                self.close()
                if attempt == 2:
                    raise
        try:
            return response.status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode()
        except ValueError:
            return response.status, text.decode(errors="replace")

    def must(self, method, path, body=None, content_type="application/json"):
        try:
            status, answer = self.request(method, path, body, content_type)
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"{method} {path}: {error}")
        if status >= 300:
            message = answer.get("message", "") if isinstance(answer, dict) else answer
            raise Failed(f"{method} {path}: {status} {message[:120]}")
        return answer

    def download(self, path):
        """The length of an answer that is no JSON."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(), timeout=60)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            if answer.status != 200:
                raise Failed(f"GET {path} answered {answer.status}")
            count = 0
            while piece := answer.read(1 << 20):
                count += len(piece)
            return count
        finally:
            connection.close()

    def websocket(self, path, protocol):
        """What a WebSocket is sent until the server closes it, frames and all."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as raw:
            with self.context().wrap_socket(raw, server_hostname="127.0.0.1") as connection:
                connection.sendall(
                    f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                    f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode())
                answer = b""
                while piece := connection.recv(1 << 16):
                    answer += piece
                return answer

    def answers(self, path):
        try:
            return self.request("GET", path, timeout=2)[0] == 200
        except (OSError, http.client.HTTPException, Failed, ssl.SSLError):
            self.close()
            return False

    def node_is_ready(self):
        try:
            status, answer = self.request("GET", "/api/v1/nodes", timeout=2)
        except (OSError, http.client.HTTPException):
            return False
        return status == 200 and any(condition(node, "Ready") for node in answer.get("items", []))

    def bearer(self):
        """A token of a service account that may do everything: h2load knows no client certificates."""
        if self.token:
            return self.token
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bench", "namespace": "default"}}
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "bench"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "bench", "namespace": "default"}],
        }
        self.must("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        self.must("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        answer = self.must(
            "POST", "/api/v1/namespaces/default/serviceaccounts/bench/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})
        self.token = answer["status"]["token"]
        return self.token

    # -- processes

    def processes(self):
        """Process ids by command: those whose command line names the data directory."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
                with open(f"/proc/{entry}/comm") as file:
                    comm = file.read().strip()
            except OSError:
                continue
            if any(self.data in word for word in words):
                found.setdefault("shim" if "shim" in comm else comm, []).append(int(entry))
        return found

    def pids(self, comm):
        pids = self.processes().get(comm, [])
        if not pids:
            raise Failed(f"there is no process {comm}")
        return pids

    def resident(self, comm):
        """Megabytes."""
        total = 0
        for pid in self.pids(comm):
            with open(f"/proc/{pid}/status") as file:
                total += int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
        return total / 1024

    def cpu_seconds(self, comm):
        total = 0
        for pid in self.pids(comm):
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def condition(item, kind):
    return any(c["type"] == kind and c["status"] == "True" for c in item.get("status", {}).get("conditions", []))


def wait(what, check, seconds, interval=0.01):
    """Seconds until `check` was true."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if check():
            return time.monotonic() - begin
        time.sleep(interval)
    raise Failed(f"{what}: not within {seconds} s")


# ---------------------------------------------------------------------------------------------------- h2load


def h2load(cluster, path, count, clients, streams, body=None, threads=1, timeout=90):
    """Requests a second; each has to be answered with 2xx."""
    tool = shutil.which("h2load")
    if not tool:
        raise Failed("h2load is not installed (apt install nghttp2-client)")
    command = [tool, "-n", str(count), "-c", str(clients), "-m", str(streams), "-t", str(threads),
               "-w", "24", "-W", "26", "-H", f"Authorization: Bearer {cluster.bearer()}", "-H", "Accept: application/json"]
    file = None
    if body is not None:
        file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(body, file)
        file.flush()
        command += ["-d", file.name, "-H", "Content-Type: application/json"]
    try:
        result = subprocess.run(
            command + [f"https://127.0.0.1:{cluster.port}{path}"], capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"h2load did not end within {timeout} s")
    finally:
        if file:
            file.close()
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", result.stdout)
    good = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", result.stdout)
    if not rate or not good:
        raise Failed("h2load: " + ((result.stderr or result.stdout).strip().splitlines() or ["no output"])[-1][:120])
    if int(good.group(1)) != count:
        raise Failed(f"h2load: {good.group(0)} of {count}")
    return float(rate.group(1))


# ---------------------------------------------------------------------------------------------------- objects


def config_map():
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "bench-"},
            "data": {"key": "value", "text": "x" * 256}}


def pod(image="registry.k8s.io/pause:3.10"):
    """About as large as what a ReplicaSet makes."""
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "bench-", "labels": {"app": "bench", "pod-template-hash": "5d4f8c7b9"},
                     "annotations": {"bench.martlet.dev/note": "n" * 600}},
        "spec": {
            "containers": [{
                "name": "main", "image": image,
                "env": [{"name": f"VARIABLE_{i}", "value": "some value of a usual length"} for i in range(10)],
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
            }],
        },
    }


def fake_node(index):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    amounts = {"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    name = f"fake-{index:04}"
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "spec": {},
        "status": {
            "capacity": amounts, "allocatable": amounts,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "fake",
                            "lastHeartbeatTime": now, "lastTransitionTime": now}],
        },
    }


IMAGE = "docker.io/library/martlet-bench:1"


def image_archive(path):
    """A docker-archive with busybox alone."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise Failed("busybox is not installed (apt install busybox-static)")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for directory in ("bin", "www", "tmp", "etc"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        info = tar.gettarinfo(busybox, "bin/busybox")
        info.mode = 0o755
        with open(os.path.realpath(busybox), "rb") as file:
            info = tarfile.TarInfo("bin/busybox")
            data = file.read()
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
        for applet in ("sh", "httpd"):
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
        page = b"bench\n"
        info = tarfile.TarInfo("www/index.html")
        info.size = len(page)
        tar.addfile(info, io.BytesIO(page))
    layer = layer.getvalue()
    digest = hashlib.sha256(layer).hexdigest()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = json.dumps({
        "architecture": machine, "os": "linux", "config": {"Cmd": ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}, "history": [{"created_by": "bench"}],
    }).encode()
    name = hashlib.sha256(config).hexdigest()
    manifest = json.dumps([{"Config": f"{name}.json", "RepoTags": ["martlet-bench:1"], "Layers": [f"{digest}/layer.tar"]}])
    with tarfile.open(path, "w") as tar:
        for member, data in ((f"{name}.json", config), (f"{digest}/layer.tar", layer), ("manifest.json", manifest.encode())):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def deployment(replicas):
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bench", "namespace": "default"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "bench"}},
            "template": {
                "metadata": {"labels": {"app": "bench"}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "web", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
                                    "ports": [{"containerPort": 8080}]}],
                },
            },
        },
    }


# ---------------------------------------------------------------------------------------------------- the table


ROWS = [
    # key, what is measured, upstream, what the design aims at
    ("start", "start to API ready / node Ready", "2.3 s / 3.4 s", "0.3 s / 1.0 s"),
    ("rss", "resident memory, idle, all components", "619 MB", "60 MB"),
    ("rss-containerd", "  of that, containerd (beside the process)", "", ""),
    ("rss-full", "the same, 6,000 ConfigMaps and 3,000 pods stored", "1,275 MB", "150 MB"),
    ("cpu", "idle CPU, of a core", "3 %", "0.5 %"),
    ("get", "GET one object, 4 connections × 16 streams", "3,505 /s", "25,000 /s"),
    ("create-64", "create ConfigMap, 4 × 16, durable", "2,296 /s", "12,000 /s"),
    ("create-4", "create ConfigMap, 4 × 1, durable", "1,299 /s", "4,000 /s"),
    ("create-pod", "create Pod, 4 × 16, components running", "914 /s", "8,000 /s"),
    ("list", "LIST 3,000 pods", "7.2 /s", "80 /s"),
    ("watch", "1,000 watchers, 1,000 changes /s: median / p99 delay, CPU", "", ""),
    ("schedule", "create and schedule 3,000 pods on 1,000 nodes", "203 /s", "3,000 /s"),
    ("deploy", "Deployment of 3 applied → all Ready", "1.0 s", "0.6 s"),
    ("scale", "scale 3 → 50 real pods, all Ready", "7.1 s", "5 s"),
    ("replace", "pod deleted → replacement Ready", "0.9 s", "0.5 s"),
    ("exec", "exec of a command that does nothing, there and back: median / worst of 30", "", ""),
    ("logs", "log of 8 MiB in lines of 64 bytes, read through the API", "", ""),
]


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.root = tempfile.mkdtemp(prefix="martlet-bench-")
        self.results, self.reasons, self.notes = {}, {}, []
        self.clusters = []

    def cluster(self, name, node):
        cluster = Cluster(self.arguments.binary, self.root, name, node)
        self.clusters.append(cluster)
        return cluster

    def measure(self, key, work):
        """Takes one measure; `work` returns its text."""
        if self.arguments.only and not any(key.startswith(wanted) for wanted in self.arguments.only):
            self.reasons[key] = "not asked for"
            return
        title = next(row[1] for row in ROWS if row[0] == key).strip()
        try:
            self.results[key] = work()
            say(f"  {title}: {self.results[key]}")
        except Failed as failure:
            self.reasons[key] = str(failure)
            say(f"  {title}: – ({failure})")
        except Exception as error:  # A bench that dies has measured nothing.
            self.reasons[key] = f"{type(error).__name__}: {error}"
            say(f"  {title}: – ({self.reasons[key]})")

    def skip(self, keys, reason):
        for key in keys:
            if key not in self.results:
                self.reasons.setdefault(key, reason)

    # -- the control plane alone

    def control_plane(self):
        keys = ["rss-full", "get", "create-64", "create-4", "create-pod", "list", "watch", "schedule"]
        say("control plane alone (--no-node)")
        cluster = self.cluster("plane", node=False)
        try:
            first, _ = cluster.up()
            self.notes.append(f"the first start, which makes keys, took {first:.2f} s to the API alone")
        except Failed as failure:
            return self.skip(keys, str(failure))
        self.measure("get", lambda: self.get(cluster))
        self.measure("create-64", lambda: self.rate(
            h2load(cluster, "/api/v1/namespaces/default/configmaps", 20000, 4, 16, config_map())))
        self.measure("create-4", lambda: self.rate(
            h2load(cluster, "/api/v1/namespaces/default/configmaps", 6000, 4, 1, config_map())))
        self.end(cluster)

        cluster = self.cluster("pods", node=False)
        try:
            cluster.up()
        except Failed as failure:
            return self.skip(keys, str(failure))
        self.measure("create-pod", lambda: self.rate(
            h2load(cluster, "/api/v1/namespaces/default/pods", 3000, 4, 16, pod())))
        self.measure("list", lambda: self.list(cluster))
        self.measure("rss-full", lambda: self.full(cluster))
        self.end(cluster)

        cluster = self.cluster("watch", node=False)
        try:
            cluster.up()
        except Failed as failure:
            return self.skip(keys, str(failure))
        self.measure("watch", lambda: self.watch(cluster))
        self.end(cluster)

        cluster = self.cluster("nodes", node=False)
        try:
            cluster.up()
        except Failed as failure:
            return self.skip(keys, str(failure))
        self.measure("schedule", lambda: self.schedule(cluster))
        self.end(cluster)

    @staticmethod
    def rate(value):
        return f"{value:,.0f} /s" if value >= 100 else f"{value:.1f} /s"

    def get(self, cluster):
        path = "/api/v1/namespaces/default/configmaps"
        body = config_map()
        body["metadata"] = {"name": "one"}
        cluster.must("POST", path, body)
        h2load(cluster, f"{path}/one", 5000, 4, 16)
        return self.rate(h2load(cluster, f"{path}/one", 100000, 4, 16))

    def list(self, cluster):
        path = "/api/v1/namespaces/default/pods"
        status, answer = cluster.request("GET", path)
        count = len(answer["items"]) if status == 200 else 0
        if count != 3000:
            raise Failed(f"there are {count} pods instead of 3,000")
        size = len(json.dumps(answer, separators=(",", ":"))) / 1e6
        rate = h2load(cluster, path, 100, 4, 1)
        return f"{self.rate(rate)} ({size:.1f} MB each)"

    def watch(self, cluster):
        before = cluster.cpu_seconds("martlet")
        result = watchers.measure(cluster)
        cpu = (cluster.cpu_seconds("martlet") - before) / result["elapsed"]
        if result["median"] is None:
            raise Failed("no event arrived")
        self.notes.append(
            f"the watchers were offered {result['changes']:,.0f} changes /s and read {result['events']:,.0f} events /s; "
            f"{result['ended']} were ended for being too slow")
        return f"{result['median'] * 1000:.0f} ms / {result['p99'] * 1000:.0f} ms, {cpu * 100:.0f} % of a core"

    def full(self, cluster):
        h2load(cluster, "/api/v1/namespaces/default/configmaps", 6000, 4, 16, config_map())
        time.sleep(2)
        return f"{cluster.resident('martlet'):.0f} MB"

    def schedule(self, cluster):
        nodes, pods = 1000, 3000
        for index in range(nodes):
            cluster.must("POST", "/api/v1/nodes", fake_node(index))
        one = cluster.must("GET", "/api/v1/nodes/fake-0000")
        if not one.get("status", {}).get("allocatable"):
            for index in range(nodes):
                cluster.must("PUT", f"/api/v1/nodes/fake-{index:04}/status", fake_node(index))

        def free():
            items = cluster.must("GET", "/api/v1/nodes")["items"]
            return len(items) >= nodes and not any(item.get("spec", {}).get("taints") for item in items)

        wait("nodes without taints", free, 30, 0.2)
        waiting = "/api/v1/pods?fieldSelector=" + "spec.nodeName%3D" + "&limit=1"
        begin = time.monotonic()
        h2load(cluster, "/api/v1/namespaces/default/pods", pods, 4, 16, pod())
        created = time.monotonic() - begin
        wait("scheduling", lambda: not cluster.must("GET", waiting)["items"], 90, 0.02)
        elapsed = time.monotonic() - begin
        self.notes.append(f"of the {elapsed:.2f} s for 3,000 scheduled pods, creating them took {created:.2f} s")
        return self.rate(pods / elapsed)

    # -- with a node

    def node(self):
        keys = ["start", "rss", "rss-containerd", "cpu", "deploy", "scale", "replace", "exec", "logs"]
        say("a node with real pods")
        if os.geteuid() != 0:
            self.skip(keys[2:3] + keys[4:], "real pods need root")
            return self.idle_without_node()
        cluster = self.cluster("node", node=True)
        try:
            api, node = cluster.up()
            self.notes.append(f"the first start, which makes keys, took {api:.2f} s to the API, {node:.2f} s to the node")
        except Failed as failure:
            self.skip(keys[2:3] + keys[4:], str(failure))
            self.end(cluster)
            return self.idle_without_node()
        self.measure("start", lambda: self.restart(cluster))
        self.idle(cluster)
        try:
            archive = os.path.join(self.root, "image.tar")
            image_archive(archive)
            cluster.command("image", "load", archive)
        except Failed as failure:
            self.skip(keys, str(failure))
            return self.end(cluster)
        self.measure("deploy", lambda: self.deploy(cluster))
        self.measure("replace", lambda: self.replace(cluster))
        self.measure("exec", lambda: self.exec(cluster))
        self.measure("logs", lambda: self.logs(cluster))
        self.measure("scale", lambda: self.scale(cluster))
        self.end(cluster)

    def idle_without_node(self):
        cluster = self.cluster("idle", node=False)
        try:
            cluster.up()
        except Failed as failure:
            return self.skip(["start", "rss", "cpu"], str(failure))
        self.measure("start", lambda: self.restart(cluster))
        self.idle(cluster)
        self.notes.append("start, memory and idle CPU are those of the control plane alone")
        self.end(cluster)

    def restart(self, cluster):
        """The best of three: each start reads what the one before wrote."""
        best = None
        for _ in range(3):
            cluster.down()
            times = cluster.up()
            if best is None or times[1 if cluster.node else 0] < best[1 if cluster.node else 0]:
                best = times
        api, node = best
        return f"{api:.2f} s / {node:.2f} s" if node is not None else f"{api:.2f} s / –"

    def idle(self, cluster):
        time.sleep(5)
        seconds = self.arguments.idle

        def cpu():
            before = cluster.cpu_seconds("martlet")
            time.sleep(seconds)
            return f"{100 * (cluster.cpu_seconds('martlet') - before) / seconds:.2f} %"

        self.measure("cpu", cpu)
        self.measure("rss", lambda: f"{cluster.resident('martlet'):.0f} MB")
        if cluster.node:
            self.measure("rss-containerd", lambda: f"{cluster.resident('containerd'):.0f} MB")

    def ready(self, cluster):
        pods = cluster.must("GET", "/api/v1/namespaces/default/pods?labelSelector=app%3Dbench")["items"]
        return {p["metadata"]["name"] for p in pods
                if condition(p, "Ready") and "deletionTimestamp" not in p["metadata"]}

    def deploy(self, cluster):
        begin = time.monotonic()
        cluster.must("POST", "/apis/apps/v1/namespaces/default/deployments", deployment(3))
        wait("3 Ready pods", lambda: len(self.ready(cluster)) == 3, 60)
        return f"{time.monotonic() - begin:.2f} s"

    def replace(self, cluster):
        times = []
        for _ in range(3):
            before = self.ready(cluster)
            if len(before) != 3:
                raise Failed(f"{len(before)} pods are Ready instead of 3")
            begin = time.monotonic()
            cluster.must("DELETE", f"/api/v1/namespaces/default/pods/{sorted(before)[0]}")
            wait("replacement", lambda: len(self.ready(cluster) - before) == 1, 60)
            times.append(time.monotonic() - begin)
            time.sleep(2)
        return f"{sorted(times)[1]:.2f} s"

    def exec(self, cluster):
        name = sorted(self.ready(cluster))[0]
        path = f"/api/v1/namespaces/default/pods/{name}/exec?stdout=1&command=/bin/busybox&command=true"
        times = []
        for _ in range(30):
            begin = time.monotonic()
            answer = cluster.websocket(path, "v5.channel.k8s.io")
            if b'"status":"Success"' not in answer:
                raise Failed(f"exec answered {answer[-200:]!r}")
            times.append(1000 * (time.monotonic() - begin))
        times.sort()
        return f"{times[len(times) // 2]:.0f} ms / {times[-1]:.0f} ms"

    def logs(self, cluster):
        size = 8 << 20
        item = pod(IMAGE)
        item["metadata"] = {"name": "bench-logs", "namespace": "default"}
        line = "0123456789abcdef" * 3 + "0123456789abcde"
        item["spec"] = {
            "restartPolicy": "Never",
            "containers": [{
                "name": "web", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "-c", f"/bin/busybox yes {line} | /bin/busybox head -c {size}"]}],
        }
        cluster.must("POST", "/api/v1/namespaces/default/pods", item)
        path = "/api/v1/namespaces/default/pods/bench-logs"
        wait("the pod that writes", lambda: cluster.must("GET", path)["status"].get("phase") == "Succeeded", 60)
        best = None
        for _ in range(3):
            begin = time.monotonic()
            count = cluster.download(path + "/log")
            elapsed = time.monotonic() - begin
            if count != size:
                raise Failed(f"the log has {count} bytes instead of {size}")
            best = elapsed if best is None else min(best, elapsed)
        return f"{size / best / (1 << 20):.0f} MiB/s"

    def scale(self, cluster):
        begin = time.monotonic()
        cluster.must("PATCH", "/apis/apps/v1/namespaces/default/deployments/bench/scale",
                     {"spec": {"replicas": 50}}, "application/merge-patch+json")
        wait("50 Ready pods", lambda: len(self.ready(cluster)) == 50, 180, 0.05)
        elapsed = time.monotonic() - begin
        try:
            self.notes.append(f"with 50 pods running, martlet is {cluster.resident('martlet'):.0f} MB resident")
        except Failed:
            pass
        return f"{elapsed:.2f} s"

    # -- around it

    def end(self, cluster):
        if cluster not in self.clusters:
            return
        self.clusters.remove(cluster)
        if not os.path.isdir(cluster.data):
            return
        try:
            cluster.down(purge=True)
        except Failed as failure:
            self.notes.append(f"could not remove a cluster: {failure}")
            for pids in cluster.processes().values():
                for pid in pids:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except OSError:
                        pass

    def close(self):
        for cluster in list(self.clusters):
            self.end(cluster)
        shutil.rmtree(self.root, ignore_errors=True)

    def table(self):
        rows = [("measure", "upstream", "aim", "measured")]
        for key, title, upstream, aim in ROWS:
            rows.append((title, upstream, aim, self.results.get(key, "–")))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]

        def line(row):
            return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"

        print(line(rows[0]))
        print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
        for row in rows[1:]:
            print(line(row))
        print()
        print("Upstream: v1.36 (etcd and all components) on the reference machine, 2 cores; quoted, not measured here.")
        for note in self.notes:
            print(f"Note: {note}.")
        for key, title, _, _ in ROWS:
            if key not in self.results:
                print(f"–: {title.strip()}: {self.reasons.get(key, 'not measured')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="the path of a release build of martlet")
    parser.add_argument("--no-node", action="store_true", help="leave out what needs root and containerd")
    parser.add_argument("--idle", type=float, default=20, metavar="SECONDS", help="how long to watch the idle CPU")
    parser.add_argument("--only", nargs="*", metavar="MEASURE", help="of: " + " ".join(row[0] for row in ROWS))
    arguments = parser.parse_args()
    arguments.binary = os.path.abspath(arguments.binary)
    if not os.access(arguments.binary, os.X_OK):
        sys.exit(f"{arguments.binary} is no program: build it with make build, or give the path of a release binary")
    bench = Bench(arguments)

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        if arguments.no_node:
            bench.skip(["deploy", "scale", "replace", "exec", "logs", "rss-containerd"], "left out (--no-node)")
            bench.idle_without_node()
        else:
            bench.node()
        bench.control_plane()
    except KeyboardInterrupt:
        bench.notes.append("interrupted")
    finally:
        bench.close()
    bench.table()


if __name__ == "__main__":
    main()

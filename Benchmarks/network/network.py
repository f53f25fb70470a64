#!/usr/bin/env python3
"""Measures the network of a node: Services beside direct access, many Services, DNS, and Ingress beside nginx.

network.py PATH_OF_A_RELEASE_BINARY [--requests 20000] [--services 1000] [--endpoints 10]

A cluster of its own with a node (root and containerd), and one small web server of this script behind everything, in
as many processes as there are processors; its own speed is the first line. What cannot be measured here is a dash with
the reason. Needs Python 3.9 or later and h2load (nghttp2-client); nginx for the comparison.
"""

import argparse
import asyncio
import multiprocessing
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import bench  # noqa: E402

BODY = b"hello\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
# The node's own address, where the backend listens: it is reached as a host-network pod would be.
NODE = "10.244.0.1"


class Web(asyncio.Protocol):
    """Answers every request, kept alive and pipelined, with the same few bytes."""

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        self.rest += data
        count = self.rest.count(b"\r\n\r\n")
        if count:
            self.rest = self.rest.rsplit(b"\r\n\r\n", 1)[1]
            self.transport.write(ANSWER * count)


def serve(port):
    async def run():
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((NODE, port))
        server = await asyncio.get_running_loop().create_server(Web, sock=listener)
        await server.serve_forever()

    asyncio.run(run())


# ---------------------------------------------------------------------------------------------------- requests


def rate(url, count, *options):
    """Requests a second over 16 connections that are kept."""
    tool = shutil.which("h2load")
    if not tool:
        raise bench.Failed("h2load is not installed (apt install nghttp2-client)")
    result = subprocess.run([tool, "-n", str(count), "-c", "16", "-t", "1", *options, url],
                            capture_output=True, text=True, timeout=120)
    good = re.search(r"(\d+) succeeded", result.stdout)
    found = re.search(r"finished in .*?, ([\d.]+) req/s", result.stdout)
    if not good or not found or int(good.group(1)) < count:
        raise bench.Failed(f"h2load {url}: " + (good.group(0) if good else "no answer"))
    return float(found.group(1))


def latencies(address, port, count=2000):
    """Seconds for a connection of its own with one request each: median and 99th percentile."""
    request = b"GET / HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n"
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        with socket.create_connection((address, port), timeout=5) as client:
            client.sendall(request)
            if not client.recv(4096).startswith(b"HTTP/1.1 200"):
                raise bench.Failed(f"{address}:{port} answered something else")
        taken.append(time.perf_counter() - begin)
    taken.sort()
    return statistics.median(taken), taken[int(count * 0.99)]


def query(name, number):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def ask(address, name, seconds, result):
    """Keeps 64 queries under way and counts the answers."""
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, 53))
    client.settimeout(1)
    count = number = 0
    end = time.monotonic() + seconds
    for _ in range(64):
        number += 1
        client.send(query(name, number))
    while time.monotonic() < end:
        try:
            answer = client.recv(512)
        except socket.timeout:
            client.send(query(name, number & 0xFFFF))
            continue
        # An answer without an error and with a record.
        if answer[3] & 15 == 0 and answer[7] > 0:
            count += 1
        number = number + 1 & 0xFFFF
        client.send(query(name, number))
    result.put(count / seconds)


def queries(address, name, seconds=5):
    result = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=ask, args=(address, name, seconds, result), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    total = sum(result.get(timeout=seconds + 10) for _ in workers)
    for worker in workers:
        worker.join()
    return total


# ---------------------------------------------------------------------------------------------------- objects


def service(cluster, name, addresses, port, target):
    """A Service without a selector and its slice."""
    metadata = {"name": name, "namespace": "default"}
    made = cluster.must("POST", "/api/v1/namespaces/default/services", {
        "apiVersion": "v1", "kind": "Service", "metadata": metadata,
        "spec": {"ports": [{"name": "http", "port": port, "protocol": "TCP"}]}})
    cluster.must("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{"name": "http", "port": target, "protocol": "TCP"}]})
    return made["spec"]["clusterIP"]


def connects(address, port):
    try:
        socket.create_connection((address, port), timeout=0.2).close()
        return True
    except OSError:
        return False


def in_kernel(text):
    return text in subprocess.run(["nft", "list", "table", "ip", "martlet"], capture_output=True, text=True).stdout


class Nginx:
    """nginx with the same backend, on a port of its own."""

    def __init__(self, root, port, backend):
        tool = shutil.which("nginx")
        if not tool:
            raise bench.Failed("nginx is not installed (apt install nginx-light)")
        path = os.path.join(root, "nginx.conf")
        with open(path, "w") as file:
            file.write(f"""
                worker_processes auto; daemon off; pid {root}/nginx.pid; error_log /dev/null;
                events {{ worker_connections 1024; }}
                http {{
                  access_log off; client_body_temp_path {root}/b; proxy_temp_path {root}/p;
                  fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
                  keepalive_requests 1000000;
                  upstream backend {{ server {NODE}:{backend}; keepalive 64; keepalive_requests 1000000; }}
                  server {{
                    listen 127.0.0.1:{port};
                    location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }}
                  }}
                }}
                """)
        self.process = subprocess.Popen([tool, "-c", path, "-e", "/dev/null"])
        bench.wait("nginx", lambda: connects("127.0.0.1", port), 10)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


# ---------------------------------------------------------------------------------------------------- the measures


def measure(arguments, root):
    cluster = bench.Cluster(os.path.abspath(arguments.binary), root, "network", True)
    cluster.up()
    backends = []
    port = bench.free_port()

    def line(what, work):
        try:
            print(f"| {what} | {work()} |", flush=True)
        except (bench.Failed, OSError, subprocess.TimeoutExpired) as failure:
            print(f"| {what} | – ({failure}) |", flush=True)

    try:
        for _ in range(os.cpu_count() or 1):
            backends.append(multiprocessing.Process(target=serve, args=(port,), daemon=True))
            backends[-1].start()
        bench.wait("the backend", lambda: connects(NODE, port), 10)
        address = service(cluster, "web", [NODE], 80, port)
        bench.wait("the service", lambda: connects(address, 80), 10)
        count = arguments.requests

        def latency(address, port):
            median, late = latencies(address, port)
            return f"{median * 1e6:.0f} / {late * 1e6:.0f}"

        line("requests/s, directly", lambda: f"{rate(f'http://{NODE}:{port}/', count, '--h1'):,.0f}")
        line("requests/s, by the Service", lambda: f"{rate(f'http://{address}/', count, '--h1'):,.0f}")
        line("connection and request, directly, µs p50 / p99", lambda: latency(NODE, port))
        line("connection and request, by the Service, µs p50 / p99", lambda: latency(address, 80))
        line("DNS queries/s", lambda: f"{queries('10.96.0.10', 'web.default.svc.cluster.local'):,.0f}")

        cluster.must("POST", "/apis/networking.k8s.io/v1/namespaces/default/ingresses", {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"rules": [{"http": {"paths": [{
                "path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]}})

        def entry():
            found = cluster.must("GET", "/apis/networking.k8s.io/v1/namespaces/default/ingresses/web")
            entries = found.get("status", {}).get("loadBalancer", {}).get("ingress", [])
            return entries[0]["ip"] if entries else None

        bench.wait("the ingress", entry, 20)
        public = entry()
        line("Ingress, HTTP/1.1 requests/s", lambda: f"{rate(f'http://{public}/', count, '--h1'):,.0f}")
        line("Ingress, HTTP/2 over TLS requests/s", lambda: f"{rate(f'https://{public}/', count, '-m', '4'):,.0f}")

        def beside():
            nginx = Nginx(root, own, port)
            try:
                return f"{rate(f'http://127.0.0.1:{own}/', count, '--h1'):,.0f}"
            finally:
                nginx.stop()

        own = bench.free_port()
        line("nginx, HTTP/1.1 requests/s", beside)
        line(f"{arguments.services:,} Services × {arguments.endpoints} endpoints", lambda: many(cluster, arguments))
    finally:
        for backend in backends:
            backend.terminate()
        cluster.down(purge=True)


def many(cluster, arguments):
    """From the first of many Services to all of them in the kernel, and from a change of one endpoint to its effect."""
    begin = time.monotonic()
    for number in range(arguments.services):
        high, low = divmod(number, 250)
        addresses = [f"198.18.{high * arguments.endpoints % 250 + index}.{low + 1}" for index in range(arguments.endpoints)]
        service(cluster, f"s{number}", addresses, 80, 8080)
    written = time.monotonic() - begin
    bench.wait("the last service", lambda: in_kernel(f"default/s{arguments.services - 1}/"), 60, 0.1)
    applied = time.monotonic() - begin
    taken = []
    for number in range(5):
        path = f"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/s{number}"
        mark = f"198.19.0.{number + 1} . 8080"
        begin = time.monotonic()
        cluster.must("PATCH", path, [{"op": "replace", "path": "/endpoints/0/addresses/0",
                                      "value": f"198.19.0.{number + 1}"}], "application/json-patch+json")
        bench.wait("the change", lambda: in_kernel(mark), 30, 0.005)
        taken.append(time.monotonic() - begin)
    return (f"in the kernel {applied:.1f} s after the first was sent (written after {written:.1f} s); "
            f"one endpoint changed: {statistics.median(taken) * 1000:.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--requests", type=int, default=20000)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=10)
    arguments = parser.parse_args()
    root = tempfile.mkdtemp(prefix="martlet-network-")
    try:
        print("| measure | here |")
        print("| --- | --- |", flush=True)
        measure(arguments, root)
    except bench.Failed as failure:
        sys.exit(f"network.py: {failure}")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()

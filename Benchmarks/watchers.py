"""Many watchers of one resource: how long changes take to reach them, and how many get through.

Each watcher is a connection of its own, as clients have it. All of them are read; a few are looked into, since looking
into every event would measure this program instead. Every change carries the time at which it was sent.
"""

import http.client
import json
import multiprocessing
import re
import resource
import select
import socket
import time

PATH = "/api/v1/namespaces/default/configmaps"
OBJECTS = 50
LOOKED_INTO = 20
STAMP = re.compile(rb'"sent":"([0-9.]+)"')


def write(port, context, rate, seconds, share, shares, done):
    """Changes objects at its share of `rate` for `seconds`; puts how many were made."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
    begin = time.monotonic()
    count = 0
    while True:
        due = begin + count * shares / rate
        now = time.monotonic()
        if now - begin >= seconds:
            break
        if due > now:
            time.sleep(due - now)
        name = f"watched-{(count * shares + share) % OBJECTS}"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                "data": {"sent": f"{time.monotonic():.6f}"}}
        connection.request("PUT", f"{PATH}/{name}", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status < 300:
            count += 1
    done.put(count)


def connect(port, context, revision):
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = context.wrap_socket(plain, server_hostname="127.0.0.1")
    connection.sendall(
        f"GET {PATH}?watch=1&resourceVersion={revision} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    connection.setblocking(False)
    return connection


def drain(connection):
    """All that has come."""
    parts = []
    while True:
        try:
            part = connection.recv(1 << 17)
        except (BlockingIOError, OSError) as error:
            # SSLWantRead is an OSError, too; anything else ends with the connection.
            if "WantRead" in type(error).__name__ or isinstance(error, BlockingIOError):
                break
            return b"".join(parts), False
        if not part:
            return b"".join(parts), False
        parts.append(part)
    return b"".join(parts), True


def measure(cluster, watchers=1000, rate=1000, seconds=10):
    """Median and 99th percentile of the delay in seconds, changes and events a second, and watchers that were ended."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = cluster.context()
    for index in range(OBJECTS):
        cluster.must("POST", PATH, {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"watched-{index}"}, "data": {}})
    revision = cluster.must("GET", f"{PATH}?limit=1")["metadata"]["resourceVersion"]
    open_ones = {}
    poll = select.epoll()
    for _ in range(watchers):
        connection = connect(cluster.port, context, revision)
        open_ones[connection.fileno()] = connection
        poll.register(connection.fileno(), select.EPOLLIN)
    sample = set(list(open_ones)[:: max(1, watchers // LOOKED_INTO)])
    # Forked, so that they inherit the connection settings.
    processes = multiprocessing.get_context("fork")
    done = processes.Queue()
    shares = 8
    writers = [
        processes.Process(target=write, args=(cluster.port, context, rate, seconds, share, shares, done))
        for share in range(shares)]
    for writer in writers:
        writer.start()
    delays, received, ended = [], 0, 0
    rest = {number: b"" for number in sample}
    begin = time.monotonic()
    finished = None
    while True:
        now = time.monotonic()
        if finished is None and not any(writer.is_alive() for writer in writers):
            finished = now
        ready = poll.poll(0.5)
        # After the last change the watchers catch up.
        if finished is not None and (not ready or now - finished > 20):
            break
        for number, _ in ready:
            data, alive = drain(open_ones[number])
            received += data.count(b'{"type":"')
            if number in sample:
                now = time.monotonic()
                text = rest[number] + data
                end = text.rfind(b"\n") + 1
                rest[number] = text[end:]
                delays.extend(now - float(stamp) for stamp in STAMP.findall(text[:end]))
            if not alive:
                poll.unregister(number)
                open_ones.pop(number).close()
                ended += 1
    elapsed = (finished or time.monotonic()) - begin
    changes = sum(done.get() for _ in writers)
    for writer in writers:
        writer.join()
    for connection in open_ones.values():
        connection.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    delays.sort()
    return {
        "median": delays[len(delays) // 2] if delays else None,
        "p99": delays[len(delays) * 99 // 100] if delays else None,
        "changes": changes / elapsed, "events": received / elapsed, "ended": ended, "elapsed": elapsed,
    }

#!/bin/sh
# Installs the Debian packages that building and running Martlet need, where they are missing.
set -eu

missing=
# want COMMAND-OR-FILE PACKAGE
want() {
    [ -e "$1" ] || command -v "$1" > /dev/null 2>&1 || PATH="$PATH:/usr/sbin:/sbin" command -v "$1" > /dev/null 2>&1 ||
        missing="$missing $2"
}

want containerd containerd
want runc runc
want /usr/lib/cni/bridge containernetworking-plugins
want nft nftables
want iptables iptables
want conntrack conntrack
want ip iproute2
want busybox busybox-static
want curl curl
want etcd etcd-server
want pkg-config pkg-config
want /usr/include/sqlite3.h libsqlite3-dev
want /usr/include/zlib.h zlib1g-dev
want kubectl kubernetes-client
want python3 python3
# The module that makes virtual environments is a package of its own.
python3 -c 'import ensurepip, venv' > /dev/null 2>&1 || missing="$missing python3-venv"

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "prerequisites: missing:$missing; run as root, or: apt-get install$missing" >&2
        exit 1
    fi
    echo "installing$missing"
    # containerd's and etcd's packages start services of their own where there is an init; Martlet and its tests run
    # their own and need none.
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing > /tmp/martlet-apt.log 2>&1 || {
        tail -n 20 /tmp/martlet-apt.log >&2
        exit 1
    }
fi

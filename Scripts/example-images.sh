#!/bin/sh
# Makes the images that the examples use, on the spot and without a registry: busybox (Debian's busybox-static) and a
# small web application in two versions, packed as docker-archive tars.
#
#   example-images.sh DIRECTORY [helloworld|slides]
#
# writes the tars into DIRECTORY, one per image, and prints their paths.
set -eu

out=${1:?usage: example-images.sh DIRECTORY [helloworld|slides]}
which=${2:-all}
busybox=$(command -v busybox) || { echo "example-images: busybox is missing: apt-get install busybox-static" >&2; exit 1; }
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# root DIR: a root file system with busybox and its applets.
root() {
    mkdir -p "$1/bin" "$1/etc" "$1/tmp" "$1/www" "$1/proc" "$1/sys" "$1/dev"
    chmod 1777 "$1/tmp"
    cp "$busybox" "$1/bin/busybox"
    for applet in $("$busybox" --list); do
        [ "$applet" = busybox ] || ln -sf busybox "$1/bin/$applet"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' > "$1/etc/passwd"
    echo 'root:x:0:' > "$1/etc/group"
}

# pack NAME ROOT COMMAND…: one layer, one configuration, one docker-archive.
pack() {
    name=$1 tree=$2
    shift 2
    image="$work/image"
    rm -rf "$image"
    mkdir -p "$image"
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$tree" -cf "$image/layer.tar" .
    digest=$(sha256sum "$image/layer.tar" | cut -d' ' -f1)
    command=
    for word; do command="$command${command:+,}\"$word\""; done
    case $(uname -m) in aarch64) arch=arm64 ;; *) arch=amd64 ;; esac
    cat > "$image/config.json" <<JSON
{"architecture":"$arch","os":"linux","created":"1970-01-01T00:00:00Z","config":{"Env":["PATH=/bin"],"Cmd":[$command]},"rootfs":{"type":"layers","diff_ids":["sha256:$digest"]}}
JSON
    printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]\n' "$name" > "$image/manifest.json"
    file="$out/$(echo "$name" | tr '/:' '__').tar"
    tar -C "$image" -cf "$file" manifest.json config.json layer.tar
    echo "$file"
}

# web NAME PORT VERSION [COMMAND]: a web server that says which version and which pod answers, after the command;
# /health answers 200.
web() {
    tree="$work/web"
    rm -rf "$tree"
    root "$tree"
    mkdir -p "$tree/www/cgi-bin"
    cat > "$tree/www/cgi-bin/index.cgi" <<CGI
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
${4:-}
echo "Hello World! version $3 from \$(hostname)"
CGI
    chmod +x "$tree/www/cgi-bin/index.cgi"
    echo ok > "$tree/www/health"
    # Process 1 gets no default action for a signal, so the shell has to catch TERM to end at once.
    cat > "$tree/bin/serve" <<SERVE
#!/bin/sh
trap 'exit 0' TERM INT
echo "version $3 listens on port $2"
httpd -f -p $2 -h /www &
wait
SERVE
    chmod +x "$tree/bin/serve"
    pack "$1" "$tree" /bin/serve
}

if [ "$which" != slides ]; then
    web martlet.local/helloworld:v1 3000 v1
    web martlet.local/helloworld:v2 3000 v2
fi
if [ "$which" != helloworld ]; then
    web docker.io/wardviaene/k8s-demo:latest 3000 1
    web docker.io/learnk8s/app:1.0.0 8080 1.0.0
    web docker.io/learnk8s/app:2.0.0 8080 2.0.0
    web docker.io/codeurjc/webgatos:v1 5000 v1
    # Square roots, so that requests cost something.
    web docker.io/codeurjc/web:v1 5000 v1 "awk 'BEGIN { for (i = 0; i < 300000; i++) x += sqrt(i) }'"
    tree="$work/busybox"
    root "$tree"
    printf "#!/bin/sh\ntrap 'exit 0' TERM INT\n[ -t 0 ] && exec sh\nsleep 2147483647 &\nwait\n" > "$tree/bin/idle"
    chmod +x "$tree/bin/idle"
    pack docker.io/library/busybox:latest "$tree" /bin/idle
fi

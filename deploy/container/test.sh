#!/usr/bin/env bash
# Builds the image from the Dockerfile and tries it: twice the same bytes, for
# another processor too, small, not root, no shell, and serving 64 clients in 32 MiB
# with a read-only root and no capabilities. As root on Debian; nothing is pulled
# (see ../testing/containers.sh).
#
#   deploy/container/test.sh         work in a temporary folder
#   WORK=dir deploy/container/test.sh    keep it, with the images, for other such tests
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/containers.sh

name=dvproxy-container-test
origin=http://localhost:$(free_port) admin=http://localhost:$(free_port)
# Swap would hide that memory is short. With the memory come the runtime's own
# 5 MiB or so while a container is started.
run=(podman run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --memory 32m --memory-swap 32m --pids-limit 200)

# program copies the program out of an image, and the list of what is in it.
program() {
	local container
	container=$(podman create --no-healthcheck "$1")
	podman cp "$container:/dvproxy" "$2"
	podman cp "$container:/dvproxy.cdx.json" "$2.cdx.json"
	podman rm "$container" >/dev/null
}

# built for arm64, on this machine, as buildx does it for --platform.
cross() {
	local arch=arm64
	[[ $(go env GOARCH) != arm64 ]] || arch=amd64
	build dvproxy:cross --platform "linux/$arch"
	program dvproxy:cross "$work/cross"
	go version -m "$work/cross" | grep -q "GOARCH=$arch" || fail "the image for $arch holds: $(go version -m "$work/cross")"
	[[ $(podman image inspect -f '{{.Architecture}}' dvproxy:cross) == "$arch" ]] || fail "the image for $arch says it is for another"
}

look() {
	local version size label
	version=$("${run[@]}" --network none --no-healthcheck dvproxy:test version)
	[[ $version == "dvproxy v0.0.1-test "* ]] || fail "version says $version"
	"${run[@]}" --network none --no-healthcheck --entrypoint /bin/sh dvproxy:test -c true 2>/dev/null && fail "there is a shell in it"
	[[ $(podman image inspect -f '{{.Config.User}}' dvproxy:test) == 65532:65532 ]] || fail "it runs as root"
	"${run[@]}" --network none --no-healthcheck dvproxy:test serve >"$work/unset.log" 2>&1 && fail "serve without settings exits 0"
	grep -q DATAVERSE_URL "$work/unset.log" || fail "serve without settings says: $(<"$work/unset.log")"
	size=$(podman image inspect -f '{{.Size}}' dvproxy:test)
	((size < 20000000)) || fail "the image has $size bytes"
	for label in title=dvproxy version=v0.0.1-test revision=0123abc base.name=gcr.io/distroless/static-debian12:nonroot; do
		[[ $(podman image inspect -f "{{index .Config.Labels \"org.opencontainers.image.${label%%=*}\"}}" dvproxy:test) == "${label#*=}" ]] ||
			fail "the label org.opencontainers.image.${label%%=*} is not ${label#*=}"
	done
	# What scanners and SBOM tools read.
	program dvproxy:test "$work/dvproxy"
	go version -m "$work/dvproxy" | grep -qE 'dep\s+github.com/go-chi/chi' || fail "the program does not say what modules it has"
	grep -q 'pkg:golang/github.com/go-chi/chi/v5@' "$work/dvproxy.cdx.json" || fail "the SBOM does not list its modules"
	grep -q "$(sha256sum <"$work/dvproxy" | cut -d' ' -f1)" "$work/dvproxy.cdx.json" || fail "the SBOM is of another program"
}

# serve starts it beside the simulator, with a disk for bodies: a tmpfs would count
# as memory.
serve() {
	tenant
	rm -rf "$work/bodies"
	mkdir -m 1777 "$work/bodies"
	"${run[@]}" --name "$name" -v "$work/bodies:/tmp" --network host \
		-e DATAVERSE_URL="$(field dataverse_url)" -e AZURE_AUTHORITY_HOST="$(field entra_url)" \
		-e AZURE_TENANT_ID="$(field tenant_id)" -e AZURE_CLIENT_ID="$(field client_id)" -e AZURE_CLIENT_SECRET="$(field client_secret)" \
		-e DVPROXY_LISTEN="${origin#http://}" -e DVPROXY_ADMIN="${admin#http://}" dvproxy:test >"$work/serve.log" 2>&1 &
	proxy=$!
	eventually curl -fsS -o /dev/null "$admin/readyz" 2>/dev/null
}

# healthy runs the image's own health check. (Podman has systemd run it by the
# clock, and complains where there is none.)
healthy() {
	podman healthcheck run "$name" || fail "the health check exits $?"
	podman exec -e DVPROXY_ADMIN=localhost:1 "$name" /dvproxy healthcheck 2>/dev/null && fail "healthcheck of nothing exits 0"
	true
}

# burden asks much of it, and wants every answer to be right.
burden() {
	go build -o "$work/load" ./deploy/testing/load
	"$work/load" -origin "$origin" -control "$(field control_url)" || fail "under load: $(tail -n 2 "$work/serve.log")"
	grep -q '"attempts":2' "$work/serve.log" || fail "no token was refused"
	healthy # in the same 32 MiB, after it
}

leave() {
	podman stop -t 20 "$name" >/dev/null
	wait "$proxy" || fail "it exits $? when it is told to stop: $(tail -n 2 "$work/serve.log")"
}

clean_up() {
	podman rm -f "$name" >/dev/null 2>&1 || true
	[[ -z ${simulator:-} ]] || kill "$simulator" 2>/dev/null || true
	tidy
}

tools
own_settings
trap 'finish $? "$BASH_COMMAND"' EXIT
image
look
build dvproxy:again --platform "linux/$(go env GOARCH)" --build-arg REVISION=0123abc
[[ $(layers dvproxy:again) == "$(layers dvproxy:test)" ]] || fail "two builds of one source differ"
cross
serve
healthy
burden
leave
echo "ok: $(podman image inspect -f '{{.Size}}' dvproxy:test) bytes, layers $(layers dvproxy:test)"

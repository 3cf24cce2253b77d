#!/usr/bin/env bash
# Builds the image from the Dockerfile and tries it: twice the same bytes, not
# root, no shell, and serving with a read-only root and no capabilities. As root
# on Debian; nothing is pulled. Stand-ins carry the base images' names: Debian
# with this machine's Go, and a scratch image with CA roots and a nonroot user.
# That tests the Dockerfile, not the real bases.
#
#   deploy/container/test.sh         work in a temporary folder
#   WORK=dir deploy/container/test.sh    keep it, stand-ins too, for the next time
set -euo pipefail
cd "$(dirname "$0")/../.."

keep=${WORK:-}
work=$(realpath -m "${WORK:-$(mktemp -d)}")
mkdir -p "$work"

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

tools() {
	local missing=()
	for tool in podman buildah runc debootstrap curl; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	((${#missing[@]} == 0)) && return
	((EUID == 0)) || fail "install ${missing[*]}, and run this as root"
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${missing[@]}" netavark aardvark-dns >/dev/null
}

# Storage and settings of our own, so that no stand-in is taken for the real
# thing later. crun and high limits fail where this itself runs in a container.
own_settings() {
	cat >"$work/containers.conf" <<-E
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		[network]
		network_backend = "netavark"
		[engine]
		runtime = "runc"
		events_logger = "file"
	E
	cat >"$work/storage.conf" <<-E
		[storage]
		driver = "${DRIVER:-overlay}"
		graphroot = "$work/images"
		runroot = "$work/run"
	E
	export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot
}

# commit name folder [buildah config...] makes an image of a folder.
commit() {
	local name=$1 folder=$2 container
	shift 2
	container=$(buildah from --pull=never scratch)
	buildah copy -q "$container" "$folder" / >/dev/null
	buildah config "$@" "$container"
	buildah commit -q --format docker "$container" "$name" >/dev/null
	buildah rm "$container" >/dev/null
}

stand_ins() {
	if ! podman image exists docker.io/library/golang:1.26; then
		debootstrap --variant=minbase --include=git,ca-certificates bookworm "$work/debian" >"$work/debootstrap.log" 2>&1 ||
			fail "debootstrap: $(tail -n 5 "$work/debootstrap.log")"
		cp -a "$(go env GOROOT)" "$work/debian/usr/local/go"
		commit docker.io/library/golang:1.26 "$work/debian" --env PATH=/usr/local/go/bin:/usr/bin:/bin --env GOTOOLCHAIN=local
		rm -rf "$work/debian"
	fi
	if ! podman image exists gcr.io/distroless/static-debian12:nonroot; then
		mkdir -p "$work/static/etc/ssl/certs" "$work/static/tmp"
		chmod 1777 "$work/static/tmp"
		cp /etc/ssl/certs/ca-certificates.crt "$work/static/etc/ssl/certs/"
		printf 'root:x:0:0::/:/\nnonroot:x:65532:65532::/:/\n' >"$work/static/etc/passwd"
		printf 'root:x:0:\nnonroot:x:65532:\n' >"$work/static/etc/group"
		commit gcr.io/distroless/static-debian12:nonroot "$work/static" --user 65532
	fi
}

# snapshot copies the source, so that it is the same for both builds.
snapshot() {
	rm -rf "$work/src"
	mkdir "$work/src"
	tar -c --exclude=./bin --exclude=./dist --exclude=node_modules . | tar -x -C "$work/src"
}

# build tag builds from nothing, without a network: modules come from Go's cache.
build() {
	buildah bud --quiet --no-cache --pull=never --network=none --format docker --timestamp 0 \
		-v "$(go env GOMODCACHE)/cache/download:/modules:ro" --build-arg GOPROXY=file:///modules \
		--build-arg VERSION=v0.0.1-test --platform "linux/$(go env GOARCH)" --tag "$1" "$work/src" >"$work/build.log" 2>&1 ||
		fail "build: $(tail -n 20 "$work/build.log")"
}

# layers are what an image holds. (Its configuration names the container that it
# was built in, with some builders.)
layers() { podman image inspect -f '{{range .RootFS.Layers}}{{.}} {{end}}' "$1"; }

run=(podman run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --memory 64m)

try() {
	local version
	version=$("${run[@]}" --network none dvproxy:test version)
	[[ $version == "dvproxy v0.0.1-test "* ]] || fail "version says $version"
	"${run[@]}" --network none --entrypoint /bin/sh dvproxy:test -c true 2>/dev/null && fail "there is a shell in it"
	[[ $(podman image inspect -f '{{.Config.User}}' dvproxy:test) == 65532:65532 ]] || fail "it runs as root"
	"${run[@]}" --network none dvproxy:test serve >"$work/unset.log" 2>&1 && fail "serve without settings exits 0"
	grep -q DATAVERSE_URL "$work/unset.log" || fail "serve without settings says: $(<"$work/unset.log")"
}

# eventually command... waits up to 10 s until the command succeeds.
eventually() {
	for _ in {1..100}; do
		"$@" && return
		read -rt 0.1 <> <(:) || true
	done
	fail "not within 10 s: $*"
}

serve() {
	local json row origin=http://localhost:17080 admin=http://localhost:17081
	go build -o "$work/simulator" ./cmd/simulator
	"$work/simulator" --json --entra-listen 127.0.0.1:0 --dataverse-listen 127.0.0.1:0 --control-listen 127.0.0.1:0 >"$work/tenant.json" &
	simulator=$!
	eventually test -s "$work/tenant.json"
	json=$(<"$work/tenant.json")
	field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" <<<"$json"; }
	"${run[@]}" --name dvproxy-test --tmpfs /tmp --network host \
		-e DATAVERSE_URL="$(field dataverse_url)" -e AZURE_AUTHORITY_HOST="$(field entra_url)" \
		-e AZURE_TENANT_ID="$(field tenant_id)" -e AZURE_CLIENT_ID="$(field client_id)" -e AZURE_CLIENT_SECRET="$(field client_secret)" \
		-e DVPROXY_LISTEN="${origin#http://}" -e DVPROXY_ADMIN="${admin#http://}" dvproxy:test >"$work/serve.log" 2>&1 &
	proxy=$!
	eventually curl -fsS -o /dev/null "$admin/readyz" 2>/dev/null
	curl -fsS "$origin/api/data/v9.2/WhoAmI" | grep -q UserId || fail "WhoAmI is not answered"
	# A token refused in the middle, and a body larger than is kept in memory: it
	# is sent again from /tmp.
	row="$origin/api/data/v9.2/accounts(11111111-1111-1111-1111-111111111111)"
	curl -fsS -X PATCH -H 'Content-Type: application/json' -d '{"name":"Contoso"}' "$row"
	curl -fsS -o /dev/null -X POST "$(field control_url)/tokens/revoke"
	head -c 2000000 /dev/zero | curl -fsS -X PATCH -H 'Content-Type: application/octet-stream' \
		-H 'x-ms-file-name: zeros.bin' --data-binary @- "$row/file" || fail "an upload is not sent again: $(tail -n 5 "$work/serve.log")"
	grep -q '"attempts":2' "$work/serve.log" || fail "no token was refused"
	podman stop -t 20 dvproxy-test >/dev/null
	wait "$proxy" || fail "it exits $? when it is told to stop: $(tail -n 5 "$work/serve.log")"
}

clean_up() {
	podman rm -f dvproxy-test >/dev/null 2>&1 || true
	[[ -z ${simulator:-} ]] || kill "$simulator" 2>/dev/null || true
	if [[ -z $keep ]]; then
		podman rmi -af >/dev/null 2>&1 || true
		umount "$work/images/overlay" 2>/dev/null || true
		rm -rf "$work"
	fi
}

tools
own_settings
trap clean_up EXIT
go mod download
stand_ins
snapshot
build dvproxy:test
build dvproxy:again
[[ $(layers dvproxy:again) == "$(layers dvproxy:test)" ]] || fail "two builds of one source differ"
try
serve
echo "ok: $(podman image inspect -f '{{.Size}}' dvproxy:test) bytes, layers $(layers dvproxy:test)"

# What the tests that run containers share; sourced by them, from the project's
# root, as root on Debian. Nothing is pulled: stand-ins carry the base images'
# names, Debian with this machine's Go, and a scratch image with CA roots and a
# nonroot user. That tests what is ours, not the real bases.
#
# WORK=dir keeps the folder, stand-ins too, for the next time.

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

# eventually command... waits up to 10 s until the command succeeds.
eventually() {
	for _ in {1..100}; do
		"$@" && return
		read -rt 0.1 <> <(:) || true
	done
	fail "not within 10 s: $*"
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

# tidy removes what was made, unless WORK keeps it.
tidy() {
	[[ -z $keep ]] || return 0
	podman rmi -af >/dev/null 2>&1 || true
	umount "$work/images/overlay" 2>/dev/null || true
	rm -rf "$work"
}

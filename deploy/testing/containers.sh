# What the tests that run containers share; sourced by them, from the project's
# root, as root on Debian. Nothing is pulled: stand-ins carry the base images'
# names, one that finds this machine's programs and Go where a build mounts them,
# and one with CA roots and a nonroot user. That tests what is ours, not the real
# bases.
#
# WORK=dir keeps the folder, stand-ins too, for the next time.

source deploy/testing/shell.sh

keep=${WORK:-}
work=$(realpath -m "${WORK:-$(mktemp -d)}")
mkdir -p "$work"

# tools installs what is missing of what all scripts need, and of what is named, by
# command or by command:package.
tools() {
	local wanted
	mapfile -t wanted < <(missing podman buildah runc curl git update-ca-certificates:ca-certificates "$@")
	((${#wanted[@]} == 0)) || packages "${wanted[@]}" netavark aardvark-dns
	((EUID == 0)) || fail "run this as root"
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
	# With WORK, of a run that was broken off.
	podman pod rm -af >/dev/null
	podman rm -af -t 0 >/dev/null
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

# debian is the outside of a Debian whose programs are this machine's, mounted at
# /usr. Nothing is copied, so it is made in a moment.
debian() {
	local root=$1 link
	mkdir -p "$root"/{etc/ssl/certs,root,tmp,usr,var/tmp}
	chmod 1777 "$root/tmp" "$root/var/tmp"
	for link in /bin /sbin /lib*; do
		[[ ! -L $link ]] || cp -a "$link" "$root$link"
	done
	[[ -L $root/bin ]] || fail "/bin is no link to /usr/bin here: is this Debian 12 or later?"
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	printf 'root:x:0:0::/root:/bin/sh\nnonroot:x:65532:65532::/:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnonroot:x:65532:\n' >"$root/etc/group"
}

# programs puts programs of this machine and their libraries into a folder.
programs() {
	local root=$1 program library
	shift
	mkdir -p "$root/bin"
	for program in "$@"; do
		program=$(command -v "$program")
		cp -L "$program" "$root/bin/"
		while read -r library; do
			mkdir -p "$root$(dirname "$library")"
			cp -L "$library" "$root$library"
		done < <(ldd "$program" | grep -oE '/[^ ]+ ' || true)
	done
}

stand_ins() {
	[[ -s /etc/ssl/certs/ca-certificates.crt ]] || fail "install ca-certificates"
	if ! podman image exists docker.io/library/golang:1.26; then
		debian "$work/debian"
		commit docker.io/library/golang:1.26 "$work/debian" \
			--env PATH=/usr/local/go/bin:/usr/bin:/bin --env GOTOOLCHAIN=local --env GOCACHE=/cache
		rm -rf "$work/debian"
	fi
	if ! podman image exists gcr.io/distroless/static-debian12:nonroot; then
		mkdir -p "$work/static/etc/ssl/certs" "$work/static/tmp"
		chmod 1777 "$work/static/tmp"
		cp /etc/ssl/certs/ca-certificates.crt "$work/static/etc/ssl/certs/"
		printf 'root:x:0:0::/:/\nnonroot:x:65532:65532::/:/\n' >"$work/static/etc/passwd"
		printf 'root:x:0:\nnonroot:x:65532:\n' >"$work/static/etc/group"
		commit gcr.io/distroless/static-debian12:nonroot "$work/static" --user 65532
		rm -rf "$work/static"
	fi
}

# snapshot copies the source, so that it is the same for every build. A linked
# work tree's .git leads out of the folder, and git would fail in the container.
snapshot() {
	rm -rf "$work/src"
	mkdir "$work/src"
	tar -c --exclude=./bin --exclude=./dist --exclude=node_modules . | tar -x -C "$work/src"
	[[ -d $work/src/.git ]] || rm -f "$work/src/.git"
}

# build tag [argument...] builds the unmodified Dockerfile without a network:
# modules come from Go's cache, and what was compiled before is not again, as with
# a cache mount. (BUILDPLATFORM is what BuildKit sets, and old buildah does not.)
build() {
	local tag=$1
	shift
	buildah bud --quiet --no-cache --pull=never --network=none --format docker --timestamp 0 \
		-v /usr:/usr:ro -v "$(go env GOROOT):/usr/local/go:ro" -v "$(go env GOCACHE):/cache" \
		-v "$(go env GOMODCACHE)/cache/download:/modules:ro" --build-arg GOPROXY=file:///modules \
		--build-arg "BUILDPLATFORM=linux/$(go env GOARCH)" --build-arg VERSION=v0.0.1-test "$@" --tag "$tag" "$work/src" >"$work/build.log" 2>&1 ||
		fail "build: $(tail -n 20 "$work/build.log")"
}

# image makes dvproxy:test, unless it was made of this very source before, by another
# script with the same WORK.
image() {
	local source
	go mod download
	stand_ins
	snapshot
	source=$(tar -c --sort=name --mtime=@0 -C "$work/src" --exclude=./.git . | sha256sum)
	if ! podman image exists dvproxy:test || [[ $(cat "$work/image.of" 2>/dev/null) != "$source" ]]; then
		build dvproxy:test --platform "linux/$(go env GOARCH)" --build-arg REVISION=0123abc
		echo "$source" >"$work/image.of"
	fi
}

# tenant starts the simulator, and field NAME is then a field of what it announces.
tenant() {
	go build -o "$work/simulator" ./cmd/simulator
	: >"$work/tenant.json"
	"$work/simulator" --json --page-size 5000 --kept-file 16777216 --entra-listen 127.0.0.1:0 --dataverse-listen 127.0.0.1:0 \
		--graph-listen 127.0.0.1:0 --control-listen 127.0.0.1:0 "$@" >"$work/tenant.json" &
	simulator=$!
	eventually test -s "$work/tenant.json"
}
field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" "$work/tenant.json"; }

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

#!/usr/bin/env bash
# Makes a release of this commit twice and compares: in two clones at different
# places, with nothing in Go's build cache, and with another umask, time zone,
# locale and Go flags the second time. Needs bin/nfpm ("make release-check").
#
#   deploy/packages/twice.sh                      all platforms
#   deploy/packages/twice.sh -only linux/amd64    flags are cmd/release's
#   WARM=1 deploy/packages/twice.sh               with the build cache: quicker, proves less
set -euo pipefail
cd "$(dirname "$0")/../.."

nfpm=$PWD/bin/nfpm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

once() { # dist place flag...
	local dist=$work/$1 place=$work/$2
	shift 2
	git clone -q . "$place"
	# A tag that is there in one clone only: the bytes must not depend on it.
	[[ $dist != *two ]] || git -C "$place" -c user.name=x -c user.email=x@localhost tag -a -m x v99.0.0
	[[ -n ${WARM:-} ]] || export GOCACHE="$work/cache"
	(cd "$place" && "$work/release" -version v0.0.0-twice -nfpm "$nfpm" -out "$dist" "$@" >/dev/null)
	rm -rf "$work/cache"
}

# Built before the environment is made odd, which is for what it runs.
go build -o "$work/release" ./cmd/release
(once one here "$@")
(
	umask 077
	export TZ=Asia/Tokyo LC_ALL=C GOAMD64=v3 GOFLAGS=-buildvcs=true
	once two a/longer/way "$@"
)
diff "$work/one/SHA256SUMS" "$work/two/SHA256SUMS" || {
	echo "two releases of one commit differ" >&2
	exit 1
}
(cd "$work/two" && sha256sum --quiet -c SHA256SUMS)
cat "$work/one/SHA256SUMS"
echo "ok: twice the same bytes"

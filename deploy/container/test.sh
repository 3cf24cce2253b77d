#!/usr/bin/env bash
# Builds the image from the Dockerfile and tries it: twice the same bytes, not
# root, no shell, and serving with a read-only root and no capabilities. As root
# on Debian; nothing is pulled (see ../testing/containers.sh).
#
#   deploy/container/test.sh         work in a temporary folder
#   WORK=dir deploy/container/test.sh    keep it, stand-ins too, for the next time
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/containers.sh

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
	tidy
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

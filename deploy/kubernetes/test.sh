#!/usr/bin/env bash
# Runs the pods of the CronJobs as a cluster would, with the image from the unmodified
# Dockerfile and the manifests as they are: a job pushes rows through dvproxy while
# tokens die, ends, and dvproxy leaves. The simulator is a third container. Before
# that, everything in deploy/ is validated. As root on Debian; nothing is pulled (see
# ../testing/containers.sh).
#
#   deploy/kubernetes/test.sh         work in a temporary folder
#   WORK=dir deploy/kubernetes/test.sh    keep it, with the images, for other such tests
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/containers.sh

pod=dvproxy-kubernetes-test

# validate checks the manifests, and that broken ones are found out.
validate() {
	# Not vetted: "make lint" does that, and it takes as long as all the rest.
	(cd tools/manifests && go test -vet=off . && go build -o "$work/manifests" .)
}

# cluster makes the images that the pods are of.
cluster() {
	image
	CGO_ENABLED=0 go build -o "$work/simulator" ./cmd/simulator
	mkdir -p "$work/tenant" "$work/job"
	cp "$work/simulator" "$work/tenant/"
	commit localhost/simulator:test "$work/tenant" --entrypoint '["/simulator"]'
	programs "$work/job" sh curl date grep
	install -m 755 deploy/kubernetes/nightly-import.test.sh "$work/job/bin/nightly-import"
	commit localhost/nightly-import:test "$work/job" --entrypoint '["/bin/nightly-import"]' --env PATH=/bin
	rm -rf "$work/job" "$work/tenant"
}

# overlay writes one as a user would, for the simulated tenant.
overlay() {
	local folder=$work/overlay
	mkdir -p "$folder"
	cat >"$folder/kustomization.yaml" <<-E
		apiVersion: kustomize.config.k8s.io/v1beta1
		kind: Kustomization
		resources: [$(realpath --relative-to="$folder" "deploy/kubernetes/overlays/$1")]
		configMapGenerator:
		  - name: dataverse
		    namespace: dataverse
		    behavior: merge
		    literals: ["DATAVERSE_URL=http://localhost:7181", "AZURE_AUTHORITY_HOST=http://localhost:7180"]
	E
}

in_pod() { nsenter --net --target "$(podman inspect -f '{{.State.Pid}}' "$pod-tenant")" "$@"; }

# play runs the pod of an overlay, with tokens that live 3 s.
play() {
	local seen
	overlay "$1"
	podman pod create --name "$pod" --network none --share net >/dev/null
	podman run --detach --pod "$pod" --name "$pod-tenant" localhost/simulator:test --token-lifetime 3s --page-size 5000 \
		--tenant 00000000-0000-0000-0000-000000000000 --client-id 11111111-1111-1111-1111-111111111111 \
		--client-secret 0123456789abcdef0123456789abcdef >/dev/null
	in_pod ip address add 10.255.0.1/32 dev lo # one that is not loopback, as a pod has
	POD=$pod "$work/manifests" -dvproxy "$work/dvproxy" play "$work/overlay" || fail "$1"
	seen=$(in_pod curl -fsS http://localhost:7182/stats | tr -d ' \n')
	[[ $seen == *'"dead_tokens":0,'* ]] || fail "$1: a dead token was sent: $seen"
	[[ $seen == *'"repeated":0,'* ]] || fail "$1: a request was executed twice: $seen"
	(($(sed -E 's/.*"issued":([0-9]+).*/\1/' <<<"$seen") > 3)) || fail "$1: no token died meanwhile: $seen"
	podman pod rm -f "$pod" >/dev/null
	echo "ok $1"
}

clean_up() {
	podman pod rm -f "$pod" >/dev/null 2>&1 || true
	tidy
}

tools catatonit ip:iproute2
own_settings
trap 'finish $? "$BASH_COMMAND"' EXIT
validate
cluster
play cronjob
play cronjob-quit

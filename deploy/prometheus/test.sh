#!/usr/bin/env bash
# Tries the rules, and a real Prometheus beside a real dvproxy: each rule and each
# panel of the Grafana dashboard must find what it asks for. As root on Debian.
# The network is one of its own, so that the usual ports are free.
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/shell.sh

if [[ ${1:-} != inside ]]; then
	mapfile -t wanted < <(missing promtool:prometheus jq ip:iproute2 openssl curl)
	packages "${wanted[@]}"
	work=$(mktemp -d)
	clean_up() { rm -rf "$work"; }
	trap 'finish $? "$BASH_COMMAND"' EXIT
	go build -o "$work/dvproxy" ./cmd/proxy
	go build -o "$work/simulator" ./cmd/simulator
	unshare --net --pid --fork --kill-child --mount-proc "$0" inside "$work"
	exit
fi

work=$2
ip link set lo up
clean_up() { :; } # the folder is the caller's
trap 'finish $? "$BASH_COMMAND"' EXIT
cp deploy/prometheus/{alerts,alerts_test,prometheus}.yaml "$work"

# control path [curl arguments] speaks to the simulator.
control() { curl -sf -o /dev/null "http://localhost:7182$@"; }
call() { curl -s -o /dev/null "$@" http://localhost:7080/api/data/v9.2/WhoAmI; }
# ask expression prints how many series there are.
ask() { curl -s --data-urlencode "query=$1" http://localhost:9090/api/v1/query | jq -e 'if .status == "success" then .data.result | length else error(.error) end'; }
some() { ask "$1" >"$work/said" 2>&1 && (($(<"$work/said") > 0)); }

try_rules() {
	promtool test rules "$work/alerts_test.yaml" >"$work/rules.log" 2>&1 || fail "$(cat "$work/rules.log")"
	promtool check config "$work/prometheus.yaml" >/dev/null
	local alert
	for alert in $(sed -n 's/.* alert: //p' "$work/alerts.yaml"); do
		[[ $(grep -A2 "alertname: $alert\$" "$work/alerts_test.yaml") == *exp_alerts* ]] || fail "no test sees $alert fire"
	done
}

# start runs all three, with a second environment that signs in with a certificate.
start() {
	local config=$work/dvproxy.yaml
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=test -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
	cat "$work/key.pem" "$work/cert.pem" >"$work/both.pem"
	(umask 077 && echo S3cret~of-the-test-0123456789abcdef >"$work/secret")
	cat >"$config" <<-E
		environments:
		  - name: contoso
		    url: http://localhost:7181
		    credential:
		      {tenant_id: 00000000-0000-0000-0000-000000000000, client_id: 00000000-0000-0000-0000-000000000000, authority: http://localhost:7180, client_secret_file: $work/secret}
		  - name: fabrikam
		    url: http://localhost:7181
		    listen: localhost:7090
		    credential:
		      {tenant_id: 00000000-0000-0000-0000-000000000000, client_id: 00000000-0000-0000-0000-000000000001, authority: http://localhost:7180, certificate_file: $work/both.pem}
	E
	"$work/simulator" --tenant 00000000-0000-0000-0000-000000000000 --client-id 00000000-0000-0000-0000-000000000000 \
		--client-secret "$(cat "$work/secret")" >"$work/simulator.log" 2>&1 &
	eventually control /stats
	"$work/dvproxy" serve --config "$config" >"$work/dvproxy.log" 2>&1 &
	proxy=$!
	eventually call -f
	sed -i 's/30s/1s/' "$work/prometheus.yaml"
	prometheus --config.file="$work/prometheus.yaml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:9090 >"$work/prometheus.log" 2>&1 &
	eventually some 'up{job="dvproxy"} == 1'
}

# stir makes every kind of series move.
stir() {
	control /tokens/revoke -X POST
	call
	control /faults/dataverse -d '{"kind":"status","status":500,"count":1}'
	call
	call -H 'Origin: https://elsewhere.example'
	kill -HUP "$proxy"
}

try_names() {
	local name known
	known=$(curl -sS http://localhost:9090/api/v1/label/__name__/values | jq -r '.data[]')
	for name in $(grep -ohE '\b(dvproxy|process|go)_[a-z_]+' deploy/prometheus/alerts.yaml deploy/grafana/dvproxy.json | sort -u); do
		grep -qx "$name" <<<"$known" || fail "there is no metric called $name"
	done
}

try_panels() {
	local expression
	while read -r expression; do
		expression=${expression//'$__rate_interval'/5s}
		expression=${expression//'$environment'/.*}
		expression=${expression//'$instance'/.*}
		eventually some "$expression"
	done < <(jq -r '.panels[].targets[].expr' deploy/grafana/dvproxy.json)
	[[ $(jq '[.panels[].id] | length == (unique | length)' deploy/grafana/dvproxy.json) == true ]] || fail "two panels have one id"
}

try_alerts() {
	local state
	curl -sS http://localhost:9090/api/v1/rules | jq -e '[.data.groups[].rules[] | select(.health == "err")] | length == 0' >/dev/null ||
		fail "a rule cannot be evaluated: $(curl -sS http://localhost:9090/api/v1/rules)"
	# The second environment has no token from the start.
	some 'ALERTS{alertname="DvproxyNoToken", environment="fabrikam"}' || return 1
	(($(ask 'ALERTS{environment="contoso", alertname=~"DvproxyNoToken|DvproxyRunwayShort|DvproxySignInFails|DvproxyTokensRefused|DvproxyThrottled"}') == 0)) ||
		fail "an alert without a reason"
}

try_rules
start
stir
try_names
try_panels
eventually try_alerts
echo "ok: $(grep -c ' alert:' deploy/prometheus/alerts.yaml) rules, $(jq '.panels | length' deploy/grafana/dvproxy.json) panels"

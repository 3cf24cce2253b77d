#!/usr/bin/env bash
# Runs the unit under a systemd of its own, in a container: starts, waits, is
# watched, reloads, drains and fails as it should. As root on Debian. Nothing is
# pulled: the container is this machine's /usr with an /etc and a /var of its own.
#
#   deploy/systemd/test.sh         work in a temporary folder
#   WORK=dir deploy/systemd/test.sh    keep it
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/containers.sh

box=dvproxy-systemd-test
secret=S3cret~of-the-test-0123456789abcdef
nobody=00000000-0000-0000-0000-000000000000 # as in the example
admin=http://localhost:7081
who=http://localhost:7080/api/data/v9.2/WhoAmI
unit=/etc/systemd/system/dvproxy.service

# podman exec takes its time on a busy machine.
inside() { nsenter -t "$init" -m -u -i -n -p -C -- "$@"; }
put() { inside install -m "$1" /dev/stdin "$3" <"$2"; } # mode, file here, file there
property() { inside systemctl show --value -p "$1" dvproxy; }
journal() { inside journalctl -q -o cat -u dvproxy; }
logged() { grep -q -- "$1" <<<"$(journal)"; }
fetch() { inside curl -sS --max-time 120 "$@"; }
is() { [[ $(property "$1") == "$2" ]]; }
says() { [[ $(property StatusText) == $1 ]]; } # a pattern
became() { [[ $(property MainPID) != "$1" && $(property MainPID) != 0 ]] && is ActiveState active; }
control() { fetch -f -o /dev/null "http://localhost:7182$@"; }

# boot starts a Debian of nothing but /usr, which systemd allows for. What would
# change this machine's kernel is masked.
boot() {
	local root=$work/root link
	rm -rf "$root"
	mkdir -p "$root"/{usr,etc/dvproxy,etc/systemd/system,var,run,proc,sys,dev,tmp,root}
	for link in /bin /sbin /lib*; do
		[[ ! -L $link ]] || cp -a "$link" "$root$link"
	done
	for link in systemd-sysctl systemd-binfmt systemd-modules-load systemd-udevd systemd-remount-fs; do
		ln -s /dev/null "$root/etc/systemd/system/$link.service"
	done
	cp /etc/nsswitch.conf "$root/etc/"
	echo 127.0.0.1 localhost >"$root/etc/hosts"
	tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id" # it is no first boot
	echo root:x:0:0::/root:/bin/sh >"$root/etc/passwd"
	printf 'root:x:0:\nintegration:x:4711:\n' >"$root/etc/group"
	podman run -d --name "$box" --systemd=always --privileged --network none --rootfs -v /usr:/usr:O \
		"$root" /lib/systemd/systemd >/dev/null
	init=$(podman inspect -f '{{.State.Pid}}' "$box")
	eventually inside test -S /run/systemd/private
	# A unit of this machine's that fails in there is no matter.
	[[ $(inside systemctl is-system-running --wait || true) =~ running|degraded ]] || fail "it does not boot: $(inside systemctl --failed --no-pager)"
	inside mount --make-rshared / # else credentials are empty
}

# install does what README.md says, with the simulator for Dataverse.
install_it() {
	local dir=$work/bin
	mkdir -p "$dir"
	go build -o "$dir/dvproxy" ./cmd/proxy
	go build -o "$dir/simulator" ./cmd/simulator
	inside rm -f /usr/lib/systemd/system/dvproxy.service # of a package on this machine
	put 755 "$dir/dvproxy" /usr/bin/dvproxy
	put 755 "$dir/simulator" /usr/bin/simulator
	inside systemd-run -q --unit simulator simulator \
		--tenant "$nobody" --client-id "$nobody" --client-secret "$secret" --token-lifetime 1h
	sed -e 's|https://contoso.crm.dynamics.com|http://localhost:7181|' \
		-e 's|^\( *\)client_id: .*|&\n\1authority: http://localhost:7180|' \
		deploy/systemd/dvproxy.yaml >"$work/dvproxy.yaml"
	put 644 "$work/dvproxy.yaml" /etc/dvproxy/dvproxy.yaml
	put 644 deploy/systemd/dvproxy.service "$unit"
	inside sh -c "umask 077; echo '$secret' >/etc/dvproxy/client-secret"
}

# override [Section] line... changes the unit as "systemctl edit" does.
override() {
	printf '%s\n' "$@" | inside sh -c "mkdir -p $unit.d; cat >$unit.d/test.conf"
	inside systemctl daemon-reload
}

restart() { inside systemctl restart dvproxy || fail "it does not start: $(journal | tail -n 5)"; }

try_unit() {
	local said
	said=$(inside systemd-analyze verify --man=no "$unit" 2>&1) || true
	[[ -z $said ]] || fail "systemd-analyze verify says: $said"
	said=$(inside systemd-analyze security --offline=true --threshold=20 --no-pager "$unit") || fail "$(tail -n 1 <<<"$said")"
	exposure=$(sed -nE 's/.*Overall exposure level.*: ([0-9.]+) .*/\1/p' <<<"$said")
}

try_start() {
	local pid
	inside systemctl start dvproxy || fail "it does not start: $(journal | tail -n 5)"
	is WatchdogUSec 30s || fail "it is not watched"
	# It was not ready before it listened: no second try.
	fetch -f -o /dev/null "$admin/livez" || fail "it is active and does not listen"
	eventually says "ready: localhost: token renews in ?? min"
	[[ $(inside systemctl status dvproxy) == *'Status: "ready: localhost: token renews'* ]] || fail "systemctl status does not show it"
	[[ $(fetch "$who") == *UserId* ]] || fail "WhoAmI is not answered"

	pid=$(property MainPID)
	[[ $(inside stat -c %u "/proc/$pid") -ge 61184 ]] || fail "it does not run as a dynamic user"
	inside grep -qE '^CapEff:\s0+$' "/proc/$pid/status" || fail "it has capabilities"
	[[ $(inside cat "/proc/$pid/environ" "/proc/$pid/cmdline" "$unit" | grep -ac "$secret") == 0 ]] || fail "the secret shows"
	[[ $(inside stat -c %a /run/credentials/dvproxy.service/client-secret) == 400 ]] || fail "the credential is open to others"
	inside sh -c 'ls /var/lib/dvproxy/tokens/*' >/dev/null || fail "no token is kept"
	inside dvproxy check --config /etc/dvproxy/dvproxy.yaml >/dev/null || fail "check does not work beside it"
}

# try_folders: a body that is sent again from a temporary file; a Unix socket
# for one group.
try_folders() {
	local row='http://localhost:7080/api/data/v9.2/accounts(11111111-1111-1111-1111-111111111111)'
	fetch -f -X PATCH -H 'Content-Type: application/json' -d '{"name":"Contoso"}' "$row"
	control /tokens/revoke -X POST
	inside sh -c "head -c 2000000 /dev/zero | curl -sSf -X PATCH -H 'Content-Type: application/octet-stream' \
		-H 'x-ms-file-name: zeros.bin' --data-binary @- '$row/file'" || fail "an upload is not sent again: $(journal | tail -n 3)"
	logged '"attempts":2' || fail "no token was refused"

	override '[Service]' SupplementaryGroups=integration
	inside sed -i 's|^  - url: .*|&\n    listen: unix:/run/dvproxy/contoso.sock\n    socket_mode: 0660\n    socket_group: integration|' /etc/dvproxy/dvproxy.yaml
	restart
	[[ $(inside stat -c '%a %G' /run/dvproxy/contoso.sock) == '660 integration' ]] || fail "the socket is not the group's"
	[[ $(inside setpriv --reuid 1234 --regid 4711 --clear-groups curl -sS --unix-socket /run/dvproxy/contoso.sock "${who/:7080/}") == *UserId* ]] ||
		fail "a member of the group is not served"
	put 644 "$work/dvproxy.yaml" /etc/dvproxy/dvproxy.yaml
}

# try_outage: Entra is down for several periods of the watchdog, with a token
# and without.
try_outage() {
	local pid
	override '[Service]' WatchdogSec=2s # less, and a busy machine is taken for a hang
	restart
	eventually says "ready: *"
	pid=$(property MainPID)
	control /faults/entra -d '{"kind":"status","status":503}'
	inside sleep 5
	is MainPID "$pid" && says "ready: *" || fail "an outage of Entra restarts a proxy that holds a token"

	inside systemctl stop dvproxy
	inside sh -c 'rm /var/lib/dvproxy/tokens/*'
	restart
	pid=$(property MainPID)
	eventually says "waiting for a token: localhost: *503*"
	inside sleep 5
	is MainPID "$pid" || fail "an outage of Entra restarts a proxy that has no token"
	control /faults/entra -X DELETE
	eventually says "ready: *"
	is NRestarts 0 || fail "it was restarted"
}

# try_restarts: by the watchdog, after a kill and after a crash of Go's kind.
try_restarts() {
	local how pid
	override '[Service]' WatchdogSec=2s
	restart
	for how in STOP KILL QUIT; do
		pid=$(property MainPID)
		inside kill "-$how" "$pid"
		eventually became "$pid"
		eventually fetch -f -o /dev/null "$admin/readyz"
	done
	is NRestarts 3 || fail "restarted $(property NRestarts) times"
	logged 'Watchdog timeout' || fail "it was not the watchdog"
	! logged "$secret" || fail "the secret is in the journal"
}

# try_reload: another environment and less to log, without losing what is in
# flight; a mistake changes nothing.
try_reload() {
	local pid request one
	pid=$(property MainPID)
	hang
	one=$(sed -n '/^  - url:/,/client_secret_file/p' "$work/dvproxy.yaml")
	{
		printf '%s\n' 'log: {level: warn}' 'state_dir: /var/lib/dvproxy' environments: "$one"
		sed 's|^  - url:.*|&\n    name: second\n    listen: localhost:7090|' <<<"$one"
	} >"$work/more.yaml"
	put 644 "$work/more.yaml" /etc/dvproxy/dvproxy.yaml
	inside systemctl reload dvproxy || fail "it cannot be reloaded"
	eventually says "ready: localhost: *; second: token renews in *"
	[[ $(fetch "${who/7080/7090}") == *UserId* ]] || fail "the new environment is not served"
	control /faults/dataverse -X DELETE
	wait "$request" && [[ $(<"$work/answer") == 200 ]] || fail "a request was lost: $(<"$work/answer")"
	! logged '"msg":"request".*"environment":"second"' || fail "the level of the log is what it was"

	echo 'no_such: setting' | inside sh -c 'cat >>/etc/dvproxy/dvproxy.yaml'
	inside systemctl reload dvproxy
	eventually says "the configuration was not reloaded, see the log; ready: *; second: *"
	logged no_such || fail "the journal does not tell: $(journal | tail -n 5)"
	[[ $(fetch "${who/7080/7090}") == *UserId* ]] || fail "a mistake ends what there was"
	put 644 "$work/dvproxy.yaml" /etc/dvproxy/dvproxy.yaml
	inside systemctl reload dvproxy
	eventually says "ready: localhost: token renews in ?? min"
	is MainPID "$pid" && is ActiveState active || fail "it was restarted"
}

# try_stop: what is in flight is finished, although that takes longer than the
# unit says, since the settings allow it.
try_stop() {
	local request stop
	override '[Service]' TimeoutStopSec=1s
	restart
	hang
	inside systemctl stop dvproxy &
	stop=$!
	eventually is ActiveState deactivating
	inside sleep 2
	control /faults/dataverse -X DELETE
	wait "$stop" || fail "systemctl stop exits $?"
	wait "$request" && [[ $(<"$work/answer") == 200 ]] || fail "a request was cut off: $(<"$work/answer")"
	is Result success && is ExecMainStatus 0 || fail "stopped with $(property Result), $(property ExecMainStatus)"
	[[ $(journal | tail -n 3) == *'"msg":"stopped"'* ]] || fail "it was not done: $(journal | tail -n 3)"
}

# hang starts a request that is answered when the fault is taken away.
hang() {
	control /faults/dataverse -d '{"kind":"hang","count":1}'
	fetch -o /dev/null -w '%{http_code}' "$who" >"$work/answer" &
	request=$!
	eventually in_flight
}
in_flight() { grep -q '^dvproxy_requests_in_flight.* 1$' <<<"$(fetch "$admin/metrics")"; }

# try_mistake: it says what to mend, and systemd leaves it at that.
try_mistake() {
	inside sed -i 's/^state_dir/stat_dir/' /etc/dvproxy/dvproxy.yaml
	inside systemctl restart dvproxy 2>/dev/null && fail "it starts with a mistake"
	inside sleep 1.5
	is ActiveState failed && is ExecMainStatus 2 && is NRestarts 0 || fail "$(property ActiveState), exit code $(property ExecMainStatus), $(property NRestarts) restarts"
	logged 'dvproxy.yaml:.*stat_dir' || fail "the journal does not tell: $(journal | tail -n 5)"
}

# try_service: the same by dvproxy service, with a secret from a pipe, and with a
# configuration file whose name systemd would misread.
try_service() {
	local odd='/etc/dvproxy/my 100% "$HOME".yaml' settings
	inside systemctl stop dvproxy
	inside rm -rf "$unit" "$unit.d" /etc/dvproxy
	inside systemctl daemon-reload
	inside systemctl reset-failed dvproxy 2>/dev/null || true
	refuses 'not installed' status
	refuses 'not installed' uninstall
	settings=(DATAVERSE_URL=http://localhost:7181 AZURE_AUTHORITY_HOST=http://localhost:7180 AZURE_TENANT_ID="$nobody" AZURE_CLIENT_ID="$nobody")
	echo "$secret" | inside setpriv --reuid 1234 env "${settings[@]}" dvproxy service install >"$work/said" 2>&1 && fail "anybody may install it"
	grep -q 'only an administrator' "$work/said" || fail "install says $(<"$work/said")"

	echo "$secret" | inside env "${settings[@]}" dvproxy service install >/dev/null || fail "it is not installed"
	[[ $(inside stat -c '%a %U' /etc/dvproxy/client-secret) == '600 root' ]] || fail "others can read the secret"
	[[ $(inside cat "$unit" /etc/dvproxy/dvproxy.yaml | grep -c "$secret") == 0 ]] || fail "the secret is where everybody reads it"
	inside systemctl is-enabled -q dvproxy || fail "it is not enabled"
	inside dvproxy service start || fail "it does not start: $(journal | tail -n 5)"
	eventually says "ready: *"
	inside dvproxy service status >"$work/said" || fail "status exits $?: $(<"$work/said")"
	grep -q 'service: *active (process' "$work/said" && grep -q 'status: *ready: localhost: token renews' "$work/said" && grep -q 'ready: *yes' "$work/said" ||
		fail "status says $(<"$work/said")"
	[[ $(fetch "$who") == *UserId* ]] || fail "WhoAmI is not answered"
	refuses 'installed already' install --config /etc/dvproxy/dvproxy.yaml
	inside mv /etc/dvproxy/dvproxy.yaml "$odd"
	inside dvproxy service uninstall >"$work/said"
	grep -qx 'still there: /etc/dvproxy' "$work/said" || fail "uninstall says $(<"$work/said")"
	! inside test -e "$unit" && ! inside test -e /etc/dvproxy/client-secret && is LoadState not-found || fail "uninstall leaves something"

	inside sh -c 'umask 077; echo x >/etc/dvproxy/client-secret; sed "s|/run/cred.*|/etc/dvproxy/client-secret|" "$1" >/etc/dvproxy/wrong.yaml; chmod 644 /etc/dvproxy/wrong.yaml' sh "$odd"
	refuses 'name the copy that it is given, /run/credentials/dvproxy.service/client-secret' install --config /etc/dvproxy/wrong.yaml
	echo "$secret" | inside dvproxy service install --config "$odd" >/dev/null
	inside dvproxy service start || fail "it does not start: $(journal | tail -n 5)"
	eventually says "ready: *"
	inside dvproxy service stop
	is ActiveState inactive || fail "it is $(property ActiveState) when it was stopped"
	inside sh -c 'echo "wrong: true" >>"$1"' sh "$odd"
	refuses 'my 100% "$HOME".yaml:.* wrong: unknown key' start
	override '[Service]' Nice=1 # now it is systemd's to find out
	refuses 'exit code 2; .*journalctl' start
	refuses failed status
	inside dvproxy service uninstall >/dev/null
}

# refuses what arguments... runs a service command that has to fail so.
refuses() {
	echo "$secret" | inside dvproxy service "${@:2}" >"$work/said" 2>&1 && fail "service ${*:2} exits 0"
	grep -q "$1" "$work/said" || fail "service ${*:2} says $(<"$work/said")"
}

clean_up() {
	podman rm -f -t 0 "$box" >/dev/null 2>&1 || true
	tidy
}

step() {
	local begin=${EPOCHREALTIME/./}
	"$@"
	echo "$1: $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
}

tools /lib/systemd/systemd:systemd dbus-daemon:dbus
own_settings
trap 'finish $? "$BASH_COMMAND"' EXIT
for it in ${STEPS:-boot install_it try_unit try_start try_folders try_outage try_restarts try_reload try_stop try_mistake try_service}; do
	step "$it"
done
echo "ok: exposure ${exposure:-not asked}"

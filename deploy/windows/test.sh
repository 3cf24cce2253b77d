#!/usr/bin/env bash
# Runs the Windows program under wine: it serves, wraps a command, and is installed,
# started, stopped and removed as a service. On Debian, as root if wine is not there.
#
#   deploy/windows/test.sh          work in a temporary folder
#   WORK=dir deploy/windows/test.sh     keep it, with wine's own files, for the next time
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/shell.sh

keep=${WORK:-}
work=$(realpath -m "${WORK:-$(mktemp -d)}")
mkdir -p "$work"
: >"$work/said"
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe=d'
unset DISPLAY
wine=/usr/lib/wine/wine64 wineserver=/usr/lib/wine/wineserver64
c_drive=$WINEPREFIX/drive_c
program="$c_drive/Program Files/dvproxy/dvproxy.exe" # with a space, as services have it
data=$c_drive/ProgramData/dvproxy
origin=http://localhost:$(free_port) admin=http://localhost:$(free_port)
simulator=

clean_up() {
	[[ -z $simulator ]] || kill "$simulator" 2>/dev/null || true
	[[ ! -x $wineserver ]] || "$wineserver" -k 2>/dev/null || true
	[[ ! -x $wineserver ]] || "$wineserver" -w 2>/dev/null || true
	[[ -n $keep ]] || rm -rf "$work"
}

tools() {
	local wanted
	mapfile -t wanted < <(missing "$wine:wine64" "$wineserver:wine64" x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64-win32 curl)
	((${#wanted[@]} == 0)) || packages "${wanted[@]}" wine
}

machine() {
	if [[ ! -e $c_drive/windows/system32/kernel32.dll ]]; then
		"$wine" wineboot -i >"$work/wineboot.log" 2>&1 || fail "wineboot: $(tail -n 5 "$work/wineboot.log")"
	fi
	x86_64-w64-mingw32-gcc -shared -o "$c_drive/windows/system32/bcryptprimitives.dll" deploy/windows/prng.c -ladvapi32
	"$wineserver" -w # for the one that wineboot has started
	"$wineserver" -p # so that it does not start anew with each program
	"$wine" sc delete dvproxy >/dev/null 2>&1 || true # of a test that was broken off
	rm -rf "$data"
}

build() {
	mkdir -p "${program%/*}"
	GOOS=windows CGO_ENABLED=0 go build -o "$program" ./cmd/proxy
	go build -o "$work/simulator" ./cmd/simulator
	for package in supervisor logfile config; do
		GOOS=windows CGO_ENABLED=0 go test -c -o "$work/$package.test.exe" "./internal/$package"
	done
}

# unit package [flags...] runs its tests where they are for Windows.
unit() {
	local package=$1
	shift
	"$wine" "$work/$package.test.exe" "$@" >"$work/$package.log" 2>&1 || fail "tests of $package: $(<"$work/$package.log")"
}

dvproxy() { "$wine" "$program" "$@"; }

# exits code command... holds a command to its exit code. What it says is in $work/said.
exits() {
	local want=$1 got=0
	shift
	"$@" >"$work/said" 2>&1 || got=$?
	((got == want)) || fail "$* exits $got, not $want, and says: $(<"$work/said")"
}

says() { grep -qF -- "$1" "$work/said" || fail "it does not say \"$1\", but: $(<"$work/said")"; }

tenant() {
	rm -f "$work/tenant.json"
	"$work/simulator" --json --entra-listen 127.0.0.1:0 --dataverse-listen 127.0.0.1:0 --control-listen 127.0.0.1:0 --graph-listen 127.0.0.1:0 >"$work/tenant.json" &
	simulator=$!
	eventually test -s "$work/tenant.json"
	field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" "$work/tenant.json"; }
	DATAVERSE_URL=$(field dataverse_url) AZURE_AUTHORITY_HOST=$(field entra_url)
	AZURE_TENANT_ID=$(field tenant_id) AZURE_CLIENT_ID=$(field client_id)
	export DATAVERSE_URL AZURE_AUTHORITY_HOST AZURE_TENANT_ID AZURE_CLIENT_ID
	control=$(field control_url) secret=$(field client_secret)
}

ready() { curl -fsS -o /dev/null "$admin/readyz" 2>/dev/null; }
who_am_i() { curl -fsS -o "$work/answer" "$origin/api/data/v9.2/WhoAmI" && grep -q UserId "$work/answer"; }

serve() {
	AZURE_CLIENT_SECRET=$secret DVPROXY_LISTEN=${origin#http://} DVPROXY_ADMIN=${admin#http://} DVPROXY_ADMIN_QUIT=true \
		dvproxy serve >"$work/serve.log" 2>&1 &
	local serving=$!
	eventually ready
	who_am_i || fail "no answer: $(<"$work/serve.log")"
	exits 0 dvproxy quit --admin "${admin#http://}"
	wait "$serving" || fail "serve exits $?: $(<"$work/serve.log")"
	grep -q '"msg":"stopped"' "$work/serve.log" || fail "it did not drain: $(<"$work/serve.log")"
}

run() {
	export AZURE_CLIENT_SECRET=$secret
	exits 0 dvproxy run -- cmd /c 'echo %DATAVERSE_URL% %AZURE_CLIENT_SECRET%'
	says http://localhost:
	! grep -qF -- "$secret" "$work/said" || fail "the command sees the secret"
	exits 7 dvproxy run -- cmd /c 'exit 7'
	exits 127 dvproxy run -- no-such-command
	left_behind
	unset AZURE_CLIENT_SECRET
}

# left_behind: what a command leaves running, here a wait for nobody, ends with dvproxy.
left_behind() {
	printf '%s\r\n' '@start /b "" "C:\Program Files\dvproxy\dvproxy.exe" wait --max 100s --admin localhost:1' '@ping -n 8 127.0.0.1 >NUL' '@exit 3' >"$c_drive/leave.cmd"
	dvproxy run -- cmd /c 'C:\leave.cmd' >"$work/said" 2>&1 &
	local running=$! code=0
	eventually waits
	wait "$running" || code=$?
	((code == 3)) || fail "run exits $code, not 3: $(<"$work/said")"
	eventually nothing_left
}

waits() { [[ -n $(processes 'dvproxy[\]dvproxy.exe.wait') ]]; }
nothing_left() { [[ -z $(dvproxies) ]]; }

# dvproxies are the process ids of dvproxy under wine.
dvproxies() { processes 'dvproxy[\]dvproxy.exe'; }

# processes are the ids of those under this wine whose command line is like that,
# with a zero between its words.
processes() {
	local file
	# (A pattern that does not match itself, since grep is a process too.)
	grep -lsa -- "$1" /proc/[0-9]*/cmdline | while read -r file; do
		! grep -qzsF "WINEPREFIX=$WINEPREFIX" "${file%cmdline}environ" || basename "${file%/cmdline}"
	done
}

install() {
	export DVPROXY_LISTEN=${origin#http://} DVPROXY_ADMIN=${admin#http://}
	exits 1 dvproxy service status
	says 'not installed'
	exits 2 env -u DATAVERSE_URL "$wine" "$program" service install </dev/null
	says DATAVERSE_URL
	[[ ! -e $data ]] || fail "a wrong configuration leaves $(ls "$data")"
	exits 2 dvproxy service install </dev/null
	says 'there is no client secret'
	exits 0 dvproxy service install <<<"$secret"
	exits 1 dvproxy service install <<<"$secret"
	says 'installed already'
	unset DVPROXY_LISTEN DVPROXY_ADMIN
	[[ $(<"$data/client-secret") == "$secret" ]] || fail "the file holds another secret"
	# Wine shows in the mode what the access list has for others.
	local path
	for path in "$data" "$data"/*; do
		[[ $(stat -c %a "$path") == *0 ]] || fail "others have rights: $(stat -c '%A %n' "$path")"
	done
	! grep -qF -- "$secret" "$data/dvproxy.yaml" || fail "the secret is in the configuration"
}

# registry is all that the machine keeps of the service, and may show to anyone.
registry() {
	"$wine" reg query 'HKLM\System\CurrentControlSet\Services\dvproxy' /s
	"$wine" reg query 'HKLM\System\CurrentControlSet\Services\EventLog\Application\dvproxy' /s
}

registered() {
	registry >"$work/said" 2>&1 || fail "$(<"$work/said")"
	says '"C:\Program Files\dvproxy\dvproxy.exe" service run --config=C:\ProgramData\dvproxy\dvproxy.yaml'
	says 'NT SERVICE\dvproxy'
	says EventMessageFile
	grep -qE 'Start +REG_DWORD +0x2' "$work/said" || fail "it does not start with the machine: $(<"$work/said")"
	! grep -qF -- "$secret" "$work/said" || fail "the registry holds the secret"
}

start() {
	exits 0 dvproxy service start
	eventually ready
	exits 0 dvproxy service status
	says 'running (process '
	grep -qE 'ready: +yes' "$work/said" || fail "status says: $(<"$work/said")"
	who_am_i || fail "the service does not answer: $(<"$data/log/dvproxy.log")"
	local pid
	! nothing_left || fail "there is no process to look at"
	for pid in $(dvproxies); do
		! grep -qF -- "$secret" "/proc/$pid/cmdline" "/proc/$pid/environ" || fail "process $pid shows the secret"
	done
}

# stop lets a request finish that is answered 2 s later.
stop() {
	curl -fsS -o /dev/null -X POST "$control/faults/dataverse" -d '{"kind":"hang","count":1}' || fail "no slow request"
	curl -fsS "$origin/api/data/v9.2/WhoAmI" >"$work/slow" &
	local slow=$!
	eventually in_flight
	{ read -rt 2 <> <(:) || curl -fsS -o /dev/null -X DELETE "$control/faults/dataverse"; } &
	exits 0 dvproxy service stop
	wait "$slow" || fail "a request was cut off: $(<"$data/log/dvproxy.log")"
	grep -q UserId "$work/slow" || fail "a request was cut off: $(<"$work/slow")"
	! curl -fs -o /dev/null "$origin" || fail "it still serves"
	exits 1 dvproxy service status
	says stopped
	exits 0 dvproxy service stop # a second time
	[[ $(tail -n 1 "$data/log/dvproxy.log") == *'"msg":"stopped"'* ]] || fail "it did not drain: $(<"$data/log/dvproxy.log")"
}

# Not in a pipe: grep -q leaves it at the first match, which fails the other end.
in_flight() { curl -fsS -o "$work/metrics" "$admin/metrics" && grep -qE '^dvproxy_requests_in_flight\{.*\} 1$' "$work/metrics"; }

# broken: a wrong configuration is told before a start, and one that only the
# service sees does not make it start for ever.
broken() {
	cp "$data/dvproxy.yaml" "$work/dvproxy.yaml"
	echo 'nonsense: true' >>"$data/dvproxy.yaml"
	exits 2 dvproxy service start
	says nonsense
	"$wine" sc start dvproxy >/dev/null 2>&1 || true
	eventually stopped
	cp "$work/dvproxy.yaml" "$data/dvproxy.yaml"
}

stopped() {
	dvproxy service status >"$work/said" 2>&1 || true
	grep -qE 'service: +stopped' "$work/said"
}

uninstall() {
	exits 0 dvproxy service start
	exits 0 dvproxy service uninstall
	says 'still there: C:\ProgramData\dvproxy\dvproxy.yaml'
	eventually nothing_left
	[[ ! -e $data/client-secret ]] || fail "the secret is still there"
	! registry >/dev/null 2>&1 || fail "the registry still has the service"
	exits 1 dvproxy service uninstall
	# With a file of one's own, as what was left is now.
	exits 0 dvproxy service install --config 'C:\ProgramData\dvproxy\dvproxy.yaml' <<<"$secret"
	exits 0 dvproxy service start
	eventually ready
	exits 0 dvproxy service uninstall
}

trap 'finish $? "$BASH_COMMAND"' EXIT
tools
build
machine
for step in 'unit supervisor' 'unit logfile' 'unit config -test.run=OnWindows' tenant serve run install registered start stop broken uninstall; do
	$step
	echo "$SECONDS s: $step"
done
"$wineserver" -k
"$wineserver" -w 2>/dev/null || true
! grep -rqF -- "$secret" "$WINEPREFIX"/*.reg || fail "the registry holds the secret"
echo "ok: $SECONDS s"

# What scripts that test share; sourced.

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# finish is for the end: trap 'finish $? "$BASH_COMMAND"' EXIT. A command that nobody
# thought could fail is named, and the script's clean_up is called.
finish() {
	(($1 == 0)) || [[ $2 == "exit 1" ]] || echo "FAIL: exit $1 of: $2" >&2
	clean_up
}

# eventually command... waits until the command succeeds, for two minutes: no machine
# is so slow. What a script keeps in $work/said is shown if it comes to that.
eventually() {
	local end=$((SECONDS + 120))
	while ((SECONDS < end)); do
		"$@" && return
		read -rt 0.1 <> <(:) || true
	done
	fail "not within two minutes: $*$([[ ! -s $work/said ]] || printf "; the last said: %s" "$(tail -n 20 "$work/said")")"
}

# free_port prints a port that nobody listens on, below those that the kernel gives
# to clients.
free_port() {
	local port
	while :; do
		port=$((10000 + RANDOM % 20000))
		(: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# missing [command:]package... prints the packages whose command, or program by its
# path, is not there.
missing() {
	local need
	for need in "$@"; do
		command -v "${need%%:*}" >/dev/null || echo "${need##*:}"
	done
}

# packages name... installs them. A mirror that hiccups, another repository of the
# machine's that cannot be reached, and another apt at work are no reason to give up;
# what apt said is shown when it comes to that.
packages() {
	(($# > 0)) || return 0
	if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
		echo "missing: $*. Install these (on Debian, as root: apt-get install $*)." >&2
		return 1
	fi
	local start=$SECONDS log pause
	echo "installing $*"
	log=$(mktemp)
	for pause in 1 5 30 0; do # the first may be no more than an old list of packages
		if apt install -y --no-install-recommends "$@" >"$log" 2>&1; then
			rm "$log"
			echo "installing took $((SECONDS - start)) s"
			return
		fi
		((pause == 0)) || { read -rt "$pause" <> <(:) || apt update >"$log" 2>&1 || true; }
	done
	echo "apt-get cannot install $*:" >&2
	tail -n 30 "$log" >&2
	rm "$log"
	return 1
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null; }

#!/usr/bin/env bash
# Builds the packages and lives with them: the deb is checked by lintian, then
# installed, upgraded, removed and purged in a Debian of its own (this machine's /usr
# with all that is written kept apart, and an /etc and a /var of its own; no systemd
# running); the rpm likewise. As root on Debian.
#
#   deploy/packages/test.sh         work in a temporary folder
#   WORK=dir deploy/packages/test.sh    keep it
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/shell.sh

if [[ -z ${MOUNTS_OF_ITS_OWN:-} ]]; then
	((EUID == 0)) || fail "run this as root"
	MOUNTS_OF_ITS_OWN=yes exec unshare --mount "$0"
fi

keep=${WORK:-}
work=$(realpath -m "${WORK:-$(mktemp -d)}")
root=$work/debian
mkdir -p "$work"

tools() {
	local wanted
	mapfile -t wanted < <(missing lintian rpm rpm2cpio cpio man:man-db groff curl update-ca-certificates:ca-certificates)
	packages "${wanted[@]}"
}

# build makes two versions, to upgrade from one to the other.
build() {
	local version
	make bin/nfpm
	rm -rf "$work/v1" "$work/v2"
	for version in 1 2; do
		go run ./cmd/release -uncommitted -only linux/amd64 -version "v0.0.$version" -out "$work/v$version" >/dev/null
	done
}

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

# debian makes it. The package's one dependency is there, as dpkg of this machine
# says it.
debian() {
	local link
	rm -rf "$root" "$work/written"
	mkdir -p "$root"/{usr,etc,tmp,dev,proc,var/lib/dpkg/{info,updates}} "$work/written"
	mount -t tmpfs tmpfs "$work/written" # no overlay in an overlay, should this machine be a container
	mkdir "$work/written"/{usr,work}
	mount -t overlay -o "lowerdir=/usr,upperdir=$work/written/usr,workdir=$work/written/work" overlay "$root/usr"
	for link in /bin /sbin /lib*; do
		[[ ! -L $link ]] || cp -a "$link" "$root$link"
	done
	mknod -m 666 "$root/dev/null" c 1 3
	echo root:x:0:0::/root:/bin/sh >"$root/etc/passwd"
	echo root:x:0: >"$root/etc/group"
	dpkg-query -s ca-certificates | sed '/^Depends:/d' >"$root/var/lib/dpkg/status"
	: >"$root/var/lib/dpkg/info/ca-certificates.list"
}

# traces are what there is of dvproxy. What this machine has is none.
traces() {
	find "$root" -xdev -name '*dvproxy*'
	find "$work/written/usr" -name '*dvproxy*' ! -type c
}

install_deb() { # version
	cp "$work/v$1/dvproxy_0.0.$1_amd64.deb" "$root/dvproxy.deb"
	inside dpkg -i /dvproxy.deb
}

# What a static program in Go cannot help, and what needs a maintainer with an
# address, is not looked at.
check_deb() {
	local said
	said=$(lintian --allow-root --suppress-tags statically-linked-binary,bogus-mail-host,bogus-mail-host-in-debian-changelog "$work/v1/"*.deb)
	[[ -z $said ]] || fail "lintian says $said"
}

try_deb() {
	local said page
	debian
	install_deb 1
	[[ $(inside dvproxy version) == "dvproxy v0.0.1 "* ]] || fail "version: $(inside dvproxy version)"
	inside dpkg --verify dvproxy
	[[ $(inside stat -c '%U:%G %a' /usr/bin/dvproxy /etc/dvproxy /etc/dvproxy/dvproxy.yaml | tr '\n' ' ') == "root:root 755 root:root 755 root:root 644 " ]] ||
		fail "modes: $(inside stat -c '%n %U:%G %a' /usr/bin/dvproxy /etc/dvproxy /etc/dvproxy/dvproxy.yaml)"
	inside dvproxy serve --config /etc/dvproxy/dvproxy.yaml 2>"$work/serve.log" && fail "it runs without a configuration"
	[[ $(<"$work/serve.log") == *"nothing was started"* ]] || fail "serve says $(<"$work/serve.log")"
	inside bash -c 'source /usr/share/bash-completion/completions/dvproxy && complete -p dvproxy' >/dev/null || fail "no completion for bash"
	# What the administrator changes survives an upgrade, a secret a removal.
	echo '# mine' >>"$root/etc/dvproxy/dvproxy.yaml"
	echo secret >"$root/etc/dvproxy/client-secret"
	install_deb 2
	[[ $(inside dvproxy version) == "dvproxy v0.0.2 "* ]] || fail "after the upgrade: $(inside dvproxy version)"
	[[ $(tail -n 1 "$root/etc/dvproxy/dvproxy.yaml") == '# mine' ]] || fail "the upgrade changed the configuration"
	inside dpkg -r dvproxy
	[[ ! -e $root/usr/bin/dvproxy && -e $root/etc/dvproxy/dvproxy.yaml ]] || fail "what removal left: $(traces)"
	mkdir -p "$root/var/lib/private/dvproxy" "$root/etc/systemd/system/multi-user.target.wants"
	ln -sfn /usr/lib/systemd/system/dvproxy.service "$root/etc/systemd/system/multi-user.target.wants/"
	inside dpkg -P dvproxy
	[[ -e $root/etc/dvproxy/client-secret ]] || fail "purging took a file that is not the package's"
	rm -rf "$root/etc/dvproxy" "$root/dvproxy.deb"
	said=$(traces)
	[[ -z $said ]] || fail "what purging left: $said"
}

# The pages are typeset without a warning.
try_pages() {
	local page said
	mkdir -p "$work/pages"
	tar -xzf "$work/v1/"*.tar.gz -C "$work/pages" --strip-components 1
	for page in "$work/pages/man/"*.1; do
		said=$(groff -man -ww -Tutf8 -z "$page" 2>&1)
		[[ -z $said ]] || fail "$page: $said"
	done
	MANWIDTH=80 man -l "$work/pages/man/dvproxy-run.1" 2>/dev/null | grep -q 'dvproxy run \[flags\] -- CMD \[ARG...\]' || fail "man shows no synopsis of run"
}

try_rpm() {
	local rpm=$work/v1/dvproxy-0.0.1-1.x86_64.rpm script said
	[[ $(rpm -qpc "$rpm") == /etc/dvproxy/dvproxy.yaml ]] || fail "configuration files: $(rpm -qpc "$rpm")"
	[[ $(rpm -qp --qf '[%{FILENAMES} %{FILEFLAGS:fflags}\n]' "$rpm" | grep dvproxy.yaml | head -1) == "/etc/dvproxy/dvproxy.yaml cn" ]] || fail "the configuration is replaced"
	[[ $(rpm -qp --qf '[%{FILEUSERNAME} %{FILEGROUPNAME}\n]' "$rpm" | sort -u) == "root root" ]] || fail "owners"
	mkdir -p "$work/rpm"
	# rpm2cpio fails at the end, since nfpm does not say how long the payload is.
	(cd "$work/rpm" && { rpm2cpio "$rpm" || true; } | cpio -idm --quiet --no-absolute-filenames 2>/dev/null)
	cmp "$work/rpm/usr/bin/dvproxy" "$work/pages/dvproxy"
	[[ $("$work/rpm/usr/bin/dvproxy" version) == "dvproxy v0.0.1 "* ]] || fail "the program in the rpm"
	for script in postin preun postun; do
		rpm -qp --qf "%{${script^^}}" "$rpm" | sh -n || fail "$script is no shell script"
	done
	# A real one, into a root of its own: files, scripts and all, and out again.
	rpm --root "$root" --dbpath /var/lib/rpm-test -i --nodeps "$rpm"
	[[ $(inside dvproxy version) == "dvproxy v0.0.1 "* ]] || fail "rpm -i: $(inside dvproxy version)"
	rpm --root "$root" --dbpath /var/lib/rpm-test -U --nodeps "$work/v2/dvproxy-0.0.2-1.x86_64.rpm"
	[[ $(inside dvproxy version) == "dvproxy v0.0.2 "* ]] || fail "rpm -U: $(inside dvproxy version)"
	rpm --root "$root" --dbpath /var/lib/rpm-test -e dvproxy
	said=$(traces)
	[[ -z $said ]] || fail "what rpm -e left: $said"
	rm -rf "$root/var/lib/rpm-test"
}

clean_up() {
	umount "$root/usr" "$work/written" 2>/dev/null || true
	[[ -n $keep ]] || rm -rf "$work"
}

tools
trap 'finish $? "$BASH_COMMAND"' EXIT
build
check_deb
try_deb
try_pages
try_rpm
echo "ok: $(cd "$work/v1" && du -b -- *.deb *.rpm | tr '\t\n' '  ')"

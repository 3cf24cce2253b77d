#!/usr/bin/env bash
# Runs the tests of all that is in deploy/, one after the other, in one folder, so that
# an image is built once. A test that hangs is ended, and fails. As root on Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."

source deploy/testing/containers.sh

clean_up() { tidy; }

tools
own_settings
trap 'finish $? "$BASH_COMMAND"' EXIT
for test in deploy/*/test.sh; do
	echo "== $test"
	start=$SECONDS
	WORK=$work timeout --kill-after 60 20m "$test" || fail "$test exits $?"
	echo "== $test took $((SECONDS - start)) s"
done

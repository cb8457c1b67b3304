#!/bin/sh
# Installs the programs that the tests drive, through apt, where they are missing.
# A Redis that this installs is never started: the tests start their own on free ports.
set -eu

# binary:package, one per line.
wanted='
redis-server:redis-server
redis-cli:redis-tools
redis-benchmark:redis-tools
taskset:util-linux
'

missing=
for pair in $wanted; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "deps: no apt-get here; please install:$missing" >&2
	exit 1
fi
asroot=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null 2>&1 || { echo "deps: neither root nor sudo; please install:$missing" >&2; exit 1; }
	asroot=sudo
fi

# policy-rc.d is Debian's switch against services that start when their package is installed. Where the
# machine has one it decides; otherwise one stands for the length of the installation.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $asroot tee "$policy" >/dev/null
	trap '$asroot rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	$asroot chmod 755 "$policy"
fi

echo "deps: installing$missing"
log=$(mktemp)
if ! { $asroot apt-get update -q &&
	$asroot env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
	cat "$log" >&2
	rm -f "$log"
	echo "deps: apt could not install:$missing" >&2
	exit 1
fi
rm -f "$log"

# It must not start with the machine either: it was installed as a yardstick, not as a service.
case "$missing" in
*redis-server*)
	if command -v systemctl >/dev/null 2>&1; then
		$asroot systemctl disable redis-server >/dev/null 2>&1 || true
	fi
	;;
esac

#!/usr/bin/env bash
# recover-boot.sh [BUILD_DIR] - landfall-recover boots a point by BIOS and by UEFI from nothing but the
# directory, which it cannot change; it ends with the machine, when it is told to, and leaves nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build}")
dir=$(mktemp -d /tmp/lf-recover.XXXXXX)
passed=0 failed=0 machine=
finish() {
	[ -z "$machine" ] || kill "$machine" 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT

ok() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
		passed=$((passed + 1))
	else
		echo "not ok - $name"
		failed=$((failed + 1))
	fi
}
ends() { # within 20 s, with status 0
	local i
	for i in $(seq 200); do
		kill -0 "$machine" 2>/dev/null || break
		sleep 0.1
	done
	wait "$machine" || return 1
	machine=
}
left() { # nothing
	[ -z "$(ls "$dir/tmp")" ] && ! pgrep -f "qemu-system.*$dir" >/dev/null
}
unchanged() { find "$dir/store" -printf '%p %s %T@ %C@\n' | sort | cmp -s - "$dir/listing"; }

tools/make-guest -r ext4 -d "$dir/data.raw" -D xfs "$dir/os.raw" >/dev/null
"$build/landfall" vault init "$dir/store"
point=$("$build/landfall" vault ingest "$dir/store" --disk sda "$dir/os.raw" --output json | jq -r .point)
"$build/landfall" vault ingest "$dir/store" --disk sdb "$dir/data.raw" --point "$point" >/dev/null
rm -r "$dir/store/index" "$dir/store/prints"
mkdir "$dir/tmp"
find "$dir/store" -printf '%p %s %T@ %C@\n' | sort >"$dir/listing"
want=$(sha256sum <"$dir/os.raw.sha256" | cut -c1-64)

# boot FIRMWARE OPTION... - its console in $dir/FIRMWARE
boot() {
	local console=$dir/$1 i
	shift
	TMPDIR=$dir/tmp "$build/landfall-recover" boot "$dir/store" "$point" --memory 512 "$@" >"$console" 2>&1 </dev/null &
	machine=$!
	for i in $(seq 180); do
		! grep -q LANDFALL-MARKER "$console" || break
		kill -0 "$machine" 2>/dev/null || break
		sleep 1
	done
	tr -d '\r' <"$console" >"$console.text"
}

# the disk has an EFI system partition: UEFI, without being asked
boot uefi
ok "boots by UEFI with both disks, whole" grep -q "check=OK .*sha256=$want fw=uefi disks=vda,vdb, " "$dir/uefi.text"
kill -TERM "$machine"
ok "ends when it is told to" ends
ok "leaves nothing" left

# the second boot is the first again: what was written is gone.  QEMU's own options: its monitor's socket
boot bios --firmware bios -- -qmp "unix:$dir/qmp,server=on,wait=off"
ok "boots by BIOS, from the same bytes" grep -q "check=OK .*sha256=$want fw=bios disks=vda,vdb, .*boots=1 " "$dir/bios.text"
printf '{"execute":"qmp_capabilities"}{"execute":"quit"}' | python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())
while s.recv(4096): pass' "$dir/qmp"
ok "ends with the machine" ends
ok "leaves nothing" left
ok "the vault is as it was" unchanged
echo "$passed passed, $failed failed"
[ $failed = 0 ]

#!/usr/bin/env bash
# boot.sh [BUILD_DIR] - a machine with two disks, ext4 and xfs, boots by BIOS and by UEFI from a
# vault; its checksums, an export and QEMU killed under it, hydration, a second boot, nothing left.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build-dev}")
dir=$(mktemp -d /tmp/lf-boot.XXXXXX)
passed=0 failed=0
trap 'tools/libvirt-down "$dir/libvirt"; rm -rf "$dir"' EXIT

result() {
	if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

export LF_NBD_PLUGIN=$build/nbdkit-landfall-plugin.so
tools/libvirt-up "$dir/libvirt"
mkdir "$dir/store"
tools/make-guest -r ext4 -d "$dir/store/data.raw" -D xfs "$dir/store/os.raw"
for firmware in bios uefi; do
	echo "# ext4 root, xfs data, $firmware"
	rc=0
	"$build/tests/e2e/machine/machine" "$dir" $firmware "$dir/store/os.raw" "$dir/store/data.raw" || rc=1
	result $rc
done
tools/make-guest -r xfs -d "$dir/store/data.raw" -D ext4 -i 2 "$dir/store/os.raw"
echo "# xfs root, ext4 data, uefi"
rc=0
"$build/tests/e2e/machine/machine" "$dir" uefi "$dir/store/os.raw" "$dir/store/data.raw" || rc=1
result $rc

rc=0
for domain in $(virsh -q -c qemu:///system list --all --name); do
	# other machines of this host come and go as they like
	! virsh -q -c qemu:///system dumpxml "$domain" 2>/dev/null | grep -qF "$dir/" || rc=1
done
if pgrep -f "(nbdkit|dnsmasq).*$dir" >/dev/null; then
	pgrep -af "(nbdkit|dnsmasq).*$dir"
	rc=1
fi
[ $rc = 0 ] && echo "ok - no domain, export or DHCP service is left" || echo "not ok - something is left"
result $rc
echo "$passed passed, $failed failed"
[ $failed = 0 ]

#!/usr/bin/env bash
# boot.sh [BUILD_DIR] - a machine with two disks, ext4 and xfs, boots by BIOS and by UEFI from a
# vault; its checksums, an export and QEMU killed under it, hydration, a second boot, nothing left.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build-dev}")
dir=$(mktemp -d /tmp/lf-boot.XXXXXX)
passed=0 failed=0
trap 'remove_domains; tools/libvirt-down "$dir/libvirt"; rm -rf "$dir"' EXIT

domains() {
	# other machines of this host come and go as they like
	for domain in $(virsh -q -c qemu:///system list --all --name); do
		! virsh -q -c qemu:///system dumpxml "$domain" 2>/dev/null | grep -qF "$dir/" || echo "$domain"
	done
}

# what a failure left behind
remove_domains() {
	for domain in $(domains); do
		virsh -q -c qemu:///system destroy "$domain" || true
		virsh -q -c qemu:///system undefine --nvram "$domain" || true
	done
}

result() {
	if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# machine_lives NAME FIRMWARE: each machine has a vault of its own
machine_lives() {
	local rc=0
	echo "# $1, $2"
	mkdir "$dir/$1-$2"
	"$build/tests/e2e/machine/machine" "$dir/$1-$2" "$2" "$dir/store/os.raw" "$dir/store/data.raw" || rc=1
	[ $rc = 0 ] || remove_domains
	result $rc
}

export LF_NBD_PLUGIN=$build/nbdkit-landfall-plugin.so
tools/libvirt-up "$dir/libvirt"
mkdir "$dir/store"
tools/make-guest -r ext4 -d "$dir/store/data.raw" -D xfs "$dir/store/os.raw"
machine_lives ext4 bios
machine_lives ext4 uefi
tools/make-guest -r xfs -d "$dir/store/data.raw" -D ext4 -i 2 "$dir/store/os.raw"
machine_lives xfs uefi

rc=0
[ -z "$(domains)" ] || rc=1
if pgrep -f "(nbdkit|dnsmasq).*$dir" >/dev/null; then
	pgrep -af "(nbdkit|dnsmasq).*$dir"
	rc=1
fi
[ $rc = 0 ] && echo "ok - no domain, export or DHCP service is left" || echo "not ok - something is left"
result $rc
echo "$passed passed, $failed failed"
[ $failed = 0 ]

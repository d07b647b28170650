#!/usr/bin/env bash
# matrix.sh [BUILD_DIR] - one machine with firmware BIOS, one with UEFI and its EFI partition mounted, both in QEMU with a kernel that
# has what this host's may lack.  Each has file systems on ext4, xfs, btrfs, LVM over two disks, RAID 1 of the same, LUKS, a disk of
# 4096-byte sectors, and one of two disks that exchange their names after the first point; one writer goes round all of them.
# The agent inside makes points in its schedule; a test failover of the newest boots, and the guest says what it sees: each file system
# whole, each with numbers of one instant, and all of one.
# LF_MATRIX="uefi" runs one of them.
set -euo pipefail
export LF_ESTATE_BACKUP=no
cd "$(dirname "$0")/../.."
repo=$PWD
LF_BUILD=$(realpath "${1:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
firmwares=${LF_MATRIX:-bios uefi}
have=()
run=$(mktemp -d /tmp/lf-mx.XXXX)
cache=${LF_CACHE:-${HOME:-/root}/.cache/landfall}
bad=0

finish() {
	local rc=$? # also of a death by set -e
	take_down "$run" || bad=1
	[ "${LF_TEST_KEEP-}" = 1 ] || rm -rf "$run"
	[ $bad = 0 ] || rc=1
	exit $rc
}
trap finish EXIT

# --- what the guest has beside make-guest's: programs of packages, unpacked once, and modules

fetch_tools() {
	local work
	tools=$cache/matrix-tools
	[ ! -e "$tools/sbin/lvm" ] || return 0
	work=$(mktemp -d)
	(cd "$work" && apt-get -q download lvm2 mdadm cryptsetup-bin libcryptsetup12 libdevmapper-event1.02.1 libdevmapper1.02.1 libaio1 \
		libargon2-1 libjson-c5 >"$work/apt.log" 2>&1) || die "cannot download packages: $(tail -1 "$work/apt.log")"
	for package in "$work"/*.deb; do dpkg -x "$package" "$work/tools"; done
	rm -rf "$tools"
	mkdir -p "$cache"
	mv "$work/tools" "$tools"
	rm -rf "$work"
}

# module_files NAME... - each after those it needs
module_files() {
	local name path
	for name in "$@"; do
		path=$(find "$modules" -name "${name//[-_]/[-_]}.ko" | head -1)
		[ -n "$path" ] || continue
		# shellcheck disable=SC2046
		module_files $(grep -azo '^depends=.*' "$path" | tr -d '\0' | sed 's/^depends=//; s/,/ /g')
		echo "$path"
	done
}

# make_tree DIR - what is copied onto the guest's root
make_tree() {
	local dir=$1 path n=100 program
	mkdir -p "$dir"/{lib/landfall,usr/lib/landfall,usr/landfall,lib64,sbin,var/lf,m,m-root,boot}
	modules=$(find "$cache" -path '*/lib/modules/*' -name kernel -maxdepth 6 | sort -V | tail -1)
	for path in $(module_files nls_cp437 nls_ascii nls_utf8 nls_iso8859-1 vfat btrfs dm-mod dm-crypt raid1 af_alg algif_skcipher \
		aes_generic xts ecb essiv sha256_generic | awk '!seen[$0]++'); do
		strip --strip-debug -o "$dir/lib/landfall/$n-${path##*/}" "$path"
		n=$((n + 1))
	done
	for program in "$build/landfall-agent" "$tools"/sbin/{lvm,mdadm,cryptsetup} "$(command -v mke2fs)"; do
		strip -o "$dir/usr/landfall/${program##*/}" "$program"
		LD_LIBRARY_PATH=$tools/lib/x86_64-linux-gnu:$tools/usr/lib/x86_64-linux-gnu ldd "$program" |
			awk '$2 == "=>" {print $3}' | while read -r path; do strip -o "$dir/usr/lib/landfall/${path##*/}" "$path"; done
	done
	cp -L /lib64/ld-linux-x86-64.so.2 "$dir/lib64/"
	cp tests/e2e/matrix/after-boot "$dir/sbin/after-boot"
	chmod +x "$dir/sbin/after-boot"
}

# --- its disks

# make_disk FILE SECTOR NAME:MIB... - a GPT with partitions of those names; a file system where the name says one
make_disk() {
	local file=$1 sector=$2 spec name mib n=0 at=1 total=2 device fs=$run/fs words=()
	shift 2
	for spec in "$@"; do total=$((total + ${spec#*:})); done
	truncate -s "${total}M" "$file"
	for spec in "$@"; do
		name=${spec%:*} mib=${spec#*:} n=$((n + 1))
		words+=(-n "$n:$((at * 1048576 / sector)):$(((at + mib) * 1048576 / sector - 1))" -c "$n:m-$name" -t "$n:8300")
		rm -f "$fs"
		truncate -s "${mib}M" "$fs"
		case $name in
		ext4 | 4kn | moved) mke2fs -q -F -t ext4 -b 4096 "$fs" ;;
		xfs) mkfs.xfs --unsupported -q -f -s size=4096 "$fs" >/dev/null 2>&1 ;; # smaller than its tools advise
		btrfs) mkfs.btrfs -q --mixed "$fs" >/dev/null ;;
		*) mib=0 ;;
		esac
		[ "$mib" = 0 ] || dd if="$fs" of="$file" bs=1M seek="$at" conv=notrunc,sparse status=none
		at=$((at + ${spec#*:}))
	done
	rm -f "$fs"
	device=$(losetup --find --show --sector-size "$sector" "$file")
	sgdisk -a 1 "${words[@]}" "$device" >/dev/null
	losetup -d "$device"
}
make_disks() { # FIRMWARE
	local dir=$run/machines/$1
	make_disk "$dir/multi" 512 ext4:16 xfs:32 btrfs:40 luks:32
	make_disk "$dir/pair1" 512 pv1:16 md1:16
	make_disk "$dir/pair2" 512 pv2:16 md2:16
	make_disk "$dir/4kn" 4096 4kn:16
	make_disk "$dir/moved" 512 moved:16
	make_disk "$dir/other" 512 other:16
}

# start_guest FIRMWARE - its first boot
start_guest() {
	local dir=$run/machines/$1 disk args=()
	[ "$1" = bios ] || args+=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd" -drive
		"if=pflash,format=raw,unit=1,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd")
	for disk in os multi pair1 pair2 4kn; do
		args+=(-drive "if=none,id=d-$disk,format=raw,cache=unsafe,file=$dir/$disk"
			-device "virtio-blk-pci,drive=d-$disk,serial=$1-$disk$([ $disk != 4kn ] || echo ,logical_block_size=4096,physical_block_size=4096)$([ $disk != os ] || echo ,bootindex=1)")
	done
	args+=(-device virtio-scsi-pci,id=scsi)
	for disk in moved other; do
		args+=(-drive "if=none,id=d-$disk,format=raw,cache=unsafe,file=$dir/$disk"
			-device "scsi-hd,bus=scsi.0,scsi-id=0,lun=$([ $disk = moved ] && echo 0 || echo 1),drive=d-$disk,serial=$1-$disk")
	done
	: >"$run/log/console-$1"
	keep_running "$run" "guest-$1" "$dir/os" qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max -m 640 -smp 1 -nographic -no-reboot \
		-monitor none -serial "file:$run/log/console-$1" -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= "${args[@]}"
}

# --- a site

fetch_tools
mkdir -p "$run/log"
start=$SECONDS
tools/libvirt-up >"$run/log/libvirt.log" 2>&1 || die "libvirt does not start"
LF_DAEMON_OPTIONS="--public-name 10.0.2.2" start_daemon "$run" "$(free_port)"
port=$(sed 's/.*://' "$run/url")
lf_quiet group create mx
lf_quiet recovery-vault create mx-vault --group mx
lf_quiet site create mx-site --group mx
lf_quiet fabric create mx-fabric --site mx-site
lf_quiet policy create mx-policy --history 60 --crash 1
lf_quiet storage create mxcache --group mx
lf_quiet network create mx-net --group mx --prefix 10.95.0.0/16 --subnet-prefix 10.95.0.0/24
make_machine_of_site() { # FIRMWARE
	local dir=$run/machines/$1
	make_tree "$dir/tree"
	jq -n --arg name "mx-$1" '{name: $name}' >"$dir/config.json"
	register_agent "$run" "$1" mx-site
	cp "$dir"/state/* "$dir/config.json" "$dir/tree/var/lf/"
	rm -f "$dir/tree/var/lf/disks.json"
	sed -i "s,https://127.0.0.1:$port,https://10.0.2.2:$port,g" "$dir"/tree/var/lf/*.json
	tools/make-guest -m 1 -n 2 -s 96 -k "quiet mitigations=off no_timer_check audit=0" -x "$dir/tree" "$dir/os" >>"$run/log/make-guest.log"
	make_disks "$1"
	start_guest "$1"
}
for firmware in $firmwares; do
	make_machine_of_site "$firmware"
done
echo "# the guests run after $((SECONDS - start)) s"

said() { grep -aq "$2" "$run/log/console-$1"; }
disks_known() { lf --output json site machines mx-site | jq -e --arg name "mx-$1" '.[] | select(.properties.displayName == $name) | .properties.disks | length == 7' >/dev/null; }
points() { lf --output json replication points "mx-$1" | jq length; }
has_points() { [ "$(points "$1")" -ge "$2" ]; }
for firmware in $firmwares; do
	check "$firmware: seven disks are discovered, under the writer" wait_for 300 disks_known "$firmware"
	lf_quiet replication enable "mx-$firmware" --policy mx-policy --cache mxcache --target-group mx --network mx-net --test-network mx-net \
		--vm-name "mx-$firmware" --vm-size Standard_DS2_v2 --item "mx-$firmware" --no-wait
done
for firmware in $firmwares; do
	check "$firmware: the first point comes" wait_for 800 has_points "$firmware" 1
done
for firmware in $firmwares; do
	check "$firmware: two disks exchange their names" wait_for 120 said "$firmware" 'LF-MATRIX exchanged /dev/sd\(a1 /dev/sdb\|b1 /dev/sda\)1'
	have[${#have[@]}]=$(points "$firmware")
done
echo "# the first points were made after $((SECONDS - start)) s"
# the next session begins when the names are exchanged, since the first point is younger than the policy's minute
for firmware in $firmwares; do
	check "$firmware: points go on in the schedule" wait_for 600 has_points "$firmware" $((have[0] + 1))
	have=("${have[@]:1}")
	stop_one "$run" "guest-$firmware" KILL
done
echo "# points were made after $((SECONDS - start)) s"

vm_of() { lf --output json vm list --group mx | jq -r --arg name "mx-$1-test" '.[] | select(.name == $name) | .name'; }
saw() { lf vm console "mx-$1-test" >"$run/log/test-$1" 2>/dev/null; grep -aq 'LF-MATRIX done' "$run/log/test-$1"; }
# judge FIRMWARE LAYOUT - its two numbers are at most one apart, and its file is whole
judge() {
	local first second sum
	read -r first second sum < <(sed -n "s/.*LF-MATRIX saw $2 //p" "$run/log/test-$1" | tr -d '\r')
	[ "$sum" = ok ] && [ $((first - second)) -ge 0 ] && [ $((first - second)) -le 1 ] && return
	echo "# $1, $2: '$first' '$second' $sum"
	return 1
}
# of_one_instant FIRMWARE - all numbers are, and later than when the names had been exchanged
of_one_instant() {
	local exchanged
	exchanged=$(sed -n 's/.*LF-MATRIX written //p' "$run/log/console-$1" | tr -cd 0-9)
	sed -n 's/.*LF-MATRIX saw [a-z0-9]* \([0-9]*\) \([0-9]*\) .*/\1\n\2/p' "$run/log/test-$1" | sort -n |
		awk -v from="${exchanged:-99999}" 'NR == 1 {low = $1} {high = $1} END {exit !(NR == 18 && high - low <= 1 && low > from)}'
}
for firmware in $firmwares; do
	lf_quiet test-failover start "mx-$firmware" || bad=1
done
for firmware in $firmwares; do
	check "$firmware: what the newest point makes boots" wait_for 600 saw "$firmware"
	for layout in root ext4 xfs btrfs lvm raid luks 4kn moved; do
		check "$firmware, $layout: whole, and of one instant" judge "$firmware" $layout
	done
	check "$firmware: all file systems are of the same instant, after the exchange" of_one_instant "$firmware"
	check "$firmware: the disk of 4096-byte sectors has them" grep -aq 'LF-MATRIX sectors 4096' "$run/log/test-$firmware"
	[ "$firmware" != uefi ] || check "uefi: the EFI system partition is there" grep -aq 'LF-MATRIX saw esp' "$run/log/test-$firmware"
done
echo "# ended after $((SECONDS - start)) s"
check "the vault is without a fault" "$build/landfall" vault verify --data "$run/data"
exit $bad

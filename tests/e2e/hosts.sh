#!/usr/bin/env bash
# hosts.sh [BUILD_DIR] - machines as they are in the world, each protected while a writer works on it: an EFI partition that cannot be
# frozen (erofs stands in: this class of machine has no vfat) beside ext4, which the configuration names once more; xfs; btrfs over two
# disks.  Each has points in its schedule, whose file systems are whole and whose numbers, written in turns to two files with a sync
# each, are at most one apart; and later points read what was written instead of the disk.
# One more runs PostgreSQL and MariaDB under load: its points are crash-consistent, and say why, while one of its scripts fails, and
# application-consistent then; both servers start on such a point, which has every row that was committed before the scripts ran.
set -euo pipefail
export LF_ESTATE_BACKUP=no LF_ESTATE_COMPUTE=fake
cd "$(dirname "$0")/../.."
repo=$PWD
LF_BUILD=$(realpath "${1:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
# shellcheck source=tests/e2e/servers.sh
. tests/e2e/servers.sh
run=$(mktemp -d /tmp/lf-hosts.XXXX)
bad=0
writers=()

stop_writers() {
	local pid
	touch "$run/stop"
	for pid in "${writers[@]}"; do wait "$pid" || true; done
	writers=()
}
finish() {
	local rc=$? # also of a death by set -e
	stop_writers
	stop_servers
	unmount_below "$run"
	tools/estate down "$run" || bad=1
	[ $bad = 0 ] || rc=1
	exit $rc
}
trap finish EXIT

# new_disk NAME MIB - an image on a loop device; prints the device
new_disk() {
	truncate -s "$2M" "$run/$1.img"
	attach_disk "$run/$1.img"
}

# the same number to two files far apart, one after the other, each on the disk before the next
write_in_turns() {
	local n=0
	while n=$((n + 1)) && [ ! -e "$run/stop" ]; do
		echo $n | dd of="$1/first" conv=fsync,notrunc status=none
		echo $n | dd of="$1/second" conv=fsync,notrunc status=none
	done
}

# the same number to two machines, one after the other
write_to_both() {
	local n=0
	while n=$((n + 1)) && [ ! -e "$run/stop" ]; do
		echo $n | dd of="$run/mnt/$1/shared" conv=fsync,notrunc status=none
		echo $n | dd of="$run/mnt/$2/shared" conv=fsync,notrunc status=none
	done
}

# start_machine NAME CONFIG... - an agent whose configuration is made by jq of these arguments, and a writer
start_machine() {
	local dir=$run/machines/$1
	mkdir -p "$dir"
	jq -n --arg name "$1" "${@:2}" >"$dir/config.json"
	register_agent "$run" "$1" estate-servers
	start_agent "$run" "$1"
	head -c 24M /dev/urandom >"$run/mnt/$1/ballast"
	sha256sum <"$run/mnt/$1/ballast" >"$run/mnt/$1/sum"
	truncate -s 40M "$run/mnt/$1/first"
	write_in_turns "$run/mnt/$1" &
	writers+=($!)
}

tools/estate up "$run" >/dev/null
mkdir -p "$run"/mnt/{ext4,xfs,btrfs,esp,apps}

disk=$(new_disk ext4 1200)
addpart "$disk" 1 2048 65536
addpart "$disk" 2 67584 2390000
mkdir "$run/esp-files" && echo boot >"$run/esp-files/grub.cfg"
mkfs.erofs --quiet "${disk}p1" "$run/esp-files" >/dev/null
mkfs.ext4 -q "${disk}p2"
mount -t erofs "${disk}p1" "$run/mnt/esp"
mount "${disk}p2" "$run/mnt/ext4"
head -c 700M /dev/urandom >"$run/mnt/ext4/much"
# shellcheck disable=SC2016  # jq's variables
start_machine ext4 --arg disk "$disk" --arg mount "$run/mnt/ext4" \
	'{name: $name, firmware: "uefi", disks: [{path: $disk, name: "ext4-disk", os: true}], freeze: [$mount, $mount]}'

disk=$(new_disk xfs 400)
mkfs.xfs -q -f "$disk"
mount -o nouuid "$disk" "$run/mnt/xfs"
# shellcheck disable=SC2016
start_machine xfs --arg disk "$disk" --arg off "$run/shutdown" '{name: $name, shutdownCommand: $off, disks: [{path: $disk, name: "xfs-disk", os: true}]}'

one=$(new_disk btrfs1 300) two=$(new_disk btrfs2 300)
mkfs.btrfs -q -f "$one" "$two" >/dev/null
btrfs device scan "$one" "$two" >/dev/null
mount "$one" "$run/mnt/btrfs"
# shellcheck disable=SC2016
start_machine btrfs --arg one "$one" --arg two "$two" \
	'{name: $name, disks: [{path: $one, name: "btrfs-one", os: true}, {path: $two, name: "btrfs-two"}]}'

disk=$(new_disk apps 900)
mkfs.ext4 -q "$disk"
mount "$disk" "$run/mnt/apps"
chmod 711 "$run"
scripts=$run/app.d
mkdir "$scripts"
make_servers "$run/mnt/apps" "$scripts"
printf '#!/bin/sh\necho nothing works today\nexit 3\n' >"$scripts/zz-broken"
chmod 755 "$scripts"/*
mkdir -p "$run/machines/apps"
jq -n --arg disk "$disk" --arg scripts "$scripts" '{name: "apps", appScripts: $scripts, disks: [{path: $disk, name: "apps-disk", os: true}]}' >"$run/machines/apps/config.json"
register_agent "$run" apps estate-servers
start_agent "$run" apps
start_load "$run/mnt/apps"

write_to_both xfs ext4 &
writers+=($!)
# what shuts a machine down here: its agent is heard no more
cat >"$run/shutdown" <<'END'
#!/bin/sh
echo $PPID >"$0.done"
kill -STOP $PPID
END
chmod +x "$run/shutdown"

wait_for_machines estate-servers 6
lf_quiet group create hosts
lf_quiet storage create hostscache --group hosts
lf_quiet network create hosts-net --group hosts --prefix 10.96.0.0/16 --subnet-prefix 10.96.0.0/24
declare -A machine
lf_quiet policy create app-policy --vault estate-vault --history 60 --crash 1 --app 1
for name in ext4 xfs btrfs apps; do
	machine[$name]=$(lf --output json site machines estate-servers | jq -r --arg name $name '.[] | select(.properties.displayName == $name) | .name')
	lf_quiet replication enable "${machine[$name]}" --policy "$([ $name = apps ] && echo app-policy || echo estate-policy)" --cache hostscache --target-group hosts --network hosts-net \
		--test-network hosts-net --vm-name "vm-$name" --vm-size Standard_B1s --no-wait $([ $name = btrfs ] || [ $name = apps ] || echo --multi-vm-group shop)
done

store=$run/data/regions/eastus/store key=$run/data/keys/platform.key
points_of() { # DISK - ids of the points that have it, the oldest first
	"$build/landfall" vault list "$store" --key "$key" --output json |
		jq -r --arg disk "$1" 'sort_by(.time) | .[] | select([.disks[].name] | index($disk)) | .id'
}
has_points() { [ "$(points_of "$1" | wc -l)" -ge "$2" ]; }
is_protected() { lf --output json replication show "${machine[$1]}" | jq -e '.properties.protectionState == "Protected"' >/dev/null; }
fetch() { # POINT DISK FILE
	rm -f "$3"
	"$build/landfall" vault export "$store" "$1" "$3" --disk "$2" --key "$key" >/dev/null
}

# look_at NAME DEVICE OPTIONS - is what a point has there whole, and of one instant?
look_at() {
	local at=$run/look first second rc=0
	mkdir -p "$at"
	mount -o "$3" "$2" "$at" || return 1
	first=$(head -c 20 "$at/first" | head -n 1 | tr -dc 0-9) second=$(head -c 20 "$at/second" | tr -dc 0-9)
	sha256sum -c "$at/sum" <"$at/ballast" >/dev/null 2>&1 || rc=1
	umount "$at"
	[ $((first - second)) -ge 0 ] && [ $((first - second)) -le 1 ] || { echo "# $1: $first and $second"; rc=1; }
	return $rc
}
point_is_whole() { # NAME
	local point disk other rc=0
	case $1 in
	ext4)
		point=$(points_of ext4-disk | tail -n 1)
		fetch "$point" ext4-disk "$run/out.img"
		disk=$(attach_disk "$run/out.img")
		addpart "$disk" 2 67584 2390000
		e2fsck -fp "${disk}p2" >/dev/null || [ $? = 1 ] || rc=1
		look_at "$1" "${disk}p2" ro || rc=1
		losetup -d "$disk" ;;
	xfs)
		point=$(points_of xfs-disk | tail -n 1)
		fetch "$point" xfs-disk "$run/out.img"
		disk=$(attach_disk "$run/out.img")
		look_at "$1" "$disk" nouuid || rc=1
		xfs_repair -n "$disk" >/dev/null 2>&1 || rc=1
		losetup -d "$disk" ;;
	btrfs)
		point=$(points_of btrfs-one | tail -n 1)
		fetch "$point" btrfs-one "$run/out.img"
		fetch "$point" btrfs-two "$run/out2.img"
		disk=$(attach_disk "$run/out.img") other=$(attach_disk "$run/out2.img")
		btrfs device scan --forget >/dev/null # those of the machine, with the same identity
		btrfs device scan "$disk" "$other" >/dev/null
		btrfs check --readonly "$disk" >/dev/null 2>&1 || rc=1
		look_at "$1" "$disk" "ro,device=$other" || rc=1
		losetup -d "$disk" "$other" ;;
	esac
	return $rc
}

# marked MACHINE - its points that are of one instant with others', as TIME ID, the newest first
marked() {
	lf --output json replication points "${machine[$1]}" |
		jq -r '.[] | select(.properties.providerSpecificDetails.isMultiVmSyncPoint == "true") | .properties.recoveryPointTime + " " + .name'
}
are_marked() { [ -n "$(marked xfs)" ] && [ -n "$(marked ext4)" ]; }
shared_of() { # DEVICE OPTIONS
	mkdir -p "$run/look"
	mount -o "$2" "$1" "$run/look" || return 1
	head -c 20 "$run/look/shared" | head -n 1 | tr -dc 0-9
	umount "$run/look"
}
# the newest points that both have of one instant: what was written to one after the other is at most one apart
have_one_order() {
	local time first second one two
	time=$(join <(marked xfs | sort) <(marked ext4 | sort) | tail -n 1)
	read -r _ first second <<<"$time"
	[ -n "$second" ] || return 1
	fetch "$first" xfs-disk "$run/g1.img"
	fetch "$second" ext4-disk "$run/g2.img"
	one=$(attach_disk "$run/g1.img") two=$(attach_disk "$run/g2.img")
	addpart "$two" 2 67584 2390000
	first=$(shared_of "$one" nouuid) second=$(shared_of "${two}p2" defaults)
	losetup -d "$one" "$two"
	echo "# $first and $second"
	[ "$first" -gt 0 ] && [ $((first - second)) -ge 0 ] && [ $((first - second)) -le 1 ]
}
# the agent takes the order after its last point, and is silent
fail_over_and_shut_down() {
	local job rc=0
	lf --output json failover start "${machine[xfs]}" --shutdown >/dev/null || rc=1
	[ -e "$run/shutdown.done" ] && kill -CONT "$(cat "$run/shutdown.done")" || rc=1
	job=$(lf --output json job list | jq '[.[] | select(.properties.scenarioName == "UnplannedFailover")][0].properties')
	jq -e '.stateDescription == "Completed" and (.tasks[] | select(.name == "ShutDownVirtualMachine") | .state) == "Succeeded"' <<<"$job" >/dev/null || { echo "# $job"; rc=1; }
	return $rc
}

# newest_type MACHINE [TYPE] - of its newest point
newest_is() {
	lf --output json replication points "${machine[$1]}" | jq -e --arg type "$2" 'sort_by(.properties.recoveryPointTime) | last | .properties.recoveryPointType == $type' >/dev/null
}
# what is said of its scripts
app_fault() { lf --output json replication show "${machine[apps]}" | jq -c '[.properties.healthErrors[] | select(.errorCode == "ApplicationConsistencyFailed")]'; }
says_what_is_broken() {
	newest_is apps CrashConsistent &&
		jq -e '.[0] | .errorLevel == "Warning" and (.errorMessage | test("zz-broken failed: nothing works today")) and (.recommendedAction | test("zz-broken freeze"))' <<<"$(app_fault)" >/dev/null
}
is_app_consistent() { newest_is apps ApplicationConsistent && [ "$(app_fault)" = "[]" ]; }
app_points() { lf --output json replication points "${machine[apps]}" | jq -r '[.[] | select(.properties.recoveryPointType == "ApplicationConsistent")] | sort_by(.properties.recoveryPointTime) | last | .name + " " + .properties.recoveryPointTime'; }
# the newest such point is a machine's, when that is what is asked for
latest_is_chosen() {
	local point
	read -r point _ <<<"$(app_points)"
	lf --output json test-failover start "${machine[apps]}" --point latest-app-consistent >/dev/null
	lf --output json job list | jq -e --arg point "$point" '[.[] | select(.properties.scenarioName == "TestFailover")][0] | tostring | test($point)' >/dev/null
}

for name in ext4 xfs btrfs apps; do
	check "$name: the machine becomes Protected" wait_for 240 is_protected $name
done
check "apps: while a script fails the point is crash-consistent, and the item says why" wait_for 60 says_what_is_broken
rm "$scripts/zz-broken"
check "ext4: a second point comes" wait_for 400 has_points ext4-disk 2
check "xfs: a second point comes" wait_for 240 has_points xfs-disk 2
check "btrfs: a second point comes" wait_for 240 has_points btrfs-one 2
check "apps: an application-consistent point comes, and the item is well" wait_for 240 is_app_consistent
log=$run/log/agent-ext4.log
if grep -q 'are not tracked' "$log"; then
	echo "# $(grep 'are not tracked' "$log" | head -n 1)"
else
	read_last() { sed -n 's/.*recovery point .*: \([0-9]*\) MiB read.*/\1/p' "$log" | tail -n 1; }
	echo "# $(grep -ho 'recovery point .*' "$run"/log/agent-*.log | cut -d: -f2 | tr '\n' ';')"
	check "a later point reads what was written, not the disk ($(read_last) MiB of 1200)" [ "$(read_last)" -lt 300 ]
fi
check "xfs and ext4: points of one instant are marked" wait_for 120 are_marked
check "xfs: a failover shuts the machine down, and its task says so" fail_over_and_shut_down
check "apps: the latest application-consistent point is chosen" latest_is_chosen
stop_writers
stop_servers
unmount_below "$run"
read -r point time <<<"$(app_points)"
fetch "$point" apps-disk "$run/out.img"
disk=$(attach_disk "$run/out.img")
mount "$disk" "$run/mnt/apps"
check "PostgreSQL: starts on the point, sound, with every row that was committed before" postgresql_is_whole "$run/mnt/apps" "$time"
check "MariaDB: starts on the point, sound, with every row that was committed before" mariadb_is_whole "$run/mnt/apps" "$time"
umount "$run/mnt/apps"
losetup -d "$disk"
for name in ext4 xfs btrfs; do
	check "$name: the newest point's file system is whole, and its numbers of one instant" point_is_whole $name
done
check "xfs and ext4: the order of what was written to both is that of their common point" have_one_order
check "the vault is without a fault" "$build/landfall" vault verify --data "$run/data"
exit $bad

#!/usr/bin/env bash
# large.sh [BUILD_DIR] - a server with 10.5 GB of data on a disk of 16 GB that is read past every cache, and a writer of one small file
# every half second: it becomes Protected in about the time of one reading, gets points in its schedule, and stands still for a moment.
set -euo pipefail
export LF_ESTATE_BACKUP=no LF_ESTATE_COMPUTE=fake
cd "$(dirname "$0")/../.."
repo=$PWD
LF_BUILD=$(realpath "${1:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
run=$(mktemp -d /tmp/lf-large.XXXX)
bad=0
writer=

finish() {
	local rc=$? # also of a death by set -e
	touch "$run/stop"
	[ -z "$writer" ] || wait "$writer" || true
	unmount_below "$run"
	tools/estate down "$run" || bad=1
	[ $bad = 0 ] || rc=1
	exit $rc
}
trap finish EXIT

tools/estate up "$run" >/dev/null
mkdir -p "$run/mnt" "$run/machines/large"
truncate -s 16G "$run/large.img"
disk=$(losetup --find --show --direct-io=on "$run/large.img")
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$disk"
mount "$disk" "$run/mnt"
head -c 1G /dev/urandom >"$run/part"
for n in 1 2 3 4 5 6 7 8 9 10; do cat "$run/part" >"$run/mnt/part$n"; done
head -c 500M /dev/urandom >"$run/mnt/rest"
rm "$run/part"
sync "$run/mnt"
(
	n=0
	while [ ! -e "$run/stop" ]; do
		n=$((n + 1))
		echo $n >"$run/mnt/small$((n % 50))"
		sleep 0.5
	done
) &
writer=$!
jq -n --arg disk "$disk" '{name: "large", disks: [{path: $disk, name: "large-disk", os: true}]}' >"$run/machines/large/config.json"
register_agent "$run" large estate-servers
start_agent "$run" large
wait_for_machines estate-servers 3
lf_quiet group create large
lf_quiet storage create largecache --group large
lf_quiet network create large-net --group large --prefix 10.97.0.0/16 --subnet-prefix 10.97.0.0/24
machine=$(lf --output json site machines estate-servers | jq -r '.[] | select(.properties.displayName == "large") | .name')
start=$SECONDS
lf_quiet replication enable "$machine" --policy estate-policy --cache largecache --target-group large --network large-net \
	--test-network large-net --vm-name large --vm-size Standard_B1s --no-wait
item() { lf --output json replication show "$machine"; }
is_protected() { item | jq -e '.properties.protectionState == "Protected"' >/dev/null; }
points() { grep -c 'recovery point' "$run/log/agent-large.log" || true; }
has_points() { [ "$(points)" -ge "$1" ]; }
check "10.5 GB become Protected" wait_for 1500 is_protected
echo "# after $((SECONDS - start)) s"
check "with health Normal and no error" [ "$(item | jq -r '.properties | [.replicationHealth, (.healthErrors | length)] | @csv')" = '"Normal",0' ]
check "points come in their schedule" wait_for 240 has_points 3
grep -ho 'recovery point .*' "$run/log/agent-large.log" | sed 's/^/# /'
frozen=$(sed -n 's/.*frozen \([0-9]*\) ms.*/\1/p' "$run/log/agent-large.log" | sort -n | tail -n 1)
check "no freeze lasted a second (the longest: $frozen ms)" [ "$frozen" -lt 1000 ]
exit $bad

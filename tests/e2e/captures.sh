#!/usr/bin/env bash
# captures.sh ESTATE [BUILD_DIR] - backups of a running machine read what changed, and nothing is missed: while the guest stands
# still, a point is taken, and compared with the machine's disks byte for byte (tools/estate, with real machines); also
# after its QEMU was killed, which breaks its bitmaps.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
run=$1
LF_BUILD=$(realpath "${2:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
dir=$(mktemp -d /tmp/lf-captures.XXXX)
bad=0
trap 'rm -rf "$dir"' EXIT
store=$run/data/regions/eastus/store
vm="/subscriptions/{subscription}/resourceGroups/estate/providers/Microsoft.Compute/virtualMachines/estate-vm"
post() { lf rest POST "$vm/$1?api-version=2024-07-01" --wait >/dev/null; }
vault() { "$LF_BUILD/landfall" vault "$@" --key "$run/data/keys/platform.key"; }
last() { grep 'info: captured' "$run/log/landfalld.log" | tail -1; }
lf backup now estate-vm --vault estate-backups >/dev/null 2>&1 # it is there, and so is a point
guid=$(last | grep -oE '[0-9a-f]{8}-[0-9a-f-]{27}')
domain=landfall-$guid
virsh() { command virsh -q -c qemu:///system "$@"; }

# the newest point's disks against the machine's files
compare() {
	local row name file
	row=$(vault list "$store" --output json | jq -c last)
	for lun in -1 0 1; do
		name=$(jq -r ".disks[] | select(.lun == $lun) | .name" <<<"$row")
		file=$run/data/compute/$guid/disk-$([ $lun = -1 ] && echo os || echo "$lun").qcow2
		vault export "$store" "$(jq -r .id <<<"$row")" "$dir/$lun.raw" --disk "$name" >/dev/null 2>&1
		qemu-img compare -q -f raw -F qcow2 "$dir/$lun.raw" "$file" || { echo "# $name differs"; return 1; }
		rm "$dir/$lun.raw"
	done
}
booted() { lf rest GET "$(console)" | grep -c 'LANDFALL-MARKER check=OK'; }
console() { lf rest POST "$vm/retrieveBootDiagnosticsData?api-version=2024-07-01" | jq -r .serialConsoleLogBlobUri | sed "s|^$(cat "$run/url")||"; }
again() { [ "$(booted)" -gt "$1" ]; }

# round WHAT-IS-READ ACTION - the guest boots (and writes), stands still, is captured, and compared
round() {
	local before
	before=$(booted || true)
	"${@:2}"
	wait_for 120 again "$before" || { echo "not ok - the machine boots"; bad=1; }
	virsh suspend "$domain"
	lf backup now estate-vm --vault estate-backups >/dev/null 2>&1 || bad=1
	check "after '${*:2}' $1 is read" grep -q "$1" <<<"$(last)"
	echo "#$(last | sed 's/.*: / /')"
	virsh destroy "$domain" # what QEMU holds goes to the files
	check "the point is the machine's disks, byte for byte" compare
	post start
}
is_off() { [ "$(virsh domstate "$domain")" = "shut off" ]; }
killed() {
	kill -9 "$(pgrep -f "guest=$domain,")"
	wait_for 60 is_off # libvirt has seen it
	post start
}
round "what changed" post restart
round "what changed" post restart
round "everything" killed
round "what changed" post restart
before=$(booted || true) # its last start has begun
one() { [ "$(virsh checkpoint-list "$domain" --name | grep -c landfall-)" = 1 ]; }
check "one checkpoint is kept" one

# A disk comes to the running machine and leaves it, which its guest has to let happen; also across a kill of the daemon.
wait_for 120 again "$before" || { echo "not ok - the machine boots"; bad=1; }
disks() { lf rest GET "$vm?api-version=2024-07-01" | jq -c "{properties: {storageProfile: {dataDisks: (.properties.storageProfile.dataDisks $1)}}}"; }
hot=${vm%virtualMachines/*}disks/hot
lf rest PUT "$hot?api-version=2024-03-02" --wait --body '{"location": "eastus", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}' >/dev/null
with='+ [{lun: 5, createOption: "Attach", managedDisk: {id: (.id | sub("virtualMachines/.*"; "disks/hot"))}}]'
without='| map(select(.lun != 5))'
change() { lf rest PATCH "$vm?api-version=2024-07-01" "${@:2}" --body "$(disks "$1")" >/dev/null; }
has() { virsh domblklist "$domain" | grep -q '^ *vdd '; }
told() { lf rest GET "$hot?api-version=2024-03-02" | jq -e --arg state "$1" '.properties.diskState == $state' >/dev/null; }
settled() { lf rest GET "$vm?api-version=2024-07-01" | jq -e '.properties.provisioningState == "Succeeded"' >/dev/null; }
attached() { has && told Attached; }
detached() { ! has && told Unattached; }
change "$with" --wait
check "a running machine gets a disk" attached
change "$without" --wait
check "and its guest lets go of it" detached
for want in with without; do
	change "${!want}"
	stop_one "$run" landfalld KILL || bad=1
	start_daemon "$run" "$(sed 's/.*://' "$run/url")"
	wait_for 60 settled || bad=1
	check "$want the disk, though the daemon was killed between" "$([ $want = with ] && echo attached || echo detached)"
done
lf rest DELETE "$hot?api-version=2024-03-02" --wait >/dev/null || bad=1
exit $bad

#!/usr/bin/env bash
# restores.sh ESTATE [BUILD_DIR] - every kind of restore of a machine with several disks, ext4 and xfs (tools/estate, with real
# machines): what lies in the account is its disks byte for byte, and whole for fsck; what boots finds its files whole.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
run=$1
LF_BUILD=$(realpath "${2:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
dir=$(mktemp -d /tmp/lf-restores.XXXX)
bad=0
trap 'rm -rf "$dir"' EXIT
vms="/subscriptions/{subscription}/resourceGroups/estate/providers/Microsoft.Compute/virtualMachines"
backup() { lf backup "$1" estate-vm --vault estate-backups "${@:2}" >/dev/null 2>&1; }
post() { lf rest POST "$vms/$1?api-version=2024-07-01" --wait >/dev/null; } # VM/ACTION
boots() { # VM - which boot of its system disk it was, the last time that it found its files whole
	local uri
	uri=$(lf rest POST "$vms/$1/retrieveBootDiagnosticsData?api-version=2024-07-01" | jq -r .serialConsoleLogBlobUri)
	lf rest GET "${uri#"$(cat "$run/url")"}" | sed -n 's/.*LANDFALL-MARKER check=OK.* boots=\([0-9]*\).*/\1/p' | tail -1
}
booted() { [ "$(boots "$1")" = "$2" ]; } # VM BOOT
remove() { lf rest DELETE "$vms/$1?api-version=2024-07-01" --wait >/dev/null; }

# --- off: the bytes of the account are those of its files
wait_for 120 booted estate-vm 1
post estate-vm/deallocate
backup now
guid=$(grep 'info: captured' "$run/log/landfalld.log" | tail -1 | grep -oE '[0-9a-f]{8}-[0-9a-f-]{27}')
lf storage create restoretest --group estate >/dev/null
check "disks are restored to an account" backup restore --as disks --account restoretest
container=$(find "$run/data/accounts/restoretest" -mindepth 1 -maxdepth 1 -name '[!.]*' -printf '%f\n' | head -1)
key=$(lf rest POST "/subscriptions/{subscription}/resourceGroups/estate/providers/Microsoft.Storage/storageAccounts/restoretest/listKeys?api-version=2023-05-01" | jq -r '.keys[0].value')
# fetch BLOB FILE - with a request that the account's key signs
fetch() {
	local date text signature
	date=$(TZ=GMT date '+%a, %d %b %Y %H:%M:%S GMT')
	text=$(printf 'GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:%s\nx-ms-version:2021-08-06\n/restoretest/restoretest/%s/%s' "$date" "$container" "$1")
	signature=$(printf %s "$text" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(base64 -d <<<"$key" | od -An -v -tx1 | tr -d ' \n')" -binary | base64)
	curl -sf --cacert "$run/data/ca.pem" -H "x-ms-date: $date" -H 'x-ms-version: 2021-08-06' -H "Authorization: SharedKey restoretest:$signature" \
		-o "$2" "$(cat "$run/url")/restoretest/$container/$1"
}
same() { # BLOB-PATTERN DISK
	local blob
	blob=$(find "$run/data/accounts/restoretest/$container" -name "$1" -printf '%f\n' | sed 's/\.point$//')
	fetch "$blob" "$dir/$2.raw" || return 1
	truncate -s -512 "$dir/$2.raw"
	qemu-img compare -q -f raw -F qcow2 "$dir/$2.raw" "$run/data/compute/$guid/disk-$2.qcow2"
}
check "the system disk is the machine's, byte for byte" same 'estate-vm-osdisk-*.point' os
check "the first data disk is the machine's, byte for byte" same 'estate-vm-datadisk-000-*.point' 0
check "the second data disk is the machine's, byte for byte" same 'estate-vm-datadisk-001-*.point' 1
root() { # the second partition of the system disk
	local start sectors
	read -r start sectors < <(partx -g -o START,SECTORS --show --nr 2 "$dir/os.raw")
	dd if="$dir/os.raw" of="$dir/root.raw" bs=512 skip="$start" count="$sectors" status=none
	e2fsck -fn "$dir/root.raw"
}
whole() { "$@" >"$dir/said" 2>&1 || { sed 's/^/# /' "$dir/said"; return 1; }; }
check "the system disk's ext4 is whole for fsck" whole root
check "the data disk's xfs is whole for xfs_repair" whole xfs_repair -n -f "$dir/0.raw"
check "the other's ext4 is whole for fsck" whole e2fsck -fn "$dir/1.raw"
rm -f "$dir"/*.raw

# --- as another machine
check "it is restored as another machine" backup restore --as machine --name estate-alt --group estate --network estate-net
check "which boots, and finds its files whole" wait_for 180 booted estate-alt 2
remove estate-alt

# --- managed disks, and a machine of them
check "disks are restored as managed disks" backup restore --as disks --account restoretest --group estate
disk() { lf --output json disk list | jq -r --arg p "$1" '[.[] | select((.name | test($p)) and .properties.diskState == "Unattached")] | last | .name'; }
os=$(disk '^estate-vm-osdisk') data=$(disk '^estate-vm-datadisk-000')
check "a machine is made of them" lf vm create estate-made --group estate --network estate-net --os-disk "$os" --data-disks "$data" >/dev/null
check "which boots, and finds its files whole" wait_for 180 booted estate-made 2
remove estate-made

# --- in its place: its third boot is undone
post estate-vm/start
wait_for 120 booted estate-vm 2
post estate-vm/restart
check "the machine boots on" wait_for 120 booted estate-vm 3
check "its own disks are replaced" backup restore --as replace --account restoretest
check "and it boots from them, and finds its files whole" wait_for 180 booted estate-vm 2
"$LF_BUILD/landfall" vault verify --data "$run/data" >/dev/null && echo "ok - the vault is without a fault" || { echo "not ok - the vault is without a fault"; bad=1; }
exit $bad

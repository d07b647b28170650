#!/usr/bin/env bash
# agent-backup.sh ESTATE [BUILD_DIR] - a machine with landfall-agent as what is backed up (tools/estate has two): its disks
# restored to an account are its disks, byte for byte; so are its files; and, where machines are real, it boots as another one.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
run=$1
LF_BUILD=$(realpath "${2:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
dir=$(mktemp -d /tmp/lf-agentbk.XXXX)
bad=0
trap 'sh "$dir/script" down "$dir/files" 2>/dev/null || true; rm -rf "$dir"' EXIT
machine=$run/machines/estate-one
backup() { lf backup "$1" estate-one --vault estate-backups "${@:2}" >/dev/null; }
points() { lf --output json backup points estate-one --vault estate-backups; }

check "a discovered machine is protected" backup enable
check "its agent makes a recovery point" backup now
check "which has its disks" [ "$(points | jq '.[0].properties.recoveryPointDiskConfiguration.numberOfDisksIncludedInBackup')" = 2 ]
check "a second one" backup now
check "is a point of its own" [ "$(points | jq length)" = 2 ]
jobs=$(lf --output json backup jobs --vault estate-backups | jq -r '[.[] | select(.properties.entityFriendlyName == "estate-one" and .properties.operation == "Backup")] | length')
check "and a job each" [ "$jobs" = 2 ]

lf storage create agentstaging --group estate >/dev/null
check "its disks are restored to an account" backup restore --as disks --account agentstaging
token=$(
	. "$run/data/client.env"
	curl -sf --cacert "$LF_CA_FILE" "$LF_URL/$LF_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials -d "client_id=$LF_CLIENT_ID" \
		--data-urlencode "client_secret=$LF_CLIENT_SECRET" -d scope=https://storage.azure.com/.default | jq -r .access_token
)
container=$(find "$run/data/accounts/agentstaging" -mindepth 1 -maxdepth 1 -name '[!.]*' -printf '%f\n' | head -1)
compare() { # NAME PATTERN - the blob of that name is the source's disk
	local blob
	blob=$(find "$run/data/accounts/agentstaging/$container" -name "$2" -printf '%f\n' | sed 's/\.point$//')
	curl -sf --cacert "$run/data/ca.pem" -H "Authorization: Bearer $token" -H 'x-ms-version: 2025-01-05' -o "$dir/blob" \
		"$(cat "$run/url")/agentstaging/$container/$blob" || return 1
	truncate -s "$(stat -c %s "$machine/$1.raw")" "$dir/blob" # what rounds it up, and the footer
	cmp "$dir/blob" "$machine/$1.raw"
}
check "the system disk is the machine's, byte for byte" compare os 'estate-one-osdisk-*.point'
check "so is the data disk" compare data 'estate-one-datadisk-*.point'

backup files --to "$dir/script"
up() { sh "$dir/script" up "$dir/files" >"$dir/said" || { sed 's/^/# /' "$dir/said"; return 1; }; }
check "its files are mounted" up
whole() { (cd "$1" && [ "$(wc -l <.manifest)" -ge 2 ] && sha256sum --quiet -c .manifest); }
check "and whole" whole "$dir/files/os-2/data"
check "those of the data disk, too" whole "$dir/files/lun0"
sh "$dir/script" down "$dir/files"
backup files --revoke

# a disk that is attached later is not left out
head -c 3M /dev/urandom >"$machine/extra.raw"
jq --arg path "$machine/extra.raw" '.disks += [{path: $path, name: "extra"}]' "$machine/config.json" >"$dir/config" && mv "$dir/config" "$machine/config.json"
check "the agent ends in time, with status 0" stop_one "$run" agent-estate-one
start_agent "$run" estate-one
discovered() { lf --output json site machines estate-servers | jq -e '.[] | select(.properties.displayName == "estate-one") | .properties.disks | length == 3' >/dev/null; }
check "the agent tells of another disk" wait_for 30 discovered
check "a backup after that" backup now
check "has it, too" [ "$(points | jq '.[0].properties.recoveryPointDiskConfiguration.numberOfDisksIncludedInBackup')" = 3 ]

if [ "${LF_ESTATE_COMPUTE:-libvirt}" != fake ]; then
	check "it is restored as another machine" backup restore --as machine --name one-again --group estate --network estate-net
	uri=$(lf rest POST "/subscriptions/{subscription}/resourceGroups/estate/providers/Microsoft.Compute/virtualMachines/one-again/retrieveBootDiagnosticsData?api-version=2024-07-01" | jq -r .serialConsoleLogBlobUri)
	console() { lf rest GET "${uri#"$(cat "$run/url")"}" | grep -q 'LANDFALL-MARKER check=OK.*uptime'; }
	check "which boots, and finds its files whole" wait_for 180 console
	lf rest DELETE "/subscriptions/{subscription}/resourceGroups/estate/providers/Microsoft.Compute/virtualMachines/one-again?api-version=2024-07-01" --wait >/dev/null
fi
refuse() { ! backup restore --as replace --account agentstaging 2>/dev/null; }
check "its own disks cannot be replaced from here" refuse
check "its protection is stopped, its points stay" backup stop
check "as many as before" [ "$(points | jq length)" = 3 ]
exit $bad

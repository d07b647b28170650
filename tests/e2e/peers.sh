#!/usr/bin/env bash
# peers.sh [N] [BUILD_DIR] - two sites: backups made at one go to the other, whichever of the two daemons is killed
# meanwhile (N times), and are restored there, byte for byte, after the first one was killed and its data moved away.
#
# Machines are documents; disks, vaults, the wire between the sites, jobs and blobs are real.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
kills=${1:-6}
LF_BUILD=$(realpath "${2:-build}")
export LF_BUILD LF_ESTATE_COMPUTE=fake
# shellcheck source=tools/lib.sh
. tools/lib.sh
dir=$(mktemp -d /tmp/lf-peers.XXXX)
one=$dir/one two=$dir/two
mkdir -p "$one" "$two"
seed=${LF_SEED:-$RANDOM}
RANDOM=$seed
bad=0

finish() {
	local rc=$?
	take_down "$two" || rc=1
	tools/estate down "$one" || rc=1
	rm -rf "$dir"
	exit $rc
}
trap finish EXIT

at() { run=$1 lf "${@:2}"; } # at SITE ARGS... - the command line, signed in there
refused() { # CODE SITE ARGS... - the command fails with that error
	local code=$1 said
	shift
	said=$(at "$@" 2>&1) && return 1
	grep -q "$code" <<<"$said" || { echo "# $said"; return 1; }
}

echo "# seed $seed"
LF_DAEMON_OPTIONS="--compute fake" start_daemon "$two" "$(free_port)"
LF_DAEMON_OPTIONS="--peer westus=$two/data/keys/peer.json" tools/estate up "$one" >/dev/null
ports=("$(sed 's/.*://' "$one/url")" "$(sed 's/.*://' "$two/url")")
restart() { # 0|1
	case $1 in
	0) LF_DAEMON_OPTIONS="--compute fake --allow soft-delete-off --peer westus=$two/data/keys/peer.json" start_daemon "$one" "${ports[0]}" ;;
	1) LF_DAEMON_OPTIONS="--compute fake" start_daemon "$two" "${ports[1]}" ;;
	esac
}
vault=$(at "$one" --output json recovery-vault show estate-backups | jq -r .id)
item=$vault/backupFabrics/Azure/protectionContainers/iaasvmcontainer\;iaasvmcontainerv2\;estate\;estate-vm/protectedItems/vm\;iaasvmcontainerv2\;estate\;estate-vm
points() { at "$1" rest GET "$item/recoveryPoints?api-version=$2" | jq -r '.value[].name' | sort; } # SITE API-VERSION

# --- copies, between kills of either side
for i in $(seq "$kills"); do
	at "$one" backup now estate-vm --vault estate-backups --no-wait >/dev/null 2>&1 || true
	sleep "0.$((RANDOM % 80 + 10))"
	victim=$((i % 2))
	site=$([ $victim = 0 ] && echo "$one" || echo "$two")
	stop_one "$site" landfalld KILL || bad=1
	sleep "0.$((RANDOM % 10))"
	restart $victim
	wait_for 30 at "$one" login-check >/dev/null
done
ended() { [ "$(at "$one" --output json backup jobs --vault estate-backups | jq '[.[] | select(.properties.status == "InProgress")] | length')" = 0 ]; }
check "$kills kills: the backups have ended" wait_for 60 ended
made=$(points "$one" 2024-04-01)
arrived() { [ "$(points "$two" 2018-12-20)" = "$made" ]; }
check "each of the $(wc -l <<<"$made") points is at the other site" wait_for 120 arrived
check "the first site's store of the paired region was not used" [ ! -e "$one/data/regions/westus" ]
claims() { find "$1"/data/regions/*/store/claims -type f | grep -cE '/(backup|replica:peer)$' || true; }
check "each has a claim at both" [ "$(claims "$one") $(claims "$two")" = "$(wc -l <<<"$made") $(wc -l <<<"$made")" ]
check "nothing is left on its way" [ -z "$(find "$one/data/outgoing" "$two/data/inbox" "$two"/data/regions/*/store/sessions -type f 2>/dev/null)" ]
check "the second site's vault is without a fault" "$LF_BUILD/landfall" vault verify --data "$two/data"
stored() { du -s --block-size=1 "$1" | cut -f1; }
echo "# stored: $(stored "$one/data/regions/eastus") bytes at the first site, $(stored "$two/data/regions/westus") at the second"

# --- what each site refuses
check "a vault of the first site cannot be changed at the second" refused VaultIsReplica "$two" rest POST "$item/backup?api-version=2024-04-01" --body '{"properties":{"objectType":"IaasVMBackupRequest"}}'
check "the first site names the one that serves the region" refused RegionServedElsewhere "$one" rest GET "/subscriptions/{subscription}/providers/Microsoft.RecoveryServices/locations/westus/backupAadProperties?api-version=2018-12-20"
status() { curl -s -o /dev/null -w '%{http_code}' --cacert "$two/data/ca.pem" "$@"; }
peer_url=$(cat "$two/url")/peer/v1/westus/$(cat /proc/sys/kernel/random/uuid)
check "without the secret nothing is taken" [ "$(status -X POST -H 'Authorization: Bearer guessed' "$peer_url/begin" -d '{}')" = 401 ]
secret=$(jq -r .secret "$two/data/keys/peer.json")
check "what was not begun takes no pack" [ "$(status -X POST -H "Authorization: Bearer $secret" "$peer_url/packs" -d 'x')" = 404 ]
check "the secret is in no log" sh -c '! grep -rqF "$1" "$2"/log "$3"/log' - "$secret" "$one" "$two"

# --- the first site is gone
check "the first site was there until we killed it" stop_one "$one" landfalld KILL
mv "$one/data" "$dir/lost"
subscription=$(sed -n 's|^/subscriptions/\([^/]*\)/.*|\1|p' <<<"$vault")
two_rest() { at "$two" rest "$@"; }
crr=/subscriptions/$subscription/providers/Microsoft.RecoveryServices/locations/westus
two_rest PUT "/subscriptions/$subscription/resourceGroups/after?api-version=2022-12-01" --body '{"location":"westus"}' >/dev/null
account=/subscriptions/$subscription/resourceGroups/after/providers/Microsoft.Storage/storageAccounts/afterstaging
two_rest PUT "$account?api-version=2023-05-01" --wait --body '{"location":"westus","kind":"StorageV2","sku":{"name":"Standard_LRS"}}' >/dev/null
aad=$(two_rest GET "$crr/backupAadProperties?api-version=2018-12-20")
newest=$(tail -1 <<<"$made")
access=$(two_rest POST "$item/recoveryPoints/$newest/accessToken?api-version=2018-12-20" --body "$aad" | jq .properties)
two_rest POST "$crr/backupCrossRegionRestore?api-version=2018-12-20" --body "$(jq -n --argjson access "$access" --arg account "$account" --arg point "$newest" '{
	crossRegionRestoreAccessDetails: $access, restoreRequest: {objectType: "IaasVMRestoreRequest", recoveryPointId: $point,
		recoveryType: "RestoreDisks", storageAccountId: $account, region: "westus"}}')" >/dev/null
crr_jobs() { two_rest POST "$crr/backupCrrJobs?api-version=2018-12-20" --body "$(jq -n --arg vault "$vault" '{resourceId: $vault}')"; }
completed() { crr_jobs | jq -e '.value | length > 0 and all(.properties.status == "Completed")' >/dev/null; }
check "the restore at the second site is Completed" wait_for 60 completed
restored=$two/data/accounts/afterstaging
token=$(
	. "$two/data/client.env"
	curl -sf --cacert "$LF_CA_FILE" "$LF_URL/$LF_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials -d "client_id=$LF_CLIENT_ID" \
		--data-urlencode "client_secret=$LF_CLIENT_SECRET" -d scope=https://storage.azure.com/.default | jq -r .access_token
)
container=$(find "$restored" -mindepth 1 -maxdepth 1 ! -name '.*' -printf '%f\n' | head -1)
compare() { # every source disk is one of the blobs
	local name blob found
	for name in os data more; do
		found=
		while read -r blob; do
			curl -sf --cacert "$two/data/ca.pem" -H "Authorization: Bearer $token" -H 'x-ms-version: 2025-01-05' -o "$dir/blob" \
				"$(cat "$two/url")/afterstaging/$container/$blob" || continue
			truncate -s -512 "$dir/blob" # the footer
			cmp -s "$dir/blob" "$one/machines/estate-vm/$name.raw" && found=yes
		done < <(find "$restored/$container" -name '*.vhd.point' -printf '%f\n' | sed 's/\.point$//')
		[ -n "$found" ] || { echo "# no blob is $name.raw"; return 1; }
	done
}
check "the disks that it restored are the source's, byte for byte" compare
script=$repo/../shared/clients/js/crr.mjs
if [ -e "$script" ] && [ -d build-clients/shared/node_modules ]; then
	acceptance() (
		set -a
		. "$two/data/client.env"
		LF_SUBSCRIPTION_ID=$subscription LF_BACKUP_VAULT_ID=$vault NODE_EXTRA_CA_CERTS=$LF_CA_FILE
		node build-clients/shared/crr.mjs >"$dir/crr.log" 2>&1 || { sed 's/^/# /' "$dir/crr.log" | tail -15; return 1; }
	)
	check "the acceptance script for Cross Region Restore passes there" acceptance
else
	echo "skip - the acceptance script for Cross Region Restore: ../shared/clients/js or its packages are not there"
fi

# --- a point that its site gave up, and that the other site's restored disks still read
guid=$(find "$two"/data/regions/westus/store/claims -type f | grep -vE '/(backup|replica:peer)$' | grep -oE '[0-9a-f-]{36}' | head -1)
check "a restored disk reads one of the points" [ -n "$guid" ]
check "a point is let go of" [ "$(status -X DELETE -H "Authorization: Bearer $secret" "$(cat "$two/url")/peer/v1/westus/$guid")" = 204 ]
one_less() { [ "$(points "$two" 2018-12-20 | wc -l)" = "$(($(wc -l <<<"$made") - 1))" ]; }
check "and is listed no more" one_less

# --- the first site comes back, and deletes the machine's backups for good: the other site forgets them
mv "$dir/lost" "$one/data"
restart 0
at "$one" rest PATCH "$vault?api-version=2024-04-01" --wait --body '{"properties":{"securitySettings":{"softDeleteSettings":{"softDeleteState":"Disabled"}}}}' >/dev/null
at "$one" backup stop estate-vm --vault estate-backups --delete-data >/dev/null 2>&1
gone() { ! at "$1" rest GET "$2?api-version=2024-04-01" >/dev/null 2>&1; }
check "without soft delete, deleted backups are gone within seconds" wait_for 30 gone "$one" "$item"
check "and at the other site, with the vault's row" wait_for 30 gone "$two" "$vault"
check "no backup claims a point at either site" [ "$(claims "$one") $(claims "$two")" = "0 0" ]
[ $bad = 0 ] || tail -n 15 "$two/log/landfalld.log" "$one/log/landfalld.log" | sed 's/^/# /'
check_stopped take_down "$two"
check_stopped tools/estate down "$one"
exit $bad

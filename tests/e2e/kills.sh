#!/usr/bin/env bash
# kills.sh [N] [BUILD_DIR] - kill the daemon N times and the agent N times at random moments of the whole flow.
#
# Flows run one after the other until both counts are reached: enable, protected, test failover, clean-up,
# failover, disable, each driven by a client that only repeats what got no answer.  While they run, landfalld
# and landfall-agent are killed (SIGKILL) in turns and started again at once.  Each flow has to end right: no job
# failed, the disks of the final point equal to the source's byte for byte, the vault without a fault.
set -euo pipefail
export LF_ESTATE_BACKUP=no
cd "$(dirname "$0")/../.."
kills=${1:-4}
build=$(realpath "${2:-build}")
dir=$(mktemp -d /tmp/lf-kills.XXXXXX)
seed=${LF_SEED:-$RANDOM}
RANDOM=$seed
passed=0 failed=0
export LF_BUILD=$build
repo=$PWD
# shellcheck source=tools/lib.sh
. tools/lib.sh

finish() {
	touch "$dir/stop"
	[ -z "${killer-}" ] || wait "$killer" 2>/dev/null || true
	tools/estate down "$dir/estate" || failed=1
	[ "${LF_TEST_KEEP-}" = 1 ] || rm -rf "$dir"
	[ $failed = 0 ] || exit 1
}
trap finish EXIT

result() {
	if [ "$1" = 0 ]; then passed=$((passed + 1)); echo "ok - $2"; else failed=$((failed + 1)); echo "not ok - $2"; fi
}

eval "$(tools/estate up "$dir/estate")"
port=${LF_URL##*:}
# shellcheck source=tools/rest.sh
. tools/rest.sh
estate=$dir/estate

# Kill in turns; say how often in $dir/killed.*
kill_around() {
	local daemon=0 agent=0
	while [ ! -e "$dir/stop" ] && { [ $daemon -lt "$kills" ] || [ $agent -lt "$kills" ]; }; do
		sleep "$((RANDOM % 3)).$((RANDOM % 10))"
		[ -e "$dir/flow" ] || continue
		if [ $agent -ge "$kills" ] || { [ $((RANDOM % 2)) = 0 ] && [ $daemon -lt "$kills" ]; }; then
			stop_one "$estate" landfalld KILL || touch "$dir/ended-by-itself"
			daemon=$((daemon + 1))
			start_daemon "$estate" "$port" || true
		else
			stop_one "$estate" agent-estate-one KILL || touch "$dir/ended-by-itself"
			agent=$((agent + 1))
			start_agent "$estate" estate-one
		fi
		echo "$daemon $agent" >"$dir/killed"
	done
	touch "$dir/killed-all"
}

vault=@/resourceGroups/estate/providers/Microsoft.RecoveryServices/vaults/estate-vault
api=2025-08-01
site="/subscriptions/$LF_SUBSCRIPTION_ID/resourceGroups/estate/providers/Microsoft.OffAzure/ServerSites/estate-servers"

# until_true SECONDS FUNCTION ARGS...
until_true() {
	local end=$((SECONDS + $1))
	shift
	while ! "$@" 2>>"$dir/client.log"; do
		[ $SECONDS -lt $end ] || { echo "# gave up: $*" >&2; return 1; }
		sleep 0.3
	done
}
ask() { lf_call GET "$1" "${2:-$api}" 2>/dev/null; }
put() { lf_call PUT "$@" >/dev/null; }
state() { ask "$item" | jq -r "$1"; }

prepare() {
	until_true 60 put @/resourceGroups/kills-target 2022-09-01 '{"location":"eastus"}'
	until_true 60 put @/resourceGroups/kills-target/providers/Microsoft.Network/virtualNetworks/net 2024-03-01 \
		'{"location":"eastus","properties":{"addressSpace":{"addressPrefixes":["10.60.0.0/16"]},"subnets":[{"name":"default","properties":{"addressPrefix":"10.60.0.0/24"}}]}}'
	until_true 60 put @/resourceGroups/kills-target/providers/Microsoft.Storage/storageAccounts/killscache 2023-05-01 \
		'{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"}}'
	machine=$(ask "$site/machines" 2023-06-06 | jq -r '.value[] | select(.properties.displayName == "estate-one") | .id')
	container=$(ask "$vault/replicationFabrics/estate-fabric/replicationProtectionContainers" | jq -r '.value[0].name')
	server=$(ask "$vault/replicationFabrics/estate-fabric" | jq -r '.properties.customDetails.processServers[0].id')
	item=$vault/replicationFabrics/estate-fabric/replicationProtectionContainers/$container/replicationProtectedItems/estate-one
	group=/subscriptions/$LF_SUBSCRIPTION_ID/resourceGroups/kills-target
	enable_body=$(jq -n --arg policy "${vault/@//subscriptions/$LF_SUBSCRIPTION_ID}/replicationPolicies/estate-policy" --arg machine "$machine" --arg server "$server" --arg group "$group" \
		'{properties: {policyId: $policy, protectableItemId: "", providerSpecificDetails: {instanceType: "InMageRcm", fabricDiscoveryMachineId: $machine,
		  processServerId: $server, targetResourceGroupId: $group, targetNetworkId: "\($group)/providers/Microsoft.Network/virtualNetworks/net",
		  testNetworkId: "\($group)/providers/Microsoft.Network/virtualNetworks/net", targetSubnetName: "default", testSubnetName: "default", targetVmName: "NAME",
		  disksDefault: {diskType: "Standard_LRS", logStorageAccountId: "\($group)/providers/Microsoft.Storage/storageAccounts/killscache"}}}}')
	network="$group/providers/Microsoft.Network/virtualNetworks/net"
}

# Each step asks what is, and acts only while it is not there yet.
protected() {
	local s
	ask "$item" >"$dir/item" || { [ "$lf_status" != 404 ] || put "$item" $api "${enable_body/NAME/$vm}" || true; return 1; }
	s=$(jq -r '.properties.protectionState + " " + (.properties.providerSpecificDetails.lastRecoveryPointId // "")' "$dir/item")
	[[ $s == "Protected /"* ]]
}
act() { # ALLOWED ACTION BODY: post it if the item allows it now
	state '.properties.allowedOperations | join(" ")' | grep -qw "$1" && lf_call POST "$item/$2" $api "$3" >/dev/null
	return 1
}
tested() {
	[ "$(state .properties.testFailoverState)" = WaitingForCompletion ] ||
		act TestFailover testFailover "{\"properties\":{\"networkType\":\"VmNetworkAsInput\",\"networkId\":\"$network\",\"providerSpecificDetails\":{\"instanceType\":\"InMageRcm\",\"networkId\":\"$network\",\"recoveryPointId\":\"\"}}}"
}
cleaned() {
	[ "$(state .properties.testFailoverState)" = MarkedForDeletion ] ||
		act TestFailoverCleanup testFailoverCleanup '{"properties":{"comments":"kills"}}'
}
failed_over() {
	[ "$(state .properties.activeLocation)" = Recovery ] && [ "$(state .properties.protectionState)" = UnplannedFailoverCommitPendingStatesBegin ] ||
		act UnplannedFailover unplannedFailover '{"properties":{"failoverDirection":"PrimaryToRecovery","sourceSiteOperations":"NotRequired","providerSpecificDetails":{"instanceType":"InMageRcm","recoveryPointId":"","performShutdown":"true"}}}'
}
disabled() {
	ask "$item" >/dev/null && { lf_call DELETE "$item" $api >/dev/null || true; return 1; }
	[ "$lf_status" = 404 ]
}
vm_gone() {
	ask "$group/providers/Microsoft.Compute/virtualMachines/$vm" 2024-07-01 >/dev/null && { lf_call DELETE "$group/providers/Microsoft.Compute/virtualMachines/$vm" 2024-07-01 >/dev/null || true; return 1; }
	[ "$lf_status" = 404 ]
}

# The machine works on while it is replicated: random pages of both disks change.
change_disks() {
	local n
	for n in $(seq 40); do
		dd if=/dev/urandom of="$estate/machines/estate-one/data.raw" bs=4096 count=1 seek=$((RANDOM % 90000)) conv=notrunc status=none
		dd if=/dev/urandom of="$estate/machines/estate-one/os.raw" bs=4096 count=$((1 + RANDOM % 8)) seek=$((50000 + RANDOM % 20000)) conv=notrunc status=none
	done
}

compare_disks() { # the newest point in the vault against the source, byte for byte
	local store=$estate/data/regions/eastus/store key=$estate/data/keys/platform.key point disk
	point=$("$build/landfall" vault list "$store" --key "$key" --output json | jq -r 'sort_by(.time) | last | .id')
	for disk in os data; do
		rm -f "$dir/export"
		"$build/landfall" vault export "$store" "$point" "$dir/export" --disk $disk --key "$key" >/dev/null &&
			cmp "$dir/export" "$estate/machines/estate-one/$disk.raw" || return 1
	done
}

flow() {
	# a machine that is deleted leaves its disks, as in Azure: another name each time
	vm=kills-vm$flows
	change_disks
	touch "$dir/flow"
	until_true 180 protected || return 1
	until_true 180 tested || return 1
	until_true 180 cleaned || return 1
	change_disks
	until_true 180 failed_over || return 1
	compare_disks || { echo "# the final point is not the source" >&2; return 1; }
	until_true 180 disabled || return 1
	until_true 120 vm_gone || return 1
	rm -f "$dir/flow"
	# the daemon may be starting
	until_true 60 ask "$vault/replicationJobs" >/dev/null
	local bad
	bad=$(ask "$vault/replicationJobs" | jq -r '[.value[] | select(.properties.state == "Failed")] | length')
	[ "$bad" = 0 ] || { ask "$vault/replicationJobs" | jq -c '.value[] | select(.properties.state == "Failed") | [.properties.scenarioName, .properties.errors]' >&2; return 1; }
}

echo "# seed $seed"
prepare
echo "0 0" >"$dir/killed"
kill_around &
killer=$!
flows=0
while [ ! -e "$dir/killed-all" ] && [ $failed = 0 ]; do
	rc=0
	flow || rc=1
	flows=$((flows + 1))
	result $rc "flow $flows ended right (killed so far, daemon and agent: $(cat "$dir/killed"))"
	[ $rc = 0 ] || { tail -n 5 "$estate"/log/landfalld.log "$estate"/log/agent-estate-one.log "$dir/client.log"; jq -c .properties "$dir/item" 2>/dev/null | cut -c1-600; }
done
touch "$dir/stop"
wait $killer || true
killer=
rc=0
"$build/landfall" vault verify --data "$estate/data" || rc=1
result $rc "the vault is without a fault"
rc=0
[ ! -e "$dir/ended-by-itself" ] || rc=1
result $rc "daemon and agent ended by our kills alone, and no sanitizer has said anything"
rc=0
tools/estate down "$dir/estate" || rc=1
result $rc "what was started ends in time, with status 0"
echo "$passed passed, $failed failed"
[ $failed = 0 ]

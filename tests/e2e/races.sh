#!/usr/bin/env bash
# races.sh [BUILD_DIR] - a daemon under ThreadSanitizer (BUILD_DIR), loaded: backups, restores and copies beside each other, agents that
# replicate, clients that make, read and delete, and kills between; then a stop while all of that is under way.  No race is reported.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
LF_BUILD=$(realpath "${1:-build-tsan}")
export LF_BUILD LF_ESTATE_COMPUTE=fake
# shellcheck source=tools/lib.sh
. tools/lib.sh
dir=$(mktemp -d /tmp/lf-races.XXXX)
run=$dir/estate
bad=0
trap 'rc=$?; tools/estate down "$run" || rc=1; rm -rf "$dir"; exit $((rc ? rc : bad))' EXIT

mkdir "$run"
tools/estate up "$run" >/dev/null
LF_DAEMON_OPTIONS="--compute fake"
port=$(sed 's/.*://' "$run/url")
machine=$(lf --output json site machines estate-servers | jq -r '.[] | select(.properties.displayName == "estate-one") | .name')

# client N - what one client does, until told to stop
client() {
	local n=0
	while [ ! -e "$dir/stop" ]; do
		n=$((n + 1))
		case $((n % 6)) in
		0) lf group create "g$1-$n" ;;
		1) lf storage create "acc$1$n" --group estate ;;
		2) lf --output json backup jobs --vault estate-backups ;;
		3) lf backup now estate-vm --vault estate-backups --no-wait ;;
		4) lf backup restore estate-vm --vault estate-backups --as disks --account estatestaging --group estate --no-wait ;;
		5) lf rest DELETE "/subscriptions/{subscription}/resourceGroups/g$1-$((n - 5))?api-version=2022-12-01" ;;
		esac >>"$dir/client-$1.log" 2>&1 && echo >>"$dir/did" || true
	done
}
lf_quiet storage create racescache --group estate
lf_quiet replication enable "$machine" --policy estate-policy --cache racescache --target-group estate --network estate-net --test-network estate-net \
	--vm-name races --vm-size Standard_B1s --vault estate-vault --no-wait
for n in 1 2 3 4; do client $n & done
did() { [ "$(wc -l <"$dir/did" 2>/dev/null || echo 0)" -ge "$1" ]; }
for kill in 1 2; do
	check "$((kill * 40)) calls were served" wait_for 120 did $((kill * 40))
	check "the daemon ends by our kill alone, and no race is reported" stop_one "$run" landfalld KILL
	start_daemon "$run" "$port"
done
check "120 calls were served" wait_for 120 did 120
check "stopped in the middle of it, it ends in time, with status 0, and no race is reported" stop_one "$run" landfalld
touch "$dir/stop"
wait
start_daemon "$run" "$port"
ended() { [ "$(lf --output json backup jobs --vault estate-backups | jq '[.[] | select(.properties.status == "InProgress")] | length')" = 0 ]; }
check "what was under way ends" wait_for 120 ended
check "the vaults are without a fault" "$LF_BUILD/landfall" vault verify --data "$run/data"
[ $bad = 0 ] || tail -n 20 "$run/log/landfalld.log" | sed 's/^/# /'
check_stopped tools/estate down "$run"

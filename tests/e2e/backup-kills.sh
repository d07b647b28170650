#!/usr/bin/env bash
# backup-kills.sh [N] [BUILD_DIR] - kill the daemon N times at random moments of backups, restores of every kind and
# copies to the paired region; machines are documents, the vault, the jobs and the claims are real.
#
# Afterwards: every job that was accepted is Completed, each backup is a point, each point is in both regions, the
# vaults are without a fault, and no claim of a restore or copy is left.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
kills=${1:-8}
LF_BUILD=$(realpath "${2:-build}")
export LF_BUILD LF_ESTATE_COMPUTE=fake
# shellcheck source=tools/lib.sh
. tools/lib.sh
dir=$(mktemp -d /tmp/lf-bkills.XXXX)
run=$dir/estate
RANDOM=${LF_SEED:-$RANDOM}
seed=$RANDOM
RANDOM=$seed
bad=0
trap 'rc=$?; tools/estate down "$run" || rc=1; rm -rf "$dir"; exit $((rc ? rc : bad))' EXIT

echo "# seed $seed"
mkdir "$run"
tools/estate up "$run" >/dev/null
LF_DAEMON_OPTIONS="--compute fake"
port=$(sed 's/.*://' "$run/url")
accepted=0
# act N - one of the operations that work on a point; what could not be sent is not counted
act() {
	case $(($1 % 4)) in
	0) set -- now ;;
	1) set -- restore --as disks --account estatestaging --group estate ;;
	2) set -- restore --as replace ;;
	3) set -- restore --as machine --name "copy-$1" --group estate --network estate-net ;;
	esac
	lf --output json backup "$1" estate-vm --vault estate-backups --no-wait "${@:2}" 2>/dev/null | jq -r .name >>"$dir/jobs" || true
}
jobs() { lf --output json backup jobs --vault estate-backups; }
ended() { [ "$(jobs | jq '[.[] | select(.properties.status == "InProgress")] | length')" = 0 ]; }

for i in $(seq "$kills"); do
	act "$i" &
	sleep "0.$((RANDOM % 50 + 10))"
	stop_one "$run" landfalld KILL || touch "$dir/ended-by-itself"
	wait
	start_daemon "$run" "$port"
	wait_for 60 ended || true
done
accepted=$(grep -c . "$dir/jobs" || true)
check "$kills kills, $accepted operations accepted: all have ended" wait_for 60 ended
completed() { jobs | jq -e 'all(.properties.status == "Completed")' >/dev/null || { jobs | jq -c '.[] | select(.properties.status != "Completed") | .properties' | head -3; return 1; }; }
check "all are Completed" completed

vault=$(lf --output json recovery-vault show estate-backups | jq -r .id)
item=$vault/backupFabrics/Azure/protectionContainers/iaasvmcontainer\;iaasvmcontainerv2\;estate\;estate-vm/protectedItems/vm\;iaasvmcontainerv2\;estate\;estate-vm
points() { lf rest GET "$item/recoveryPoints?api-version=$1" | jq '.value | length'; }
made() { jobs | jq '[.[] | select(.properties.operation == "Backup" or (.properties.extendedInfo.tasksList | any(.taskId == "Replace disks")))] | length'; }
check "each backup, and each replacement's safety, is a point" [ "$(points 2024-04-01)" = "$(made)" ]
copied() { [ "$(points 2018-12-20)" = "$(points 2024-04-01)" ]; }
check "each point is in the paired region" wait_for 60 copied
check "the vaults are without a fault" "$LF_BUILD/landfall" vault verify --data "$run/data"
none_left() { ! find "$run"/data/regions/*/store/claims -type f | grep -E '/(restore|copy)'; }
check "no claim of a restore or a copy is left" none_left
check "the daemon ended by our kills alone" [ ! -e "$dir/ended-by-itself" ]
[ $bad = 0 ] || tail -n 20 "$run/log/landfalld.log" | sed 's/^/# /'
check_stopped tools/estate down "$run"

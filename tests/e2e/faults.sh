#!/usr/bin/env bash
# faults.sh [BUILD_DIR] - a full disk, a site that is away, a token that has expired.
set -euo pipefail
export LF_ESTATE_BACKUP=no
cd "$(dirname "$0")/../.."
repo=$PWD
LF_BUILD=$(realpath "${1:-build}")
export LF_BUILD LF_ESTATE_COMPUTE=fake
# shellcheck source=tools/lib.sh
. tools/lib.sh
run=$(mktemp -d /tmp/lf-faults.XXXX)
passed=0 failed=0

finish() {
	local rc=$?
	tools/estate down "$run" || rc=1
	umount "$run/data" 2>/dev/null || true
	rm -rf "$run"
	exit $rc
}
trap finish EXIT
result() {
	if [ "$1" = 0 ]; then passed=$((passed + 1)); echo "ok - $2"; else failed=$((failed + 1)); echo "not ok - $2"; fi
}
# within SECONDS WHAT COMMAND...
within() {
	local end=$((SECONDS + $1)) what=$2 rc=0
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { rc=1; break; }
		sleep 0.3
	done
	result $rc "$what"
}
item() { lf --output json replication show "$machine"; }
is_protected() { [ "$(item | jq -r '.properties.protectionState + (.properties.providerSpecificDetails.lastRecoveryPointId // "")')" != Protected ] && [ "$(item | jq -r .properties.protectionState)" = Protected ]; }
says_full() { item | jq -e '[.properties.healthErrors[].errorMessage | ascii_downcase | select(test("space|full|no room"))] | length > 0'; }
is_healthy() { [ "$(item | jq -r .properties.replicationHealth)" = Normal ]; }

# --- the site's disk fills up during the initial replication
mkdir -p "$run/data"
mount -t tmpfs -o size=24m,mode=0711 landfall-test "$run/data"
tools/estate up "$run" >/dev/null
machine=$(lf --output json site machines estate-servers | jq -r '.[] | select(.properties.displayName == "estate-one") | .name')
lf_quiet group create faults
lf_quiet storage create faultscache --group faults
lf_quiet network create faults-net --group faults --prefix 10.95.0.0/16 --subnet-prefix 10.95.0.0/24
lf_quiet replication enable "$machine" --policy estate-policy --cache faultscache --target-group faults --network faults-net --test-network faults-net \
	--vm-name faults --vm-size Standard_B1s --no-wait
within 60 "a full disk is a health error that says so" says_full
rc=0
lf_quiet rest GET '/subscriptions?api-version=2022-12-01' || rc=1
result $rc "the site still answers"
mount -o remount,size=600m "$run/data"
within 90 "with room again the machine becomes Protected" is_protected
within 30 "and healthy" is_healthy
rc=0
"$LF_BUILD/landfall" vault verify --data "$run/data" || rc=1
result $rc "the vault is without a fault"

# --- the site is away for a while: the agent waits, and points go on
points() { lf --output json replication points "$machine" | jq length; }
before=$(points)
read -r pid _ <"$run/run/landfalld"
kill -STOP "$pid"
sleep 6
kill -CONT "$pid"
more_points() { [ "$(points)" -gt "$before" ]; }
within 120 "points go on after the site was away" more_points

# --- a token ends with the clock
rc=0
stop_one "$run" landfalld || rc=1
result $rc "the daemon ends in time, with status 0, and no sanitizer has said anything"
LF_DAEMON_OPTIONS="--compute fake --clock-rate 3000" start_daemon "$run" "$(free_port)"
set -a
# shellcheck disable=SC1091
. "$run/data/client.env"
set +a
# shellcheck source=tools/rest.sh
. tools/rest.sh
lf_token
sleep 3
lf_send GET "$LF_URL/subscriptions?api-version=2022-12-01" || true
rc=0
[ "$lf_status" = 401 ] && [ "$(jq -r .error.code "$lf_answer")" = ExpiredAuthenticationToken ] || { rc=1; cat "$lf_answer"; }
result $rc "an expired token is refused: $lf_status $(jq -r .error.code "$lf_answer")"
[ $failed = 0 ] || tail -n 15 "$run"/log/*.log
rc=0
take_down "$run" || rc=1
result $rc "what was started ends in time, with status 0"
echo "$passed passed, $failed failed"
[ $failed = 0 ]

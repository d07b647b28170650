#!/usr/bin/env bash
# kills.sh [N] - the flow from enable to disable, N times with the daemon killed at a random moment of
# it and N times with the agent killed; what was killed is started again at once.  Each time the flow
# must end right: no job fails, no point that a client saw is lost, the failed-over disks are the
# source's byte for byte; at the end the vault verifies.  One round of each kind boots the machine.
# LF_BUILD: where the programs are (build).  LF_KILLS_SEED repeats the moments of a run.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
n=${1:-5}
# shellcheck source=tools/lib.sh
. tools/lib.sh
RANDOM=${LF_KILLS_SEED:-$((RANDOM))}
echo "# LF_KILLS_SEED=${LF_KILLS_SEED:-of the shell}"

run=$(mktemp -d /tmp/lf-k.XXXX)
mkdir -p "$run/log" "$run/run" "$run/machines/box"
group=kills site=kills-site item=box vm=box-vm machine=$run/machines/box
port=$(free_port)
failed=0 count=0 round_name=
killer=

finish() {
	local rc=$?
	trap - EXIT INT TERM
	[ -z "$killer" ] || kill "$killer" 2>/dev/null || true
	if [ $rc != 0 ] || [ $failed != 0 ]; then
		tail -n 15 "$run"/log/landfalld.log "$run"/log/agent-box.log 2>/dev/null | sed 's/^/# /'
	fi
	take_down "$run" >/dev/null 2>&1 || true
	[ "${LF_TEST_KEEP:-}" = 1 ] || rm -rf "$run"
	exit $((rc ? rc : failed ? 1 : 0))
}
trap finish EXIT
trap 'exit 130' INT TERM

result() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}

# show FILTER - of the item as it is; "none" when there is no such item, "" while nobody answers
show() {
	local out
	if out=$(lf --output json replication show "$item" 2>"$run/last.err"); then
		jq -r "$1" <<<"$out"
	elif grep -q "there is no protected item" "$run/last.err"; then
		echo none
	fi
}

# until_true WHAT FUNCTION ACTION... - call FUNCTION until it holds, and ACTION between, whose failures
# do not matter: the daemon may be away, or have begun already
until_true() {
	local what=$1 holds=$2 end=$((SECONDS + 150))
	shift 2
	while ! "$holds"; do
		if [ $SECONDS -gt $end ]; then
			echo "# round $round_name: $what takes too long: $(show '[.properties.protectionState, .properties.testFailoverState, .properties.currentScenario] | tostring')"
			lf job list 2>&1 | head -5 | sed 's/^/# /' || true
			return 1
		fi
		[ $# = 0 ] || "$@" >>"$run/log/actions.log" 2>&1 || true
		sleep 0.3
	done
}
is_protected() { [ "$(show '.properties.protectionState == "Protected" and .properties.providerSpecificDetails.lastRecoveryPointId != null')" = true ]; }
is_testing() { [ "$(show '.properties.testFailoverState')" = WaitingForCompletion ]; }
is_cleaned() { [ "$(show '(.properties.allowedOperations | index("TestFailover")) != null and .properties.testFailoverState != "WaitingForCompletion"')" = true ]; }
is_failed_over() { [ "$(show '.properties.activeLocation == "Recovery" and (.properties.allowedOperations | index("Commit")) != null')" = true ]; }
is_gone() { [ "$(show .name)" = none ]; }
vm_is_gone() { [ "$(lf --output json vm list 2>/dev/null | jq length)" = 0 ]; }
enable() {
	[ "$(show .name)" != none ] || lf replication enable box --no-wait --cache killscache --target-group "$group" --network kills-net \
		--test-network kills-test-net --vm-name "$vm" --vm-size Standard_B1s --item "$item"
}
test_it() { [ "$(show '(.properties.allowedOperations | index("TestFailover")) != null')" != true ] || lf test-failover start "$item" --no-wait; }
clean_it() { lf test-failover cleanup "$item" --no-wait; }
fail_over() { [ "$(show '(.properties.allowedOperations | index("UnplannedFailover")) != null')" != true ] || lf failover start "$item" --no-wait; }
disable() { lf replication disable "$item" --no-wait; }
delete_vm() { lf vm delete "$vm" --no-wait; }

# Something else on the scratch disk, at a place of its own.
change_disk() {
	dd if=/dev/urandom of="$machine/scratch.raw" bs=4096 seek=$((RANDOM % 7000)) count=$((RANDOM % 400 + 1)) \
		conv=notrunc,fsync status=none
}

# The disks of the point that was booted, against the source's.
bytes_are_equal() {
	local point store=$run/data/regions/eastus/store name
	point=$(show '.properties.providerSpecificDetails.failoverRecoveryPointId // "" | split("/") | last')
	[ -n "$point" ] || { echo "# the item names no point"; return 1; }
	for name in os scratch; do
		rm -f "$run/export"
		"$build/landfall" vault export "$store" "$point" "$run/export" --disk "$name" \
			--key "$run/data/keys/platform.key" >>"$run/log/export.log" 2>&1 || { tail -2 "$run/log/export.log"; return 1; }
		cmp "$run/export" "$machine/$name.raw" || return 1
	done
	rm -f "$run/export"
}

boots() {
	local tries
	for tries in $(seq 300); do
		lf vm console "$vm" 2>/dev/null | grep -aq 'LANDFALL-MARKER check=OK' && return 0
		sleep 0.3
	done
	echo "# $vm does not boot"
	return 1
}

# points_are_kept FILE - what a client has seen is still there
points_are_kept() {
	lf --output json replication points "$item" | jq -r '.[].name' | sort >"$run/points.now" || return 1
	[ -z "$(comm -23 "$1" "$run/points.now")" ]
}

# flow BOOT - from nothing to nothing
flow() {
	until_true "enable" is_protected enable || return 1
	until lf --output json replication points "$item" 2>/dev/null | jq -r '.[].name' | sort >"$run/points"; do sleep 0.2; done
	until_true "test failover" is_testing test_it || return 1
	until_true "clean-up" is_cleaned clean_it || return 1
	change_disk
	until_true "failover" is_failed_over fail_over || return 1
	until points_are_kept "$run/points"; do
		lf login-check >/dev/null 2>&1 && { points_are_kept "$run/points" || { echo "# a point is lost"; return 1; }; }
		sleep 0.2
	done
	bytes_are_equal || return 1
	[ "$1" = 0 ] || boots || return 1
	until_true "disable" is_gone disable || return 1
	until_true "deleting the machine" vm_is_gone delete_vm || return 1
}

# kill_after SECONDS daemon|agent - in the background
kill_after() {
	local pid marker
	sleep "$1"
	if [ "$2" = daemon ]; then
		read -r pid marker <"$run/run/landfalld"
		kill -9 "$pid" 2>/dev/null || true
		start_daemon "$run" "$port"
	else
		read -r pid marker <"$run/run/agent-box"
		kill -9 "$pid" 2>/dev/null || true
		start_agent "$run" box
	fi
}

need_root_for "running machines with libvirt"
build_if_needed
tools/libvirt-up >"$run/log/libvirt.log" 2>&1
tools/make-guest -m 4 -n 4 "$machine/os.raw" >"$run/log/make-guest.log"
head -c 32M /dev/urandom >"$machine/scratch.raw"
jq -n --arg dir "$machine" '{name: "box", os: "Debian GNU/Linux 12", firmware: "bios", cores: 1, memoryMiB: 512,
	disks: [{path: ($dir + "/os.raw"), name: "os", os: true}, {path: ($dir + "/scratch.raw"), name: "scratch"}],
	nics: [{mac: "02:00:00:00:0e:01", ips: ["192.0.2.20"], network: "lan"}]}' >"$machine/config.json"
start_daemon "$run" "$port"
for command in "group create $group" "recovery-vault create kills-vault --group $group" "site create $site --group $group" \
	"fabric create kills-fabric --site $site" "policy create kills-policy --history 60 --crash 1" "storage create killscache --group $group" \
	"network create kills-net --group $group --prefix 10.30.0.0/16" "network create kills-test-net --group $group --prefix 10.31.0.0/16"; do
	# shellcheck disable=SC2086
	lf_quiet $command
done
register_agent "$run" box "$site"
start_agent "$run" box
wait_for_machines "$site" 1

# how long it takes undisturbed is the time in which to kill
round_name=undisturbed
began=$(now_ms)
rc=0
flow 0 || rc=1
result $rc "the flow, undisturbed"
length_ms=$(($(now_ms) - began))
for kind in daemon agent; do
	for round in $(seq "$n"); do
		[ $rc = 0 ] || break 2
		round_name="$kind $round"
		moment=$((RANDOM * 32768 + RANDOM))
		moment=$((moment % length_ms))
		kill_after "$((moment / 1000)).$(printf %03d $((moment % 1000)))" "$kind" &
		killer=$!
		flow "$([ "$round" = "$n" ] && echo 1 || echo 0)" || rc=1
		wait "$killer" || rc=1
		killer=
		result $rc "the flow with the $kind killed after $moment of $length_ms ms"
	done
done
rc=0
lf --output json job list >"$run/jobs" || rc=1
bad=$(jq -r '.[] | select(.properties.state != "Succeeded") | "\(.name) \(.properties.scenarioName) \(.properties.state) \(.properties.errors[0].serviceErrorDetails.message // "")"' "$run/jobs" | head -5)
[ -z "$bad" ] || { echo "# $bad"; rc=1; }
result $rc "every job has succeeded ($(jq length "$run/jobs"))"
rc=0
"$build/landfall" vault verify --data "$run/data" || rc=1
result $rc "the vault verifies"
stop_one "$run" agent-box
stop_one "$run" landfalld
rc=0
[ -z "$(ls -d "$run"/data/compute/*-*-*-*-*/ 2>/dev/null)" ] || rc=1
result $rc "no machine is left"

# shellcheck shell=bash
# tools/lib.sh - what tools/estate, tools/demo and the tests share: a daemon, machines with agents,
# and stopping exactly what was started.  To be sourced; the caller sets `repo` and `LF_BUILD`.
#
# A run lives in one directory, DIR:
#   data/        the daemon's           log/        what everything said, and sanitizers: sanitizer.PID
#   machines/N/  disks, config.json, state of each machine's agent
#   run/NAME     "PID MARKER" of each process started here; MARKER is part of its command line
#   status/NAME.PID  "running", or the exit status

export LC_ALL=C PATH=$PATH:/sbin:/usr/sbin
build=${LF_BUILD:-$repo/build}

now_ms() { date +%s%3N; }
say() { echo "$*" >&2; }
die() {
	say "${0##*/}: $*"
	exit 1
}

# need_root_for WHAT
need_root_for() {
	[ "$(id -u)" = 0 ] || die "$1 takes root; run this with sudo"
}

# build_if_needed - the four products, unless LF_BUILD says where they are
build_if_needed() {
	local file
	for file in landfalld landfall landfall-agent nbdkit-landfall-plugin.so; do
		[ -e "$build/$file" ] && continue
		[ -z "${LF_BUILD:-}" ] || die "$build/$file is missing"
		say "building (make build) ..."
		make -s -C "$repo" build >&2 || die "the build failed"
		return
	done
}

# free_port - one that nothing listens on
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# is_running PID MARKER
is_running() {
	[ -n "$1" ] && { tr "\0" " " <"/proc/$1/cmdline"; } 2>/dev/null | grep -qF -- "$2"
}

# remember DIR NAME PID MARKER
remember() {
	mkdir -p "$1/run"
	echo "$3 $4" >"$1/run/$2"
}

# keep_running DIR NAME MARKER COMMAND... - in a session of its own; its words are in DIR/log/NAME.out and .log, and how it
# ended will be in DIR/status/NAME.PID, whoever is there to wait for it
keep_running() {
	local dir=$1 name=$2 marker=$3 reports=$1/log/sanitizer pid
	shift 3
	mkdir -p "$dir/log" "$dir/status"
	# shellcheck disable=SC2016  # $1, $@ and $! are the inner shell's
	pid=$(setsid bash -c '
		"${@:3}" >>"$1.out" 2>>"$1.log" </dev/null &
		pid=$!
		echo running >"$2.$pid"
		echo $pid
		exec >/dev/null 2>&1 </dev/null
		wait $pid
		echo $? >"$2.$pid"' - "$dir/log/$name" "$dir/status/$name" \
		env ASAN_OPTIONS="detect_leaks=1:log_path=$reports:${ASAN_OPTIONS:-}" \
		UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports:${UBSAN_OPTIONS:-}" \
		LSAN_OPTIONS="suppressions=$repo/tests/sanitizers/lsan.txt:print_suppressions=0:${LSAN_OPTIONS:-}" \
		TSAN_OPTIONS="suppressions=$repo/tests/sanitizers/tsan.txt:log_path=$reports:${TSAN_OPTIONS:-}" \
		"$@" &)
	remember "$dir" "$name" "$pid" "$marker"
}

# exit_status DIR NAME PID - of what keep_running has started; "running" when it does not end, nothing when it is not known
exit_status() {
	local tries
	[ -e "$1/status/$2.$3" ] || return 0
	for tries in $(seq 50); do
		[ "$(cat "$1/status/$2.$3")" = running ] || break
		sleep 0.1
	done
	cat "$1/status/$2.$3"
}

# sanitizers_silent DIR - AddressSanitizer and its like have reported nothing (new) of what was started there
sanitizers_silent() {
	local report rc=0
	for report in "$1"/log/sanitizer.*; do
		[ -e "$report" ] || continue
		head -n 60 "$report" >&2
		mv "$report" "$1/log/reported.${report##*/sanitizer.}"
		rc=1
	done
	return $rc
}

# stop_one DIR NAME [SIGNAL] - end a remembered process.  Fails when it had ended before, when it takes more than 20 s (SIGKILL
# ends it then), when its exit status says that it did not end well, and when a sanitizer has reported something.
stop_one() {
	local dir=$1 name=$2 signal=${3:-TERM} pid marker tries status rc=0
	[ -e "$dir/run/$name" ] || return 0
	read -r pid marker <"$dir/run/$name"
	rm -f "$dir/run/$name"
	if is_running "$pid" "$marker"; then
		kill "-$signal" "$pid" 2>/dev/null || true
		for tries in $(seq 200); do
			is_running "$pid" "$marker" || break
			[ "$tries" != 200 ] || kill -KILL "$pid" 2>/dev/null || true
			sleep 0.1
		done
	elif [ -e "$dir/status/$name.$pid" ]; then
		say "$name had ended before it was stopped"
		rc=1
	fi
	status=$(exit_status "$dir" "$name" "$pid")
	case $signal:$status in
	*: | TERM:0 | KILL:137) ;;
	TERM:137) say "$name had to be killed"; rc=1 ;;
	*) say "$name ended with status $status"; rc=1 ;;
	esac
	sanitizers_silent "$dir" || rc=1
	[ $rc = 0 ] || tail -n 5 "$dir/log/$name.log" >&2 || true
	return $rc
}

# start_daemon DIR PORT - wait until it answers; its address is in DIR/url
start_daemon() {
	local dir=$1 port=$2 pid marker tries
	mkdir -p "$dir/log"
	: >"$dir/log/landfalld.out"
	# shellcheck disable=SC2086  # a list of words is meant
	keep_running "$dir" landfalld "$dir/data" \
		"$build/landfalld" --data "$dir/data" --listen "127.0.0.1:$port" ${LF_DAEMON_OPTIONS:-}
	read -r pid marker <"$dir/run/landfalld"
	for tries in $(seq 600); do
		if grep -q '^landfalld: ready ' "$dir/log/landfalld.out"; then
			sed -n 's/^landfalld: ready //p' "$dir/log/landfalld.out" >"$dir/url"
			return 0
		fi
		[ "$(cat "$dir/status/landfalld.$pid")" = running ] || break
		sleep 0.1
	done
	say "landfalld did not start:"
	tail -5 "$dir/log/landfalld.log" >&2
	return 1
}

# lf ARGS... - the command line, signed in at the run in $run
lf() {
	"$build/landfall" --env "$run/data/client.env" "$@"
}

# lf_quiet ARGS... - the same with its words in the log; what fails is shown
lf_quiet() {
	local out
	if ! out=$(lf "$@" 2>&1); then
		say "landfall $*:"
		say "$out"
		return 1
	fi
	printf '# %s\n%s\n' "$*" "$out" >>"$run/log/landfall.log"
}

# register_agent DIR NAME SITE - with DIR/machines/NAME/config.json
register_agent() {
	local machine=$1/machines/$2 key
	key=$(lf --output json site key "$3" | jq -r .registrationKey)
	mkdir -p "$machine/state"
	"$build/landfall-agent" register --key "$key" --state "$machine/state" \
		--config "$machine/config.json" >>"$1/log/agent-$2.log" 2>&1 ||
		{ say "agent $2 cannot register:"; tail -3 "$1/log/agent-$2.log" >&2; return 1; }
}

# start_agent DIR NAME
start_agent() {
	local machine=$1/machines/$2
	keep_running "$1" "agent-$2" "$machine/state" \
		"$build/landfall-agent" run --state "$machine/state" --config "$machine/config.json"
}

# wait_for_machines SITE N - until so many machines with disks are discovered
wait_for_machines() {
	local tries
	for tries in $(seq 150); do
		[ "$(lf --output json site machines "$1" 2>/dev/null |
			jq '[.[] | select(.properties.disks | length > 0)] | length')" -ge "$2" ] 2>/dev/null &&
			return 0
		sleep 0.2
	done
	say "site $1 did not discover $2 machines; see the log"
	return 1
}

# attach_disk FILE - on a loop device that reads past the cache, with its partitions
attach_disk() {
	local device
	device=$(losetup --find --show --direct-io=on "$1" 2>/dev/null || losetup --find --show "$1") ||
		return 1
	# kernels without partition parsers are told by hand; what the device had before goes first
	partx -d "$device" >/dev/null 2>&1 || true
	partx -a "$device" >/dev/null 2>&1 || true
	echo "$device"
}

# detach_disks DIR - every loop device whose file is below DIR
detach_disks() {
	local device file
	losetup -n -O NAME,BACK-FILE -l 2>/dev/null | while read -r device file; do
		case ${file%% (deleted)} in
		"$1"/*)
			partx -d "$device" >/dev/null 2>&1 || true
			losetup -d "$device" || true ;;
		esac
	done
}

# unmount_below DIR - the innermost first; frozen ones are thawed
unmount_below() {
	local at
	awk -v dir="$1/" 'index($5, dir) == 1 {print $5}' /proc/self/mountinfo | sort -r |
		while read -r at; do
			timeout 10 fsfreeze -u "$at" 2>/dev/null || true
			umount "$at" 2>/dev/null || umount -l "$at" || true
		done
}

# kill_pid_file FILE MARKER
kill_pid_file() {
	local pid
	[ -e "$1" ] || return 0
	pid=$(tr -dc 0-9 <"$1" | head -c 10)
	is_running "$pid" "$2" && kill "$pid" 2>/dev/null || true
}

# sweep_compute DIR - machines, exports and networks that a daemon on DIR/data has left
sweep_compute() {
	local compute=$1/data/compute vm network guid label file
	[ -d "$compute" ] || return 0
	for vm in "$compute"/*-*-*-*-*/; do
		[ -d "$vm" ] || continue
		guid=$(basename "$vm")
		virsh -q -c qemu:///system destroy "landfall-$guid" >/dev/null 2>&1 || true
		virsh -q -c qemu:///system undefine --nvram "landfall-$guid" >/dev/null 2>&1 || true
		for file in "$vm"e-*/pid; do
			kill_pid_file "$file" "$compute"
		done
	done
	for network in "$compute"/networks/*/*/; do
		[ -d "$network" ] || continue
		label=lf-$(basename "$network")
		kill_pid_file "${network}pid" "$compute"
		ip netns delete "$label" 2>/dev/null || true
		virsh -q -c qemu:///system net-destroy "$label" >/dev/null 2>&1 || true
		virsh -q -c qemu:///system net-undefine "$label" >/dev/null 2>&1 || true
	done
}

# take_down DIR - stop and remove all that a run has started, in any state it is in.  Fails when something of it did not
# end as it should (stop_one); the rest is taken down all the same.
take_down() {
	local dir=$1 file rc=0
	[ -d "$dir" ] || return 0
	for file in "$dir"/run/*; do
		case ${file##*/} in landfalld | '*') ;; *) stop_one "$dir" "${file##*/}" || rc=1 ;; esac
	done
	stop_one "$dir" landfalld || rc=1
	sweep_compute "$dir"
	unmount_below "$dir"
	detach_disks "$dir"
	return $rc
}

# check WHAT TEST... - a line for the count of tests; sets bad=1
check() {
	local what=$1
	shift
	if "$@"; then echo "ok - $what"; else echo "not ok - $what"; bad=1; fi
}

# check_stopped COMMAND... - that all that was started ends as it should (take_down, stop_one, tools/estate down)
check_stopped() {
	check "what was started ends in time, with status 0, and no sanitizer has said anything" "$@"
}

# wait_for SECONDS COMMAND... - until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.3
	done
}

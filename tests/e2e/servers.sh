# shellcheck shell=bash
# tests/e2e/servers.sh - sourced: PostgreSQL and MariaDB on a file system that an agent protects, as an unprivileged user, under load;
# and what of a point has to be in them.  Needs $run, $writers, $repo and tools/lib.sh.
# A row counts as committed when its client was told so: $run/rows.SERVER has "TIME NUMBER" of each, $run/asked when a freeze began.
postgres=/usr/lib/postgresql/15/bin
servers=()

as_nobody() { (cd / && be_nobody "$@"); }
# in place of this shell, which is what is ended then
be_nobody() { exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
ask_postgresql() { as_nobody psql -X -q -A -t -h "$1/postgresql" -d postgres -c "$2"; }
ask_mariadb() { mariadb --no-defaults -N -B -S "$1/mariadb/socket" -e "$2"; }

# start_servers DIR LOG_SUFFIX - and wait until they answer
start_postgresql() {
	(cd / && be_nobody "$postgres/postgres" -D "$1/postgresql/data" -k "$1/postgresql" -c listen_addresses= -c shared_buffers=16MB >"$run/log/postgresql.$2" 2>&1) &
	servers+=($!)
	wait_for 60 ask_postgresql "$1" 'select 1' >/dev/null
}
start_mariadb() {
	(cd / && be_nobody mariadbd --no-defaults --datadir="$1/mariadb/data" --socket="$1/mariadb/socket" --pid-file="$1/mariadb/pid" --skip-networking \
		--innodb-buffer-pool-size=16M --innodb-log-file-size=16M --aria-pagecache-buffer-size=8M >"$run/log/mariadb.$2" 2>&1) &
	servers+=($!)
	wait_for 60 ask_mariadb "$1" 'select 1' >/dev/null
}
# those that this shell has started; one that has ended is no failure here
stop_servers() {
	local pid
	for pid in "${servers[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
	for pid in "${servers[@]}"; do wait "$pid" || true; done
	servers=()
}

# make_servers DIR SCRIPTS - both, running, and what holds them still
make_servers() {
	local name
	install -d -o nobody -g nogroup "$1/postgresql" "$1/mariadb"
	as_nobody "$postgres/initdb" -k --no-sync -E UTF8 --locale=C.UTF-8 -D "$1/postgresql/data" >"$run/log/initdb" 2>&1
	as_nobody mariadb-install-db --no-defaults --datadir="$1/mariadb/data" --skip-test-db >"$run/log/mariadb-install-db" 2>&1
	start_postgresql "$1" first
	start_mariadb "$1" first
	ask_postgresql "$1" 'create table numbers (n int primary key); create extension amcheck'
	as_nobody pgbench -q -i -I dtGvp -h "$1/postgresql" postgres >"$run/log/pgbench-init" 2>&1
	ask_mariadb "$1" 'create database t; create table t.numbers (n int primary key) engine InnoDB; create table t.kept (n int primary key) engine Aria;
		create table t.ballast (n int auto_increment primary key, t text) engine InnoDB'
	for name in postgresql mariadb; do
		cat >"$2/$name" <<-END
			#!/bin/sh
			[ "\$1" != freeze ] || date +%s%N >>$run/asked
			export POSTGRESQL_DATA=$1/postgresql/data MARIADB_SOCKET=$1/mariadb/socket MARIADB_STATE=$run/held
			exec $repo/src/agent/scripts/$name "\$@"
		END
	done
}

# write_rows SERVER COMMAND DIR TEXT - a row with the next number, again and again, and the time at which that was committed
write_rows() {
	local n=0
	while n=$((n + 1)) && [ ! -e "$run/stop" ]; do
		"$2" "$3" "${4//N/$n}" >>"$run/log/rows.$1" 2>&1 || break
		echo "$(date +%s%N) $n" >>"$run/rows.$1"
	done
}
write_load() {
	while [ ! -e "$run/stop" ]; do
		ask_mariadb "$1" "use t; insert into ballast (t) select repeat('x', 200) from seq_1_to_400; update ballast set t = 'y' where n % 100 = 3" || break
		sleep 0.3
	done >>"$run/log/load" 2>&1
}
start_load() {
	write_rows postgresql ask_postgresql "$1" 'insert into numbers values (N)' &
	writers+=($!)
	write_rows mariadb ask_mariadb "$1" 'insert into t.numbers values (N); insert into t.kept values (N)' &
	writers+=($!)
	write_load "$1" &
	writers+=($!)
	(be_nobody pgbench -n -c 2 -R 60 -T 3600 -h "$1/postgresql" postgres >"$run/log/pgbench" 2>&1) &
	servers+=($!)
}

# has_rows SERVER TIME COUNT MAX - all from 1 to MAX, and no less than what was committed before the scripts of the point of TIME ran
has_rows() {
	local asked least point
	point=$(date -d "$2" +%s%N)
	asked=$(awk -v point="$point" '$1 <= point {at = $1} END {print at}' "$run/asked")
	least=$(awk -v asked="$asked" '$1 <= asked {n = $2} END {print n + 0}' "$run/rows.$1")
	echo "# $1: rows to $4 ($3 of them), $least were committed before $asked"
	[ "$least" -gt 0 ] && [ "$3" = "$4" ] && [ "$4" -ge "$least" ]
}
postgresql_is_whole() {
	local rc=0 balances
	start_postgresql "$1" again || rc=1
	# shellcheck disable=SC2046  # two words are meant
	has_rows postgresql "$2" $(ask_postgresql "$1" "select count(*) || ' ' || max(n) from numbers") || rc=1
	# each of pgbench's transactions adds the same to three tables and its history
	balances=$(ask_postgresql "$1" 'select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
		(select sum(bbalance) from pgbench_branches), (select sum(delta) from pgbench_history), (select count(*) from pgbench_history)')
	echo "# pgbench: $balances"
	awk -F '|' '{exit !($1 == $2 && $2 == $3 && $3 == $4 && $5 > 100)}' <<<"$balances" || rc=1
	as_nobody "$postgres/pg_amcheck" --all --heapallindexed -h "$1/postgresql" || rc=1
	stop_servers
	as_nobody "$postgres/pg_checksums" --check -D "$1/postgresql/data" >"$run/log/pg_checksums" || rc=1
	# who asks while it starts is told so
	! grep -E 'PANIC|FATAL|ERROR' "$run/log/postgresql.again" | grep -vE 'FATAL: +the database system is (starting up|not yet accepting connections)' || rc=1
	return $rc
}
mariadb_is_whole() {
	local rc=0
	start_mariadb "$1" again || rc=1
	# shellcheck disable=SC2046
	has_rows mariadb "$2" $(ask_mariadb "$1" 'select count(*), max(n) from t.numbers') || rc=1
	# shellcheck disable=SC2046
	has_rows mariadb "$2" $(ask_mariadb "$1" 'select count(*), max(n) from t.kept') || rc=1
	mariadb-check --no-defaults --all-databases --check --extended -S "$1/mariadb/socket" >"$run/log/mariadb-check" || rc=1
	! grep -vE ' OK$' "$run/log/mariadb-check" || rc=1
	stop_servers
	! grep -F '[ERROR]' "$run/log/mariadb.again" || rc=1
	return $rc
}

#!/bin/sh
# Stores of earlier versions: read bit for bit by today's programs and by the independent reader, and written to.
# usage: test_fixtures.sh LANDFALL-VAULT LANDFALL-RECOVER
set -eu
vault=$1
recover=$2
compat=$(cd "$(dirname "$0")/../compat" && pwd)
dir=$(mktemp -d /tmp/landfall-fixtures-XXXXXX)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT INT TERM
fail() { echo "test_fixtures: $*" >&2; exit 1; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
hash_is() { # FILE HASH WHAT
	[ "$(sha256sum <"$1" | cut -c1-64)" = "$2" ] || fail "$3"
	rm -f "$1"
}

# STORE KEY DISKS: every disk, by each reader
check_disks() {
	while read -r hash point disk; do
		"$vault" export "$1" "$point" "$dir/out" --disk "$disk" --key "$2"
		hash_is "$dir/out" "$hash" "$1: $point as exported"
		"$recover" export "$1" "$point" "$dir/out" --disk "$disk" --key "$2"
		hash_is "$dir/out" "$hash" "$1: $point as recovered"
		python3 "$compat/read_store.py" "$1" "$2" "$point" "$disk" "$dir/out" >/dev/null
		hash_is "$dir/out" "$hash" "$1: $point as read from the formats"
	done <"$3"
}

for fixture in "$compat"/fixtures/*/; do
	name=$(basename "$fixture")
	store=$dir/$name
	key=$fixture/key
	cp -r "$fixture/store" "$store"
	"$vault" verify "$store" --key "$key" >/dev/null || fail "$name: verify"
	check_disks "$store" "$key" "$fixture/disks"

	# a further point, by the prints that are there: only what changed is stored (what an agent sent by keys of its own has
	# neither prints nor names that an ingest knows)
	read -r hash last disk <<-END
		$(tail -n 1 "$fixture/disks")
	END
	"$vault" export "$store" "$last" "$dir/disk" --disk "$disk" --key "$key"
	printf 'changed since' | dd of="$dir/disk" bs=1 seek=700000 conv=notrunc 2>/dev/null
	report=$("$vault" ingest "$store" --disk "$disk" "$dir/disk" --key "$key" --output json)
	[ ! -d "$fixture/store/prints" ] || [ "$(echo "$report" | field bytesNew)" -le 8192 ] || fail "$name: more than what changed was stored: $report"
	echo "$(sha256sum <"$dir/disk" | cut -c1-64) $(echo "$report" | field point) $disk" | cat "$fixture/disks" - >"$dir/disks"
	check_disks "$store" "$key" "$dir/disks"

	# and all of it after a compaction, and without the caches
	"$vault" compact "$store" --key "$key" >/dev/null
	rm -rf "$store/index" "$store/prints" "$store/verified" "$dir/disk"
	"$vault" verify "$store" --key "$key" >/dev/null || fail "$name: verify after a compaction"
	check_disks "$store" "$key" "$dir/disks"
	echo "ok - $name"
done

#!/bin/sh
# What is damaged, and what is not ours, is nobody else's trouble; a full store can be emptied.
# usage: test_local.sh LANDFALL-VAULT
set -eu
vault=$1
dir=$(mktemp -d /tmp/landfall-local-XXXXXX)
# shellcheck disable=SC2317  # called by trap
finish() {
	umount "$dir/full" 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT INT TERM
fail() { echo "test_local: $*" >&2; exit 1; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
ingest() { "$vault" ingest "$1" --disk "$2" "$3" --output json | field point; }
store=$dir/store

for name in a b c; do head -c 3M /dev/urandom >"$dir/$name"; done
"$vault" init "$store"

# --- files of a NAS, a Mac, Windows, NFS and rsync in every folder
one=$(ingest "$store" a "$dir/a")
for folder in "$store" "$store"/packs "$store"/index "$store"/points "$store"/claims "$store/claims/$one" "$store"/sessions "$store"/tmp \
	"$store"/prints; do
	mkdir -p "$folder/@eaDir/deep" "$folder/lost+found" "$folder/#recycle" "$folder/folder" "$folder/x.tmp-folder"
	for name in .DS_Store ._x Thumbs.db desktop.ini .nfs0001; do echo stranger >"$folder/$name"; done
done
rm "$store/claims/$one/Thumbs.db" "$store/claims/$one/desktop.ini" # such names a claim may have; it is kept in doubt
two=$(ingest "$store" b "$dir/b")
for command in "list $store" "verify $store" "verify $store --ciphertext" "stats $store" "explain $store $one" "diff $store $one $two --disk a" \
	"simulate-retention $store --keep-last 1" "drop $store $one" "gc $store" "compact $store" "rotate $store" "repair $store" "verify $store"; do
	# shellcheck disable=SC2086  # words
	"$vault" $command >"$dir/out" 2>&1 || [ "${command%% *}" = diff ] || fail "with strangers: $command: $(cat "$dir/out")"
done
[ "$("$vault" stats "$store" --output json | field points)" = 1 ] || fail "strangers are counted as points, or keep one"
[ "$("$vault" stats "$store" --output json | field sessions)" = 0 ] || fail "strangers are counted as sessions"
[ -e "$store/tmp/@eaDir/deep" ] && [ -e "$store/points/.DS_Store" ] || fail "what is not ours was removed"

# --- one damaged point
three=$(ingest "$store" a "$dir/a")
for damage in "printf X | dd of=$store/points/$three bs=1 seek=40 conv=notrunc status=none" ": >$store/points/$three"; do
	eval "$damage"
	"$vault" list "$store" >"$dir/out" || fail "list stops at a damaged point"
	grep -q "$two.* b " "$dir/out" && grep -q "$three  damaged" "$dir/out" || fail "list: $(cat "$dir/out")"
	four=$(ingest "$store" b "$dir/c") || fail "a damaged point stops an ingest"
	echo 1 >"$dir/changed"
	! "$vault" ingest "$store" --disk b "$dir/c" --changed "$dir/changed" >"$dir/out" 2>&1 || fail "a list against a newest point that nobody knows"
	grep -q "without --changed" "$dir/out" || fail "no advice"
	"$vault" simulate-retention "$store" --keep-last 1 | grep -q "not counted: point $three" || fail "simulate-retention"
	"$vault" explain "$store" "$four" >/dev/null || fail "explain"
	! "$vault" verify "$store" >"$dir/out" 2>&1 || fail "verify does not see it"
	grep -q "points/$three" "$dir/out" || fail "verify does not name it"
	"$vault" drop "$store" "$four"
	rc=0
	"$vault" gc "$store" >"$dir/out" 2>&1 || rc=$?
	[ $rc = 7 ] && grep -q "removed 1 points" "$dir/out" && grep -q "$three" "$dir/out" || fail "gc beside a damaged point: $(cat "$dir/out")"
done
"$vault" drop "$store" "$three" || fail "a damaged point cannot be dropped"
"$vault" gc "$store" >"$dir/out" || fail "gc after the drop"
grep -q "removed 1 points" "$dir/out" || fail "gc: $(cat "$dir/out")"
"$vault" verify "$store" >/dev/null || fail "something is left of it"

# --- a full store
if [ "$(id -u)" = 0 ]; then
	mkdir "$dir/full"
	mount -t tmpfs -o size=96m landfall-test "$dir/full"
	store=$dir/full/store
	head -c 40M /dev/urandom >"$dir/a"
	head -c 8M "$dir/a" >"$dir/b"
	head -c 8M /dev/urandom >>"$dir/b"
	"$vault" init "$store"
	one=$(ingest "$store" a "$dir/a")
	two=$(ingest "$store" b "$dir/b")
	three=$(ingest "$store" c "$dir/c")
	dd if=/dev/zero of="$dir/full/filler" bs=4k 2>/dev/null || true
	[ "$(stat -f -c %a "$dir/full")" = 0 ] || fail "it is not full"
	"$vault" drop "$store" "$one" || fail "nothing can be dropped in a full store"
	"$vault" gc "$store" --output json >"$dir/out" || fail "a full store cannot be emptied: $(cat "$dir/out")"
	[ "$(field bytes <"$dir/out")" -gt $((28 << 20)) ] || fail "only $(cat "$dir/out") of what 32 MiB nobody needs"
	# less room than one pack takes: said, and no error
	dd if=/dev/zero of="$dir/full/filler2" bs=4k 2>/dev/null || true
	"$vault" drop "$store" "$three"
	"$vault" compact "$store" >"$dir/out" || fail "compaction without room: $(cat "$dir/out")"
	grep -q "no room to rewrite" "$dir/out" || fail "it does not say what is left: $(cat "$dir/out")"
	rm "$dir/full/filler" "$dir/full/filler2"
	"$vault" compact "$store" >"$dir/out"
	! grep -q "no room to rewrite" "$dir/out" || fail "with room: $(cat "$dir/out")"
	"$vault" verify "$store" >/dev/null || fail "a point suffered"
	"$vault" export "$store" "$two" "$dir/out.raw"
	cmp "$dir/b" "$dir/out.raw"
fi
echo "test_local: passed"

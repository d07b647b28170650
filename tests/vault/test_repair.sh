#!/bin/sh
# Damage to a vault's files: found with and without keys, mended from a peer, quarantined, healed by what is stored again.
# usage: test_repair.sh LANDFALL-VAULT
set -eu
vault=$1
dir=$(mktemp -d /tmp/landfall-repair-XXXXXX)
trap 'rm -rf "$dir"' EXIT INT TERM
fail() {
	echo "test_repair: $*" >&2
	exit 1
}
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
flip() { # FILE OFFSET
	python3 -c 'import sys; f = open(sys.argv[1], "r+b"); o = int(sys.argv[2]); f.seek(o); b = f.read(1); f.seek(o); f.write(bytes([b[0] ^ 4]))' "$1" "$2"
}
largest() { echo "$dir/$1/packs/$(ls -S "$dir/$1/packs" | head -n 1)"; }
same() { # STORE POINT FILE
	rm -f "$dir/out"
	"$vault" export "$dir/$1" "$2" "$dir/out"
	cmp "$3" "$dir/out" || fail "point $2 differs"
}
again() { # a fresh copy of the whole store
	rm -rf "$dir/store"
	cp -r "$dir/good" "$dir/store"
}

python3 - "$dir" <<'PY'
import random, sys
rng = random.Random(3)
text = "".join("%x %d\n" % (rng.randrange(90000), i % 91) for i in range(400000)).encode()
for name, extra in (("one", 0), ("two", 500000)):
    with open("%s/%s.raw" % (sys.argv[1], name), "wb") as f:
        data = text + rng.randbytes(extra)
        f.write(data + bytes(-len(data) % 4096))
PY
"$vault" init "$dir/good"
one=$("$vault" ingest "$dir/good" --disk a "$dir/one.raw" --output json | field point)
two=$("$vault" ingest "$dir/good" --disk b "$dir/two.raw" --output json | field point)
# a peer with the same chunks in other packs
cp -r "$dir/good" "$dir/peer"
"$vault" compact "$dir/peer" >/dev/null

# incremental: the second time nothing is read; a new pack is
again
"$vault" verify "$dir/store" >/dev/null
flip "$(largest store)" 5000
"$vault" verify "$dir/store" --incremental >/dev/null || fail "what was found whole was read again"
"$vault" verify "$dir/store" >/dev/null 2>&1 && fail "a flipped bit was not found"
"$vault" verify "$dir/store" --ciphertext --key /nowhere >/dev/null 2>&1 && fail "a flipped bit was not found without keys"
"$vault" verify "$dir/store" --incremental >/dev/null 2>&1 && fail "a pack that is damaged counts as whole"
again
"$vault" verify "$dir/store" --ciphertext --key /nowhere >/dev/null || fail "a whole store is at fault without keys"

# from a peer: a damaged record, a damaged footer, a pack that is gone, a manifest
for damage in record footer gone manifest; do
	again
	case $damage in
	record) flip "$(largest store)" 5000 ;;
	footer) flip "$(largest store)" $(($(stat -c %s "$(largest store)") - 100)) ;;
	gone) rm "$(largest store)" ;;
	manifest) flip "$dir/store/points/$two" 60 ;;
	esac
	"$vault" verify "$dir/store" >/dev/null 2>&1 && fail "$damage: not found"
	"$vault" repair "$dir/store" --from "$dir/peer" >/dev/null || fail "$damage: not repaired"
	"$vault" verify "$dir/store" >/dev/null || fail "$damage: not whole after the repair"
	same store "$one" "$dir/one.raw"
	same store "$two" "$dir/two.raw"
	"$vault" gc "$dir/store" >/dev/null
	same store "$two" "$dir/two.raw"
done

# killed at any point, it is done again
for at in vault-close-pack vault-repair-quarantine vault-pack-written; do
	again
	flip "$(largest store)" 5000
	LF_FAULT="$at=kill" "$vault" repair "$dir/store" --from "$dir/peer" >/dev/null 2>&1 || true
	"$vault" repair "$dir/store" --from "$dir/peer" >/dev/null || fail "$at: not repaired after a kill"
	same store "$one" "$dir/one.raw"
	"$vault" verify "$dir/store" >/dev/null
done

# without a peer: the rest is kept, what is lost is said and never read, and storing it again heals it
again
flip "$(largest store)" 5000
"$vault" repair "$dir/store" >"$dir/said" 2>/dev/null && fail "lost data count as repaired"
grep -q "affects point" "$dir/said" || fail "the affected point is not named"
ls "$dir/store/quarantine" | grep -q . || fail "the damaged pack is not in quarantine"
rm -f "$dir/out"
"$vault" export "$dir/store" "$one" "$dir/out" 2>/dev/null && fail "lost data were exported"
[ ! -e "$dir/out" ] || fail "half a disk was left"
"$vault" ingest "$dir/store" --disk again "$dir/two.raw" >/dev/null
"$vault" verify "$dir/store" >/dev/null || fail "what was stored again does not heal"
same store "$one" "$dir/one.raw"
same store "$two" "$dir/two.raw"

# a vault of another domain is no peer
again
"$vault" init "$dir/stranger"
flip "$(largest store)" 5000
"$vault" repair "$dir/store" --from "$dir/stranger" >/dev/null 2>&1 && fail "repaired from a stranger"
echo "test_repair: passed"

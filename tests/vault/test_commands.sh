#!/bin/sh
# Every command of "landfall vault" on a small disk, and the same bytes through NBD.
# usage: test_commands.sh LANDFALL-VAULT PLUGIN LANDFALL-RECOVER
set -eu
vault=$1
export LF_NBD_PLUGIN="$2"
recover=$3
dir=$(mktemp -d /tmp/landfall-vault-XXXXXX)
server=
# shellcheck disable=SC2317  # called by trap
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT INT TERM
fail() { echo "test_commands: $*" >&2; exit 1; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

python3 - "$dir" <<'PY'
import os, random, sys
rng = random.Random(5)
d = sys.argv[1]
def write(f, at, data):
    f.seek(at); f.write(data)
with open(d + "/a.raw", "wb") as f:
    f.truncate((96 << 20) + 1536)                        # a last page that is not whole
    write(f, 1 << 20, rng.randbytes(5 << 20))            # noise
    write(f, 20 << 20, b"".join(b"row %9d of a table\n" % i for i in range(400000)))
    write(f, 40 << 20, b"\0" * (4 << 20))                # zeroes that are allocated
    write(f, 60 << 20, rng.randbytes(1 << 20) * 4)       # repeats itself
    write(f, (96 << 20) + 500, b"the end")
os.system("cp --sparse=always %s/a.raw %s/b.raw" % (d, d))
changed = sorted(rng.sample(range(0, 24576), 300)) + [24576]
with open(d + "/b.raw", "r+b") as f, open(d + "/changed", "w") as c:
    for i, block in enumerate(changed):
        f.seek(block * 4096)
        f.write(b"\0" * 1536 if block == 24576 else b"\0" * 4096 if i % 3 == 0 else rng.randbytes(4096))
        c.write("%d\n" % block)
PY

"$vault" init "$dir/store"
"$vault" init "$dir/store" 2>/dev/null && fail "a second init went through"
one=$("$vault" ingest "$dir/store" --disk sda "$dir/a.raw" --output json | field point)
report=$("$vault" ingest "$dir/store" --disk sda "$dir/b.raw" --changed "$dir/changed" --output json)
two=$(echo "$report" | field point)
[ "$(echo "$report" | field bytesRead)" -le $((301 * 4096)) ] || fail "read more than what changed"
[ "$("$vault" list "$dir/store" --output json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 2 ] || fail "list"

"$vault" export "$dir/store" "$one" "$dir/one.raw"
"$vault" export "$dir/store" "$two" "$dir/two.raw"
cmp "$dir/a.raw" "$dir/one.raw"
cmp "$dir/b.raw" "$dir/two.raw"
"$vault" export "$dir/store" "$two" "$dir/two.raw" 2>/dev/null && fail "an export replaced a file"
[ "$(stat -c %b "$dir/one.raw")" -le "$(stat -c %b "$dir/a.raw")" ] || fail "the export is not sparse"

# what is not whole has not the name: killed, it is begun anew by the next; stopped, it is gone
LF_FAULT=file-write=kill@2 "$vault" export "$dir/store" "$one" "$dir/cut.raw" 2>/dev/null && fail "an export outlived its kill"
[ ! -e "$dir/cut.raw" ] && [ -e "$dir/cut.raw.part" ] || fail "a killed export looks finished"
"$vault" export "$dir/store" "$one" "$dir/cut.raw"
cmp "$dir/a.raw" "$dir/cut.raw"
rm "$dir/cut.raw"
LF_FAULT=file-write=enospc@2 "$vault" export "$dir/store" "$one" "$dir/cut.raw" 2>/dev/null && fail "a full disk was none"
[ ! -e "$dir/cut.raw" ] && [ ! -e "$dir/cut.raw.part" ] || fail "an export that failed left a file"
for signal in INT TERM HUP; do
	for command in "$vault" "$recover"; do
		"$command" export "$dir/store" "$one" "$dir/cut.raw" --key "$dir/store/platform.key" --format qcow2 2>/dev/null &
		exporting=$!
		while [ ! -e "$dir/cut.raw" ] && [ ! -e "$dir/cut.raw.part" ] && kill -0 $exporting 2>/dev/null; do :; done
		kill -$signal $exporting 2>/dev/null || true
		if wait $exporting; then # it was faster
			qemu-img compare -q -f raw -F qcow2 "$dir/a.raw" "$dir/cut.raw" || fail "an export is wrong"
		elif [ -e "$dir/cut.raw" ]; then
			fail "an export that was interrupted looks finished"
		fi
		[ ! -e "$dir/cut.raw.part" ] || fail "an export that was interrupted left a file"
		rm -f "$dir/cut.raw"
	done
done
# two of one name do not meet
: >"$dir/cut.raw.part"
flock "$dir/cut.raw.part" "$vault" export "$dir/store" "$one" "$dir/cut.raw" 2>/dev/null && fail "two exports wrote one file"
[ -e "$dir/cut.raw.part" ] || fail "an export removed another's file"
rm "$dir/cut.raw.part"

# an image of another format is refused by name, unless it is wanted as it is; of a fixed VHD the disk counts
"$vault" init "$dir/images"
qemu-img convert -f raw -O qcow2 "$dir/a.raw" "$dir/a.qcow2"
"$vault" ingest "$dir/images" --disk q "$dir/a.qcow2" 2>"$dir/said" && fail "a qcow2 image was taken for a disk"
grep -q "qcow.*qemu-img convert" "$dir/said" || fail "no advice: $(cat "$dir/said")"
image=$("$vault" ingest "$dir/images" --disk q "$dir/a.qcow2" --format raw --output json | field point)
"$vault" export "$dir/images" "$image" "$dir/cut.raw"
cmp "$dir/a.qcow2" "$dir/cut.raw"
rm "$dir/cut.raw"
"$vault" export "$dir/store" "$one" "$dir/a.vhd" --format vhd
image=$("$vault" ingest "$dir/images" --disk v "$dir/a.vhd" --output json | field point)
"$vault" export "$dir/images" "$image" "$dir/cut.raw"
[ "$(stat -c %s "$dir/cut.raw")" = $((97 << 20)) ] || fail "the disk of a VHD has its footer"
cmp -n "$(stat -c %s "$dir/a.raw")" "$dir/a.raw" "$dir/cut.raw"
rm "$dir/cut.raw" "$dir/a.vhd" "$dir/a.qcow2"
LF_FAULT=disk-read=eio,file-read=eio@40 "$vault" ingest "$dir/images" --disk z "$dir/a.raw" 2>"$dir/said" && fail "a disk that cannot be read was taken"
grep -q "at byte [0-9]*:.*--bad-sectors zero" "$dir/said" || fail "no place or advice: $(cat "$dir/said")"

# the same content from a full pass gives the same bytes
three=$("$vault" ingest "$dir/store" --disk sda "$dir/b.raw" --output json | field point)
"$vault" export "$dir/store" "$three" "$dir/three.raw"
cmp "$dir/b.raw" "$dir/three.raw"

# without a list the pages that changed are found, stored alone, and zeroes and cut ends are seen
cp --sparse=always "$dir/b.raw" "$dir/c.raw"
python3 - "$dir" <<'PY'
import os, random, sys
with open(sys.argv[1] + "/c.raw", "r+b") as f:
    f.seek(4096 * 3); f.write(random.Random(9).randbytes(4096))
    f.seek(4096 * 700); f.write(b"\0" * 4096 * 50)
    f.truncate(os.path.getsize(f.name) - 4096 * 2)
PY
report=$("$vault" ingest "$dir/store" --disk sda "$dir/c.raw" --output json)
[ "$(echo "$report" | field bytesNew)" -le $((3 * 4096)) ] || fail "a pass without a list stored more than what changed: $report"
"$vault" export "$dir/store" "$(echo "$report" | field point)" "$dir/c.out"
cmp "$dir/c.raw" "$dir/c.out"
rm -r "$dir/store/prints"
report=$("$vault" ingest "$dir/store" --disk sda "$dir/b.raw" --output json)
"$vault" export "$dir/store" "$(echo "$report" | field point)" "$dir/b.out"
cmp "$dir/b.raw" "$dir/b.out"

# a reader written from docs/formats alone gets the same bytes
reader=$(dirname "$0")/../compat/read_store.py
python3 "$reader" "$dir/store" "$dir/store/platform.key" >"$dir/points"
python3 "$reader" "$dir/store" "$dir/store/platform.key" "$two" sda "$dir/python.raw"
cmp "$dir/b.raw" "$dir/python.raw"

# who takes the space, and why
"$vault" explain "$dir/store" "$one" | grep -q "transfer: full, because the disk has no point yet" || fail "explain"
[ "$("$vault" explain "$dir/store" "$two" --output json | field logicalBytes)" = "$(stat -c %s "$dir/b.raw")" ] || fail "explain's sizes"
"$vault" simulate-retention "$dir/store" --keep-last 1 --output json >"$dir/simulated"
[ "$(field freedBytes <"$dir/simulated")" -gt 0 ] || fail "nothing would be freed"
[ "$(grep -c '"kept": true' "$dir/simulated")" = 1 ] || fail "one point of the disk was to be kept"
before=$("$vault" stats "$dir/store" --output json | field storedBytes)
"$vault" compact "$dir/store" >/dev/null
[ "$("$vault" stats "$dir/store" --output json | field storedBytes)" -le "$before" ] || fail "compaction made it more"

# every block that differs is in the difference
"$vault" diff "$dir/store" "$one" "$two" --output json >"$dir/diff"
python3 - "$dir" <<'PY'
import json, sys
d = sys.argv[1]
a, b = open(d + "/a.raw", "rb").read(), open(d + "/b.raw", "rb").read()
diff = json.load(open(d + "/diff"))
told = set()
for r in diff["ranges"]:
    told.update(range(r["offset"] // 4096, (r["offset"] + r["length"] + 4095) // 4096))
real = {i for i in range((len(a) + 4095) // 4096) if a[i * 4096:i * 4096 + 4096] != b[i * 4096:i * 4096 + 4096]}
assert real <= told, sorted(real - told)[:5]
assert len(told) <= 301, len(told)
PY

"$vault" serve "$dir/store" "$two" --socket "$dir/nbd" >"$dir/nbdkit.log" 2>&1 &
server=$!
for _ in $(seq 100); do [ -S "$dir/nbd" ] && break; sleep 0.05; done
nbdcopy "nbd+unix:///?socket=$dir/nbd" "$dir/nbd.raw"
cmp "$dir/b.raw" "$dir/nbd.raw"
nbdinfo --map "nbd+unix:///?socket=$dir/nbd" | grep -q hole || fail "no holes told"
nbdinfo --can multi-conn "nbd+unix:///?socket=$dir/nbd" || fail "no multi-conn"
nbdinfo --can write "nbd+unix:///?socket=$dir/nbd" && fail "an export can be written to"

"$vault" verify "$dir/store" >/dev/null
"$vault" drop "$dir/store" "$one"
"$vault" drop "$dir/store" "$three"
"$vault" gc "$dir/store" --output json >"$dir/gc"
[ "$(field points <"$dir/gc")" = 2 ] || fail "gc did not remove two points"
"$vault" verify "$dir/store" >/dev/null
# the export goes on while packs are rewritten beneath it
nbdcopy "nbd+unix:///?socket=$dir/nbd" "$dir/after.raw"
cmp "$dir/b.raw" "$dir/after.raw"
"$vault" stats "$dir/store" >/dev/null
# the index is only a cache
rm -f "$dir/store/index/"*
"$vault" verify "$dir/store" >/dev/null
rm -f "$dir/two.raw"
"$vault" export "$dir/store" "$two" "$dir/two.raw"
cmp "$dir/b.raw" "$dir/two.raw"
# nothing but the directory, the key and one static file, after the index is gone
mkdir "$dir/rescue"
cp -r "$dir/store/vault.json" "$dir/store/packs" "$dir/store/points" "$dir/store/platform.key" "$dir/rescue"
"$recover" list "$dir/rescue" | grep -q "$two" || fail "landfall-recover does not list the point"
"$recover" export "$dir/rescue" "$two" "$dir/rescued.raw"
cmp "$dir/b.raw" "$dir/rescued.raw"
"$recover" gc "$dir/rescue" >/dev/null && fail "landfall-recover changes a vault"
# without the key there is nothing to be had
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' | sed 's/^/landfall-platform-key-1 /' >"$dir/other.key"
"$vault" list "$dir/store" --key "$dir/other.key" 2>/dev/null && fail "another key opened the vault"
# a damaged pack is found, and the point it affects is named; some of its bytes nothing needs any more
pack=$(ls -S "$dir/store/packs" | head -n 1)
pack=$dir/store/packs/$pack
python3 -c 'import sys; p = sys.argv[1]; b = bytearray(open(p, "rb").read())
for at in range(1000, len(b), 65536): b[at] ^= 1
open(p, "wb").write(b)' "$pack"
"$vault" verify "$dir/store" >"$dir/faults" 2>/dev/null && fail "damage was not found"
grep -q "affects point" "$dir/faults" || fail "the affected point is not named"
echo "test_commands: passed"

#!/bin/sh
# A disk exported as raw, qcow2 and VHD is one disk to qemu-img.
# usage: test_formats.sh LANDFALL-VAULT LANDFALL-RECOVER
set -eu
vault=$1
recover=$2
dir=$(mktemp -d /tmp/landfall-formats-XXXXXX)
trap 'rm -rf "$dir"' EXIT INT TERM
fail() { echo "test_formats: $*" >&2; exit 1; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# bits at the edges of clusters, of pieces, of second-level tables (512 MiB) and at the end
python3 - "$dir/disk" <<'PY'
import random, sys
rng = random.Random(7)
with open(sys.argv[1], "wb") as f:
    f.truncate((528 << 20) + 5 * 512)
    for at, size in [(0, 4096), (12288, 4096), (61440, 8192), (1 << 20, 3 << 20), ((4 << 20) - 4096, 8192),
                     ((8 << 20) - 65536, 4096), ((64 << 20) + 8192, 9 << 20), ((512 << 20) - 131072, 1 << 20),
                     ((524 << 20) + 4096 * 15, 4096 * 2), (528 << 20, 2560)]:
        f.seek(at)
        f.write(rng.randbytes(size))
    for at in range(200 << 20, 220 << 20, 20480):
        f.seek(at)
        f.write(rng.randbytes(4096))
PY
"$vault" init "$dir/store"
point=$("$vault" ingest "$dir/store" --disk sda "$dir/disk" --output json | field point)
for format in raw qcow2 vhd; do
	"$vault" export "$dir/store" "$point" "$dir/$format" --format $format
	"$recover" export "$dir/store" "$point" "$dir/$format.recovered" --format $format
	# clusters of qcow2 lie in the order in which threads came to them
	[ $format = qcow2 ] || cmp "$dir/$format" "$dir/$format.recovered"
done
"$vault" export "$dir/store" "$point" "$dir/other" --format vmdk 2>/dev/null && fail "an unknown format went through"
cmp "$dir/disk" "$dir/raw"

for image in qcow2 qcow2.recovered; do
	qemu-img check -q -f qcow2 "$dir/$image"
	qemu-img compare -q -f raw -F qcow2 "$dir/raw" "$dir/$image"
done
[ "$(qemu-img info -f qcow2 --output json "$dir/qcow2" | field virtual-size)" = "$(stat -c %s "$dir/disk")" ] || fail "the size in qcow2"
qemu-img info -f qcow2 "$dir/qcow2" | grep -q 'compat: 1.1' || fail "not version 3"
# no larger than what qemu-img makes of it, and made without holes
qemu-img convert -f raw -O qcow2 "$dir/raw" "$dir/qemu.qcow2"
[ "$(stat -c %s "$dir/qcow2")" -le $(($(stat -c %s "$dir/qemu.qcow2") + 1048576)) ] || fail "qcow2 keeps no holes"
qemu-img map -f qcow2 --output json "$dir/qcow2" >"$dir/map"
python3 -c 'import json,sys; assert any(r["zero"] and r["length"] > 100 << 20 for r in json.load(open(sys.argv[1])))' "$dir/map"

size=$(stat -c %s "$dir/vhd")
[ $((size % 1048576)) = 512 ] || fail "a VHD of $size bytes"
[ "$(qemu-img info -f vpc --output json "$dir/vhd" | field virtual-size)" = $((size - 512)) ] || fail "the size in VHD"
[ "$(qemu-img info --output json "json:{\"driver\":\"vpc\",\"force_size_calc\":\"current_size\",\"file.filename\":\"$dir/vhd\"}" |
	field virtual-size)" = $((size - 512)) ] || fail "the size in VHD, if it is asked for"
qemu-img compare -q -f raw -F vpc "$dir/raw" "$dir/vhd" # what is behind the shorter one is zeroes
[ "$(stat -c %b "$dir/vhd")" -le $(($(stat -c %b "$dir/raw") + 64)) ] || fail "the VHD is not sparse"
echo "test_formats: passed"

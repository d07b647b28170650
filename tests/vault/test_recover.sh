#!/bin/sh
# landfall-recover serves and shows a point: from a directory that it cannot write to, without an index,
# to the clients there are.
# usage: test_recover.sh LANDFALL-VAULT LANDFALL-RECOVER
set -eu
vault=$1
recover=$2
dir=$(mktemp -d /tmp/landfall-recover-XXXXXX)
server=
# shellcheck disable=SC2317  # called by trap
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT INT TERM
fail() { echo "test_recover: $*" >&2; exit 1; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
# whoever recovers need not be root; root's rights would hide that something is written
as_reader() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
listing() { find "$1" -printf '%p %s %m %T@ %C@\n' | sort; }
wait_for() { # FILE: until there is something in it
	for _ in $(seq 200); do [ -s "$1" ] && return; sleep 0.05; done
	fail "$1 stays empty"
}
# serve DIR POINT WORDS...: its URIs are in $dir/uris
serve() {
	: >"$dir/uris"
	"$recover" serve "$@" >"$dir/uris" 2>"$dir/server.log" &
	server=$!
	wait_for "$dir/uris"
}
stop() {
	kill "$server"
	wait "$server" || fail "the server ended with $?: $(cat "$dir/server.log")"
	server=
}

python3 - "$dir" <<'PY'
import random, sys
rng = random.Random(11)
for name, size in [("a", (72 << 20) + 1536), ("b", 9 << 20)]:
    with open("%s/%s.raw" % (sys.argv[1], name), "wb") as f:
        f.truncate(size)
        for at in range(0, size - (1 << 20), 3 << 20):
            f.seek(at + rng.randrange(500000))
            f.write(rng.randbytes(rng.randrange(1, 700000)))
        f.seek(size - 700)
        f.write(b"the end")
PY
"$vault" init "$dir/store"
point=$("$vault" ingest "$dir/store" --disk "disk a" "$dir/a.raw" --output json | field point)
"$vault" ingest "$dir/store" --disk b "$dir/b.raw" --point "$point" >/dev/null
rm -r "$dir/store/index" "$dir/store/prints" "$dir/store/sessions" "$dir/store/tmp" "$dir/store/lock"
chmod -R a+rX,a-w "$dir/store"
chmod 755 "$dir"
install -d -m 1777 "$dir/out"
listing "$dir/store" >"$dir/before"

# list, verify, stats, explain and export, with neither an index nor the right to make one
as_reader "$recover" list "$dir/store" | grep -q "$point" || fail "list"
as_reader "$recover" verify "$dir/store" >/dev/null
as_reader "$recover" stats "$dir/store" >/dev/null
as_reader "$recover" explain "$dir/store" "$point" >/dev/null
as_reader "$recover" export "$dir/store" "$point" "$dir/out/a" --disk "disk a"
cmp "$dir/a.raw" "$dir/out/a"

serve "$dir/store" "$point" --socket "$dir/nbd"
[ "$(stat -c %a "$dir/nbd")" = 600 ] || fail "others may connect"
a=$(sed -n 1p "$dir/uris") b=$(sed -n 2p "$dir/uris")
nbdcopy "$a" "$dir/a.copy"
cmp "$dir/a.raw" "$dir/a.copy"
nbdcopy --connections=1 --requests=1 "$b" "$dir/b.copy"
cmp "$dir/b.raw" "$dir/b.copy"
qemu-img compare -q -f raw -F raw "$a" "$dir/a.raw"
qemu-img convert -f raw -O raw "$b" "$dir/b.qemu"
cmp "$dir/b.raw" "$dir/b.qemu"
nbdinfo --list "nbd+unix:///?socket=$dir/nbd" >"$dir/list"
[ "$(grep -c '^export=' "$dir/list")" = 2 ] || fail "not two disks: $(cat "$dir/list")"
grep -q 'base:allocation' "$dir/list" || fail "no block status"
nbdinfo --map "$a" | grep -q hole || fail "no holes told"
nbdinfo --can multi-conn "$a" || fail "no multi-conn"
nbdinfo --is read-only "$a" || fail "not read-only"
nbdinfo "nbd+unix:///other?socket=$dir/nbd" >/dev/null 2>&1 && fail "a disk that is not there"
nbdcopy "$dir/b.raw" "$b" 2>/dev/null && fail "it could be written to"
"$recover" serve "$dir/store" "$point" --socket "$dir/nbd" 2>/dev/null && fail "two servers at one socket"
# without structured replies
python3 - "$dir" <<'PY'
import os, socket, struct, sys
d = sys.argv[1]
s = socket.socket(socket.AF_UNIX)
s.connect(d + "/nbd")
def take(n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        assert more
        data += more
    return data
take(18)
s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 1) + b"b")
size, flags = struct.unpack(">QH", take(10))
assert size == os.path.getsize(d + "/b.raw")
want = open(d + "/b.raw", "rb").read()
for at, n in [(0, 1), (4095, 2), (100, 1 << 20), (size - 5, 5)]:
    s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, at, at, n))
    magic, error, cookie = struct.unpack(">IIQ", take(16))
    assert (magic, error, cookie) == (0x67446698, 0, at)
    assert take(n) == want[at:at + n]
PY
stop
[ ! -e "$dir/nbd" ] || fail "the socket is left"

serve "$dir/store" "$point" --port 0 --disk b
nbdcopy "$(cat "$dir/uris")" "$dir/b.port"
cmp "$dir/b.raw" "$dir/b.port"
stop

# a disk as a file, until it is unmounted, or this is interrupted
if [ -w /dev/fuse ] && command -v nbdfuse >/dev/null; then
	for end in umount interrupt; do
		mkdir "$dir/$end"
		TMPDIR=$dir/out "$recover" mount "$dir/store" "$point" "$dir/$end" --disk "disk a" >"$dir/$end.log" 2>&1 &
		server=$!
		wait_for "$dir/$end.log"
		file=$(head -n 1 "$dir/$end.log")
		[ "$file" = "$dir/$end/disk-a" ] || fail "the disk a is the file $file: a name with a blank is none for a command"
		cmp "$dir/a.raw" "$file"
		(: >>"$file") 2>/dev/null && fail "a mounted disk could be written to"
		if [ $end = umount ]; then umount "$dir/$end"; else kill -INT "$server"; fi
		wait "$server" || fail "mount ended with $?: $(cat "$dir/$end.log")"
		server=
	done
	"$recover" mount "$dir/store" "$point" "$dir/umount" 2>"$dir/err" && fail "two disks as one file"
	grep -q 'name one' "$dir/err" || fail "mount does not say what to do: $(cat "$dir/err")"
else
	echo "test_recover: no FUSE here: mount is not tested"
fi
[ -z "$(ls "$dir/out" | grep -v '^a$')" ] || fail "something is left: $(ls "$dir/out")"
listing "$dir/store" >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "the vault was changed"

# damage is an error for who reads it, and nothing for the others
chmod -R u+w "$dir/store"
python3 - "$dir" <<'PY'
import glob, os, sys
pack = max(glob.glob(sys.argv[1] + "/store/packs/*"), key=os.path.getsize)
with open(pack, "r+b") as f:
    f.seek(200000)
    byte = f.read(1)
    f.seek(200000)
    f.write(bytes([byte[0] ^ 1]))
PY
serve "$dir/store" "$point" --socket "$dir/nbd"
nbdcopy "$a" "$dir/damaged" 2>"$dir/err" && fail "damage was served"
grep -qi 'input/output error' "$dir/err" || fail "what the client hears: $(cat "$dir/err")"
nbdinfo --size "$b" >/dev/null
stop
echo "test_recover: passed"

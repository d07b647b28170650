#!/bin/sh
# A vault's keys: wrapped by a file and by a token's key, wrapped anew, rotated, erased.
# usage: test_keys.sh LANDFALL-VAULT LANDFALL-RECOVER
set -eu
vault=$1
recover=$2
dir=$(mktemp -d /tmp/landfall-keys-XXXXXX)
trap 'rm -rf "$dir"' EXIT INT TERM
fail() {
	echo "test_keys: $*" >&2
	exit 1
}
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
same() { # POINT FILE [KEY]: the point holds what the file does
	rm -f "$dir/out"
	"$vault" export "$dir/store" "$1" "$dir/out" --key "${3:-$key}"
	cmp "$2" "$dir/out" || fail "point $1 differs"
}

# a token whose key nobody can read
export SOFTHSM2_CONF="$dir/softhsm.conf"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$dir" >"$SOFTHSM2_CONF"
module=$(find /usr/lib -name libsofthsm2.so | head -n 1)
softhsm2-util --init-token --free --label landfall --so-pin 1234 --pin 5678 >/dev/null
pkcs11-tool --module "$module" --token-label landfall --login --pin 5678 --keygen --key-type AES:32 --label vault-key >/dev/null 2>&1
echo 5678 >"$dir/pin"
echo 9999 >"$dir/wrong-pin"
token="pkcs11:token=landfall;object=vault-key;type=secret-key?pin-source=$dir/pin&module-path=$module"

key=$token
head -c 400000 /dev/urandom >"$dir/one.raw"
"$vault" init "$dir/store" --key "$key"
one=$("$vault" ingest "$dir/store" --disk a "$dir/one.raw" --key "$key" --output json | field point)
same "$one" "$dir/one.raw"
"$vault" list "$dir/store" --key "pkcs11:token=landfall;object=vault-key?pin-source=$dir/wrong-pin&module-path=$module" 2>/dev/null && fail "a wrong PIN opened the vault"
"$vault" list "$dir/store" --key "pkcs11:token=landfall;object=other-key?pin-source=$dir/pin&module-path=$module" 2>/dev/null && fail "another key opened the vault"
"$recover" list "$dir/store" --key "$key" 2>"$dir/said" && fail "landfall-recover used a token"
grep -q "rekey" "$dir/said" || fail "no advice: $(cat "$dir/said")"

# another key wraps the same vault
key=$dir/platform.key
"$vault" rekey "$dir/store" --key "$token" --new-key "$key"
"$vault" list "$dir/store" --key "$token" 2>/dev/null && fail "the old key still opens the vault"
same "$one" "$dir/one.raw"
"$recover" list "$dir/store" --key "$key" | grep -q "$one" || fail "landfall-recover does not list the point"

# a second data key; both are read, and compaction leaves the first behind
(cat "$dir/one.raw"; head -c 400000 /dev/urandom) >"$dir/two.raw"
"$vault" rotate "$dir/store" --key "$key"
two=$("$vault" ingest "$dir/store" --disk a "$dir/two.raw" --key "$key" --output json | field point)
[ "$("$vault" stats "$dir/store" --key "$key" --output json | field olderKeyBytes)" -gt 0 ] || fail "nothing is under the old key"
same "$one" "$dir/one.raw"
same "$two" "$dir/two.raw"
reader=$(dirname "$0")/../compat/read_store.py
python3 "$reader" "$dir/store" "$key" "$two" a "$dir/python.raw"
cmp "$dir/two.raw" "$dir/python.raw"
"$vault" compact "$dir/store" --key "$key" >/dev/null
[ "$("$vault" stats "$dir/store" --key "$key" --output json | field olderKeyBytes)" = 0 ] || fail "something is left under the old key"
same "$one" "$dir/one.raw"
same "$two" "$dir/two.raw"
"$vault" verify "$dir/store" --key "$key" >/dev/null

# killed anywhere, rotation and rekeying leave the vault as it was or as it was to be
for kind in file-write file-sync file-rename; do
	LF_FAULT="$kind=kill" "$vault" rotate "$dir/store" --key "$key" >/dev/null 2>&1 || true
	same "$two" "$dir/two.raw"
	LF_FAULT="$kind=kill" "$vault" rekey "$dir/store" --key "$key" --new-key "$key" >/dev/null 2>&1 || true
	same "$two" "$dir/two.raw"
done

# gone for good
"$vault" erase "$dir/store" --key "$key" 2>/dev/null && fail "erased without --yes"
cp "$dir/store/vault.json" "$dir/before"
"$vault" erase "$dir/store" --key "$key" --yes
"$vault" list "$dir/store" --key "$key" 2>"$dir/said" && fail "an erased vault opens"
grep -q "were erased at" "$dir/said" || fail "$(cat "$dir/said")"
grep -qF "$(field sealed <"$dir/before" | cut -c1-40)" "$dir/store/vault.json" && fail "the sealed keys are still there"
echo "test_keys: passed"

#!/usr/bin/env bash
# loss.sh [BUILD_DIR] - each piece of a site is taken away in turn: what is lost is missed and named, never made anew in silence.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
LF_BUILD=$(realpath "${1:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
run=$(mktemp -d /tmp/lf-loss.XXXX)
bad=0
LF_DAEMON_OPTIONS="--compute fake"
trap 'take_down "$run" >/dev/null 2>&1; rm -rf "$run"' EXIT

# --- a site with something in it: resources, an account with a blob, a region's store, a job
start_daemon "$run" 0
lf_quiet group create g1
lf_quiet recovery-vault create v1 --group g1
lf_quiet storage create loss1 --group g1
lf_quiet site create s1 --group g1
head -c 1M /dev/urandom >"$run/disk.raw"
lf_quiet disk import d1 "$run/disk.raw" --group g1 --account loss1
stop_one "$run" landfalld
mkdir "$run/whole"
cp -a "$run/data/." "$run/whole/"
rm -rf "$run/data"

# afresh - a copy of the whole site
afresh() { rm -rf "$run/data" && cp -a "$run/whole" "$run/data"; }
# try OPTIONS... - start it; 0: it answers (and was stopped); its exit status in $status otherwise
try() {
	local pid tries
	status=0
	: >"$run/log/landfalld.out"
	# shellcheck disable=SC2086
	"$build/landfalld" --data "$run/data" --listen 127.0.0.1:0 $LF_DAEMON_OPTIONS "$@" >"$run/log/landfalld.out" 2>"$run/log/try.log" </dev/null &
	pid=$!
	for tries in $(seq 300); do
		grep -q '^landfalld: ready ' "$run/log/landfalld.out" && break
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	if grep -q '^landfalld: ready ' "$run/log/landfalld.out"; then
		after_start
		kill $pid
		wait $pid || status=$?
		[ $status = 0 ] || echo "# it ended with $status"
		return $status
	fi
	wait $pid || status=$?
	return 1
}
after_start() { :; }
said() { grep -qE -- "$1" "$run/log/try.log" || { sed 's/^/# /' "$run/log/try.log"; return 1; }; }
sum() { (cd "$run/data" && find . -type f ! -name lock ! -name reserve ! -name verified ! -name 'catalog.db-*' -exec sha256sum {} + | sort); }
# refuses STATUS TEXT OPTIONS... - does not start, says TEXT, and leaves every file as it is
refuses() {
	local before status_wanted=$1 text=$2
	shift 2
	before=$(sum)
	! try "$@" || { echo "# it started"; return 1; }
	[ "$status" = "$status_wanted" ] || { echo "# it ended with $status"; sed 's/^/# /' "$run/log/try.log"; return 1; }
	said "$text" || return 1
	diff <(echo "$before") <(sum) | sed 's/^/# /'
	[ "$before" = "$(sum)" ]
}
starts() { try "$@" || { sed 's/^/# /' "$run/log/try.log"; return 1; }; }
env_of() { sed -n "s/^$1=//p" "$run/data/client.env"; }

afresh
check "a copy of the whole site starts" starts
afresh
before=$(sed '/^LF_URL/d' "$run/data/client.env"; cat "$run/data/site.json")
check "a site of a time before the record starts" eval 'rm "$run/data/site.json" "$run/data/regions.json" && starts'
check "and gets the same one" [ "$before" = "$(sed '/^LF_URL/d' "$run/data/client.env"; cat "$run/data/site.json")" ]

# --- landfalld check: everything that is looked at, and each piece that is wrong
# finds STATUS TEXT [OPTIONS] - the check ends with STATUS, prints TEXT, and writes nothing
finds() {
	local before rc=0 wanted=$1 text=$2
	shift 2
	before=$(sum; find "$run/data" ! -name verified | sort)
	"$build/landfalld" check "$run/data" "$@" >"$run/log/try.log" 2>&1 || rc=$?
	[ $rc = "$wanted" ] || { echo "# ended with $rc"; sed 's/^/# /' "$run/log/try.log"; return 1; }
	said "$text" && [ "$before" = "$(sum; find "$run/data" ! -name verified | sort)" ]
}
afresh
check "check: a whole site is whole" finds 0 "^ok +catalog.db: is whole: [0-9]+ resources"
check "check: its stores open" finds 0 "^ok +regions/eastus/store: opens, and its 1 points can be read$"
check "check --deep: every byte" finds 0 "every byte is as it was written" --deep
json_finds() { "$build/landfalld" check "$run/data" --output json | jq -e 'length > 8 and all(.[]; .state == "ok" and (.object | length > 0))' >/dev/null; }
check "check --output json" json_finds
check "check: no directory is 3" eval '! "$build/landfalld" check "$run/none" 2>/dev/null; [ $("$build/landfalld" check "$run/none" >/dev/null 2>&1; echo $?) = 3 ]'
check "check: no arguments is 2" eval '[ $("$build/landfalld" check >/dev/null 2>&1; echo $?) = 2 ]'
for file in catalog.db keys/ca.pem keys/token.jwk keys/peer.json client.env; do
	afresh
	rm "$run/data/$file"
	check "check: $file is missing" finds 7 "^fault +$file: is missing or empty; without it goes"
done
afresh
rm "$run/data/keys/platform.key"
check "check: keys/platform.key is missing" finds 7 "^fault +regions/eastus/store: the platform key .* is missing"
afresh
echo '{' >"$run/data/regions/eastus/store/vault.json"
check "check: a damaged vault.json" finds 7 "^fault +regions/eastus/store: .*vault.json is damaged"
afresh
python3 - "$run/data"/regions/eastus/store/packs/* <<-'END'
	import sys
	for name in sys.argv[1:]:
	    with open(name, 'r+b') as pack:
	        pack.seek(200)
	        pack.write(bytes(range(64)))
END
check "check --deep: a damaged pack" finds 7 "^fault +regions/eastus/store: packs/" --deep
# names_point GUID - the row of the disk names this point of eastus
names_point() {
	python3 - "$run/data/catalog.db" "$1" <<-'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.execute("UPDATE resources SET state = json_set(state, '$.region', 'eastus', '$.point', ?)"
		           " WHERE type = 'Microsoft.Compute/disks'", (sys.argv[2],))
		db.commit()
	END
}
afresh
names_point "$(find "$run/data/regions/eastus/store/points" -type f -printf '%f\n' | grep -oE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' | head -n 1)"
check "check: a point that the catalog names is in its store" finds 0 "^ok +regions/eastus/store: opens, and its 1 points can be read$"
names_point 00000000-0000-4000-8000-000000000000
check "check: a point that the catalog names is not in its store" finds 7 "^fault +/subscriptions/.*/disks/d1: the store of eastus has not its point 00000000-"
afresh
chmod 644 "$run/data/keys/ca.pem" && chmod 640 "$run/data/client.env"
check "check: the CA's key can be read by others" finds 7 "^fault +keys/ca.pem: has mode 0644"
check "check: so can the client's secret" finds 7 "^fault +client.env: has mode 0640"
afresh
touch "$run/data/keys/ca.pem.tmp-00000000-0000-0000-0000-000000000000" && chmod 600 "$run/data/keys/"*
check "check: what a crash left is a note" finds 0 "^note +\\.: 1 unfinished files"
afresh
openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt >"$run/other.key"
sed '/BEGIN PRIVATE/,$d' "$run/whole/keys/ca.pem" | cat - "$run/other.key" >"$run/data/keys/ca.pem"
check "check: the CA's key is another one's" finds 7 "^fault +keys/ca.pem: the private key does not fit"
check "and the site does not start with it" refuses 7 "keys/ca.pem: the private key does not fit"
afresh
truncate -s -4096 "$run/data/catalog.db"
check "check: a truncated catalog" finds 7 "^fault +catalog.db: "

for record in with without; do
	prepare() { afresh && { [ $record = with ] || rm "$run/data/site.json" "$run/data/regions.json"; }; }
	while read -r file piece; do
		prepare
		rm -f "$run/data/$file"
		check "$record a record: without $file it does not start, names it and changes nothing" refuses 4 "has been a site, and $file is missing.*--accept-loss $piece"
		: >"$run/data/$file"
		check "$record a record: nor with an empty $file" refuses 4 "has been a site, and $file is missing.*--accept-loss $piece"
		cp -a "$run/whole/$file" "$run/data/$file"
		check "$record a record: with $file back it starts" starts
	done <<-END
		catalog.db catalog
		keys/ca.pem ca
		keys/token.jwk token-key
		client.env client-secret
	END
	prepare
	rm "$run/data/keys/platform.key"
	check "$record a record: without keys/platform.key it does not start, names it and changes nothing" refuses 5 "keys/platform.key is missing"
	mv "$run/data/regions" "$run/data/away"
	[ $record = without ] || check "$record a record: nor while regions/ is away" refuses 5 "keys/platform.key is missing"
done
afresh
rm "$run/data/keys/peer.json"
check "without keys/peer.json it does not start" refuses 4 "keys/peer.json is missing.*--accept-loss peer-key"
afresh
rm "$run/data/catalog.db" "$run/data/keys/ca.pem" "$run/data/client.env"
check "everything that is missing is named at once" refuses 4 "and catalog.db, keys/ca.pem, client.env is missing.*--accept-loss catalog,ca,client-secret"
check "what was not given up is still refused" refuses 4 "and keys/ca.pem, client.env is missing" --accept-loss catalog
check "a piece that there is not is 2" refuses 2 "--accept-loss: takes" --accept-loss soul

# --- another site's pieces
mv "$run/data" "$run/hold"
check "an empty directory becomes a site" starts
mv "$run/data" "$run/other"
for file in keys/ca.pem keys/token.jwk keys/peer.json catalog.db; do
	afresh
	cp "$run/other/$file" "$run/data/$file"
	check "another site's $file is refused" refuses 4 "$file is not the one of this site|$file does not know its site"
done
afresh
sed 's/.$/0/; t' "$run/whole/keys/platform.key" | tr 0-9a-f 1-9a-f0 | sed 's/^[^ ]*/landfall-platform-key-1/' >"$run/data/keys/platform.key"
check "another platform key is refused" refuses 5 "does not open the vault"

# --- damage
afresh
truncate -s 20000 "$run/data/catalog.db"
check "a truncated catalog is refused" refuses 7 "catalog"
afresh
truncate -s 100 "$run/data/catalog.db"
check "one of a hundred bytes, too" refuses 7 "catalog"
afresh
echo '{' >"$run/data/site.json"
check "a damaged record is refused" refuses 7 "site.json is damaged"
afresh
sed -i 's/"version":1/"version":2/' "$run/data/site.json"
check "a record of a newer version, too" refuses 2 "site.json was written by a newer version"

afresh
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 99")' "$run/data/catalog.db"
check "a catalog of a newer version is refused, and left as it is" refuses 2 "catalog.db is of version 99"

# --- rows that cannot be read, or hold nonsense: the rest goes on
sql() { python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); [print(*row) for row in db.execute(sys.argv[2])]; db.commit()' "$run/data/catalog.db" "$1"; }
all_lists() {
	local path
	for path in /subscriptions/{subscription}/resources?api-version=2021-04-01 /subscriptions/{subscription}/resourceGroups?api-version=2021-04-01 \
		/subscriptions/{subscription}/providers/Microsoft.RecoveryServices/vaults?api-version=2024-04-01 \
		/subscriptions/{subscription}/providers/Microsoft.Compute/disks?api-version=2023-04-02; do
		lf rest GET "$path" >"$run/log/answer" 2>&1 || { echo "# $path"; sed 's/^/# /' "$run/log/answer"; lists_ok=1; }
	done
}
after_start() { lists_ok=0; all_lists; }
for type in $(afresh && sql "SELECT DISTINCT type FROM resources"); do
	for nonsense in "doc = '{'" "doc = '{}', state = '{}'" "doc = '{\"properties\":[1],\"name\":7,\"location\":{},\"id\":[]}', state = '{\"source\":7,\"plan\":\"x\"}'"; do
		afresh
		sql "UPDATE resources SET $nonsense WHERE type = '$type'" >/dev/null
		after_start() { lists_ok=0; all_lists; }
		case "$type $nonsense" in # nobody signs in without secret; without the subscription nothing is found
		Landfall/servicePrincipals\ *state* | Microsoft.Resources/subscriptions\ *) after_start() { lists_ok=0; } ;;
		esac
		check "with rows of $type as $nonsense the site starts, answers and stops" eval 'starts && [ "$lists_ok" = 0 ]'
	done
done
after_start() { lists_ok=0; all_lists; }
afresh
sql "UPDATE resources SET doc = '{' WHERE key LIKE '%/vaults/v1'" >/dev/null
check "check names it, too" finds 7 "^fault +/subscriptions/.*/vaults/v1: what clients see of it"
check "one row that cannot be read: its neighbours are listed" eval 'starts && [ "$lists_ok" = 0 ]'
check "health names it" said "health: catalog-row .*/vaults/v1: a row is not a JSON object"
check "once" [ "$(grep -c 'health: catalog-row' "$run/log/try.log")" = 1 ]
afresh
sql "UPDATE jobs SET body = '{', final = 0" >/dev/null
check "check: a job row" finds 7 "^fault +[0-9a-f-]+: the job's row is not"
check "a job row that cannot be read does not keep the site from starting" eval 'starts && [ "$lists_ok" = 0 ]'
check "and is named" said "health: job-row"
after_start() { :; }

# --- given up for good
afresh
rm "$run/data/catalog.db" "$run/data/client.env" "$run/data/keys/token.jwk" "$run/data/keys/ca.pem" "$run/data/keys/peer.json"
tenant=$(sed -n 's/^LF_TENANT_ID=//p' "$run/whole/client.env")
after_start() {
	run_ok=0
	lf group list >"$run/log/list" 2>&1 || run_ok=1
	check "check: not beside a daemon" eval '[ $("$build/landfalld" check "$run/data" >/dev/null 2>&1; echo $?) = 4 ]'
}
check "what an operator gives up is made anew" starts --accept-loss catalog,ca --accept-loss token-key,peer-key,client-secret
check "that is said, with what goes with it" said "catalog.db is given up: with it goes every resource"
check "the first principal signs in" [ "$run_ok" = 0 ]
[ "$run_ok" = 0 ] || sed 's/^/# /' "$run/log/list"
check "the site keeps its tenant" [ "$tenant" = "$(env_of LF_TENANT_ID)" ]
check "and starts again without the word" starts
after_start() { :; }
afresh
rm -rf "$run/data/regions" "$run/data/keys/platform.key"
check "regions that are given up need no platform key" starts --accept-loss regions

# --- a store that is away while the site starts
afresh
mv "$run/data/regions" "$run/data/away"
import() { # SECONDS NAME
	run_ok=1
	timeout "$1" "$build/landfall" --env "$run/data/client.env" disk import "$2" "$run/disk.raw" --group g1 --account loss1 >"$run/log/import" 2>&1 || run_ok=0
}
after_start() { import 8 d2; }
check "a region's store that is away does not keep the site from starting" starts
check "health names it" said "health: region-store eastus"
check "but what needs it fails" [ "$run_ok" = 0 ]
check "and says why" said "importDisk.*: the store of region eastus is not in "
check "and no empty store is made in its place" [ ! -e "$run/data/regions/eastus/store/vault.json" ]
rm -rf "$run/data/regions"
mv "$run/data/away" "$run/data/regions"
after_start() { import 60 d3; } # d2 may be there by now, from its own port's address
check "with it back things go on" eval 'starts && [ "$run_ok" = 1 ]'

# --- a full disk
if [ "$(id -u)" = 0 ]; then
	rm -rf "$run/data"
	mkdir -p "$run/small" "$run/data"
	mount -t tmpfs -o size=24m,mode=0711 landfall-test "$run/data"
	trap 'take_down "$run" >/dev/null 2>&1; umount "$run/data" 2>/dev/null || true; rm -rf "$run"' EXIT
	port=$(free_port)
	start_daemon "$run" "$port"
	lf_quiet group create g1
	lf_quiet storage create full1 --group g1
	stop_one "$run" landfalld
	dd if=/dev/zero of="$run/data/filler" bs=4k 2>/dev/null || true
	check "a site starts on a full disk" start_daemon "$run" "$port"
	check "health says that it is full" grep -q "health: disk-full" "$run/log/landfalld.log"
	lists() { lf group list >"$run/log/answer" && grep -q g1 "$run/log/answer"; }
	check "it answers" lists
	check "it lets things be deleted" lf_quiet rest DELETE "/subscriptions/{subscription}/resourceGroups/g1/providers/Microsoft.Storage/storageAccounts/full1?api-version=2023-01-01"
	rm "$run/data/filler"
	check "with room it takes more" lf_quiet group create g2
	stop_one "$run" landfalld
	check "and starts with its reserve" eval 'start_daemon "$run" "$port" && [ -s "$run/data/reserve" ]'
	stop_one "$run" landfalld
fi
exit $bad

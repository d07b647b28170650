#!/usr/bin/env bash
# cli.sh [BUILD_DIR] - landfall's words, tables, JSON, errors and exit statuses, against a daemon that needs no host.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
LF_BUILD=$(realpath "${1:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
run=$(mktemp -d /tmp/lf-cli.XXXX)
n=0 bad=0
trap 'rc=$?; take_down "$run" || rc=1; rm -rf "$run"; exit $((rc ? rc : bad))' EXIT
LF_DAEMON_OPTIONS="--compute fake"
start_daemon "$run" 0

check() { # WHAT TEST...
	local what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else
		echo "not ok $n - $what"
		sed 's/^/# /' "$run/out" "$run/err"
		bad=1
	fi
}
# says STATUS TEXT COMMAND... - the command ends with STATUS and prints TEXT (extended regular expression)
says() {
	local status=$1 text=$2 rc=0
	shift 2
	lf "$@" >"$run/out" 2>"$run/err" || rc=$?
	[ $rc = "$status" ] && cat "$run/out" "$run/err" | grep -qE -- "$text"
}
is_json() { lf --output json "$@" 2>/dev/null | jq -e . >/dev/null; }

check "signs in" says 0 "^signed in to https://127" login-check
check "help of everything, of a group, of a command" says 0 "replication enable MACHINE" --help
check "help of a group" says 0 "job watch JOB" job --help
check "help of a command names its options" says 0 "--no-wait" failover start --help
check "an unknown command is 2" says 2 "there is no command dance" dance
check "the first word of a command alone is 2, and says where its commands are" says 2 "advice: see landfall site --help" site
check "an unknown option is 2, with advice" says 2 "advice: see landfall group create --help" group create g --colour red
check "a missing argument is 2" says 2 "give NAME" group create
check "a missing required option is 2" says 2 "give --group GROUP" site create s
check "makes a group" says 0 "/resourceGroups/g1$" group create g1 --location eastus
check "lists groups as a table" says 0 "^g1 +eastus +Succeeded" group list
check "lists groups as JSON" is_json group list
check "makes a vault" says 0 "/vaults/v1$" recovery-vault create v1 --group g1
check "a second vault makes the default ambiguous" says 0 . recovery-vault create v2 --group g1
check "and that is said" says 2 "there are 2 of the kind recovery vault" policy list
check "until it is named" says 0 "^NAME" policy list --vault v1
check "deletes a vault" says 0 "v2 is gone" recovery-vault delete v2
check "an absent vault is 3" says 3 "there is no recovery vault v2" recovery-vault show v2
check "makes a site" says 0 "/serverSites/s1$|/ServerSites/s1$" site create s1 --group g1
check "gives a registration key" says 0 "^key +[^ ]{20,}" site key s1
check "makes a fabric" says 0 "/replicationFabrics/f1$" fabric create f1 --site s1
check "shows a fabric" says 0 "InMageRcm" fabric show f1
check "makes a policy" says 0 "/replicationPolicies/p1$" policy create p1 --crash 1 --history 60
check "shows its minutes" says 0 "^p1 +60 +1 +0" policy list
check "refuses a number that is none" says 2 "--crash" policy create p2 --crash soon
check "makes a network and a storage account" says 0 "/virtualNetworks/n1$" network create n1 --group g1
check "makes a storage account" says 0 "/storageAccounts/cache1$" storage create cache1 --group g1
check "an unknown machine is 3, with advice" says 3 "advice: see landfall site machines" replication enable ghost
check "the service's error is shown with code, target and advice" says 3 "code: ResourceGroupNotFound|code: ParentResourceNotFound|code: ResourceNotFound" network create n2 --group nowhere
check "a request of one's own" says 0 '"displayName"' rest GET "/subscriptions/{subscription}?api-version=2022-12-01"
check "one that is wrong is 2" says 2 "code: InvalidApiVersionParameter" rest GET "/subscriptions/{subscription}/resourceGroups?api-version=1999-01-01"
check "the token goes nowhere else" says 2 "is not below" rest GET "https://127.0.0.1:1/x"
check "an absent machine is 3" says 3 "there is no virtual machine" vm console none
check "an absent job is 3" says 3 "." job show 00000000-0000-0000-0000-000000000000
sed 's/^LF_CLIENT_SECRET=.*/LF_CLIENT_SECRET=wrong/' "$run/data/client.env" >"$run/wrong.env"
wrong() {
	local rc=0
	"$LF_BUILD/landfall" --env "$run/wrong.env" login-check >"$run/out" 2>"$run/err" || rc=$?
	[ $rc = 5 ] && grep -q "advice: check LF_CLIENT_ID" "$run/err" && ! grep -q wrong "$run/err"
}
check "a wrong secret is 5, and is not printed" wrong
check "the service ends in time, with status 0, and no sanitizer has said anything" stop_one "$run" landfalld
check "a service that is away is 8" says 8 "cannot reach" group list

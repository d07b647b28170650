#!/usr/bin/env bash
# files.sh ESTATE [BUILD_DIR] - the files of a recovery point of an estate's machine (tools/estate, with real disks): mounted by
# the script that the service gives, read only, checked against their checksums; ended when they are revoked.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
run=$1
LF_BUILD=$(realpath "${2:-build}")
export LF_BUILD
# shellcheck source=tools/lib.sh
. tools/lib.sh
dir=$(mktemp -d /tmp/lf-files.XXXX)
bad=0
trap 'sh "$dir/script" down "$dir/files" 2>/dev/null || true; rm -rf "$dir"' EXIT

files() { lf backup files estate-vm --vault estate-backups "$@" >/dev/null; }
active() { lf --output json backup points estate-vm --vault estate-backups | jq -r '.[0].properties.isInstantIlrSessionActive'; }
whole() { # DIR - every file that its manifest names is what it says
	[ "$(wc -l <"$1/.manifest")" -ge 2 ] && (cd "$1" && sha256sum --quiet -c .manifest)
}
refused() { ! "$@" >/dev/null 2>&1; }

files --to "$dir/script"
check "only we may read the script, which holds a key" [ "$(stat -c %a "$dir/script")" = 700 ]
up() { sh "$dir/script" up "$dir/files" >"$dir/said" || { sed 's/^/# /' "$dir/said"; return 1; }; }
check "the disks are mounted" up
check "the files of the system disk are whole (ext4)" whole "$dir/files/os-2/data"
check "the files of the data disk are whole (xfs)" whole "$dir/files/lun0"
check "a disk without files is there, too (ext4)" [ -d "$dir/files/lun1/lost+found" ]
check "nothing can be written" refused touch "$dir/files/lun0/new"
mounted() { findmnt -rno TARGET,OPTIONS | grep "^$dir/files/[^.]"; }
check "no program or device of the machine works here" [ "$(mounted | grep -c " ro,nosuid,nodev,noexec")" = "$(mounted | wc -l)" ]
check "the point says that it is being read" [ "$(active)" = true ]
read -r _ port < <(sed -n 's/^\tdisk //p' "$dir/script")
# shellcheck disable=SC2016
info() { nbdkit -U - nbd hostname=127.0.0.1 port="$port" retry=0 "$@" --run 'nbdinfo "$uri"' >/dev/null; }
check "who has a certificate can read" info tls=require tls-certificates="$dir/files/.landfall/tls"
check "who has none cannot" refused info tls=off
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$dir/client-key.pem" -subj /CN=reader -days 1 -out "$dir/client-cert.pem" 2>/dev/null
cp "$dir/files/.landfall/tls/ca-cert.pem" "$dir/ca-cert.pem"
check "nor who made one" refused info tls=require tls-certificates="$dir"
check "the disks are taken away again" sh "$dir/script" down "$dir/files"
check "and leave nothing" [ -z "$(find "$dir/files" -mindepth 1)" ]
files --to "$dir/again"
check "another script ends the first one" refused info tls=require tls-certificates="$dir/files/.landfall/tls"
files --revoke
check "revoked, nothing listens" [ -z "$(pgrep -f "$run/data/files/" || true)" ]
check "and the point says so" [ "$(active)" = false ]
exit $bad

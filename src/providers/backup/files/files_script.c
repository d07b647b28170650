/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client runs, as root, to see the files of a recovery point.  Nothing that a machine, its
 * agent, or its disks say is in the text: what varies is checked here, whoever gave it.
 */
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "providers/backup/files/files.h"

static const char head[] =
	"#!/bin/sh\n"
	"# The files of a machine as they were at %s; read only, until %s.\n"
	"# Holds a key: keep it to yourself.  Takes root, nbdfuse (package libnbd-bin) and "
	"losetup.\n"
	"# What is mounted is the machine's: no program of it runs, no device of it opens, and a\n"
	"# symbolic link of it may name a file of this host (copy with cp -P).\n"
	"#\n"
	"#   sh SCRIPT up DIR      mount every file system of the disks below DIR\n"
	"#   sh SCRIPT down DIR    take them away again\n"
	"set -eu\n"
	"umask 077\n"
	"usage() { sed -n '2,/^set/{/^#/s/^# \\{0,1\\}//p}' \"$0\" >&2; exit 2; }\n"
	"[ $# = 2 ] || usage\n"
	"top=$2\n"
	"host='%s'\n";

static const char body[] =
	"down() {\n"
	"\t[ -d \"$top/.landfall\" ] || return 0\n"
	"\tsort -r \"$top/.landfall/mounts\" 2>/dev/null | while read -r dir; do\n"
	"\t\tumount \"$dir\" && rmdir \"$dir\"\n"
	"\tdone\n"
	"\tcat \"$top/.landfall/loops\" 2>/dev/null | while read -r loop; do losetup -d \"$loop\"; "
	"done\n"
	"\tfor dir in \"$top\"/.landfall/disk-*; do\n"
	"\t\t[ ! -d \"$dir\" ] || ! mountpoint -q \"$dir\" || umount \"$dir\"\n"
	"\tdone\n"
	"\trm -rf \"$top/.landfall\"\n"
	"}\n"
	"# mount_one DEVICE DIR - a file system, without touching its journal\n"
	"mount_one() {\n"
	"\ttype=$(blkid -p -s TYPE -o value \"$1\" 2>/dev/null) || true\n"
	"\tcase $type in\n"
	"\text[234]) options=,noload ;;\n"
	"\txfs) options=,norecovery,nouuid ;;\n"
	"\tbtrfs | exfat | f2fs | iso9660 | ntfs | udf | vfat) options= ;;\n"
	"\t'' | swap | LVM2_member | crypto_LUKS | linux_raid_member) return 0 ;;\n"
	"\t*)\n"
	"\t\techo \"$2: file systems of this type are not mounted\" >&2\n"
	"\t\treturn 0\n"
	"\t\t;;\n"
	"\tesac\n"
	"\tmkdir -p \"$2\"\n"
	"\tif mount -o \"ro,nosuid,nodev,noexec$options\" \"$1\" \"$2\" 2>/dev/null; then\n"
	"\t\techo \"$2\" >>\"$top/.landfall/mounts\"\n"
	"\t\techo \"$2\"\n"
	"\telse\n"
	"\t\techo \"$2: $type cannot be mounted on this host\" >&2\n"
	"\t\trmdir \"$2\"\n"
	"\tfi\n"
	"}\n"
	"# loop IMAGE OPTION... - a device of it\n"
	"loop() {\n"
	"\tfile=$1\n"
	"\tshift\n"
	"\tlosetup -f --show -r \"$@\" \"$file\" | tee -a \"$top/.landfall/loops\"\n"
	"}\n"
	"# disk NAME PORT\n"
	"disk() {\n"
	"\tmkdir -p \"$top/.landfall/disk-$1\"\n"
	"\tnbdfuse -r \"$top/.landfall/disk-$1/image\" [ nbdkit --exit-with-parent -r nbd \\\n"
	"\t\thostname=\"$host\" port=\"$2\" tls=require tls-certificates=\"$tls\" ] \\\n"
	"\t\t</dev/null >\"$top/.landfall/log-$1\" 2>&1 &\n"
	"\tn=0\n"
	"\tuntil [ -e \"$top/.landfall/disk-$1/image\" ]; do\n"
	"\t\tn=$((n + 1))\n"
	"\t\t[ $n -lt 300 ] || { echo \"disk $1 cannot be reached at $host:$2\" >&2; cat "
	"\"$top/.landfall/log-$1\" >&2; down; exit 1; "
	"}\n"
	"\t\tsleep 0.1\n"
	"\tdone\n"
	"\timage=$top/.landfall/disk-$1/image\n"
	"\t# the kernel need not know the partition table\n"
	"\tsector=512\n"
	"\t[ \"$(dd if=\"$image\" bs=8 skip=512 count=1 2>/dev/null)\" != 'EFI PART' ] || "
	"sector=4096\n"
	"\tpartx -g -S $sector -o NR,START,SECTORS --show \"$image\" >\"$top/.landfall/parts\" "
	"2>/dev/null "
	"|| true\n"
	"\t[ -s \"$top/.landfall/parts\" ] || mount_one \"$(loop \"$image\")\" \"$top/$1\"\n"
	"\twhile read -r number start sectors; do\n"
	"\t\tdevice=$(loop \"$image\" -o $((start * 512)) --sizelimit $((sectors * 512)))\n"
	"\t\tmount_one \"$device\" \"$top/$1-$number\"\n"
	"\tdone <\"$top/.landfall/parts\"\n"
	"}\n"
	"up() {\n"
	"\tmkdir -p \"$top\"\n"
	"\ttop=$(cd \"$top\" && pwd)\n"
	"\t[ -O \"$top\" ] || { echo \"$top is not yours\" >&2; exit 1; }\n"
	"\t[ ! -e \"$top/.landfall\" ] || { echo \"$top is in use: run down first\" >&2; exit 1; "
	"}\n"
	"\ttls=$top/.landfall/tls\n"
	"\t(umask 077 && mkdir -p \"$tls\" && certificates)\n"
	"\tdisks\n"
	"}\n"
	"case $1 in\n"
	"up) up ;;\n"
	"down) top=$(cd \"$top\" && pwd) && down ;;\n"
	"*) usage ;;\n"
	"esac\n";

/* The time of a point, an address: a word of the shell, and nothing to it. */
static bool is_word(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len && len < 256 &&
	       !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._:-")];
}

/* Stands in a here-document that only the line "PEM" ends. */
static bool is_pem(const char *text)
{
	return text && strncmp(text, "-----BEGIN ", 11) == 0 && text[strlen(text) - 1] == '\n' &&
	       !strstr(text, "\nPEM\n") &&
	       !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789+/=\n -")];
}

static int check(const struct lf_files_script *script, struct lf_error *err)
{
	const json_t *disk;
	size_t i;
	bool good = is_word(script->time) && is_word(script->expires) && is_word(script->host) &&
		    is_pem(script->ca) && is_pem(script->cert) && is_pem(script->key);

	json_array_foreach (script->disks, i, disk) {
		int64_t port = lf_json_int_or(disk, "port", 0);
		good = good && lf_name_plain(lf_json_text(disk, "name")) && port > 0 &&
		       port <= UINT16_MAX;
	}
	return good ? 0
		    : lf_fail(err, LF_EINTERNAL, NULL,
			      "a value is not fit to stand in a script that root runs");
}

static void add_file(struct lf_buf *out, const char *name, const char *text)
{
	lf_buf_printf(out, "\tcat >\"$tls/%s\" <<'PEM'\n%sPEM\n", name, text);
}

int lf_files_script(const struct lf_files_script *script, char **ret_text, struct lf_error *err)
{
	LF_AUTO_BUF out = LF_BUF_INIT;
	const json_t *disk;
	size_t i;

	int rc = check(script, err);
	if (rc)
		return rc;
	lf_buf_printf(&out, head, script->time, script->expires, script->host);
	lf_buf_puts(&out, "certificates() {\n");
	add_file(&out, "ca-cert.pem", script->ca);
	add_file(&out, "client-cert.pem", script->cert);
	add_file(&out, "client-key.pem", script->key);
	lf_buf_puts(&out, "}\ndisks() {\n");
	json_array_foreach (script->disks, i, disk)
		lf_buf_printf(&out, "\tdisk %s %lld\n", lf_json_text(disk, "name"),
			      (long long)lf_json_int_or(disk, "port", 0));
	lf_buf_puts(&out, "}\n");
	lf_buf_puts(&out, body);
	*ret_text = lf_buf_take(&out);
	return *ret_text ? 0 : lf_fail_nomem(err);
}

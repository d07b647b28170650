/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client runs to see the files of a recovery point.
 */
#include "base/text.h"
#include "providers/backup/files.h"

static const char head[] =
	"#!/bin/sh\n"
	"# The files of machine %s as they were at %s; read only, until %s.\n"
	"# Holds a key: keep it to yourself.  Takes root, nbdfuse (package libnbd-bin) and "
	"losetup.\n"
	"#\n"
	"#   sh SCRIPT up DIR      mount every file system of the disks below DIR\n"
	"#   sh SCRIPT down DIR    take them away again\n"
	"set -eu\n"
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
	"\text*) options=ro,noload ;;\n"
	"\txfs) options=ro,norecovery,nouuid ;;\n"
	"\t'' | swap | LVM2_member | crypto_LUKS | linux_raid_member) return 0 ;;\n"
	"\t*) options=ro ;;\n"
	"\tesac\n"
	"\tmkdir -p \"$2\"\n"
	"\tif mount -o \"$options\" \"$1\" \"$2\" 2>/dev/null; then\n"
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
	"\tpartx -g -o NR,START,SECTORS --show \"$image\" >\"$top/.landfall/parts\" 2>/dev/null "
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

static void add_file(struct lf_buf *out, const char *name, const char *text)
{
	lf_buf_printf(out, "\tcat >\"$tls/%s\" <<'PEM'\n%sPEM\n", name, text);
}

char *lf_files_script(const struct lf_files_script *script)
{
	LF_AUTO_BUF out = LF_BUF_INIT;
	const json_t *disk;
	size_t i;

	lf_buf_printf(&out, head, script->machine, script->time, script->expires, script->host);
	lf_buf_puts(&out, "certificates() {\n");
	add_file(&out, "ca-cert.pem", script->ca);
	add_file(&out, "client-cert.pem", script->cert);
	add_file(&out, "client-key.pem", script->key);
	lf_buf_puts(&out, "}\ndisks() {\n");
	json_array_foreach (script->disks, i, disk)
		lf_buf_printf(&out, "\tdisk %s %lld\n", lf_json_text_or(disk, "name", ""),
			      (long long)lf_json_int_or(disk, "port", 0));
	lf_buf_puts(&out, "}\n");
	lf_buf_puts(&out, body);
	return lf_buf_take(&out);
}

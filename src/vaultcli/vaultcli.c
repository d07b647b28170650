/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of commands: words, function, usage and help.  Options are read in
 * one place for all of them; a store's lock, where a command writes, keeps
 * others out.
 */
#include "vaultcli/vaultcli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/term.h"
#include "base/text.h"
#include "vaultcli/args.h"
#include "vault/care/care.h"

static int init_command(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *key_file = lf_vaultcli_key(args);

	return key_file ? lf_vault_init(args->words[0], key_file, err) : lf_fail_nomem(err);
}

static void print_point(const json_t *manifest)
{
	LF_AUTO_BUF line = LF_BUF_INIT;
	const json_t *disk;
	size_t i;

	lf_buf_printf(&line, "%s  %-28s", lf_json_text_or(manifest, "id", "?"),
		      lf_json_text_or(manifest, "time", "?"));
	if (lf_json_text(manifest, "machine.name"))
		lf_buf_printf(&line, "  %s:", lf_json_text(manifest, "machine.name"));
	json_array_foreach (lf_json_at(manifest, "disks"), i, disk)
		lf_buf_printf(&line, "  %s %" PRId64 " MiB", lf_json_text_or(disk, "name", "?"),
			      lf_json_int_or(disk, "sizeBytes", 0) >> 20);
	lf_term_print(stdout, "%s", lf_buf_text(&line));
}

/* Of such a point only its name is known; it can be dropped, or come from a copy of the store. */
static int add_damaged(json_t *points, const json_t *damaged, bool print, struct lf_error *err)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (damaged, i, entry)
		if (print)
			lf_term_print(stdout, "%s  damaged: %s", lf_json_text_or(entry, "id", "?"),
				      lf_json_text_or(entry, "damaged", "?"));
	return json_array_extend(points, (json_t *)(uintptr_t)damaged) ? lf_fail_nomem(err) : 0;
}

static int list_command(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *points = NULL, *damaged = NULL;
	const json_t *manifest;
	size_t i;
	int rc = lf_vaultcli_open(args, true, &vault, err);

	if (!rc)
		rc = lf_point_list(vault, &points, &damaged, err);
	lf_vault_free(vault);
	if (rc)
		return rc;
	if (!args->json)
		json_array_foreach (points, i, manifest)
			print_point(manifest);
	rc = add_damaged(points, damaged, !args->json, err);
	return rc || !args->json ? rc : lf_vaultcli_print_json(points, err);
}

/*
 * A point made here has one claim; a service's are its own business, and it holds the lock.  What
 * the point is a point of does not matter: a damaged one goes like any other.
 */
static int drop_command(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *manifest = NULL;
	int rc = lf_vaultcli_open(args, false, &vault, err);

	if (!rc)
		rc = lf_point_get(vault, args->words[1], &manifest, err);
	if (!rc || lf_point_is_damage(rc))
		rc = lf_claim_drop(vault, args->words[1], "retention", err);
	lf_vault_free(vault);
	return rc;
}

static int print_collection(const json_t *report)
{
	printf("removed %" PRId64 " points and %" PRId64 " chunks; %" PRId64 " bytes freed%s\n",
	       lf_json_int_or(report, "points", 0), lf_json_int_or(report, "chunks", 0),
	       lf_json_int_or(report, "bytes", 0),
	       lf_json_bool_or(report, "deferred", false)
		       ? "; more will follow once running transfers end"
		       : "");
	if (lf_json_int_or(report, "bytesLeft", 0))
		printf("%" PRId64 " bytes are in packs that there was no room to rewrite\n",
		       lf_json_int_or(report, "bytesLeft", 0));
	return 0;
}

/* LF_ECORRUPT, with what can be done, when points are damaged. */
static int fail_damaged(const json_t *report, struct lf_error *err)
{
	const json_t *damaged = lf_json_at(report, "damaged");
	size_t n = json_array_size(damaged);

	if (!n)
		return 0;
	lf_fail(err, LF_ECORRUPT, NULL,
		"%zu point%s damaged, the first is %s: what is needed is not known, and all data "
		"stays",
		n, n == 1 ? " is" : "s are", json_string_value(json_array_get(damaged, 0)));
	return lf_error_hint(err, "repair the vault from a copy, or drop what verify names");
}

static int collect(const struct lf_vaultcli_args *args, bool compact, struct lf_error *err)
{
	const struct lf_collect_opts opts = {.now_ns = lf_vaultcli_now_ns(),
					     .compact = compact,
					     .progress = lf_vaultcli_show_progress};
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *report = NULL;
	int rc = lf_vaultcli_open(args, false, &vault, err);

	if (!rc)
		rc = lf_vault_collect(vault, &opts, &report, err);
	lf_vault_free(vault);
	if (rc)
		return rc;
	rc = args->json ? lf_vaultcli_print_json(report, err) : print_collection(report);
	return rc ? rc : fail_damaged(report, err);
}

static int gc_command(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	return collect(args, false, err);
}

static int compact_command(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	return collect(args, true, err);
}

static int stats_command(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *stats = NULL;
	const char *name;
	const json_t *value;
	int rc = lf_vaultcli_open(args, true, &vault, err);

	if (!rc)
		rc = lf_vault_stats(vault, &stats, err);
	lf_vault_free(vault);
	if (rc)
		return rc;
	if (args->json)
		return lf_vaultcli_print_json(stats, err);
	json_object_foreach ((json_t *)(uintptr_t)stats, name, value)
		printf("%-12s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
	return 0;
}

static int take_format(void *format, const char *text, struct lf_error *err)
{
	static const char *const names[] = {
		[LF_EXPORT_RAW] = "raw", [LF_EXPORT_QCOW2] = "qcow2", [LF_EXPORT_VHD] = "vhd"};

	for (size_t i = 0; i < LF_N(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*(enum lf_export_format *)format = (enum lf_export_format)i;
			return 0;
		}
	return lf_fail(err, LF_EINVAL, text, "takes raw, qcow2 or vhd");
}

static int take_raw(void *raw, const char *text, struct lf_error *err)
{
	*(bool *)raw = strcmp(text, "raw") == 0;
	return *(bool *)raw ? 0 : lf_fail(err, LF_EINVAL, text, "takes raw");
}

static int take_bad(void *zero, const char *text, struct lf_error *err)
{
	*(bool *)zero = strcmp(text, "zero") == 0;
	return *(bool *)zero || strcmp(text, "refuse") == 0
		       ? 0
		       : lf_fail(err, LF_EINVAL, text, "takes refuse or zero");
}

static int take_output(void *json, const char *text, struct lf_error *err)
{
	*(bool *)json = strcmp(text, "json") == 0;
	return *(bool *)json || strcmp(text, "table") == 0
		       ? 0
		       : lf_fail(err, LF_EINVAL, text, "takes table or json");
}

#define ARGS		    struct lf_vaultcli_args
#define TEXT(name, v, m, h) LF_OPTION_TEXT(name, v, ARGS, m, h)
#define NEEDED(name, v, m, h)                                                                      \
	{                                                                                          \
		name, v, true, h, lf_option_text, offsetof(ARGS, m)                                \
	}
#define KEY TEXT("--key", "FILE", key_file, "the platform key (default DIR/platform.key)")
#define OUTPUT                                                                                     \
	{                                                                                          \
		"--output", "table|json", false, "a table (the default), or one JSON document",    \
			take_output, offsetof(ARGS, json)                                          \
	}
#define DISK TEXT("--disk", "NAME", disk, "which disk, by name or id")
#define OPTIONS(...)                                                                               \
	(const struct lf_option[])                                                                 \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define COMMAND(name, n, its_words, its_help, ...)                                                 \
	{                                                                                          \
		.command = name, .words = its_words, .min_words = n, .max_words = n,               \
		.help = its_help, .options = OPTIONS(KEY __VA_OPT__(, ) __VA_ARGS__)               \
	}

static const struct command {
	struct lf_command_line line;
	int (*run)(const struct lf_vaultcli_args *args, struct lf_error *err);
} commands[] = {
	{COMMAND("init", 1, "DIR",
		 "Make a vault in DIR.\n"
		 "Its platform key is made if there is none: keep a copy elsewhere, because "
		 "without\n"
		 "it the vault cannot be read."),
	 init_command},
	{COMMAND("ingest", 2, "DIR FILE",
		 "Store the disk FILE (image or block device) as a new recovery point.",
		 NEEDED("--disk", "NAME", disk, "what the disk is called"),
		 TEXT("--changed", "LIST", changed,
		      "only these blocks of 4 KiB (a number a line) differ from the disk's\n"
		      "newest point; nothing else is read"),
		 TEXT("--point", "ID", point,
		      "a GUID for the point; if it exists, the disk is added to it"),
		 {"--format", "raw", false,
		  "the file is the disk byte for byte, whatever it looks like; without this, an\n"
		  "image of another format is refused, and a fixed VHD read without its footer",
		  take_raw, offsetof(ARGS, raw)},
		 {"--bad-sectors", "refuse|zero", false,
		  "what cannot be read ends the ingest (the default), or counts as zeroes and is\n"
		  "listed in the point",
		  take_bad, offsetof(ARGS, zero_bad)},
		 OUTPUT),
	 lf_vaultcli_ingest},
	{COMMAND("list", 1, "DIR", "Recovery points, oldest first; then those that are damaged.",
		 OUTPUT),
	 list_command},
	{COMMAND("export", 3, "DIR POINT FILE",
		 "Write a disk of a point to the new file FILE, sparse.", DISK,
		 {"--format", "raw|qcow2|vhd", false,
		  "raw (the default); qcow2, not compressed; or vhd, the fixed kind, of\n"
		  "whole MiB, as Azure takes it for page blobs",
		  take_format, offsetof(ARGS, format)}),
	 lf_vaultcli_export},
	{COMMAND("diff", 3, "DIR POINT POINT",
		 "Byte ranges of a disk that differ between two points.", DISK, OUTPUT),
	 lf_vaultcli_diff},
	{COMMAND("serve", 2, "DIR POINT",
		 "Serve a disk of a point, read-only, by NBD on a UNIX socket until interrupted.",
		 NEEDED("--socket", "PATH", socket, "the socket"), DISK),
	 lf_vaultcli_serve},
	{COMMAND("drop", 2, "DIR POINT",
		 "Let go of a point.\nThe next gc removes it and what only it held."),
	 drop_command},
	{COMMAND("gc", 1, "DIR",
		 "Remove points that nobody claims, and the data that no point needs.\n"
		 "While a point is damaged, what it needs is not known: all data stays, and the "
		 "exit\n"
		 "status is 7.",
		 OUTPUT),
	 gc_command},
	{COMMAND("compact", 1, "DIR",
		 "As gc, and compress again, as well as it gets, what was stored in a hurry.\n"
		 "A service does so by itself, at leisure.",
		 OUTPUT),
	 compact_command},
	{{.command = "verify",
	  .words = "DIR | --data DIR",
	  .max_words = 1,
	  .help = "Check every byte of a vault.\n"
		  "Any fault is printed with the points it affects; exit status 7 then.",
	  .options = OPTIONS(KEY,
			     TEXT("--data", "DIR", data_dir,
				  "all vaults of a service's data directory (it may be running)"),
			     LF_OPTION_SWITCH("--incremental", ARGS, incremental,
					      "only packs that were never found whole before"),
			     LF_OPTION_COUNT("--older-than", "DAYS", ARGS, older_than_days,
					     "and those for which that is longer ago"),
			     LF_OPTION_SWITCH("--ciphertext", ARGS, ciphertext,
					      "what can be checked without any key: all checksums"),
			     OUTPUT)},
	 lf_vaultcli_verify},
	{COMMAND("repair", 1, "DIR",
		 "Mend what verify finds.\n"
		 "What can still be read is copied out of damaged packs, which go to "
		 "DIR/quarantine.\n"
		 "Exit status 7 when something is still missing.",
		 TEXT("--from", "PEER", from,
		      "fetch the rest from this vault, which was made like this one (another\n"
		      "region's, or a copy)"),
		 TEXT("--from-key", "FILE", from_key, "its platform key"), OUTPUT),
	 lf_vaultcli_repair},
	{COMMAND("rekey", 1, "DIR",
		 "Wrap the vault's keys with another platform key.\n"
		 "The old one opens the vault no more.  Nothing else changes.",
		 NEEDED("--new-key", "FILE|pkcs11:URI", new_key_file,
			"a file, made if there is none, or a key in a PKCS#11 token (its PIN in\n"
			"the file of the URI's pin-source or $LANDFALL_PIN_FILE)")),
	 lf_vaultcli_rekey},
	{COMMAND("rotate", 1, "DIR",
		 "Seal with a new data key from now on.\ncompact seals what there is with it."),
	 lf_vaultcli_rotate},
	{COMMAND("erase", 1, "DIR",
		 "Destroy the vault's keys: every point in it is lost, also in copies of its "
		 "packs.\n"
		 "Copies of vault.json with their platform key must be destroyed as well.",
		 LF_OPTION_SWITCH("--yes", ARGS, yes, "without it nothing is done")),
	 lf_vaultcli_erase},
	{COMMAND("explain", 2, "DIR POINT",
		 "What a point holds, what it shares, and what dropping it would free.\n"
		 "Also how it was transferred.",
		 OUTPUT),
	 lf_vaultcli_explain},
	{COMMAND("simulate-retention", 1, "DIR",
		 "Which points rules would keep, and what dropping the others would free.\n"
		 "Rules are for each machine or disk.  Nothing is changed.",
		 LF_OPTION_COUNT("--keep-last", "N", ARGS, keep.last, "the newest"),
		 LF_OPTION_COUNT("--keep-daily", "N", ARGS, keep.daily, "one of each day"),
		 LF_OPTION_COUNT("--keep-weekly", "N", ARGS, keep.weekly, "one of each week"),
		 LF_OPTION_COUNT("--keep-monthly", "N", ARGS, keep.monthly, "one of each month"),
		 LF_OPTION_COUNT("--keep-yearly", "N", ARGS, keep.yearly, "one of each year"),
		 OUTPUT),
	 lf_vaultcli_simulate},
	{COMMAND("stats", 1, "DIR", "What the vault holds.", OUTPUT), stats_command},
};

static void print_help(void)
{
	puts("usage: landfall vault COMMAND DIR ...\n\n"
	     "Works on a vault's directory by itself; no service is needed.\n");
	for (size_t i = 0; i < LF_N(commands); i++)
		lf_args_help_row(&commands[i].line);
	puts("\nlandfall vault COMMAND --help says more.");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < LF_N(commands); i++)
		if (strcmp(commands[i].line.command, name) == 0)
			return &commands[i];
	return NULL;
}

int lf_vaultcli(const char *program, int argc, char **argv)
{
	struct lf_vaultcli_args args = {0};
	struct lf_error err = LF_ERROR_NONE;
	struct lf_args said;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help();
		return argc < 2 ? 2 : 0;
	}
	const struct command *command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "%s: no command \"%s\"; see %s --help\n", program, argv[1],
			program);
		return 2;
	}
	struct lf_command_line line = command->line;
	line.program = program;
	int rc = lf_args_read(&line, argc - 2, argv + 2, &args, &said, &err);
	if (!rc && said.help) {
		lf_args_help(&line);
		return 0;
	}
	if (!rc) {
		memcpy(args.words, said.words, sizeof(args.words));
		rc = command->run(&args, &err);
		lf_vaultcli_end_progress();
	}
	return lf_args_end(&line, rc, &err);
}

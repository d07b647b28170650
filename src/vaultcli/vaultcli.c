/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of commands: words, function, usage and help.  Options are read in
 * one place for all of them; a store's lock, where a command writes, keeps
 * others out.
 */
#include "vaultcli/vaultcli.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static const struct command {
	const char *name;
	int words; /* with DIR */
	int (*run)(const struct lf_vaultcli_args *args, struct lf_error *err);
	const char *usage, *help;
} commands[] = {
	{"init", 1, init_command, "init DIR [--key FILE]",
	 "Make a vault in DIR.  Its platform key is made in FILE (default DIR/platform.key) if\n"
	 "there is none: keep a copy elsewhere: without it the vault cannot be read."},
	{"ingest", 2, lf_vaultcli_ingest,
	 "ingest DIR --disk NAME FILE [--changed LIST] [--point ID] [--output json]",
	 "Store the disk FILE (image or block device) as a new recovery point.\n"
	 "--changed LIST  only these blocks of 4 KiB (a number a line) differ from the disk's\n"
	 "                newest point; nothing else is read\n"
	 "--point ID      a GUID for the point; if it exists, the disk is added to it"},
	{"list", 1, list_command, "list DIR [--output json]",
	 "Recovery points, oldest first; then those that are damaged."},
	{"export", 3, lf_vaultcli_export,
	 "export DIR POINT FILE [--disk NAME] [--format raw|qcow2|vhd]",
	 "Write a disk of a point to the new file FILE, sparse.  vhd is the fixed kind, of whole\n"
	 "MiB, as Azure takes it for page blobs; qcow2 is not compressed."},
	{"diff", 3, lf_vaultcli_diff, "diff DIR POINT POINT [--disk NAME] [--output json]",
	 "Byte ranges of the disk that differ between two points."},
	{"serve", 2, lf_vaultcli_serve, "serve DIR POINT --socket PATH [--disk NAME]",
	 "Serve a disk of a point, read-only, by NBD on a UNIX socket until interrupted."},
	{"drop", 2, drop_command, "drop DIR POINT",
	 "Let go of a point.  The next gc removes it and what only it held."},
	{"gc", 1, gc_command, "gc DIR [--output json]",
	 "Remove points that nobody claims, and the data that no point needs.  While a point is\n"
	 "damaged, what it needs is not known: all data stays, and the exit status is 7."},
	{"compact", 1, compact_command, "compact DIR [--output json]",
	 "As gc, and compress again, as well as it gets, what was stored in a hurry.  A service\n"
	 "does so by itself, at leisure."},
	{"verify", 1, lf_vaultcli_verify,
	 "verify DIR | --data DIR [--incremental | --older-than DAYS] [--ciphertext]\n"
	 "         [--output json]",
	 "Check every byte of a vault, or of all vaults of a service's data directory (it may be\n"
	 "running).  Any fault is printed with the points it affects; exit status 7 then.\n"
	 "--incremental      only packs that were never found whole before\n"
	 "--older-than DAYS  and those for which that is longer ago\n"
	 "--ciphertext       what can be checked without any key: all checksums"},
	{"repair", 1, lf_vaultcli_repair,
	 "repair DIR [--from PEER [--from-key FILE]] [--output json]",
	 "Mend what verify finds: copy what can still be read out of damaged packs, fetch the "
	 "rest\n"
	 "from PEER, a vault that was made like this one (another region's, or a copy).  Damaged\n"
	 "packs go to DIR/quarantine.  Exit status 7 when something is still missing."},
	{"rekey", 1, lf_vaultcli_rekey, "rekey DIR --new-key FILE|pkcs11:URI [--key OLD]",
	 "Wrap the vault's keys with another platform key: a file, made if there is none, or a "
	 "key\n"
	 "in a PKCS#11 token (its PIN in the file of the URI's pin-source or $LANDFALL_PIN_FILE).\n"
	 "The old one opens the vault no more.  Nothing else changes."},
	{"rotate", 1, lf_vaultcli_rotate, "rotate DIR [--key FILE]",
	 "Seal with a new data key from now on; compact seals what there is with it."},
	{"erase", 1, lf_vaultcli_erase, "erase DIR --yes [--key FILE]",
	 "Destroy the vault's keys: every point in it is lost, also in copies of its packs.\n"
	 "Copies of vault.json with their platform key must be destroyed as well."},
	{"explain", 2, lf_vaultcli_explain, "explain DIR POINT [--output json]",
	 "What a point holds, what it shares with others, what dropping it would free, and how it\n"
	 "was transferred."},
	{"simulate-retention", 1, lf_vaultcli_simulate,
	 "simulate-retention DIR [--keep-last N] [--keep-daily N] [--keep-weekly N]\n"
	 "                       [--keep-monthly N] [--keep-yearly N] [--output json]",
	 "Which points these rules would keep, of each machine or disk, and what dropping the\n"
	 "others would free.  Nothing is changed."},
	{"stats", 1, stats_command, "stats DIR [--output json]", "What the vault holds."},
};

static void print_help(void)
{
	puts("usage: landfall vault COMMAND DIR ...\n\n"
	     "Works on a vault's directory by itself; no service is needed.\n");
	for (size_t i = 0; i < LF_N(commands); i++)
		printf("  %s\n", commands[i].usage);
	puts("\nlandfall vault COMMAND --help says more.\n"
	     "--key FILE is the platform key (default DIR/platform.key).");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < LF_N(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int take_count(const char *text, unsigned *ret_count)
{
	struct lf_error err;
	uint64_t count;

	if (lf_parse_u64(text, 0, UINT32_MAX, &count, &err))
		return 2;
	*ret_count = (unsigned)count;
	return 0;
}

static int take_format(const char *text, enum lf_export_format *ret_format)
{
	static const char *const names[] = {
		[LF_EXPORT_RAW] = "raw", [LF_EXPORT_QCOW2] = "qcow2", [LF_EXPORT_VHD] = "vhd"};

	for (size_t i = 0; i < LF_N(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret_format = (enum lf_export_format)i;
			return 0;
		}
	return 2;
}

static int take_option(int option, struct lf_vaultcli_args *args, const struct command *command)
{
	switch (option) {
	case 'd':
		args->disk = optarg;
		return 0;
	case 'c':
		args->changed = optarg;
		return 0;
	case 'p':
		args->point = optarg;
		return 0;
	case 'k':
		args->key_file = optarg;
		return 0;
	case 'D':
		args->data_dir = optarg;
		return 0;
	case 's':
		args->socket = optarg;
		return 0;
	case 'f':
		return take_format(optarg, &args->format);
	case 'o':
		args->json = strcmp(optarg, "json") == 0;
		return args->json || strcmp(optarg, "table") == 0 ? 0 : 2;
	case 'P':
		args->from = optarg;
		return 0;
	case 'F':
		args->from_key = optarg;
		return 0;
	case 'i':
		args->incremental = true;
		return 0;
	case 'x':
		args->ciphertext = true;
		return 0;
	case 'O':
		return take_count(optarg, &args->older_than_days);
	case 'n':
		args->new_key_file = optarg;
		return 0;
	case 'y':
		args->yes = true;
		return 0;
	case 'L':
		return take_count(optarg, &args->keep.last);
	case 'Y':
		return take_count(optarg, &args->keep.yearly);
	case 'M':
		return take_count(optarg, &args->keep.monthly);
	case 'W':
		return take_count(optarg, &args->keep.weekly);
	case 'A':
		return take_count(optarg, &args->keep.daily);
	case 'h':
		printf("usage: %s %s\n\n%s\n", args->program, command->usage, command->help);
		exit(0);
	default:
		return 2;
	}
}

static int parse_args(int argc, char **argv, const struct command *command,
		      struct lf_vaultcli_args *args)
{
	static const struct option options[] = {
		{"disk", required_argument, NULL, 'd'},
		{"changed", required_argument, NULL, 'c'},
		{"point", required_argument, NULL, 'p'},
		{"key", required_argument, NULL, 'k'},
		{"data", required_argument, NULL, 'D'},
		{"socket", required_argument, NULL, 's'},
		{"format", required_argument, NULL, 'f'},
		{"output", required_argument, NULL, 'o'},
		{"from", required_argument, NULL, 'P'},
		{"from-key", required_argument, NULL, 'F'},
		{"incremental", no_argument, NULL, 'i'},
		{"ciphertext", no_argument, NULL, 'x'},
		{"older-than", required_argument, NULL, 'O'},
		{"new-key", required_argument, NULL, 'n'},
		{"yes", no_argument, NULL, 'y'},
		{"keep-last", required_argument, NULL, 'L'},
		{"keep-daily", required_argument, NULL, 'A'},
		{"keep-weekly", required_argument, NULL, 'W'},
		{"keep-monthly", required_argument, NULL, 'M'},
		{"keep-yearly", required_argument, NULL, 'Y'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status = 0;

	optind = 1;
	while (!status && (option = getopt_long(argc, argv, "o:h", options, NULL)) != -1)
		status = take_option(option, args, command);
	for (int i = optind; !status && i < argc; i++) {
		if (args->count == LF_VAULTCLI_WORDS_MAX)
			return 2;
		args->words[args->count++] = argv[i];
	}
	int wanted = args->data_dir ? 0 : command->words;
	return status || args->count != wanted ? 2 : 0;
}

int lf_vaultcli(const char *program, int argc, char **argv)
{
	struct lf_vaultcli_args args = {.program = program};
	struct lf_error err = LF_ERROR_NONE;

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
	if (parse_args(argc - 1, argv + 1, command, &args)) {
		fprintf(stderr, "usage: %s %s\n", program, command->usage);
		return 2;
	}
	int rc = command->run(&args, &err);
	lf_vaultcli_end_progress();
	if (!rc)
		return 0;
	lf_term_clean_error(&err);
	fprintf(stderr, "%s %s: %s%s%s%s\n", program, command->name, err.message,
		err.hint[0] ? " (" : "", err.hint, err.hint[0] ? ")" : "");
	return lf_error_exit(rc);
}

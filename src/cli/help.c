/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help is the command table printed: all of it, a group, or one row.
 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

static const struct lf_cli_command *const tables[] = {
	lf_cli_basic_commands,	     lf_cli_resource_commands, lf_cli_site_commands,
	lf_cli_replication_commands, lf_cli_failover_commands, lf_cli_job_commands,
	lf_cli_vm_commands,	     lf_cli_backup_commands,   lf_cli_disk_commands,
	lf_cli_role_commands,	     lf_cli_audit_commands,
};

/* How many of argv the words take; 0: they differ. */
static int match_words(const char *words, int argc, char *const *argv)
{
	int n = 0;

	while (*words) {
		size_t len = strcspn(words, " ");
		if (n >= argc || strncmp(argv[n], words, len) != 0 || argv[n][len])
			return 0;
		n++;
		words += len + (words[len] == ' ');
	}
	return n;
}

const struct lf_cli_command *lf_cli_command_find(int argc, char *const *argv, int *ret_words)
{
	for (size_t t = 0; t < LF_N(tables); t++)
		for (const struct lf_cli_command *c = tables[t]; c->words; c++) {
			int n = match_words(c->words, argc, argv);
			if (n) {
				*ret_words = n;
				return c;
			}
		}
	return NULL;
}

static bool in_group(const char *words, const char *group)
{
	size_t len = group ? strlen(group) : 0;

	return !group || (strncmp(words, group, len) == 0 && (words[len] == ' ' || !words[len]));
}

bool lf_cli_is_group(const char *group)
{
	for (size_t t = 0; group && t < LF_N(tables); t++)
		for (const struct lf_cli_command *c = tables[t]; c->words; c++)
			if (in_group(c->words, group))
				return true;
	return false;
}

struct lf_command_line lf_cli_line(const struct lf_cli_command *command)
{
	return (struct lf_command_line){.program = "landfall",
					.command = command->words,
					.words = command->args,
					.min_words = command->min_args,
					.max_words = command->max_args,
					.options = command->options,
					.help = command->help};
}

bool lf_cli_help_all(const char *group)
{
	bool any = false;

	if (!group)
		fputs("usage: landfall [--env FILE] [--output table|json] COMMAND ...\n"
		      "\n"
		      "  --env FILE     account, as landfalld writes it: DIR/client.env\n"
		      "                 (default: LF_URL and so on from the environment)\n"
		      "  --output json  documents as JSON instead of tables\n"
		      "\n",
		      stdout);
	for (size_t t = 0; t < LF_N(tables); t++)
		for (const struct lf_cli_command *c = tables[t]; c->words; c++)
			if (in_group(c->words, group)) {
				const struct lf_command_line line = lf_cli_line(c);
				lf_args_help_row(&line);
				any = true;
			}
	if (!group)
		fputs("  vault ...                        Work on a vault's directory, without a "
		      "service.\n"
		      "  peer ...                         Pairing keys: which other sites may send "
		      "points here.\n"
		      "\nlandfall COMMAND --help says more.  See landfall(1).\n",
		      stdout);
	return any;
}

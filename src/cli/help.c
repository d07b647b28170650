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
	lf_cli_audit_commands,
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
				char usage[64];
				snprintf(usage, sizeof(usage), "%s %s", c->words,
					 c->args ? c->args : "");
				printf("  %-32s %s\n", usage, c->help);
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

void lf_cli_help_one(const struct lf_cli_command *command)
{
	printf("usage: landfall %s%s%s%s\n\n%s\n", command->words, command->args ? " " : "",
	       command->args ? command->args : "", command->options[0].name ? " [options]" : "",
	       command->help);
	if (command->options[0].name)
		putchar('\n');
	for (int i = 0; i < LF_CLI_OPTIONS_MAX && command->options[i].name; i++) {
		char option[64];
		snprintf(option, sizeof(option), "%s %s", command->options[i].name,
			 command->options[i].value ? command->options[i].value : "");
		printf("  %-26s %s%s\n", option, command->options[i].help,
		       command->options[i].required ? " (required)" : "");
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/command.h"

static int option_at(const struct lf_cli_command *command, const char *name, size_t len)
{
	for (int i = 0; i < LF_CLI_OPTIONS_MAX && command->options[i].name; i++)
		if (strncmp(command->options[i].name, name, len) == 0 &&
		    !command->options[i].name[len])
			return i;
	return -1;
}

const char *lf_cli_option(const struct lf_cli_args *args, const char *name)
{
	int at = option_at(args->command, name, strlen(name));

	LF_ASSERT(at >= 0);
	return args->values[at];
}

const char *lf_cli_option_or(const struct lf_cli_args *args, const char *name, const char *fallback)
{
	const char *value = lf_cli_option(args, name);

	return value ? value : fallback;
}

/* An option, "--name VALUE" or "--name=VALUE"; *i moves over its value. */
static int parse_option(struct lf_cli_args *args, int argc, char *const *argv, int *i,
			struct lf_error *err)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	int at = option_at(args->command, word, len);

	if (at < 0) {
		lf_fail(err, LF_EINVAL, word, "unknown option %.*s", (int)len, word);
		return lf_error_hint(err, "see landfall %s --help", args->command->words);
	}
	if (!args->command->options[at].value && equals)
		return lf_fail(err, LF_EINVAL, word, "%.*s takes no value", (int)len, word);
	if (!args->command->options[at].value)
		args->values[at] = "";
	else if (equals)
		args->values[at] = equals + 1;
	else if (*i + 1 < argc)
		args->values[at] = argv[++*i];
	else
		return lf_fail(err, LF_EINVAL, word, "%s takes a value", word);
	return 0;
}

static int check_complete(const struct lf_cli_args *args, struct lf_error *err)
{
	const struct lf_cli_command *command = args->command;

	if (args->n_args < command->min_args) {
		lf_fail(err, LF_EINVAL, NULL, "landfall %s takes %s", command->words,
			command->args);
		return lf_error_hint(err, "see landfall %s --help", command->words);
	}
	for (int i = 0; i < LF_CLI_OPTIONS_MAX && command->options[i].name; i++)
		if (command->options[i].required && !args->values[i]) {
			lf_fail(err, LF_EINVAL, command->options[i].name, "landfall %s needs %s %s",
				command->words, command->options[i].name,
				command->options[i].value);
			return lf_error_hint(err, "see landfall %s --help", command->words);
		}
	return 0;
}

int lf_cli_args_parse(const struct lf_cli_command *command, int argc, char *const *argv,
		      struct lf_cli_args *ret_args, struct lf_error *err)
{
	struct lf_cli_args args = {.command = command};
	bool only_args = false;

	for (int i = 0; i < argc; i++) {
		int rc = 0;
		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
		} else if (!only_args && strncmp(argv[i], "--", 2) == 0) {
			rc = parse_option(&args, argc, argv, &i, err);
		} else if (args.n_args < command->max_args) {
			args.args[args.n_args++] = argv[i];
		} else {
			rc = lf_fail(err, LF_EINVAL, argv[i], "unexpected argument '%s'", argv[i]);
			lf_error_hint(err, "see landfall %s --help", command->words);
		}
		if (rc)
			return rc;
	}
	int rc = check_complete(&args, err);
	if (!rc)
		*ret_args = args;
	return rc;
}

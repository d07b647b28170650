/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is read word by word: each option is found in the table and taken at
 * once, then what has to be there is missed.  Help is the same table, printed.
 */
#include "base/args.h"

#include <stdio.h>
#include <string.h>

#include "base/term.h"
#include "base/text.h"

int lf_option_text(void *at, const char *value, struct lf_error *err)
{
	(void)err;
	*(const char **)at = value;
	return 0;
}

int lf_option_switch(void *at, const char *value, struct lf_error *err)
{
	(void)value, (void)err;
	*(bool *)at = true;
	return 0;
}

int lf_option_count(void *at, const char *value, struct lf_error *err)
{
	uint64_t count;
	int rc = lf_parse_u64(value, 0, UINT32_MAX, &count, err);

	if (!rc)
		*(unsigned *)at = (unsigned)count;
	return rc;
}

static const struct lf_option *find_option(const struct lf_option *options, const char *name,
					   size_t len)
{
	for (const struct lf_option *o = options; o && o->name; o++)
		if (strncmp(o->name, name, len) == 0 && !o->name[len])
			return o;
	return NULL;
}

const char *lf_args_value(const struct lf_args *args, const char *name)
{
	const struct lf_option *option = find_option(args->options, name, strlen(name));

	LF_ASSERT(option);
	return args->values[option - args->options];
}

const char *lf_args_value_or(const struct lf_args *args, const char *name, const char *fallback)
{
	const char *value = lf_args_value(args, name);

	return value ? value : fallback;
}

/* Where to look; returns err->code. */
static int hint_help(const struct lf_command_line *line, struct lf_error *err)
{
	return lf_error_hint(err, "see %s%s%s --help", line->program, line->command ? " " : "",
			     line->command ? line->command : "");
}

/* An option, "--name VALUE" or "--name=VALUE"; *i moves over its value. */
static int read_option(const struct lf_command_line *line, int argc, char *const *argv, int *i,
		       void *target, struct lf_args *args, struct lf_error *err)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	int len = (int)(equals ? equals - word : (ptrdiff_t)strlen(word));
	const struct lf_option *option = find_option(line->options, word, (size_t)len);
	const char *value = "";

	if (!option) {
		lf_fail(err, LF_EINVAL, word, "unknown option %.*s", len, word);
		return hint_help(line, err);
	}
	if (!option->value && equals)
		return lf_fail(err, LF_EINVAL, word, "%.*s takes no value", len, word);
	if (option->value && !equals && *i + 1 == argc)
		return lf_fail(err, LF_EINVAL, word, "%s takes a value", word);
	if (option->value)
		value = equals ? equals + 1 : argv[++*i];
	args->values[option - line->options] = value;
	if (option->take && option->take((char *)target + option->offset, value, err))
		return lf_error_wrap(err, "%s", option->name);
	return 0;
}

static int check_complete(const struct lf_command_line *line, const struct lf_args *args,
			  struct lf_error *err)
{
	if (args->n_words < line->min_words) {
		lf_fail(err, LF_EINVAL, NULL, "give %s", line->words);
		return hint_help(line, err);
	}
	for (const struct lf_option *o = line->options; o && o->name; o++)
		if (o->required && !args->values[o - line->options]) {
			lf_fail(err, LF_EINVAL, o->name, "give %s %s", o->name, o->value);
			return hint_help(line, err);
		}
	return 0;
}

int lf_args_read(const struct lf_command_line *line, int argc, char *const *argv, void *target,
		 struct lf_args *ret_args, struct lf_error *err)
{
	struct lf_args args = {.options = line->options, .rest = argv + argc};
	bool only_words = false;

	for (int i = 0; i < argc; i++) {
		int rc = 0;
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
			args.rest = argv + i + 1;
			if (line->takes_rest)
				break;
		} else if (!only_words &&
			   (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			args.help = true;
		} else if (!only_words && strcmp(argv[i], "--version") == 0) {
			args.version = true;
		} else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
			rc = read_option(line, argc, argv, &i, target, &args, err);
		} else if (args.n_words < line->max_words) {
			args.words[args.n_words++] = argv[i];
		} else {
			lf_fail(err, LF_EINVAL, argv[i], "unexpected argument '%s'", argv[i]);
			rc = hint_help(line, err);
		}
		if (rc)
			return rc;
	}
	int rc = args.help || args.version ? 0 : check_complete(line, &args, err);
	if (!rc)
		*ret_args = args;
	return rc;
}

int lf_args_end(const struct lf_command_line *line, int rc, struct lf_error *err)
{
	if (!rc)
		return 0;
	lf_term_clean_error(err);
	fprintf(stderr, "%s%s%s: %s%s%s%s\n", line->program, line->command ? " " : "",
		line->command ? line->command : "", err->message, err->hint[0] ? " (" : "",
		err->hint, err->hint[0] ? ")" : "");
	return lf_error_exit(rc);
}

/* Lines of a text behind a column: the first is begun already. */
static void print_lines(const char *text, int column)
{
	for (size_t len; (len = strcspn(text, "\n")), text[len]; text += len + 1)
		printf("%.*s\n%*s", (int)len, text, column, "");
	fputs(text, stdout);
}

void lf_args_help_options(const struct lf_option *options)
{
	for (const struct lf_option *o = options; o && o->name; o++) {
		int n = printf("  %s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		printf(n < 28 ? "%*s" : "\n%*s", n < 28 ? 29 - n : 29, "");
		print_lines(o->help, 29);
		puts(o->required ? " (required)" : "");
	}
}

void lf_args_help_row(const struct lf_command_line *line)
{
	int n = printf("  %s%s%s", line->command, line->words ? " " : "",
		       line->words ? line->words : "");

	printf("%*s%.*s\n", n < 34 ? 35 - n : 1, "", (int)strcspn(line->help, "\n"), line->help);
}

void lf_args_help(const struct lf_command_line *line)
{
	bool any = line->options && line->options[0].name;

	printf("usage: %s%s%s%s%s%s%s\n\n%s\n%s", line->program, line->command ? " " : "",
	       line->command ? line->command : "", line->words ? " " : "",
	       line->words ? line->words : "", any ? " [options]" : "",
	       line->takes_rest ? " [-- WORD...]" : "", line->help, any ? "\n" : "");
	lf_args_help_options(line->options);
}

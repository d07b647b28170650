/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/args.h - a command line by a table, which reads it, checks it and prints
 * its help.
 *
 * Options are long, "--name VALUE" or "--name=VALUE", anywhere among the words;
 * behind "--" there are words alone.  What the table does not name is
 * refused, with where to look.
 */
#ifndef LF_BASE_ARGS_H
#define LF_BASE_ARGS_H

#include <stddef.h>

#include "base/error.h"

#define LF_ARGS_WORDS_MAX   4u
#define LF_ARGS_OPTIONS_MAX 24u

/* Take an option's value into *at ("": a switch); what fails is told with the option's name. */
typedef int lf_option_fn(void *at, const char *value, struct lf_error *err);

struct lf_option {
	const char *name;  /* "--vault" */
	const char *value; /* what stands for its value in the help; NULL: a switch */
	bool required;
	const char *help;   /* lines */
	lf_option_fn *take; /* each time it is given; NULL: the values of lf_args do */
	size_t offset;	    /* of what take gets, in the target */
};
/* Into a const char *, a bool, an unsigned. */
lf_option_fn lf_option_text, lf_option_switch, lf_option_count;
/* Rows for these: members of TARGET, which is a type. */
#define LF_OPTION_TEXT(name, value, TARGET, member, help)                                          \
	{                                                                                          \
		name, value, false, help, lf_option_text, offsetof(TARGET, member)                 \
	}
#define LF_OPTION_COUNT(name, value, TARGET, member, help)                                         \
	{                                                                                          \
		name, value, false, help, lf_option_count, offsetof(TARGET, member)                \
	}
#define LF_OPTION_SWITCH(name, TARGET, member, help)                                               \
	{                                                                                          \
		name, NULL, false, help, lf_option_switch, offsetof(TARGET, member)                \
	}

struct lf_command_line {
	const char *program; /* "landfall vault" */
	const char *command; /* "init"; NULL: the program has none */
	const char *words;   /* what follows, as the help shows it: "DIR POINT"; NULL: nothing */
	unsigned min_words, max_words;
	bool takes_rest;		 /* words behind "--" are for another program */
	const struct lf_option *options; /* ends with a NULL name; NULL: none */
	const char *help;		 /* lines; the first says what the command does */
};

struct lf_args {
	const struct lf_option *options;
	const char *words[LF_ARGS_WORDS_MAX];
	unsigned n_words;
	const char
		*values[LF_ARGS_OPTIONS_MAX]; /* the last of each; "" for a switch that is given */
	char *const *rest;		      /* behind "--", of a line that takes it; NULL-ended */
	bool help, version; /* --help or --version is among them: nothing else was checked */
};

/* argv: what follows the program's and the command's name; it ends with NULL where the line takes a
 * rest.  LF_EINVAL with how it should be.  target may be NULL if no option takes. */
LF_MUST_CHECK int lf_args_read(const struct lf_command_line *line, int argc, char *const *argv,
			       void *target, struct lf_args *ret_args, struct lf_error *err);
/* Value of an option that the line has; NULL: not given. */
const char *lf_args_value(const struct lf_args *args, const char *name);
const char *lf_args_value_or(const struct lf_args *args, const char *name, const char *fallback);

/* What went wrong, on standard error; returns the exit status.  rc 0: nothing did. */
int lf_args_end(const struct lf_command_line *line, int rc, struct lf_error *err);
/* Usage, what it does, its options; on standard output. */
void lf_args_help(const struct lf_command_line *line);
/* The options alone. */
void lf_args_help_options(const struct lf_option *options);
/* One row of a list of commands: words, and the first line of the help. */
void lf_args_help_row(const struct lf_command_line *line);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/vaultargs.h - what the commands of "landfall vault" share.
 */
#ifndef LF_CLI_VAULTARGS_H
#define LF_CLI_VAULTARGS_H

#include "vault/flow/ingest.h"
#include "vault/point/point.h"

#define LF_VAULT_WORDS_MAX 4

struct lf_vault_args {
	const char *program;		       /* for messages */
	const char *words[LF_VAULT_WORDS_MAX]; /* DIR and what follows it */
	int count;
	const char *disk, *changed, *point, *key_file, *new_key_file, *data_dir, *socket, *from,
		*from_key;
	enum lf_export_format format;
	bool json; /* --output json */
	bool yes;  /* --yes */
	bool incremental, ciphertext;
	unsigned older_than_days;
	struct {
		unsigned last, daily, weekly, monthly, yearly;
	} keep; /* points, of each disk or machine */
};

/* The key file: as given, or DIR/platform.key; free(). */
char *lf_vault_args_key(const struct lf_vault_args *args);
LF_MUST_CHECK int lf_vault_args_open(const struct lf_vault_args *args, bool read_only,
				     struct lf_vault **ret_vault, struct lf_error *err);
/* The disk of a manifest that is asked for: by name, or its only one.  Borrowed. */
LF_MUST_CHECK int lf_vault_args_disk(const struct lf_vault_args *args, const json_t *manifest,
				     const json_t **ret_disk, struct lf_root *ret_root,
				     uint64_t *ret_size, struct lf_error *err);
/* What the machine's clock shows, since 1970. */
int64_t lf_vault_now_ns(void);
/* A percentage and the time left on standard error, if that is a terminal. */
void lf_vault_show_progress(void *context, uint64_t done, uint64_t total);
void lf_vault_end_progress(void);
/* One JSON document on standard output. */
LF_MUST_CHECK int lf_vault_print_json(const json_t *doc, struct lf_error *err);

/* The commands. */
LF_MUST_CHECK int lf_vault_ingest_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_export_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_rekey_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_rotate_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_erase_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_explain_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_simulate_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_diff_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_serve_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_verify_command(const struct lf_vault_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vault_repair_command(const struct lf_vault_args *args, struct lf_error *err);

#endif

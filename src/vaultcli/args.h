/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vaultcli/args.h - what the commands of "landfall vault" share.
 */
#ifndef LF_VAULTCLI_ARGS_H
#define LF_VAULTCLI_ARGS_H

#include "base/args.h"
#include "vault/flow/ingest.h"
#include "vault/point/point.h"

struct lf_vaultcli_args {
	const char *words[LF_ARGS_WORDS_MAX]; /* DIR and what follows it */
	const char *disk, *changed, *point, *key_file, *new_key_file, *data_dir, *socket, *from,
		*from_key;
	enum lf_export_format format;
	bool raw;      /* --format raw of an ingest: whatever it looks like */
	bool zero_bad; /* --bad-sectors zero */
	bool json;     /* --output json */
	bool yes;      /* --yes */
	bool incremental, ciphertext;
	unsigned older_than_days;
	struct {
		unsigned last, daily, weekly, monthly, yearly;
	} keep; /* points, of each disk or machine */
};

/* The key file: as given, or DIR/platform.key; free(). */
char *lf_vaultcli_key(const struct lf_vaultcli_args *args);
LF_MUST_CHECK int lf_vaultcli_open(const struct lf_vaultcli_args *args, bool read_only,
				   struct lf_vault **ret_vault, struct lf_error *err);
/* The disk of a manifest that is asked for: by name, or its only one.  Borrowed. */
LF_MUST_CHECK int lf_vaultcli_disk(const struct lf_vaultcli_args *args, const json_t *manifest,
				   const json_t **ret_disk, struct lf_root *ret_root,
				   uint64_t *ret_size, struct lf_error *err);
/* A manifest's disk by name or id; NULL: it has none such.  Borrowed. */
const json_t *lf_vaultcli_find_disk(const json_t *manifest, const char *name);
/* What the machine's clock shows, since 1970. */
int64_t lf_vaultcli_now_ns(void);
/* A percentage and the time left on standard error, if that is a terminal. */
void lf_vaultcli_show_progress(void *context, uint64_t done, uint64_t total);
void lf_vaultcli_end_progress(void);
/* One JSON document on standard output. */
LF_MUST_CHECK int lf_vaultcli_print_json(const json_t *doc, struct lf_error *err);

/* The commands. */
LF_MUST_CHECK int lf_vaultcli_ingest(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_export(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_rekey(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_rotate(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_erase(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_explain(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_simulate(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_diff(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_serve(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_verify(const struct lf_vaultcli_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_vaultcli_repair(const struct lf_vaultcli_args *args, struct lf_error *err);

#endif

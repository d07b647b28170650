/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of "landfall vault" that say who takes the space.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/term.h"
#include "base/text.h"
#include "vaultcli/args.h"
#include "vault/care/usage.h"

static void print_bytes(const char *what, const json_t *report, const char *name)
{
	printf("%-28s %14" PRId64 "\n", what, lf_json_int_or(report, name, 0));
}

static void print_explanation(const json_t *report)
{
	const json_t *transfer = lf_json_at(report, "transfer");

	lf_term_print(stdout, "point %s, %s", lf_json_text_or(report, "point", ""),
		      lf_json_text_or(report, "time", ""));
	print_bytes("size of its disks", report, "logicalBytes");
	print_bytes("not holes", report, "mappedBytes");
	print_bytes("each block once", report, "plainBytes");
	print_bytes("as stored", report, "storedBytes");
	print_bytes("shared with other points", report, "sharedStoredBytes");
	print_bytes("dropping it would free", report, "uniqueStoredBytes");
	if (!transfer)
		return;
	lf_term_print(
		stdout,
		"transfer: %s%s%s; %" PRId64 " bytes read, %" PRId64 " new, %" PRId64 " stored",
		lf_json_text_or(transfer, "kind", "?"),
		lf_json_text(transfer, "reason") ? ", because " : "",
		lf_json_text_or(transfer, "reason", ""), lf_json_int_or(transfer, "bytesRead", 0),
		lf_json_int_or(transfer, "bytesNew", 0),
		lf_json_int_or(transfer, "bytesStored", 0));
}

int lf_vaultcli_explain(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *report = NULL;
	int rc = lf_vaultcli_open(args, true, &vault, err);

	if (!rc)
		rc = lf_vault_explain(vault, args->words[1], &report, err);
	lf_vault_free(vault);
	if (rc)
		return rc;
	if (args->json)
		return lf_vaultcli_print_json(report, err);
	print_explanation(report);
	return 0;
}

/* What a point is a point of: its machine, or its first disk. */
static const char *series_of(const json_t *manifest)
{
	const json_t *disk = json_array_get(lf_json_at(manifest, "disks"), 0);

	return lf_json_text_or(manifest, "machine.id", lf_json_text_or(disk, "name", ""));
}

/* The days, weeks, months and years since 1970 in which a point lies. */
struct periods {
	int64_t of[4];
};

static struct periods periods_of(const json_t *manifest)
{
	struct lf_error ignored;
	int64_t ns = 0;
	struct tm tm;

	if (lf_time_parse(lf_json_text_or(manifest, "time", ""), &ns, &ignored))
		ns = 0;
	time_t seconds = (time_t)(ns / LF_NS_PER_S);
	gmtime_r(&seconds, &tm);
	int64_t day = seconds / 86400;
	/* the first of January 1970 was a Thursday; weeks begin on Monday */
	return (struct periods){{day, (day + 3) / 7, tm.tm_year * 12 + tm.tm_mon, tm.tm_year}};
}

/* Newest first, the first point of each of so many periods. */
static bool is_kept(const struct lf_vaultcli_args *args, const json_t *points, size_t at)
{
	const unsigned limits[] = {args->keep.daily, args->keep.weekly, args->keep.monthly,
				   args->keep.yearly};
	const json_t *point = json_array_get(points, at);
	struct periods mine = periods_of(point);
	unsigned newer = 0, seen[4] = {0};
	bool first[4] = {true, true, true, true};
	int64_t last[4] = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};

	for (size_t i = json_array_size(points); i-- > at + 1;) {
		const json_t *other = json_array_get(points, i);
		if (strcmp(series_of(other), series_of(point)) != 0)
			continue;
		struct periods its = periods_of(other);
		newer++;
		for (unsigned k = 0; k < 4; k++) {
			seen[k] += its.of[k] != last[k];
			last[k] = its.of[k];
			first[k] = first[k] && its.of[k] != mine.of[k];
		}
	}
	bool kept = newer < args->keep.last;
	for (unsigned k = 0; k < 4; k++)
		kept = kept || (first[k] && seen[k] < limits[k]);
	return kept;
}

static int choose(const struct lf_vaultcli_args *args, const json_t *points, json_t *drop,
		  json_t *rows, struct lf_error *err)
{
	const json_t *point;
	size_t i;

	json_array_foreach (points, i, point) {
		const char *id = lf_json_text_or(point, "id", "");
		bool kept = is_kept(args, points, i);
		if (json_array_append_new(rows,
					  json_pack("{s:s, s:s, s:s, s:b}", "point", id, "time",
						    lf_json_text_or(point, "time", ""), "of",
						    series_of(point), "kept", kept)) ||
		    (!kept && json_object_set_new(drop, id, json_true())))
			return lf_fail_nomem(err);
	}
	return 0;
}

static void print_simulation(const json_t *report)
{
	const json_t *row;
	size_t i;

	json_array_foreach (lf_json_at(report, "points"), i, row)
		lf_term_print(stdout, "%-5s %s  %-28s  %s",
			      lf_json_bool_or(row, "kept", false) ? "keep" : "drop",
			      lf_json_text_or(row, "point", ""), lf_json_text_or(row, "time", ""),
			      lf_json_text_or(row, "of", ""));
	print_bytes("dropping these would free", report, "freedBytes");
	print_bytes("the others hold", report, "keptBytes");
	print_bytes("a collection frees today", report, "garbageBytes");
}

int lf_vaultcli_simulate(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *points = NULL, *damaged = NULL, *report = NULL, *drop = json_object();
	json_t *rows = json_array();
	int rc = lf_vaultcli_open(args, true, &vault, err);

	if (!rc)
		rc = lf_point_list(vault, &points, &damaged, err);
	if (!rc)
		rc = choose(args, points, drop, rows, err);
	if (!rc)
		rc = lf_vault_simulate(vault, drop, &report, err);
	lf_vault_free(vault);
	if (rc) {
		json_decref(rows);
		return rc;
	}
	if (json_object_set_new(report, "points", rows))
		return lf_fail_nomem(err);
	if (args->json)
		return lf_vaultcli_print_json(report, err);
	print_simulation(report);
	for (size_t i = 0; i < json_array_size(damaged); i++)
		lf_term_print(stdout, "not counted: point %s, which is damaged",
			      lf_json_text_or(json_array_get(damaged, i), "id", "?"));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An item is looked at again and again until it is protected; the time left is
 * reckoned from the speed since the first look.
 */
#include "cli/watch.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/find.h"

#define DETAILS	       "properties.providerSpecificDetails."
#define POLL_MS	       500
#define SPEED_AFTER_NS (2 * LF_NS_PER_S)

static int64_t size_of(const json_t *item)
{
	const json_t *disk;
	int64_t bytes = 0;
	size_t i;

	json_array_foreach (lf_json_at(item, DETAILS "protectedDisks"), i, disk)
		bytes += lf_json_int_or(disk, "capacityInBytes", 0);
	return bytes;
}

/* "; 12 s left" from the speed that was seen since the first look; "" while it is unknown. */
static void time_left(struct lf_cli_watch *watch, int64_t done, int64_t size, char *out,
		      size_t out_size)
{
	int64_t now = lf_clock_monotonic_ns();
	char text[32];

	out[0] = '\0';
	if (!watch->first_ns) {
		watch->first_ns = now;
		watch->first_bytes = done;
	}
	int64_t bytes = done - watch->first_bytes, ns = now - watch->first_ns;
	if (bytes <= 0 || ns < SPEED_AFTER_NS || done >= size)
		return;
	double seconds = (double)(size - done) * (double)ns / (double)bytes / 1e9;
	lf_cli_seconds((uint64_t)(seconds + 0.5), text, sizeof(text));
	snprintf(out, out_size, "; %s left", text);
}

static void show(const struct lf_cli *cli, struct lf_cli_watch *watch, const json_t *item)
{
	const char *state =
		lf_json_text_or(item, "properties.protectionStateDescription",
				lf_json_text_or(item, "properties.protectionState", ""));
	int64_t size = size_of(item);
	int64_t done = lf_json_int_or(item, DETAILS "initialReplicationProcessedBytes", 0);
	int64_t sent = lf_json_int_or(item, DETAILS "initialReplicationTransferredBytes", 0);
	int64_t percent = lf_json_int_or(item, DETAILS "initialReplicationProgressPercentage", -1);
	char done_text[32], size_text[32], sent_text[32], left[64];

	lf_cli_bytes(done > 0 ? (uint64_t)done : 0, done_text, sizeof(done_text));
	lf_cli_bytes(size > 0 ? (uint64_t)size : 0, size_text, sizeof(size_text));
	lf_cli_bytes(sent > 0 ? (uint64_t)sent : 0, sent_text, sizeof(sent_text));
	time_left(watch, done, size, left, sizeof(left));
	/* the numbers end with the initial replication */
	if (percent < 0)
		lf_cli_progress(cli, &watch->progress,
				lf_text_equal_nocase(state, "Protected") ? 100 : -1, "%s", state);
	else
		lf_cli_progress(cli, &watch->progress, (int)percent, "%s: %s of %s read, %s sent%s",
				state, done_text, size_text, sent_text, left);
}

static int look(struct lf_cli *cli, struct lf_cli_watch *watch, json_t **ret_item,
		struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	int rc = lf_cli_get(cli, watch->item_id, LF_API_RECOVERY, &item, err);

	if (rc)
		return rc;
	show(cli, watch, item);
	*ret_item = lf_steal(&item);
	return 0;
}

int lf_cli_watch_step(struct lf_cli *cli, void *watch, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;

	return look(cli, watch, &item, err);
}

int lf_cli_watch_until_protected(struct lf_cli *cli, struct lf_cli_watch *watch, json_t **ret_item,
				 struct lf_error *err)
{
	for (;;) {
		LF_AUTO_JSON *item = NULL;
		int rc = look(cli, watch, &item, err);
		if (rc)
			return rc;
		const char *state = lf_json_text_or(item, "properties.protectionState", "");
		size_t len = strlen(state);
		if (lf_text_equal_nocase(state, "Protected") &&
		    lf_json_text(item, DETAILS "lastRecoveryPointId")) {
			*ret_item = lf_steal(&item);
			return 0;
		}
		if (len > 6 && lf_text_equal_nocase(state + len - 6, "Failed")) {
			const json_t *health = lf_json_at(item, "properties.healthErrors.0");
			return lf_fail_arm(
				err, LF_ECONFLICT, lf_json_text_or(health, "errorCode", state),
				watch->item_id, lf_json_text(health, "recommendedAction"), "%s",
				lf_json_text_or(health, "errorMessage", state));
		}
		lf_cli_sleep_ms(POLL_MS);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs from their first record to the last: for merging, counting and checking.
 */
#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "vault/index/run_internal.h"

#define RECORDS_AT_ONCE (LF_RUN_BUFFER_BYTES / LF_RUN_RECORD_SIZE)

struct lf_run_reader {
	struct lf_run *run;
	uint64_t at, end; /* records: the next one, and where the buffer ends */
	const uint8_t *next;
	uint8_t *buffer;      /* of a file */
	XXH3_state_t *digest; /* of a file */
};

int lf_run_reader_new(struct lf_run *run, struct lf_run_reader **ret_reader, struct lf_error *err)
{
	struct lf_run_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return lf_fail_nomem(err);
	reader->run = lf_run_ref(run);
	if (run->records) {
		reader->next = run->records;
		reader->end = run->count;
	} else {
		reader->buffer = malloc((size_t)RECORDS_AT_ONCE * LF_RUN_RECORD_SIZE);
		reader->digest = XXH3_createState();
		if (!reader->buffer || !reader->digest) {
			lf_run_reader_free(reader);
			return lf_fail_nomem(err);
		}
		XXH3_128bits_reset(reader->digest);
	}
	*ret_reader = reader;
	return 0;
}

void lf_run_reader_free(struct lf_run_reader *reader)
{
	if (!reader)
		return;
	XXH3_freeState(reader->digest);
	free(reader->buffer);
	lf_run_unref(reader->run);
	free(reader);
}

static int fill_buffer(struct lf_run_reader *reader, struct lf_error *err)
{
	const struct lf_run *run = reader->run;
	uint64_t left = run->count - reader->at;
	uint64_t n = left < RECORDS_AT_ONCE ? left : RECORDS_AT_ONCE;
	int rc = lf_file_pread_all(run->fd, reader->buffer, n * LF_RUN_RECORD_SIZE,
				   run->head_len + reader->at * LF_RUN_RECORD_SIZE, "index", err);

	if (rc)
		return rc;
	XXH3_128bits_update(reader->digest, reader->buffer, n * LF_RUN_RECORD_SIZE);
	reader->next = reader->buffer;
	reader->end = reader->at + n;
	return 0;
}

static int fail_damaged(struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, NULL, "a run of the index is damaged");
}

int lf_run_reader_record(struct lf_run_reader *reader, const uint8_t **ret_record,
			 struct lf_error *err)
{
	const struct lf_run *run = reader->run;

	if (reader->at == run->count) {
		*ret_record = NULL;
		return run->fd < 0 || lf_run_digest_is(XXH3_128bits_digest(reader->digest),
						       (const uint8_t *)run->head + 56)
			       ? 0
			       : fail_damaged(err);
	}
	int rc = reader->at == reader->end ? fill_buffer(reader, err) : 0;
	if (rc)
		return rc;
	*ret_record = reader->next;
	reader->next += LF_RUN_RECORD_SIZE;
	reader->at++;
	return 0;
}

int lf_run_reader_next(struct lf_run_reader *reader, struct lf_place *ret_place, bool *ret_more,
		       struct lf_error *err)
{
	const uint8_t *record = NULL;
	int rc = lf_run_reader_record(reader, &record, err);

	if (rc)
		return rc;
	if (record)
		lf_run_record_decode(reader->run, record, ret_place);
	*ret_more = record != NULL;
	return 0;
}

int lf_run_check(struct lf_run *run, struct lf_error *err)
{
	const uint8_t *head = run->head;
	struct lf_run_reader *reader = NULL;
	struct lf_place place;
	bool more = true;

	if (run->fd < 0)
		return 0;
	if (!lf_run_digest_is(
		    XXH3_128bits(head + LF_RUN_HEADER_SIZE, run->head_len - LF_RUN_HEADER_SIZE),
		    head + 40))
		return fail_damaged(err);
	int rc = lf_run_reader_new(run, &reader, err);
	while (!rc && more)
		rc = lf_run_reader_next(reader, &place, &more, err);
	lf_run_reader_free(reader);
	return rc;
}

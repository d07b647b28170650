/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name stands for, and how that changes.
 *
 * A blob that is new, or gets other bytes, is made as a directory apart, synced, and then takes the
 * name by one rename, which puts what had the name where the next start sweeps; then blobs of that
 * name in other forms go.  A kill leaves the old blob or the new one, whole, and at most files that
 * nobody names; where a directory and another form have one name, the directory is the blob.
 * Another record replaces the old one by a rename, too.
 */
#include "blob/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "blob/page.h"
#include "blob/point.h"
#include "os/file.h"

#define RECORD "properties.json"

void lf_blob_entry_done(struct lf_blob_entry *entry)
{
	json_decref(entry->record);
	json_decref(entry->point);
	lf_fd_done(&entry->dir);
	lf_fd_done(&entry->fd);
	*entry = LF_BLOB_ENTRY_INIT;
}

static int64_t time_of(const struct stat *st)
{
	return st->st_mtim.tv_sec * LF_NS_PER_S + st->st_mtim.tv_nsec;
}

/* Of bytes of which nothing more is known. */
static int make_record(struct lf_blob_entry *entry, const char *type, const struct stat *st,
		       struct lf_error *err)
{
	LF_AUTO_DOC record = LF_DOC_INIT;

	entry->modified_ns = time_of(st);
	lf_doc_text(&record, "type", type);
	lf_doc_int(&record, "created", entry->modified_ns);
	lf_doc_int(&record, "modified", entry->modified_ns);
	return lf_doc_end(&record, &entry->record, err);
}

static int open_file(struct lf_blob_entry *entry, const char *path, enum lf_blob_form form,
		     struct lf_error *err)
{
	struct stat st;

	entry->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (entry->fd < 0 && errno == ENOENT)
		return 0;
	if (entry->fd < 0 || fstat(entry->fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open the blob");
	if (!S_ISREG(st.st_mode))
		return lf_fail(err, LF_ECORRUPT, path, "the blob is no file");
	entry->form = form;
	entry->size = (uint64_t)st.st_size;
	return make_record(entry, form == LF_BLOB_FORM_RAW ? "BlockBlob" : "PageBlob", &st, err);
}

static int open_point(struct lf_blob_entry *entry, const char *data_dir,
		      const struct lf_blob_target *target, const char *path, struct lf_error *err)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT ? 0 : lf_fail_sys(err, errno, path, "cannot look at a blob");
	int rc = lf_blob_find_point(data_dir, target->account, target->container, target->blob,
				    &entry->point, err);
	if (rc)
		return rc;
	entry->form = LF_BLOB_FORM_POINT;
	entry->size = lf_blob_point_length(entry->point);
	json_t *record = lf_json_at(entry->point, "record");
	if (!record)
		return make_record(entry, "PageBlob", &st, err);
	entry->record = json_incref(record);
	entry->modified_ns = lf_json_int_or(record, "modified", 0);
	return 0;
}

/* Bytes that are one file are opened; of a page blob the file says length and last change. */
static int open_data(struct lf_blob_entry *entry, const char *path, struct lf_error *err)
{
	struct stat st;

	entry->size = (uint64_t)lf_json_int_or(entry->record, "size", 0);
	entry->modified_ns = lf_json_int_or(entry->record, "modified", 0);
	if (lf_json_at(entry->record, "blocks"))
		return 0;
	entry->fd = openat(entry->dir, "data", O_RDONLY | O_CLOEXEC);
	if (entry->fd < 0 || fstat(entry->fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open the blob's bytes");
	if (lf_blob_entry_is(entry, "PageBlob")) {
		entry->size = (uint64_t)st.st_size;
		if (time_of(&st) > entry->modified_ns)
			entry->modified_ns = time_of(&st);
	} else if (entry->size > (uint64_t)st.st_size) {
		return lf_fail(err, LF_ECORRUPT, path, "the blob's bytes end early");
	}
	return 0;
}

/* LF_ENOTFOUND: it went while we looked, or there is none. */
static int open_dir(struct lf_blob_entry *entry, const char *path, struct lf_error *err)
{
	char record[64];

	entry->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (entry->dir < 0)
		return lf_fail_sys(err, errno, path, "cannot open the blob");
	snprintf(record, sizeof(record), "/proc/self/fd/%d/" RECORD, entry->dir);
	int rc = lf_json_read_file(record, &entry->record, err);
	if (!rc && !lf_json_text(entry->record, "type"))
		rc = lf_fail(err, LF_ECORRUPT, path, "the blob's record does not say what it is");
	if (!rc)
		rc = open_data(entry, path, err);
	entry->form = rc ? LF_BLOB_NONE : LF_BLOB_FORM_DIR;
	return rc;
}

int lf_blob_entry_open(const char *data_dir, const struct lf_blob_target *target,
		       struct lf_blob_entry *ret_entry, struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(data_dir, target, &names, err);

	if (rc)
		return rc;
	/* a directory that another one replaces while it is looked at is looked at again */
	for (int i = 0; i < 16; i++) {
		lf_blob_entry_done(&entry);
		rc = open_dir(&entry, names.dir, err);
		if (rc != LF_ENOTFOUND || access(names.dir, F_OK))
			break;
	}
	if (rc == LF_ENOTFOUND) {
		lf_blob_entry_done(&entry);
		rc = open_file(&entry, names.raw, LF_BLOB_FORM_RAW, err);
		if (!rc && !entry.form)
			rc = open_file(&entry, names.pages, LF_BLOB_FORM_PAGES, err);
		if (!rc && !entry.form)
			rc = open_point(&entry, data_dir, target, names.point, err);
		if (rc == LF_ENOTFOUND)
			rc = 0;
	}
	if (rc)
		return rc;
	*ret_entry = entry;
	entry = LF_BLOB_ENTRY_INIT;
	return 0;
}

int lf_blob_entry_find(const char *data_dir, const struct lf_blob_target *target,
		       struct lf_blob_entry *ret_entry, struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	int rc = lf_blob_entry_open(data_dir, target, &entry, err);

	if (!rc && !entry.form)
		rc = lf_blob_container_check(data_dir, target, err);
	if (!rc && !entry.form)
		rc = lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", NULL, NULL,
				 "the specified blob does not exist");
	if (rc)
		return rc;
	*ret_entry = entry;
	entry = LF_BLOB_ENTRY_INIT;
	return 0;
}

const char *lf_blob_entry_type(const struct lf_blob_entry *entry)
{
	return lf_json_text_or(entry->record, "type", "BlockBlob");
}

bool lf_blob_entry_is(const struct lf_blob_entry *entry, const char *type)
{
	return strcmp(lf_blob_entry_type(entry), type) == 0;
}

void lf_blob_etag(int64_t modified_ns, char out[static 24])
{
	snprintf(out, 24, "\"0x%llX\"", (unsigned long long)modified_ns);
}

int64_t lf_blob_change_time(const struct lf_blob_service *service,
			    const struct lf_blob_entry *entry)
{
	int64_t now_ns = lf_clock_now_ns(service->opts.clock);

	return entry->form && now_ns <= entry->modified_ns ? entry->modified_ns + 1 : now_ns;
}

/* Drafts. */

int lf_blob_draft_make(const char *data_dir, const char *account, char **ret_draft,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *draft = NULL;
	int rc = lf_blob_temporary(data_dir, account, &draft, err);

	if (!rc && mkdir(draft, 0700))
		rc = lf_fail_sys(err, errno, draft, "cannot make a directory for a blob");
	if (!rc)
		*ret_draft = lf_steal(&draft);
	return rc;
}

void lf_blob_draft_drop(char **draft)
{
	struct lf_error ignored;

	if (*draft && lf_dir_remove(*draft, &ignored))
		(void)0; /* the next start sweeps it */
	free(*draft);
	*draft = NULL;
}

int lf_blob_draft_seal(const char *draft, const json_t *record, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/" RECORD, draft);
	LF_AUTO_FREE char *text = NULL;
	int rc = path ? lf_json_dump(record, &text, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	LF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make a file");
	rc = lf_file_pwrite_all(fd, text, strlen(text), 0, "record of a blob", err);
	if (!rc)
		rc = lf_file_sync(fd, "record of a blob", err);
	return rc ? rc : lf_file_sync_parent(path, err);
}

/* What had the name is where the draft was. */
static int take_name(const char *draft, const char *path, struct lf_error *err)
{
	int fault = LF_FAULT("file-rename");

	if (fault)
		return lf_fail_sys(err, fault, path, "cannot name the blob");
	if (renameat2(AT_FDCWD, draft, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != ENOENT || rename(draft, path))
		return lf_fail_sys(err, errno, path, "cannot name the blob");
	return 0;
}

int lf_blob_draft_place(const struct lf_blob_service *service, const struct lf_blob_target *target,
			char **draft, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(service->data_dir, target, &names, err);

	LF_CRASH_POINT("blob-before-rename");
	if (!rc)
		rc = take_name(*draft, names.dir, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
				   "the specified container does not exist");
	if (!rc)
		rc = lf_file_sync_parent(names.dir, err);
	if (!rc)
		rc = lf_blob_remove_others(service, target, err);
	if (!rc)
		lf_blob_draft_drop(draft); /* what had the name, if anything had */
	return rc;
}

/* The files of a blob that has no directory yet, under second names. */
static int link_raw(const struct lf_blob_service *service, const struct lf_blob_target *target,
		    const struct lf_blob_entry *entry, const char *draft, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	LF_AUTO_FREE char *data = lf_printf_dup("%s/data", draft);
	int rc = data ? lf_blob_names(service->data_dir, target, &names, err) : lf_fail_nomem(err);
	const char *path = entry->form == LF_BLOB_FORM_RAW ? names.raw : names.pages;

	if (!rc && link(path, data))
		rc = lf_fail_sys(err, errno, path, "cannot link the blob's bytes");
	return rc;
}

static int save_raw(const struct lf_blob_service *service, const struct lf_blob_target *target,
		    const struct lf_blob_entry *entry, const json_t *record, struct lf_error *err)
{
	LF_AUTO_BLOB_DRAFT draft = NULL;
	LF_AUTO_JSON *whole = json_deep_copy(record);
	int rc = lf_json_set_int(whole, "size", (int64_t)entry->size)
			 ? lf_fail_nomem(err)
			 : lf_blob_draft_make(service->data_dir, target->account, &draft, err);

	if (!rc)
		rc = link_raw(service, target, entry, draft, err);
	if (!rc)
		rc = lf_blob_draft_seal(draft, whole, err);
	return rc ? rc : lf_blob_draft_place(service, target, &draft, err);
}

int lf_blob_entry_save(const struct lf_blob_service *service, const struct lf_blob_target *target,
		       const struct lf_blob_entry *entry, const json_t *record,
		       struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *text = NULL;

	if (entry->form == LF_BLOB_FORM_POINT)
		return lf_blob_describe_point(service->data_dir, target->account, target->container,
					      target->blob, record, err);
	if (entry->form != LF_BLOB_FORM_DIR)
		return save_raw(service, target, entry, record, err);
	int rc = lf_blob_names(service->data_dir, target, &names, err);
	if (!rc && !(path = lf_printf_dup("%s/" RECORD, names.dir)))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_json_dump(record, &text, err);
	return rc ? rc
		  : lf_blob_write(service->data_dir, target->account, path, text, strlen(text),
				  err);
}

int lf_blob_page_file(const char *data_dir, const char *account, const char *container,
		      const char *blob, char **ret_path, struct lf_error *err)
{
	LF_AUTO_BLOB_TARGET target = {.blob = strdup(blob)};
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;

	snprintf(target.account, sizeof(target.account), "%s", account);
	snprintf(target.container, sizeof(target.container), "%s", container);
	int rc = target.blob ? lf_blob_names(data_dir, &target, &names, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_blob_entry_find(data_dir, &target, &entry, err);
	if (!rc && (entry.point || !lf_blob_entry_is(&entry, "PageBlob")))
		rc = lf_fail(err, LF_ENOTFOUND, blob, "there is no page blob of that name");
	if (rc)
		return rc;
	*ret_path = entry.form == LF_BLOB_FORM_DIR ? lf_printf_dup("%s/data", names.dir)
						   : strdup(names.pages);
	return *ret_path ? 0 : lf_fail_nomem(err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole requests to the data plane, with every right: method, path, query and
 * headers, a line each, then the body.  On block blobs, page blobs and the disk
 * of a point: no answer breaks off, is longer than it says, is 5xx; lists are
 * XML; what is not in the container asked about stays as it was.
 */
#include <sys/stat.h>

#include "http_standin.h"
#include "fuzz.h"

#include "base/utf8.h"
#include "blob/internal.h"
#include "blob/point.h"
#include "blob/auth/sign.h"
#include "vault/map/map.h"
#include "vault/point/point.h"

#define KEY                                                                                        \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
#define NOW   INT64_C(1790000000000000000)
#define POINT "99999999-0000-8000-8000-000000000002"
#define SIZE  (UINT64_C(3) << 20)
#define AGAIN 256 /* inputs, then the container is made anew */

static char *dir, sas[512];
static struct lf_regions *regions;
static struct lf_blob_service *service;
static struct lf_error err;

static int authorize(void *context, struct lf_blob_access *access, struct lf_error *e)
{
	(void)context, (void)access;
	return lf_fail(e, LF_EDENIED, NULL, "no tokens here");
}

static int admit(void *context, struct lf_blob_access *access, const struct lf_http_exchange *x,
		 struct lf_error *e)
{
	(void)context, (void)access, (void)x, (void)e;
	return 0;
}

static int keys_of(void *context, const char *account, json_t **ret_keys, struct lf_error *e)
{
	(void)context, (void)account, (void)e;
	*ret_keys = json_pack("[s]", KEY);
	return 0;
}

static void make_sas(void)
{
	struct lf_blob_sas all = {
		.version = "2021-08-06", .services = "b", .types = "sco", .permissions = "rwdlcat"};
	char signature[48];

	lf_time_format(NOW + 3600 * LF_NS_PER_S, all.expiry);
	LF_AUTO_FREE char *text = lf_blob_sas_text(&all, "acct", NULL);
	LF_ASSERT(text && lf_blob_hmac(KEY, text, signature));
	size_t at = (size_t)snprintf(sas, sizeof(sas),
				     "sv=%s&ss=b&srt=sco&sp=%s&se=%s&sig=", all.version,
				     all.permissions, all.expiry);
	for (const char *p = signature; *p; p++)
		at += (size_t)snprintf(sas + at, sizeof(sas) - at,
				       strchr("+/=", *p) ? "%%%02X" : "%c", *p);
}

static void put_disk(void)
{
	static char root_text[LF_ROOT_TEXT_SIZE];
	struct lf_vault *vault = NULL;

	LF_ASSERT(lf_regions_vault(regions, "r", &vault, &err) == 0);
	if (!root_text[0]) {
		struct lf_map_edit *edit = NULL;
		struct lf_extent extent = {.page = 300, .pages = 1};
		uint8_t page[LF_PAGE_SIZE];
		struct lf_root root;
		memset(page, 'p', sizeof(page));
		LF_ASSERT(lf_map_edit_begin(vault, NULL, &edit, &err) == 0);
		LF_ASSERT(lf_vault_put(vault, page, sizeof(page), &extent.chunk, &err) == 0);
		LF_ASSERT(lf_map_edit_put(edit, &extent, &err) == 0);
		LF_ASSERT(lf_map_edit_commit(edit, &root, &err) == 0);
		lf_map_edit_free(edit);
		lf_root_format(&root, root_text);
		LF_AUTO_JSON *manifest = json_pack(
			"{s:s, s:s, s:s, s:{}, s:[{s:s, s:s, s:I, s:s, s:i, s:b}]}", "id", POINT,
			"time", "2026-11-23T00:00:00Z", "consistency", "CrashConsistent", "machine",
			"disks", "id", POINT, "name", "os", "sizeBytes", (json_int_t)SIZE, "root",
			root_text, "lun", -1, "os", 1);
		LF_ASSERT(lf_point_put(vault, POINT, manifest, "fuzz", LF_CLAIM_FOREVER, &err) ==
			  0);
	}
	const struct lf_blob_point point = {"r", POINT, root_text, SIZE};
	LF_ASSERT(lf_blob_put_point(dir, regions, "acct", "box", "disk", &point, &err) == 0);
}

/* A container of which every input may change what it likes, and one that none is about. */
static void make_box(void)
{
	LF_ASSERT(lf_blob_account_remove(dir, regions, "acct", &err) == 0);
	LF_ASSERT(lf_blob_account_make(dir, "acct", &err) == 0);
	LF_ASSERT(lf_blob_container_make(dir, "acct", "box", &err) == 0);
	LF_ASSERT(lf_blob_put_bytes(dir, "acct", "box", "x", "0123456789", 10, &err) == 0);
	put_disk();
}

static void open_service(void)
{
	static const char *const url = "https://site";

	dir = fuzz_path("site");
	LF_ASSERT(lf_dir_make(dir, 0700, &err) == 0);
	LF_ASSERT(lf_regions_open(dir, &regions, &err) == 0);
	const struct lf_blob_opts opts = {.clock = lf_clock_new_manual(NOW),
					  .regions = regions,
					  .data_dir = dir,
					  .tenant_id = "t",
					  .base_url = (const char *const *)&url,
					  .authorize = authorize,
					  .admit = admit,
					  .keys = keys_of};
	LF_ASSERT(lf_blob_open(&opts, &service, &err) == 0);
	make_sas();
	/* of another account, which the signature is not for */
	LF_ASSERT(lf_blob_account_make(dir, "other", &err) == 0);
	LF_ASSERT(lf_blob_container_make(dir, "other", "box", &err) == 0);
	LF_ASSERT(lf_blob_put_bytes(dir, "other", "box", "x", "mine", 4, &err) == 0);
}

static char *take_line(char **at)
{
	char *line = *at, *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end++ = '\0';
	*at = end;
	return line;
}

/* The server lets nothing else through. */
static bool is_text(const char *encoded)
{
	LF_AUTO_FREE char *copy = strdup(encoded);

	LF_ASSERT(copy);
	return !lf_blob_decode(copy) || lf_utf8_valid(copy);
}

/* Tags that close in order, and no letter that XML does not have. */
static void check_xml(const char *xml)
{
	int depth = 0;

	LF_ASSERT(lf_utf8_valid(xml));
	for (const char *p = xml; *p; p++) {
		LF_ASSERT((unsigned char)*p >= ' ');
		if (*p != '<')
			continue;
		const char *end = strchr(p, '>');
		LF_ASSERT(end);
		depth += p[1] == '/' ? -1 : p[1] == '?' || end[-1] == '/' ? 0 : 1;
		LF_ASSERT(depth >= 0);
		p = end;
	}
	LF_ASSERT(depth == 0);
}

/* names_dir: the input itself names the site's folder, as the fuzzer learns from comparisons. */
static void check_answer(const struct lf_http_exchange *x, bool names_dir)
{
	const char *text = lf_buf_text(&x->answer);

	LF_ASSERT(!x->broken && x->status >= 200 && x->status < 500);
	LF_ASSERT(x->announced == x->answer.len);
	if (strncmp(text, "<?xml", 5) == 0 && x->status != 206)
		if (x->status >= 400 || strstr(x->query, "comp="))
			check_xml(text);
	if (x->status >= 400 && !names_dir)
		LF_ASSERT(!strstr(text, dir));
}

static void check_other(void)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accounts/other/box/x", dir);
	LF_AUTO_BUF bytes = LF_BUF_INIT;

	LF_ASSERT(lf_file_read(path, 100, &bytes, &err) == 0);
	LF_ASSERT(bytes.len == 4 && memcmp(bytes.data, "mine", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "POST"};
	static unsigned inputs;
	char *line;

	if (!service)
		open_service();
	if (inputs++ % AGAIN == 0)
		make_box();
	if (size < 1)
		return 0;
	LF_AUTO_FREE char *text = strndup((const char *)data + 1, size - 1);
	LF_ASSERT(text);
	if (!lf_utf8_valid(text))
		return 0;
	bool names_dir = strstr(text, dir);
	char *at = text, *path = take_line(&at), *query = at ? take_line(&at) : NULL;
	if (path[0] != '/' || !is_text(path) || (query && !is_text(query)))
		return 0;
	LF_AUTO_FREE char *whole = lf_printf_dup("%s&%s", sas, query ? query : "");
	struct lf_http_exchange x = {
		.method = methods[data[0] % LF_N(methods)], .path = path, .query = whole};
	while ((line = take_line(&at)) && *line && x.n < STANDIN_HEADERS) {
		char *colon = strchr(line, ':');
		if (!colon || colon == line)
			continue;
		*colon = '\0';
		standin_add(&x, line, colon + 1 + strspn(colon + 1, " "));
	}
	x.body = at ? at : "";
	x.body_len = at ? strlen(at) : 0;
	standin_call(lf_blob_http_handler(service), &x);
	check_answer(&x, names_dir);
	standin_done(&x);
	check_other();
	return 0;
}

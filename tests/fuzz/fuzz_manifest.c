/* SPDX-License-Identifier: Apache-2.0 */
/* A point's file, and the JSON inside it as if its seal held. */
#include <stdlib.h>
#include <string.h>

#include "vault/point/manifest.h"
#include "vault/care/mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visit(void *context, const struct lf_root *root, uint64_t size, struct lf_error *err)
{
	char text[LF_ROOT_TEXT_SIZE];
	struct lf_root again;

	(void)context, (void)size;
	lf_root_format(root, text);
	LF_ASSERT(lf_root_parse(text, &again, err) == 0 && lf_root_equal(root, &again));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char id[] = "00000000-0000-4000-8000-000000000000";
	struct lf_domain_key key = {.epoch = 1};
	struct lf_error err;
	json_t *manifest = NULL;

	if (!lf_manifest_open(&key, id, data, size, &manifest, &err))
		json_decref(manifest);
	LF_AUTO_FREE char *text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	manifest = NULL;
	if (lf_json_parse(text, size, &manifest, &err))
		return 0;
	(void)!lf_manifest_roots(manifest, visit, NULL, &err);
	json_decref(manifest);
	/* sealed and opened it is the same */
	LF_AUTO_BUF file = LF_BUF_INIT;
	if (strlen(text) == size && !lf_manifest_seal(&key, id, text, &file, &err)) {
		manifest = NULL;
		LF_ASSERT(lf_manifest_open(&key, id, file.data, file.len, &manifest, &err) == 0);
		json_decref(manifest);
	}
	return 0;
}

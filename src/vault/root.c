/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/root.h"

#include <string.h>

#include "base/text.h"

void lf_root_format(const struct lf_root *root, char out[static LF_ROOT_TEXT_SIZE])
{
	lf_hex_encode(&root->height, 1, out);
	out[2] = '-';
	lf_hex_encode(root->node.bytes, 32, out + 3);
}

bool lf_root_equal(const struct lf_root *a, const struct lf_root *b)
{
	return a->height == b->height && memcmp(a->node.bytes, b->node.bytes, 32) == 0;
}

bool lf_root_is_empty(const struct lf_root *root)
{
	static const struct lf_root empty;

	return lf_root_equal(root, &empty);
}

int lf_root_parse(const char *text, struct lf_root *ret_root, struct lf_error *err)
{
	struct lf_root root;
	struct lf_error bad;
	char height[3] = {0};

	if (strlen(text) != LF_ROOT_TEXT_SIZE - 1 || text[2] != '-')
		return lf_fail(err, LF_EINVAL, text, "not the root of a disk map");
	memcpy(height, text, 2);
	if (lf_hex_decode(height, &root.height, 1, &bad) ||
	    lf_hex_decode(text + 3, root.node.bytes, 32, &bad) || root.height > LF_ROOT_HEIGHT_MAX)
		return lf_fail(err, LF_EINVAL, text, "not the root of a disk map");
	*ret_root = root;
	return 0;
}

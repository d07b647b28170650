/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/fuzz/fuzz.h - files for targets that read files, and a small vault.
 */
#ifndef LF_FUZZ_H
#define LF_FUZZ_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/vault_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A path in the directory that tests/fuzz/run makes and removes; never freed. */
static inline char *fuzz_path(const char *name)
{
	const char *dir = getenv("LF_FUZZ_DIR");
	char *path = lf_printf_dup("%s/%s-%d", dir ? dir : "/tmp", name, (int)getpid());

	LF_ASSERT(path);
	return path;
}

static inline void fuzz_write(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	LF_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

/* A vault made once, as nobody has written to it. */
static inline struct lf_vault *fuzz_vault(const char *dir)
{
	char *key = fuzz_path("platform-key");
	struct lf_vault *vault = NULL;
	struct lf_error err;

	LF_ASSERT(lf_vault_init(dir, key, &err) == 0);
	LF_ASSERT(lf_vault_open(dir, key, NULL, &vault, &err) == 0);
	free(key);
	return vault;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the NBD server: whatever it says, the session ends. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nbd/server/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* empty disks, for which no vault is asked; small, since many requests fit in an input */
	static const struct lf_nbd_disk items[] = {{.name = "sda", .size = (1 << 20) + 1536},
						   {.name = "data", .size = 8192}};
	static const struct lf_nbd_disks disks = {.items = items, .count = 2};
	int in = memfd_create("client", MFD_CLOEXEC), out = open("/dev/null", O_WRONLY | O_CLOEXEC);

	LF_ASSERT(in >= 0 && out >= 0);
	LF_ASSERT(write(in, data, size) == (ssize_t)size && lseek(in, 0, SEEK_SET) == 0);
	lf_nbd_session_run(&disks, in, out);
	close(in);
	close(out);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A disk behind NBD is a disk like any other: nbdkit serves a sparse file. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "../source/disk_conformance.h"
#include "base/clock.h"
#include "base/text.h"
#include "nbd/reader.h"

#define PAGE LF_DISK_ALIGN
#define SIZE (300 * PAGE + 512)

static struct lf_error err;

static pid_t serve(const char *socket, const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("nbdkit", "nbdkit", "--foreground", "--readonly", "--unix", socket, "file",
		       path, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; pid > 0 && access(socket, F_OK) && i < 500; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10 * LF_NS_PER_MS}, NULL);
	return pid;
}

static void test_reader__conforms(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.raw", (char *)*state);
	LF_AUTO_FREE char *socket = lf_printf_dup("%s/socket", (char *)*state);
	LF_AUTO_FREE char *uri = lf_printf_dup("nbd+unix:///?socket=%s", socket);
	LF_AUTO_FREE uint8_t *bytes = calloc(1, SIZE);
	struct lf_nbd_reader *reader = NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	memset(bytes + 10 * PAGE, 'k', 2 * PAGE);
	bytes[SIZE - 1] = 'z';
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_lf_ok(lf_file_pwrite_all(fd, bytes + 10 * PAGE, 2 * PAGE, 10 * PAGE, path, &err));
	assert_lf_ok(lf_file_pwrite_all(fd, bytes + SIZE - 1, 1, SIZE - 1, path, &err));
	close(fd);
	pid_t server = serve(socket, path);
	assert_true(server > 0);
	int rc = lf_nbd_reader_open(uri, NULL, &reader, &err);
	if (!rc) {
		struct lf_disk disk = *lf_nbd_reader_disk(reader);
		conform_disk(&disk, bytes, SIZE, false, NULL);
	}
	lf_nbd_reader_close(reader);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	assert_lf_ok(rc);
}

static void test_reader__says_that_nobody_serves(void **state)
{
	LF_AUTO_FREE char *uri = lf_printf_dup("nbd+unix:///?socket=%s/nobody", (char *)*state);
	struct lf_nbd_reader *reader = NULL;

	assert_int_equal(lf_nbd_reader_open(uri, NULL, &reader, &err), LF_EUNREACHABLE);
	assert_null(reader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reader__conforms),
		TEST(test_reader__says_that_nobody_serves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

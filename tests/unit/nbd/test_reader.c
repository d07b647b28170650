/* SPDX-License-Identifier: Apache-2.0 */
/* A disk behind NBD is a disk like any other: nbdkit serves a sparse file. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
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
	int rc = lf_nbd_reader_open(uri, NULL, LF_NBD_LIMIT_NS, &reader, &err);
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

	assert_int_equal(lf_nbd_reader_open(uri, NULL, LF_NBD_LIMIT_NS, &reader, &err),
			 LF_EUNREACHABLE);
	assert_null(reader);
}

/* It takes connections and never says a word. */
static void test_reader__gives_up_a_server_that_says_nothing(void **state)
{
	LF_AUTO_FREE char *uri = lf_printf_dup("nbd+unix:///?socket=%s/mute", (char *)*state);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct lf_nbd_reader *reader = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/mute", (char *)*state);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(lf_nbd_reader_open(uri, NULL, 50 * LF_NS_PER_MS, &reader, &err),
			 LF_ETIMEOUT);
	assert_null(reader);
	close(fd);
}

/* A server that stops in the middle: neither a read nor a question for holes waits for ever. */
static void test_reader__gives_up_a_server_that_stops_answering(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/disk.raw", (char *)*state);
	LF_AUTO_FREE char *socket = lf_printf_dup("%s/socket", (char *)*state);
	LF_AUTO_FREE char *uri = lf_printf_dup("nbd+unix:///?socket=%s", socket);
	struct lf_nbd_reader *reader = NULL;
	uint8_t page[PAGE];
	uint64_t from, to;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, SIZE), 0);
	close(fd);
	pid_t server = serve(socket, path);
	int opened = lf_nbd_reader_open(uri, NULL, 2 * LF_NS_PER_S, &reader, &err);
	int before = -1, stopped = -1, asked = -1, after = -1;
	if (!opened) {
		const struct lf_disk *disk = lf_nbd_reader_disk(reader);
		before = lf_disk_read(disk, page, PAGE, 0, &err);
		kill(server, SIGSTOP);
		waitpid(server, NULL, WUNTRACED); /* all of its threads */
		stopped = lf_disk_read(disk, page, PAGE, 0, &err);
		asked = lf_disk_next_data(disk, 0, &from, &to, &err);
		kill(server, SIGCONT);
		after = lf_disk_read(disk, page, PAGE, 0, &err); /* over another connection */
	}
	lf_nbd_reader_close(reader);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	assert_lf_ok(opened);
	assert_lf_ok(before);
	assert_int_equal(stopped, LF_ETIMEOUT);
	assert_int_equal(asked, LF_ETIMEOUT);
	assert_lf_ok(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reader__conforms),
		TEST(test_reader__says_that_nobody_serves),
		TEST(test_reader__gives_up_a_server_that_says_nothing),
		TEST(test_reader__gives_up_a_server_that_stops_answering),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

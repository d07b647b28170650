/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting an export: a server that answers is left as it is; one that does
 * not is stopped; its parameters are written, and those of another disk under
 * the same name are refused; then nbdkit is started with the plugin in a
 * session of its own.  The directory is all that is known of it, so that a
 * daemon that was killed finds its exports again, and starts those anew that
 * have gone.
 */
#include "nbd/export.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/acl.h"
#include "os/file.h"
#include "os/process.h"

#define START_LIMIT_NS (20 * LF_NS_PER_S)
#define STOP_GRACE_NS  (3 * LF_NS_PER_S)
#define GREETING       "NBDMAGIC"
#define PLUGIN_FILE    "nbdkit-landfall-plugin.so"

static char *path_in(const char *dir, const char *name)
{
	return lf_printf_dup("%s/%s", dir, name);
}

char *lf_export_socket(const char *dir)
{
	return path_in(dir, "disk.sock");
}

/* Connected, or -1. */
static int connect_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* "ADDRESS PORT" of DIR/address, connected; -1: no, or no such file. */
static int connect_network(const char *dir)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	LF_AUTO_FREE char *path = path_in(dir, "address");
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct addrinfo *found = NULL;
	struct lf_error err;
	char address[64], port[8];

	if (!path || lf_file_read(path, 256, &text, &err) ||
	    sscanf(lf_buf_text(&text), "%63s %7s", address, port) != 2 ||
	    getaddrinfo(address, port, &hints, &found))
		return -1;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

bool lf_export_alive(const char *dir)
{
	LF_AUTO_FREE char *path = lf_export_socket(dir);
	char greeting[sizeof(GREETING) - 1];

	LF_AUTO_FD fd = path ? connect_socket(path) : -1;
	if (fd < 0)
		fd = connect_network(dir);
	if (fd < 0)
		return false;
	/* a stopped or wedged server accepts (the kernel does) but says nothing */
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	return poll(&wait, 1, 2000) == 1 &&
	       recv(fd, greeting, sizeof(greeting), MSG_WAITALL) == (ssize_t)sizeof(greeting) &&
	       memcmp(greeting, GREETING, sizeof(greeting)) == 0;
}

/* Where the plugin is; free(). */
static char *find_plugin(void)
{
	const char *given = getenv("LF_NBD_PLUGIN");
	char program[4096];

	if (given && given[0])
		return strdup(given);
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (len > 0) {
		program[len] = '\0';
		char *slash = strrchr(program, '/');
		if (slash)
			*slash = '\0';
		LF_AUTO_FREE char *beside = path_in(program, PLUGIN_FILE);
		LF_AUTO_FREE char *above = lf_printf_dup("%s/../%s", program, PLUGIN_FILE);
		if (beside && access(beside, R_OK) == 0)
			return lf_steal(&beside);
		if (above && access(above, R_OK) == 0) /* build/tests/test_x */
			return lf_steal(&above);
	}
	return strdup("landfall");
}

void lf_export_argv_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

/* Where it listens, as nbdkit's arguments; "" are left out. */
static void listen_words(const struct lf_export_spec *spec, char *words[static 5])
{
	const struct lf_export_net *net = spec->net;

	words[0] = net ? strdup("--tls=require") : strdup("--unix");
	words[1] = net ? strdup("--tls-verify-peer") : lf_export_socket(spec->dir);
	words[2] = net ? lf_printf_dup("--tls-certificates=%s", net->tls_dir) : strdup("");
	words[3] = net ? lf_printf_dup("--ipaddr=%s", net->address) : strdup("");
	words[4] = net ? lf_printf_dup("--port=%u", net->port) : strdup("");
}

char **lf_export_argv(const struct lf_export_spec *spec, const char *plugin)
{
	char *listen[5];
	listen_words(spec, listen);
	char *const words[] = {
		strdup("nbdkit"),
		strdup("--foreground"),
		strdup("--readonly"),
		listen[0],
		listen[1],
		listen[2],
		listen[3],
		listen[4],
		strdup("--pidfile"),
		path_in(spec->dir, "pid"),
		strdup(plugin),
		lf_printf_dup("store=%s", spec->store_dir),
		lf_printf_dup("key-file=%s", spec->key_file),
		lf_printf_dup("root=%s", spec->root),
		lf_printf_dup("size=%" PRIu64, spec->size_bytes),
		lf_printf_dup("trace=%s", spec->trace ? spec->trace : ""),
	};
	bool whole = true;
	char **argv = calloc(LF_N(words) + 1, sizeof(*argv));
	size_t n = 0;

	for (size_t i = 0; i < LF_N(words); i++)
		whole = whole && words[i];
	for (size_t i = 0; i < LF_N(words); i++) {
		if (argv && whole && words[i][0])
			argv[n++] = words[i];
		else
			free(words[i]);
	}
	if (argv && whole)
		return argv;
	free(argv);
	return NULL;
}

static pid_t read_pid(const char *dir)
{
	LF_AUTO_FREE char *path = path_in(dir, "pid");
	struct lf_error ignored;
	pid_t pid;

	return path && lf_pid_read(path, &pid, &ignored) == 0 ? pid : 0;
}

/* A server of this directory: its command line names the file of its id. */
static bool is_running(const char *dir)
{
	LF_AUTO_FREE char *marker = path_in(dir, "pid");

	return marker && lf_process_is(read_pid(dir), marker);
}

static int stop_server(const char *dir, struct lf_error *err)
{
	LF_AUTO_FREE char *marker = path_in(dir, "pid");

	if (!marker)
		return lf_fail_nomem(err);
	pid_t pid = read_pid(dir);
	return pid ? lf_process_stop(pid, marker, STOP_GRACE_NS, err) : 0;
}

static char *format_params(const struct lf_export_spec *spec)
{
	return lf_printf_dup("store=%s\nroot=%s\nsize=%" PRIu64 "\n", spec->store_dir, spec->root,
			     spec->size_bytes);
}

/* Write what is served, or refuse to serve something else under the same name. */
static int check_params(const struct lf_export_spec *spec, struct lf_error *err)
{
	LF_AUTO_FREE char *params = format_params(spec);
	LF_AUTO_FREE char *path = path_in(spec->dir, "params");
	LF_AUTO_BUF before = LF_BUF_INIT;

	if (!params || !path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, 16384, &before, err);
	if (rc == LF_ENOTFOUND)
		return lf_file_write_durable(path, params, strlen(params), 0600, err);
	if (rc)
		return rc;
	if (strcmp(lf_buf_text(&before), params) != 0)
		return lf_fail(err, LF_ECONFLICT, spec->dir, "%s serves another disk", spec->dir);
	return 0;
}

/* For who looks whether it is alive. */
static int write_address(const struct lf_export_spec *spec, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_in(spec->dir, "address");
	LF_AUTO_FREE char *text =
		spec->net ? lf_printf_dup("%s %u", spec->net->address, spec->net->port) : NULL;

	if (!spec->net)
		return 0;
	return path && text ? lf_file_write_durable(path, text, strlen(text), 0600, err)
			    : lf_fail_nomem(err);
}

/* What nbdkit says is wrong: its first "error:" line. */
static void fail_with_log(const char *log_path, int code, struct lf_error *err)
{
	LF_AUTO_BUF log = LF_BUF_INIT;
	struct lf_error ignored;

	if (lf_file_read(log_path, 1 << 20, &log, &ignored))
		lf_buf_clear(&log);
	const char *text = lf_buf_text(&log);
	const char *said = strstr(text, "error: ");
	lf_fail(err, code, log_path, "nbdkit did not start: %.*s",
		said ? (int)strcspn(said + 7, "\n") : 19, said ? said + 7 : "it said no error");
}

static int wait_until_alive(const char *dir, pid_t pid, const char *log_path, struct lf_error *err)
{
	int64_t end = lf_clock_monotonic_ns() + START_LIMIT_NS;
	const struct timespec pause = {.tv_nsec = 5 * LF_NS_PER_MS};

	while (!lf_export_alive(dir)) {
		/* reaped at once when it ends; its command line is no sign while exec is under way
		 */
		if (kill(pid, 0) && errno == ESRCH) {
			fail_with_log(log_path, LF_EIO, err);
			return err->code;
		}
		if (lf_clock_monotonic_ns() > end) {
			fail_with_log(log_path, LF_ETIMEOUT, err);
			return err->code;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* nbdkit makes the socket with our umask; only its one user may connect. */
static int give_socket(const char *path, const char *owner, struct lf_error *err)
{
	uid_t uid;
	gid_t gid;

	if (chmod(path, 0600))
		return errno == ENOENT ? 0 /* it listens elsewhere */
				       : lf_fail_sys(err, errno, path,
						     "cannot change the mode of %s", path);
	if (!owner || geteuid() != 0)
		return 0;
	int rc = lf_user_find(owner, &uid, &gid, err);
	if (!rc && lchown(path, uid, gid))
		rc = lf_fail_sys(err, errno, path, "cannot give %s to %s", path, owner);
	return rc;
}

static int start_server(const struct lf_export_spec *spec, const char *socket, struct lf_error *err)
{
	LF_AUTO_FREE char *plugin = find_plugin();
	LF_AUTO_FREE char *log_path = path_in(spec->dir, "log");
	LF_AUTO_FREE char *pid_path = path_in(spec->dir, "pid");
	pid_t pid;

	if (!plugin || !log_path || !pid_path)
		return lf_fail_nomem(err);
	/* nbdkit leaves its socket behind, and will not bind over it */
	int rc = lf_file_remove(socket, err);
	if (!rc)
		rc = lf_file_remove(pid_path, err);
	if (!rc)
		rc = lf_file_remove(log_path, err);
	if (rc)
		return rc;
	char **argv = lf_export_argv(spec, plugin);
	if (!argv)
		return lf_fail_nomem(err);
	rc = lf_process_start_detached((const char *const *)argv, log_path, &pid, err);
	lf_export_argv_free(argv);
	if (rc)
		return rc;
	rc = wait_until_alive(spec->dir, pid, log_path, err);
	return rc ? rc : give_socket(socket, spec->socket_owner, err);
}

int lf_export_start(const struct lf_export_spec *spec, struct lf_error *err)
{
	LF_AUTO_FREE char *socket = lf_export_socket(spec->dir);

	if (!socket)
		return lf_fail_nomem(err);
	if (strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		lf_fail(err, LF_EINVAL, socket, "the path of the socket is longer than %zu bytes",
			sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		return lf_error_hint(err, "use a data directory with a shorter path");
	}
	int rc = lf_dir_make(spec->dir, 0711, err);
	if (!rc && chmod(spec->dir, 0711))
		rc = lf_fail_sys(err, errno, spec->dir, "cannot change the mode of %s", spec->dir);
	if (!rc)
		rc = check_params(spec, err);
	if (!rc)
		rc = write_address(spec, err);
	if (rc)
		return rc;
	if (lf_export_alive(spec->dir))
		return give_socket(socket, spec->socket_owner, err);
	/* running but silent: it is of no use to anybody */
	if (is_running(spec->dir))
		rc = stop_server(spec->dir, err);
	return rc ? rc : start_server(spec, socket, err);
}

int lf_export_stop(const char *dir, struct lf_error *err)
{
	int rc = stop_server(dir, err);

	return rc ? rc : lf_dir_remove(dir, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doors listen before the server serves, and one thread accepts once it does; it ends before
 * the server stops, and the sockets are closed last, since exchanges ask which door they came by.
 * Nothing is kept: a kill closes all.
 */
#include "http/doors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/listen.h"
#include "os/file.h"

#define PAUSE_MS   100 /* when there is no descriptor left, or no memory */
#define EVERYWHERE "0.0.0.0"
#define NOWHERE	   "?" /* no endpoint's address */

struct lf_http_doors {
	struct MHD_Daemon *daemon;
	struct lf_http_door doors[LF_HTTP_DOORS_MAX];
	struct pollfd sockets[LF_HTTP_DOORS_MAX + 1]; /* the last one stops the thread */
	size_t n;
	pthread_t thread;
	bool running;
};

/* false: nothing more can be accepted for now. */
static bool accept_one(struct lf_http_doors *doors, int listener)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
	/* refused connections are closed by it, too */
	(void)MHD_add_connection(doors->daemon, fd, (struct sockaddr *)&from, len);
	return true;
}

static void *accept_all(void *argument)
{
	struct lf_http_doors *doors = argument;
	struct pollfd *stop = &doors->sockets[doors->n];
	bool failing = false;

	while (!(stop->revents & POLLIN)) {
		bool tired = poll(doors->sockets, doors->n + 1, -1) < 0 && errno != EINTR;
		if (tired && !failing)
			lf_warn("private doors accept nobody for now: %s", strerrordesc_np(errno));
		failing = tired;
		for (size_t i = 0; i < doors->n && !failing; i++)
			if (doors->sockets[i].revents & POLLIN)
				tired = !accept_one(doors, doors->sockets[i].fd) || tired;
		if (tired)
			poll(stop, 1, PAUSE_MS);
	}
	return NULL;
}

/* A door on all addresses has the port to itself. */
static int listen_at(struct lf_http_door *door, int *ret_fd, struct lf_error *err)
{
	int rc = lf_http_listen(door->address, door->port, true, &door->port, ret_fd, err);

	return rc && err->sys == EADDRINUSE
		       ? lf_error_hint(err,
				       "give the private door a port that nothing listens on at "
				       "%s; not that of --listen",
				       strcmp(door->address, EVERYWHERE) == 0 ? "any address"
									      : door->address)
		       : rc;
}

int lf_http_doors_open(const struct lf_http_door *opening, size_t n,
		       struct lf_http_doors **ret_doors, struct lf_error *err)
{
	struct lf_http_doors *doors = calloc(1, sizeof(*doors));
	int rc = 0;

	if (!doors)
		return lf_fail_nomem(err);
	struct pollfd *stop = &doors->sockets[n];
	*stop = (struct pollfd){.fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN};
	if (stop->fd < 0)
		rc = lf_fail_sys(err, errno, "eventfd", "cannot make an event");
	doors->n = n;
	for (size_t i = 0; i < n; i++) {
		doors->doors[i] = opening[i];
		doors->sockets[i] = (struct pollfd){.fd = -1, .events = POLLIN};
		if (!rc)
			rc = listen_at(&doors->doors[i], &doors->sockets[i].fd, err);
	}
	if (rc)
		lf_http_doors_free(doors);
	else
		*ret_doors = doors;
	return rc;
}

int lf_http_doors_start(struct lf_http_doors *doors, struct MHD_Daemon *daemon,
			struct lf_error *err)
{
	doors->daemon = daemon;
	int sys = pthread_create(&doors->thread, NULL, accept_all, doors);
	if (sys)
		return lf_fail_sys(err, sys, NULL, "cannot start a thread");
	doors->running = true;
	return 0;
}

uint16_t lf_http_doors_port(const struct lf_http_doors *doors, size_t i)
{
	return doors->doors[i].port;
}

void lf_http_doors_stop(struct lf_http_doors *doors)
{
	const uint64_t one = 1;

	if (!doors || !doors->running)
		return;
	if (write(doors->sockets[doors->n].fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(doors->thread, NULL);
	doors->running = false;
}

void lf_http_doors_free(struct lf_http_doors *doors)
{
	lf_http_doors_stop(doors);
	for (size_t i = 0; doors && i <= doors->n; i++)
		if (doors->sockets[i].fd >= 0)
			close(doors->sockets[i].fd);
	free(doors);
}

static bool is_door(const struct lf_http_door *door, const char *address, uint16_t port)
{
	return door->port == port &&
	       (strcmp(door->address, address) == 0 || strcmp(door->address, EVERYWHERE) == 0);
}

void lf_http_doors_private(const struct lf_http_doors *doors, int fd, char *out, size_t out_size)
{
	struct sockaddr_in name = {0};
	socklen_t len = sizeof(name);
	char address[INET_ADDRSTRLEN] = "";

	out[0] = '\0';
	if (!doors)
		return;
	if (getsockname(fd, (struct sockaddr *)&name, &len)) {
		snprintf(out, out_size, NOWHERE);
		return;
	}
	if (name.sin_family != AF_INET)
		return;
	inet_ntop(AF_INET, &name.sin_addr, address, sizeof(address));
	for (size_t i = 0; i < doors->n; i++)
		if (is_door(&doors->doors[i], address, ntohs(name.sin_port)))
			snprintf(out, out_size, "%s", address);
}

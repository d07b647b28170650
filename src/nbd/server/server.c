/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets and threads: one thread accepts, one a client serves it.
 */
#include "nbd/server/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/text.h"
#include "nbd/server/session.h"
#include "os/file.h"

#define BACKLOG 16

LF_LOCK_KIND(clients_lock);
struct client {
	struct lf_nbd_server *server;
	int fd; /* -1: a free place */
	bool ended LF_GUARDED_BY(clients_lock);
	pthread_t thread;
};

struct lf_nbd_server {
	const struct lf_nbd_disks *disks;
	int listen_fd;
	atomic_bool stopping;
	pthread_t acceptor;
	pthread_mutex_t mutex; /* ended of clients, and the end of their fd */
	struct client clients[LF_NBD_CLIENTS_MAX];
};

static void *serve_client(void *argument)
{
	struct client *client = argument;

	lf_nbd_session_run(client->server->disks, client->fd, client->fd);
	LF_GUARD(&client->server->mutex, clients_lock);
	shutdown(client->fd, SHUT_RDWR);
	client->ended = true;
	return NULL;
}

static void free_place(struct client *client)
{
	pthread_join(client->thread, NULL);
	close(client->fd);
	client->fd = -1;
}

static bool has_ended(const struct client *client)
{
	LF_GUARD(&client->server->mutex, clients_lock);

	return client->ended;
}

/* Only the acceptor fills and frees places while it runs. */
static struct client *find_place(struct lf_nbd_server *server)
{
	struct client *found = NULL;

	for (size_t i = 0; i < LF_N(server->clients); i++) {
		struct client *client = &server->clients[i];
		if (client->fd >= 0 && has_ended(client))
			free_place(client);
		if (client->fd < 0)
			found = client;
	}
	return found;
}

static void take_client(struct lf_nbd_server *server, int fd)
{
	const int on = 1;
	struct client *client = find_place(server);

	if (!client) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* of no meaning to others */
	LF_ALONE(clients_lock);
	client->fd = fd;
	client->ended = false;
	if (pthread_create(&client->thread, NULL, serve_client, client)) {
		close(fd);
		client->fd = -1;
	}
}

static void *accept_clients(void *argument)
{
	struct lf_nbd_server *server = argument;
	const struct timespec pause = {.tv_nsec = 50 * LF_NS_PER_MS};

	while (!server->stopping) {
		int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			take_client(server, fd);
		else if (errno != EINTR && errno != ECONNABORTED && !server->stopping)
			nanosleep(&pause, NULL); /* no descriptors left: some client will end */
	}
	return NULL;
}

int lf_nbd_server_start(const struct lf_nbd_disks *disks, int listen_fd,
			struct lf_nbd_server **ret_server, struct lf_error *err)
{
	struct lf_nbd_server *server = calloc(1, sizeof(*server));

	if (!server)
		return lf_fail_nomem(err);
	server->disks = disks;
	server->listen_fd = listen_fd;
	for (size_t i = 0; i < LF_N(server->clients); i++)
		server->clients[i] = (struct client){.server = server, .fd = -1};
	pthread_mutex_init(&server->mutex, NULL);
	int sys = pthread_create(&server->acceptor, NULL, accept_clients, server);
	if (sys) {
		pthread_mutex_destroy(&server->mutex);
		free(server);
		return lf_fail_sys(err, sys, NULL, "cannot start a thread");
	}
	*ret_server = server;
	return 0;
}

void lf_nbd_server_stop(struct lf_nbd_server *server)
{
	if (!server)
		return;
	server->stopping = true;
	shutdown(server->listen_fd, SHUT_RDWR); /* wakes the acceptor */
	pthread_join(server->acceptor, NULL);
	for (size_t i = 0; i < LF_N(server->clients); i++)
		if (server->clients[i].fd >= 0)
			shutdown(server->clients[i].fd, SHUT_RDWR);
	for (size_t i = 0; i < LF_N(server->clients); i++)
		if (server->clients[i].fd >= 0)
			free_place(&server->clients[i]);
	pthread_mutex_destroy(&server->mutex);
	free(server);
}

static int listen_at(int fd, const struct sockaddr *address, socklen_t len, const char *name,
		     struct lf_error *err)
{
	if (!bind(fd, address, len) && !listen(fd, BACKLOG))
		return 0;
	if (errno != EADDRINUSE)
		return lf_fail_sys(err, errno, name, "cannot listen at %s", name);
	lf_fail(err, LF_EEXISTS, name, "%s is in use", name);
	return lf_error_hint(err, "name another; a socket that nobody listens at may be removed");
}

int lf_nbd_listen_unix(const char *path, int *ret_fd, struct lf_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path[0] || strlen(path) >= sizeof(address.sun_path)) {
		lf_fail(err, LF_EINVAL, path, "the path of a socket has 1 to %zu bytes",
			sizeof(address.sun_path) - 1);
		return lf_error_hint(err, "use a shorter path");
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	LF_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* the mode that the file gets */
	if (fd < 0 || fchmod(fd, 0600))
		return lf_fail_sys(err, errno, path, "cannot make a socket");
	int rc = listen_at(fd, (const struct sockaddr *)&address, sizeof(address), path, err);
	if (rc)
		return rc;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int lf_nbd_listen_port(uint16_t port, int *ret_fd, uint16_t *ret_port, struct lf_error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	const int on = 1;
	char name[32];

	snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	LF_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return lf_fail_sys(err, errno, name, "cannot make a socket");
	int rc = listen_at(fd, (const struct sockaddr *)&address, sizeof(address), name, err);
	if (!rc && getsockname(fd, (struct sockaddr *)&address, &len))
		rc = lf_fail_sys(err, errno, name, "cannot tell the port");
	if (rc)
		return rc;
	*ret_port = ntohs(address.sin_port);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

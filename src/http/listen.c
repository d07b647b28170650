/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "os/file.h"

int lf_http_listen(const char *address, uint16_t port, bool early, uint16_t *ret_port, int *ret_fd,
		   struct lf_error *err)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	struct sockaddr *name = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
	const int one = 1;

	if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		return lf_fail(err, LF_EINVAL, address, "'%s' is not an IP address", address);
	LF_AUTO_FD fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return lf_fail_sys(err, errno, address, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (early)
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (bind(fd, name, len) || listen(fd, 1024))
		return lf_fail_sys(err, errno, address, "cannot listen on %s port %u", address,
				   port);
	if (getsockname(fd, name, &len))
		return lf_fail_sys(err, errno, address, "cannot ask for the port");
	*ret_port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

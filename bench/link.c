/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link NETNS_A NETNS_B MBIT DELAY_MS - a line between two network namespaces, as long and as wide
 * as asked, for kernels without netem: a tun device "lf-link" in each, and this program, which lets
 * every packet wait for its turn at MBIT a second and then DELAY_MS (one way).  What would wait for
 * more than QUEUE_NS is lost, as routers do.  Addresses are the caller's to give; ends with
 * SIGTERM.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define PACKETS	   32768 /* on their way at most: 64 MiB a direction */
#define QUEUE_NS   (200 * 1000000LL)

struct packet {
	int64_t due_ns;
	size_t len;
	char bytes[PACKET_MAX];
};
struct direction {
	int from, to;
	int64_t free_ns; /* when the line has sent all that was given to it */
	size_t first, n;
	struct packet *ring;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int open_tun(const char *netns)
{
	char path[256];
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(path);
	close(ns);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "lf-link");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		die("/dev/net/tun");
	return fd;
}

/* What has come, each with the instant at which it arrives at the other end. */
static void take(struct direction *way, double bytes_per_ns, int64_t delay_ns)
{
	for (;;) {
		struct packet scrap, *packet = way->n < PACKETS
						       ? &way->ring[(way->first + way->n) % PACKETS]
						       : &scrap;
		ssize_t len = read(way->from, packet->bytes, PACKET_MAX);
		int64_t now = now_ns();
		if (len <= 0)
			return;
		if (way->free_ns < now)
			way->free_ns = now;
		if (packet == &scrap || way->free_ns - now > QUEUE_NS)
			continue; /* lost */
		way->free_ns += (int64_t)((double)len / bytes_per_ns);
		packet->due_ns = way->free_ns + delay_ns;
		packet->len = (size_t)len;
		way->n++;
	}
}

/* What has arrived; when the next does. */
static int64_t give(struct direction *way)
{
	while (way->n) {
		const struct packet *packet = &way->ring[way->first];
		if (packet->due_ns > now_ns())
			return packet->due_ns;
		if (write(way->to, packet->bytes, packet->len) < 0)
			perror("write"); /* the interface is down: lost */
		way->first = (way->first + 1) % PACKETS;
		way->n--;
	}
	return INT64_MAX;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: link NETNS_A NETNS_B MBIT DELAY_MS\n");
		return 2;
	}
	double bytes_per_ns = strtod(argv[3], NULL) / 8 / 1000;
	int64_t delay_ns = (int64_t)(strtod(argv[4], NULL) * 1e6);
	int a = open_tun(argv[1]), b = open_tun(argv[2]);
	struct direction ways[2] = {{.from = a, .to = b}, {.from = b, .to = a}};

	for (int i = 0; i < 2; i++)
		if (!(ways[i].ring = calloc(PACKETS, sizeof(*ways[i].ring))))
			die("memory");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int64_t next = give(&ways[0]), other = give(&ways[1]);
		struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
		int64_t wait = (other < next ? other : next) - now_ns();
		struct timespec t = {.tv_sec = 1};
		if (wait < 1000000000LL)
			t = (struct timespec){.tv_nsec = wait > 0 ? wait : 0};
		if (ppoll(fds, 2, &t, NULL) < 0)
			die("poll");
		for (int i = 0; i < 2; i++)
			take(&ways[i], bytes_per_ns, delay_ns);
	}
}

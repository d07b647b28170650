/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landfalld - the daemon: arguments, and one of everything wired together.
 */
#include <arpa/inet.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "providers/common/site.h"
#include "base/args.h"
#include "base/log.h"
#include "server/check.h"
#include "server/daemon.h"
#include "server/record.h"

#define ARENAS	     4
#define STOP_CUT     75 /* exit status: what was under way was cut, and goes on later */
#define STOP_SECONDS 17 /* with the answers of a last second inside the 20 that are promised */

/* address has room for 64 bytes. */
static int parse_listen(const char *text, char *address, uint16_t *ret_port, struct lf_error *err)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (!colon || colon == text)
		return lf_fail(err, LF_EINVAL, text, "takes ADDRESS:PORT");
	int rc = lf_parse_u64(colon + 1, 0, 65535, &port, err);
	if (rc)
		return rc;
	*ret_port = (uint16_t)port;
	bool bracketed = text[0] == '[' && colon[-1] == ']';
	snprintf(address, 64, "%.*s", (int)(colon - text) - (bracketed ? 2 : 0), text + bracketed);
	return 0;
}

static int take_listen(void *target, const char *text, struct lf_error *err)
{
	struct lf_daemon_opts *opts = target;

	return parse_listen(text, opts->address, &opts->port, err);
}

static int take_name(void *target, const char *text, struct lf_error *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-:"; /* of names, and of either kind of address */
	struct lf_daemon_opts *opts = target;

	if (!text[0] || strlen(text) > 253 || text[strspn(text, plain)])
		return lf_fail(err, LF_EINVAL, text, "takes a host name or an address");
	if (opts->n_names == LF_DAEMON_NAMES_MAX)
		return lf_fail(err, LF_EINVAL, text, "at most %u names", LF_DAEMON_NAMES_MAX);
	opts->names[opts->n_names++] = text;
	return 0;
}

/* It is named by the plans' paths, which nobody's working directory changes. */
static int take_scripts(void *dir, const char *text, struct lf_error *err)
{
	if (text[0] != '/')
		return lf_fail(err, LF_EINVAL, text, "takes an absolute path");
	*(const char **)dir = text;
	return 0;
}

/* The site is called by the address of a private door, too. */
static int take_door(void *target, const char *text, struct lf_error *err)
{
	struct lf_daemon_opts *opts = target;
	struct lf_http_door *door = &opts->doors[opts->n_doors];
	struct in_addr ignored;

	if (opts->n_doors == LF_HTTP_DOORS_MAX)
		return lf_fail(err, LF_EINVAL, text, "at most %d of them", LF_HTTP_DOORS_MAX);
	int rc = parse_listen(text, door->address, &door->port, err);
	if (!rc && inet_pton(AF_INET, door->address, &ignored) != 1)
		rc = lf_fail(err, LF_EINVAL, text, "'%s' is not an IPv4 address", door->address);
	if (rc)
		return rc;
	opts->n_doors++;
	return strcmp(door->address, "0.0.0.0") == 0 ? 0 : take_name(target, door->address, err);
}

static int take_allow(void *allow, const char *text, struct lf_error *err)
{
	if (strcmp(text, "soft-delete-off") == 0)
		*(unsigned *)allow |= LF_ALLOW_SOFT_DELETE_OFF;
	else if (strcmp(text, "over-limits") == 0)
		*(unsigned *)allow |= LF_ALLOW_OVER_LIMITS;
	else
		return lf_fail(err, LF_EINVAL, text, "takes soft-delete-off or over-limits");
	return 0;
}

static int take_connections(void *connections, const char *text, struct lf_error *err)
{
	uint64_t n = 0;
	int rc = lf_parse_u64(text, 1, 65536, &n, err);

	*(unsigned *)connections = (unsigned)n;
	return rc;
}

/* Digits, with a point among them: the whole text, and not "inf" or "0x10". */
static int take_rate(void *clock_rate, const char *text, struct lf_error *err)
{
	char *end;
	double rate = strtod(text, &end);

	if (text[strspn(text, "0123456789.")] || *end || !(rate > 0 && rate <= 1e6))
		return lf_fail(err, LF_EINVAL, text, "takes a number above 0, at most 1000000");
	*(double *)clock_rate = rate;
	return 0;
}

static int take_peer(void *target, const char *text, struct lf_error *err)
{
	struct lf_daemon_opts *opts = target;

	if (opts->n_peers == LF_DAEMON_PEERS_MAX)
		return lf_fail(err, LF_EINVAL, text, "at most %u peers", LF_DAEMON_PEERS_MAX);
	opts->peers[opts->n_peers++] = text;
	return 0;
}

#define AT(member) offsetof(struct lf_daemon_opts, member)
static const struct lf_option options[] = {
	{"--data", "DIR", false, "where everything is kept (made when missing)", lf_option_text,
	 AT(data_dir)},
	{"--listen", "ADDR:PORT", false,
	 "address to serve HTTPS on (default 127.0.0.1:8443; port 0: any)", take_listen},
	{"--private-listen", "ADDR:PORT", false,
	 "one more address to serve HTTPS on, for private endpoints: what\n"
	 "comes there reaches what an approved endpoint of that address\n"
	 "leads to; 0.0.0.0: every address of the host, at a port that\n"
	 "--listen does not have; may be repeated",
	 take_door},
	{"--compute", "DRIVER", false,
	 "libvirt (default), or fake: machines that are documents only", lf_option_text,
	 AT(compute)},
	{"--peer", "REGION=FILE", false,
	 "REGION is served by the site of that pairing key; may be repeated", take_peer},
	{"--dedup", "SCOPE", false,
	 "region: the agents of a region share its keys, and what is alike\n"
	 "is stored once; machine: each agent has keys of its own.  The\n"
	 "choice is kept for later starts; without one it is region",
	 lf_option_text, AT(dedup)},
	{"--allow", "WHAT", false,
	 "let through what Azure refuses, for emulators: soft-delete-off,\n"
	 "over-limits; may be repeated",
	 take_allow, AT(allow)},
	{"--accept-loss", "PIECES", false,
	 "these pieces of the site are lost for good: make them anew, this\n"
	 "once: catalog, ca, token-key, peer-key, audit-key, client-secret,\n"
	 "regions",
	 lf_pieces_take, AT(accept_loss)},
	{"--public-name", "NAME", false,
	 "a name or address by which clients reach this site, beside its\n"
	 "own; may be repeated",
	 take_name},
	{"--plan-scripts", "DIR", false,
	 "recovery plans may run the programs of DIR (absolute), as who runs\n"
	 "landfalld; without it they run none",
	 take_scripts, AT(plan_scripts)},
	{"--connections-per-address", "N", false,
	 "at most N connections at once from one address (default 512)", take_connections,
	 AT(connections_per_address)},
	{"--clock-rate", "N", false, "run N times as fast as real time (default 1)", take_rate,
	 AT(clock_rate)},
	{"--log-level", "LEVEL", false, "error, warning, info (default), debug", lf_log_level_take,
	 AT(log_level)},
	{"--routes", NULL, false, "print every operation that is served, and end"},
	{0},
};
static const struct lf_command_line line = {
	.program = "landfalld",
	.options = options,
	.help = "Serve the site in DIR.  On the first start DIR/client.env says how to sign in.\n"
		"\"landfalld check DIR\" looks through a site that does not run.  See "
		"landfalld(8).",
};

/* 0: go on; 1: done (help); negative: error. */
static int parse_arguments(int argc, char **argv, struct lf_daemon_opts *opts, struct lf_error *err)
{
	struct lf_args args;

	int rc = lf_args_read(&line, argc - 1, argv + 1, opts, &args, err);
	if (rc)
		return rc;
	if (args.help)
		lf_args_help(&line);
	else if (args.version)
		puts("landfalld " LF_VERSION);
	else if (lf_args_value(&args, "--routes"))
		lf_daemon_print_routes();
	else if (opts->data_dir)
		return 0;
	else
		return lf_fail_arm(err, LF_EINVAL, NULL, "--data", "see landfalld --help",
				   "give --data DIR");
	return 1;
}

/*
 * The end comes in time whatever is under way: what was not finished by then goes on at the next
 * start, as after a kill, which is what everything here is made for.
 */
static void *give_up(void *context)
{
	const struct timespec limit = {.tv_sec = STOP_SECONDS};

	(void)context;
	while (nanosleep(&limit, NULL) != 0)
		;
	lf_warn("what is under way has not ended in %d s: it goes on at the next start",
		STOP_SECONDS);
	_exit(STOP_CUT);
}

int main(int argc, char **argv)
{
	struct lf_daemon_opts opts = {.address = "127.0.0.1",
				      .port = 8443,
				      .compute = "libvirt",
				      .clock_rate = 1,
				      .log_level = LF_LOG_INFO};
	struct lf_error err = LF_ERROR_NONE;
	struct lf_daemon *daemon = NULL;
	sigset_t stop;
	int got;

	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return lf_check_main(argc - 1, argv + 1);
	int rc = parse_arguments(argc, argv, &opts, &err);
	if (rc > 0)
		return 0;
	lf_log_init("landfalld", opts.log_level);
	/* what a burst of requests took goes back to the system: few arenas, which can be trimmed,
	 * and large pieces in mappings of their own, whatever was freed before */
	mallopt(M_ARENA_MAX, ARENAS);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	/* threads inherit the mask: only the wait below takes these signals */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (!rc)
		rc = lf_daemon_open(&opts, &daemon, &err);
	if (rc) {
		lf_log_error("cannot start", &err);
		return lf_error_exit(rc);
	}
	printf("landfalld: ready %s\n", lf_daemon_url(daemon));
	fflush(stdout);
	while (sigwait(&stop, &got) != 0)
		;
	lf_info("stopping");
	pthread_t last;
	if (pthread_create(&last, NULL, give_up, NULL) == 0)
		pthread_detach(last);
	lf_daemon_free(daemon);
	return 0;
}

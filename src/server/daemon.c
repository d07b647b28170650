/* SPDX-License-Identifier: Apache-2.0 */
#include "server/daemon.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arm/arm.h"
#include "http/server.h"
#include "providers/registry.h"
#include "server/site.h"

#define JOB_WORKERS  6
#define HTTP_THREADS 4

struct lf_daemon {
	struct lf_site site;
	struct lf_context context;
	struct lf_arm *arm;
	struct lf_http_server *http;
	char *url;
	char *data_dir;
};

static int open_core(struct lf_daemon *daemon, const struct lf_daemon_opts *opts,
		     struct lf_error *err)
{
	struct lf_context *context = &daemon->context;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/catalog.db", opts->data_dir);
	size_t n_jobs;
	const struct lf_job_type *const *types = lf_registry_jobs(&n_jobs);

	context->clock = lf_clock_new_real(opts->clock_rate);
	if (!path || !context->clock)
		return lf_fail_nomem(err);
	int rc = lf_catalog_open(path, context->clock, &context->catalog, err);
	if (!rc)
		rc = lf_site_load(&daemon->site, context->catalog, context->clock, opts->address,
				  err);
	if (rc)
		return rc;
	context->data_dir = daemon->data_dir;
	context->token_keys = daemon->site.token_keys;
	context->tenant_id = daemon->site.tenant_id;
	context->subscription_id = daemon->site.subscription_id;
	context->owner_id = daemon->site.owner_id;
	context->ca_cert = daemon->site.ca_cert;
	context->ca_key = daemon->site.ca_key;
	return lf_jobs_open(context->catalog, context->clock, types, n_jobs, context,
			    &context->jobs, err);
}

static int open_front(struct lf_daemon *daemon, const struct lf_daemon_opts *opts,
		      struct lf_error *err)
{
	size_t n;
	const struct lf_arm_provider *const *providers = lf_registry_providers(&n);
	const struct lf_http_server_opts http = {.address = opts->address,
						 .port = opts->port,
						 .certificate_pem = daemon->site.server_cert,
						 .key_pem = daemon->site.server_key,
						 .client_ca_pem = daemon->site.ca_cert,
						 .threads = HTTP_THREADS};

	int rc = lf_arm_open(&daemon->context, providers, n, &daemon->arm, err);
	if (!rc)
		rc = lf_http_server_open(&http, lf_arm_http_handler(daemon->arm), &daemon->http,
					 err);
	return rc;
}

int lf_daemon_open(const struct lf_daemon_opts *opts, struct lf_daemon **ret_daemon,
		   struct lf_error *err)
{
	struct lf_daemon *daemon = calloc(1, sizeof(*daemon));

	if (!daemon)
		return lf_fail_nomem(err);
	daemon->site.lock = -1;
	daemon->data_dir = strdup(opts->data_dir);
	int rc = daemon->data_dir ? lf_site_lock(&daemon->site, daemon->data_dir, err)
				  : lf_fail_nomem(err);
	if (!rc)
		rc = open_core(daemon, opts, err);
	if (!rc)
		rc = open_front(daemon, opts, err);
	if (!rc) {
		bool v6 = strchr(opts->address, ':');
		daemon->url = lf_printf_dup("https://%s%s%s:%u", v6 ? "[" : "", opts->address,
					    v6 ? "]" : "", lf_http_server_port(daemon->http));
		daemon->context.base_url = daemon->url;
		rc = daemon->url ? lf_site_write_client(&daemon->site, daemon->context.catalog,
							daemon->url, err)
				 : lf_fail_nomem(err);
	}
	if (!rc)
		rc = lf_jobs_run(daemon->context.jobs, JOB_WORKERS, err);
	if (rc) {
		lf_daemon_free(daemon);
		return rc;
	}
	*ret_daemon = daemon;
	return 0;
}

const char *lf_daemon_url(const struct lf_daemon *daemon)
{
	return daemon->url;
}

void lf_daemon_free(struct lf_daemon *daemon)
{
	if (!daemon)
		return;
	lf_http_server_free(daemon->http);
	lf_jobs_free(daemon->context.jobs);
	lf_arm_free(daemon->arm);
	lf_catalog_free(daemon->context.catalog);
	lf_clock_free(daemon->context.clock);
	lf_site_done(&daemon->site);
	free(daemon->url);
	free(daemon->data_dir);
	free(daemon);
}

void lf_daemon_print_routes(void)
{
	size_t n;
	const struct lf_arm_provider *const *providers = lf_registry_providers(&n);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < providers[i]->n_routes; j++)
			printf("%s\t%s\t%s\n", providers[i]->routes[j].method,
			       providers[i]->routes[j].path,
			       providers[i]->routes[j].action ? providers[i]->routes[j].action
							      : "-");
}

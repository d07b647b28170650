/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiring: each part is opened with what it needs of those below it, and what a
 * part needs of one above it is a function handed down here.  Keepers are
 * started last and stopped first; closing goes the other way round, and every
 * part bears being closed half opened.  A kill needs nothing of this: what
 * matters is in the vault, the catalog and the journals.
 */
#include "server/daemon.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm/arm.h"
#include "blob/blob.h"
#include "http/later.h"
#include "http/server.h"
#include "os/process.h"
#include "peer/receive.h"
#include "providers/authorization/authorization.h"
#include "providers/backup/backup.h"
#include "providers/compute/access.h"
#include "providers/identity/identity.h"
#include "providers/identity/signin.h"
#include "providers/registry.h"
#include "providers/storage/storage.h"
#include "replication/intake.h"
#include "replication/session.h"
#include "server/keepers.h"
#include "server/reserve.h"
#include "server/site.h"

#define JOB_WORKERS	6
#define HTTP_THREADS	6
#define CONNECTIONS_MAX 4096u
/* enough for them, and for what files, children and the catalog take */
#define DESCRIPTORS_MAX	    65536u
#define DESCRIPTORS_RESERVE 1024u
#define AGENT_PACKS_MAX	    64 /* that wait in the container of one agent */

struct lf_daemon {
	struct lf_site site;
	struct lf_context context;
	struct lf_intake *intake;
	struct lf_blob_service *blob;
	struct lf_receive *receive;
	struct lf_later *later;
	struct lf_arm *arm;
	struct lf_http_server *http;
	char *url;
	char host_name[256];
	const char *names[LF_DAEMON_NAMES_MAX + 6]; /* what the site is called; NULL-ended */
	char *data_dir;
	struct lf_keepers *keepers;
};

/* What one part needs of another that is above it. */

static void replica_changed(void *context, const char *item_id)
{
	struct lf_daemon *daemon = context;

	if (daemon->context.jobs)
		lf_jobs_poke(daemon->context.jobs, item_id);
}

static int pack_path(void *context, const char *account_id, const char *container, const char *blob,
		     char **ret_path, struct lf_error *err)
{
	const struct lf_daemon *daemon = context;

	return lf_blob_path(daemon->data_dir, lf_arm_id_last(account_id), container, blob, ret_path,
			    err);
}

static int pack_container(void *context, const char *account_id, const char *container,
			  struct lf_error *err)
{
	const struct lf_daemon *daemon = context;

	return lf_blob_container_clear(daemon->data_dir, lf_arm_id_last(account_id), container,
				       err);
}

static int agent_token(void *context, const char *agent, char **ret_token, struct lf_error *err)
{
	const struct lf_daemon *daemon = context;

	return lf_identity_token(&daemon->context, agent, agent, "https://storage.azure.com",
				 ret_token, err);
}

/* Packs are adopted one after the other; an agent that only puts them fills no account. */
static int check_packs(const struct lf_daemon *daemon, const struct lf_blob_access *access,
		       struct lf_error *err)
{
	size_t n = 0;
	int rc = lf_blob_container_count(daemon->data_dir, access->account, access->container, &n,
					 err);

	return rc || n < AGENT_PACKS_MAX
		       ? rc
		       : lf_fail_arm(err, LF_ECONFLICT, "TooManyPacks", access->container,
				     "have those that are there adopted, or begin a session, which "
				     "drops them",
				     "%zu packs wait to be adopted", n);
}

static int may_ask(struct lf_context *context, const char *principal, const char *right,
		   const char *scope, bool *ret_may, struct lf_error *err)
{
	return lf_rights_may(context->rights, principal, right, scope, ret_may, err);
}

static int is_unlocked(struct lf_context *context, const char *right, const char *scope,
		       struct lf_error *err)
{
	return lf_rights_unlocked(context->rights, right, scope, err);
}

static const struct lf_arm_rights arm_rights = {may_ask, is_unlocked, lf_rights_linked};

/* Roles decide; an agent may put its packs, and replaces none. */
static int authorize_blob(void *context, struct lf_blob_access *access, struct lf_error *err)
{
	struct lf_daemon *daemon = context;
	bool may = false;

	int rc = lf_storage_may(&daemon->context, access, &may, err);
	if (rc || may)
		return rc;
	access->create_only = access->agent = true;
	rc = access->operation != LF_BLOB_PUT
		     ? LF_ENOTFOUND
		     : lf_agent_may_put_pack(daemon->context.replication, access->principal,
					     access->account, access->container, access->blob, err);
	if (!rc)
		rc = check_packs(daemon, access, err);
	return rc == LF_ENOTFOUND
		       ? lf_fail_arm(err, LF_EDENIED, "AuthorizationPermissionMismatch",
				     access->account, "ask for a role on the storage account",
				     "this request is not authorized to perform this operation")
		       : rc;
}

/* What is handed out by URLs of its own (LF_DISK_ACCESS_ACCOUNT) has no account's rules. */
static int admit_blob(void *context, struct lf_blob_access *access,
		      const struct lf_http_exchange *x, struct lf_error *err)
{
	struct lf_daemon *daemon = context;

	return strcmp(access->account, LF_DISK_ACCESS_ACCOUNT) == 0
		       ? 0
		       : lf_storage_admit(daemon->context.catalog, access, x, err);
}

static int blob_keys(void *context, const char *account, json_t **ret_keys, struct lf_error *err)
{
	struct lf_daemon *daemon = context;

	if (strcmp(account, LF_DISK_ACCESS_ACCOUNT) == 0)
		return lf_disk_access_keys(daemon->context.catalog, ret_keys, err);
	return lf_storage_keys(daemon->context.catalog, account, ret_keys, err);
}

static int sent_point(void *context, const struct lf_received *what, struct lf_error *err)
{
	struct lf_daemon *daemon = context;

	return lf_backup_replica_sent(&daemon->context, what, err);
}

static int keep_point(void *context, const struct lf_received *what, const json_t *body,
		      struct lf_error *err)
{
	struct lf_daemon *daemon = context;

	return lf_backup_replica_keep(&daemon->context, what, body, err);
}

static int forget_point(void *context, const struct lf_received *what, struct lf_error *err)
{
	struct lf_daemon *daemon = context;

	return lf_backup_replica_forget(&daemon->context, what, err);
}

/* What clients may call the site, its certificate has, and tokens are for. */
static void name_site(struct lf_daemon *daemon, const struct lf_daemon_opts *opts)
{
	size_t n = 0;

	if (gethostname(daemon->host_name, sizeof(daemon->host_name) - 1))
		daemon->host_name[0] = '\0';
	daemon->names[n++] = "localhost";
	daemon->names[n++] = "127.0.0.1";
	daemon->names[n++] = "::1";
	daemon->names[n++] = opts->address;
	if (daemon->host_name[0])
		daemon->names[n++] = daemon->host_name;
	for (size_t i = 0; i < opts->n_names; i++)
		daemon->names[n++] = opts->names[i];
}

/* Open, layer by layer. */

static int open_audit(struct lf_daemon *daemon, const struct lf_daemon_opts *opts,
		      struct lf_error *err)
{
	char id[65];
	bool given_up = opts->accept_loss & (1u << LF_PIECE_AUDIT);

	int rc = given_up ? lf_audit_key_id(daemon->data_dir, id, err) : 0;
	if (!rc && given_up && !id[0])
		rc = lf_audit_give_up(daemon->data_dir, err);
	return rc ? rc
		  : lf_audit_open(daemon->data_dir, daemon->context.clock, &daemon->context.audit,
				  err);
}

static int open_core(struct lf_daemon *daemon, const struct lf_daemon_opts *opts,
		     struct lf_error *err)
{
	struct lf_context *context = &daemon->context;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/catalog.db", opts->data_dir);

	name_site(daemon, opts);
	context->clock = lf_clock_new_real(opts->clock_rate);
	if (!path || !context->clock)
		return lf_fail_nomem(err);
	/* the platform key first: nothing has been touched when it is missing */
	int rc = lf_regions_open(daemon->data_dir, &context->regions, err);
	if (!rc)
		rc = lf_catalog_open(path, context->clock, &context->catalog, err);
	if (!rc)
		rc = lf_site_load(&daemon->site, context->catalog, context->clock, daemon->names,
				  err);
	if (rc)
		return rc;
	rc = open_audit(daemon, opts, err);
	if (rc)
		return rc;
	rc = lf_sign_in_open(context->clock, &context->sign_in, err);
	if (!rc)
		rc = lf_rights_open(context->catalog, daemon->site.owner_id, &context->rights, err);
	if (rc)
		return rc;
	context->allow = opts->allow;
	context->plan_scripts = opts->plan_scripts;
	context->data_dir = daemon->data_dir;
	context->token_keys = daemon->site.token_keys;
	context->tenant_id = daemon->site.tenant_id;
	context->subscription_id = daemon->site.subscription_id;
	context->owner_id = daemon->site.owner_id;
	context->ca_cert = daemon->site.ca_cert;
	context->providers = lf_registry_providers(&context->n_providers);
	return lf_peers_open(daemon->data_dir, opts->peers, opts->n_peers, &context->peers, err);
}

static int open_engine(struct lf_daemon *daemon, const struct lf_daemon_opts *opts,
		       struct lf_error *err)
{
	struct lf_context *context = &daemon->context;
	size_t n_jobs;
	const struct lf_job_type *const *types = lf_registry_jobs(&n_jobs);
	const struct lf_replication_opts replication = {.catalog = context->catalog,
							.clock = context->clock,
							.regions = context->regions,
							.data_dir = daemon->data_dir,
							.base_url = &context->base_url,
							.ca_cert = context->ca_cert,
							.ca_key = daemon->site.ca_key,
							.dedup = opts->dedup,
							.changed = replica_changed,
							.context = daemon};
	LF_AUTO_FREE char *compute_dir = lf_printf_dup("%s/compute", daemon->data_dir);
	const struct lf_compute_opts compute = {
		.data_dir = compute_dir, .regions = context->regions, .driver = opts->compute};

	int rc = compute_dir ? lf_compute_open(&compute, &context->compute, err)
			     : lf_fail_nomem(err);
	if (!rc)
		rc = lf_replication_open(&replication, &context->replication, err);
	if (!rc)
		rc = lf_jobs_open(context->catalog, context->clock, types, n_jobs, context,
				  &context->jobs, err);
	return rc;
}

static int open_mounts(struct lf_daemon *daemon, struct lf_error *err)
{
	const struct lf_context *context = &daemon->context;
	int rc = lf_later_open(&daemon->later, err);
	if (rc)
		return rc;
	const struct lf_intake_opts intake = {.later = daemon->later,
					      .replication = context->replication,
					      .audit = context->audit,
					      .ca_cert = context->ca_cert,
					      .blob_path = pack_path,
					      .blob_container = pack_container,
					      .blob_token = agent_token,
					      .context = daemon};
	const struct lf_blob_opts blob = {.clock = context->clock,
					  .later = daemon->later,
					  .audit = context->audit,
					  .regions = context->regions,
					  .token_keys = context->token_keys,
					  .data_dir = daemon->data_dir,
					  .tenant_id = context->tenant_id,
					  .base_url = &context->base_url,
					  .authorize = authorize_blob,
					  .admit = admit_blob,
					  .keys = blob_keys,
					  .context = daemon};

	const struct lf_receive_opts receive = {.later = daemon->later,
						.regions = context->regions,
						.audit = context->audit,
						.clock = context->clock,
						.data_dir = daemon->data_dir,
						.sent = sent_point,
						.keep = keep_point,
						.forget = forget_point,
						.context = daemon};

	rc = lf_receive_open(&receive, &daemon->receive, err);
	if (!rc)
		rc = lf_intake_open(&intake, &daemon->intake, err);
	if (!rc)
		rc = lf_blob_open(&blob, &daemon->blob, err);
	if (rc)
		return rc;
	const struct lf_arm_mount mounts[] = {
		{lf_receive_matches, *lf_receive_http_handler(daemon->receive), daemon->receive},
		{lf_intake_matches, *lf_intake_http_handler(daemon->intake), daemon->intake},
		{lf_blob_matches, *lf_blob_http_handler(daemon->blob), daemon->blob},
	};
	for (size_t i = 0; !rc && i < LF_N(mounts); i++)
		rc = lf_arm_mount(daemon->arm, &mounts[i], err);
	return rc;
}

/* As many connections as there are descriptors for, beside those that everything else opens. */
static unsigned connections_allowed(void)
{
	unsigned descriptors = lf_descriptors_raise(DESCRIPTORS_MAX);
	unsigned rest = descriptors > 2 * DESCRIPTORS_RESERVE ? descriptors - DESCRIPTORS_RESERVE
							      : descriptors / 2;

	return rest < CONNECTIONS_MAX ? rest : CONNECTIONS_MAX;
}

static int open_front(struct lf_daemon *daemon, const struct lf_daemon_opts *opts,
		      struct lf_error *err)
{
	const struct lf_context *context = &daemon->context;
	unsigned connections = connections_allowed();
	const struct lf_arm_opts arm = {.clock = context->clock,
					.catalog = context->catalog,
					.jobs = context->jobs,
					.audit = context->audit,
					.token_keys = context->token_keys,
					.base_url = &context->base_url,
					.names = daemon->names,
					.tenant_id = context->tenant_id,
					.owner_id = context->owner_id,
					.rights = &arm_rights,
					.subscription_id = context->subscription_id,
					.context = &daemon->context,
					.providers = context->providers,
					.n_providers = context->n_providers};
	const struct lf_http_server_opts http = {.address = opts->address,
						 .port = opts->port,
						 .certificate_pem = daemon->site.server_cert,
						 .key_pem = daemon->site.server_key,
						 .client_ca_pem = daemon->site.ca_cert,
						 .threads = HTTP_THREADS,
						 .doors = opts->doors,
						 .n_doors = opts->n_doors,
						 .connections_max = connections,
						 .connections_per_address =
							 opts->connections_per_address};
	bool v6 = strchr(opts->address, ':');

	int rc = lf_arm_open(&arm, &daemon->arm, err);
	if (!rc)
		rc = open_mounts(daemon, err);
	if (!rc)
		rc = lf_http_server_open(&http, lf_arm_http_handler(daemon->arm), &daemon->http,
					 err);
	if (rc)
		return rc;
	daemon->url = lf_printf_dup("https://%s%s%s:%u", v6 ? "[" : "", opts->address,
				    v6 ? "]" : "", lf_http_server_port(daemon->http));
	return daemon->url ? 0 : lf_fail_nomem(err);
}

/* A start or a stop as a line of the audit log. */
static void say(struct lf_daemon *daemon, const char *action)
{
	lf_audit_write(daemon->context.audit,
		       &(struct lf_audit_event){.action = action,
						.resource = daemon->url,
						.detail = "version " LF_VERSION,
						.durable = true});
}

int lf_daemon_open(const struct lf_daemon_opts *opts, struct lf_daemon **ret_daemon,
		   struct lf_error *err)
{
	struct lf_daemon *daemon = calloc(1, sizeof(*daemon));

	if (!daemon)
		return lf_fail_nomem(err);
	daemon->site.lock = -1;
	daemon->context.base_url = "";
	daemon->data_dir = strdup(opts->data_dir);
	int rc = daemon->data_dir ? lf_site_lock(&daemon->site, daemon->data_dir, err)
				  : lf_fail_nomem(err);
	if (!rc)
		rc = lf_site_look(&daemon->site, opts->accept_loss, err);
	if (!rc)
		lf_reserve_tend(daemon->data_dir);
	if (!rc)
		rc = open_core(daemon, opts, err);
	if (!rc)
		rc = open_engine(daemon, opts, err);
	if (!rc)
		rc = open_front(daemon, opts, err);
	if (!rc) {
		daemon->context.base_url = daemon->url;
		rc = lf_site_write_client(&daemon->site, daemon->context.catalog, daemon->url, err);
	}
	if (!rc)
		rc = lf_site_write_peer(&daemon->site, daemon->url, err);
	if (!rc)
		rc = lf_site_settle(&daemon->site, err);
	if (!rc)
		lf_jobs_audit(daemon->context.jobs, daemon->context.audit);
	if (!rc)
		rc = lf_jobs_run(daemon->context.jobs, JOB_WORKERS, err);
	if (!rc)
		rc = lf_replication_run(daemon->context.replication, err);
	const struct lf_keepers_opts keepers = {.context = &daemon->context,
						.receive = daemon->receive,
						.site = &daemon->site,
						.http = daemon->http,
						.names = daemon->names};
	if (!rc)
		rc = lf_keepers_start(&keepers, &daemon->keepers, err);
	if (rc) {
		lf_daemon_free(daemon);
		return rc;
	}
	say(daemon, "Landfall/daemon/start");
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
	if (daemon->context
		    .replication) /* requests wait for its commits, and the server for them */
		lf_replication_stop(daemon->context.replication);
	lf_later_stop(daemon->later); /* and for these */
	lf_keepers_stop(daemon->keepers);
	lf_sign_in_stop(daemon->context.sign_in); /* requests wait for it */
	lf_http_server_free(daemon->http);
	lf_later_free(daemon->later);
	lf_sign_in_free(daemon->context.sign_in);
	lf_jobs_free(lf_steal(&daemon->context.jobs));
	lf_arm_free(daemon->arm);
	lf_blob_free(daemon->blob);
	lf_intake_free(daemon->intake);
	lf_receive_free(daemon->receive);
	lf_replication_free(daemon->context.replication);
	lf_compute_free(daemon->context.compute);
	lf_rights_free(daemon->context.rights);
	lf_peers_free(daemon->context.peers);
	lf_regions_free(daemon->context.regions);
	lf_catalog_free(daemon->context.catalog);
	if (daemon->url)
		say(daemon, "Landfall/daemon/stop");
	lf_audit_free(daemon->context.audit);
	lf_clock_free(daemon->context.clock);
	lf_site_done(&daemon->site);
	free(daemon->url);
	free(daemon->data_dir);
	free(daemon);
}

static void print_route(const struct lf_arm_route *route)
{
	LF_AUTO_FREE char *right = NULL;
	struct lf_error err;

	if (lf_route_right(route, &right, &err))
		lf_log_error("a route has no right", &err);
	printf("%s\t%s\t%s\t%s\n", route->method, route->path, right ? right : "-",
	       route->refused ? route->refused : "-");
}

void lf_daemon_print_routes(void)
{
	size_t n;
	const struct lf_arm_provider *const *providers = lf_registry_providers(&n);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < providers[i]->n_routes; j++)
			print_route(&providers[i]->routes[j]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "siterecovery_fixture.h"

#include "job/engine.h"
#include "test.h"
#include "vault/point/point.h"

struct played played;

/* The played replication: the functions of replication.h. */

int lf_replica_start(struct lf_replication *replication, const json_t *spec, struct lf_error *err)
{
	(void)replication, (void)err;
	bool second = strcmp(lf_json_text(spec, "agentId"), AGENT2) == 0;
	assert_string_equal(lf_json_text(spec, "itemId"), second ? ITEM2 : ITEM);
	assert_true(second || strcmp(lf_json_text(spec, "agentId"), AGENT) == 0);
	played.started = true;
	return 0;
}

int lf_replica_set_policy(struct lf_replication *replication, const char *item_id,
			  const json_t *policy, struct lf_error *err)
{
	(void)replication, (void)item_id, (void)policy, (void)err;
	return 0;
}

int lf_replica_get(struct lf_replication *replication, const char *item_id, json_t **ret_replica,
		   struct lf_error *err)
{
	const json_t *newest = json_array_get(played.points, 0);
	char heard[LF_TIME_SIZE];

	(void)replication;
	if (!played.started)
		return lf_fail(err, LF_ENOTFOUND, item_id, "no replica");
	/* an agent that has shut its machine down is heard no more */
	lf_time_format(played.shut_down_at && !played.stays_on ? played.shut_down_at
							       : lf_clock_now_ns(played.clock),
		       heard);
	*ret_replica = json_pack(
		"{s:s,s:b,s:I,s:I,s:[{s:s,s:I,s:I,s:I,s:b,s:I}],s:s?,s:s?,s:s?,s:s?,s:I,s:b,s:{s:s?"
		","
		"s:s?},s:s,s:[]}",
		"phase", newest ? "Delta" : "Initial", "agentConnected", (int)played.connected,
		"percentage", (json_int_t)40, "processedBytes", (json_int_t)4096, "disks", "id",
		"disk-0", "sizeBytes", (json_int_t)(1 << 30), "processedBytes", (json_int_t)4096,
		"transferredBytes", (json_int_t)1024, "initialComplete", newest != NULL,
		"pendingBytes", (json_int_t)0, "lastPointId", lf_json_text(newest, "id"),
		"lastPointTime", lf_json_text(newest, "time"), "finalToken",
		played.final_point[0] ? played.token : NULL, "finalPointId",
		played.final_point[0] ? played.final_point : NULL, "rpoSeconds", (json_int_t)7,
		"canShutDown", (int)played.can_shut_down, "shutDown", "token",
		played.shut_down_at ? played.token : NULL, "error", played.shut_down_error,
		"lastHeartbeat", heard, "health");
	if (played.fault)
		json_array_append_new(lf_json_at(*ret_replica, "health"),
				      json_pack("{s:s,s:s,s:s}", "code", "AgentNotConnected",
						"message", played.fault, "severity", "Warning"));
	assert_non_null(*ret_replica);
	return 0;
}

int lf_replica_points(struct lf_replication *replication, const char *item_id, json_t **ret_points,
		      struct lf_error *err)
{
	(void)replication;
	if (!played.started)
		return lf_fail(err, LF_ENOTFOUND, item_id, "no replica");
	*ret_points = json_deep_copy(played.points);
	return 0;
}

int lf_replica_request_final(struct lf_replication *replication, const char *item_id,
			     const char *token, enum lf_replica_after after, struct lf_error *err)
{
	(void)replication, (void)item_id, (void)err;
	snprintf(played.token, sizeof(played.token), "%s", token);
	played.final_after = after;
	return 0;
}

int lf_replica_withdraw_final(struct lf_replication *replication, const char *item_id,
			      const char *token, struct lf_error *err)
{
	(void)replication, (void)item_id, (void)token, (void)err;
	return 0;
}

int lf_replica_resume(struct lf_replication *replication, const char *item_id, struct lf_error *err)
{
	(void)replication, (void)item_id, (void)err;
	played.resumed = true;
	return 0;
}

int lf_replica_remove(struct lf_replication *replication, const char *item_id, struct lf_error *err)
{
	(void)replication, (void)item_id, (void)err;
	played.started = false;
	played.removed = true;
	return 0;
}

int lf_replication_tend(struct lf_replication *replication, struct lf_error *err)
{
	(void)replication, (void)err;
	return 0;
}

int lf_agents_list(struct lf_replication *replication, const char *site_id, json_t **ret_agents,
		   struct lf_error *err)
{
	(void)replication, (void)err;
	assert_string_equal(site_id, SITE);
	*ret_agents = json_pack(
		"[{s:s,s:s,s:b,s:s,s:s,s:s,s:i,s:i,s:[s],s:[{s:s,s:s,s:I,s:b,s:i},"
		"{s:s,s:s,s:I,s:b,s:i}],s:[{s:s,s:s,s:[s],s:s}],s:[]}]",
		"agentId", AGENT, "machineName", "web01", "connected", 1, "version", LF_VERSION,
		"os", played.os ? played.os : "Debian GNU/Linux 12", "firmware", "uefi", "cores", 2,
		"memoryMiB", 2048, "ips", "192.0.2.7", "disks", "id", "disk-0", "name", "sda",
		"sizeBytes", (json_int_t)(1 << 30), "os", 1, "lun", 0, "id", "disk-1", "name",
		"sdb", "sizeBytes", (json_int_t)(1 << 30), "os", 0, "lun", 1, "nics", "id", "nic-0",
		"mac", "52:54:00:00:00:01", "ips", "192.0.2.7", "network", "lan", "preflight");
	assert_non_null(*ret_agents);
	if (played.two_machines) {
		json_t *second = json_deep_copy(json_array_get(*ret_agents, 0));
		assert_int_equal(0, lf_json_set_text(second, "agentId", AGENT2) |
					    lf_json_set_text(second, "machineName", "db01"));
		json_array_append_new(*ret_agents, second);
	}
	if (played.two_nics)
		json_array_append_new(lf_json_at(*ret_agents, "0.nics"),
				      json_pack("{s:s,s:s,s:[s],s:s}", "id", "nic-1", "mac",
						"52:54:00:00:00:02", "ips", "192.0.2.8", "network",
						"lan"));
	return 0;
}

/* The played front: the functions of arm.h that handlers use. */

struct lf_arm_call {
	struct lf_context *context;
	char path[1024], query[256];
	char names[12][32], values[12][256];
	size_t n;
	json_t *body;
	const struct lf_arm_route *route;
	char ids[16][1024]; /* by levels_up */
	struct reply reply;
};

struct lf_context *lf_arm_context(const struct lf_arm_call *call)
{
	return call->context;
}

const char *lf_arm_param(const struct lf_arm_call *call, const char *name)
{
	for (size_t i = 0; i < call->n; i++)
		if (strcmp(call->names[i], name) == 0)
			return call->values[i];
	fail_msg("the route has no parameter %s", name);
	return "";
}

const char *lf_arm_query(const struct lf_arm_call *call, const char *name)
{
	size_t len = strlen(name);

	return strncmp(call->query, name, len) == 0 && call->query[len] == '='
		       ? call->query + len + 1
		       : NULL;
}

json_t *lf_arm_body(const struct lf_arm_call *call)
{
	return call->body;
}

const char *lf_arm_id(const struct lf_arm_call *call, unsigned levels_up)
{
	struct lf_arm_call *own = (struct lf_arm_call *)(uintptr_t)call;
	char *id = own->ids[levels_up];

	snprintf(id, sizeof(own->ids[0]), "%s", call->path);
	for (unsigned i = 0; i < levels_up; i++)
		*strrchr(id, '/') = '\0';
	return id;
}

const void *lf_arm_subject(const struct lf_arm_call *call)
{
	return call->route->subject;
}

const struct lf_field *lf_arm_fields(const struct lf_arm_call *call, size_t *ret_n)
{
	*ret_n = call->route->n_fields;
	return call->route->fields;
}

const char *lf_arm_header(const struct lf_arm_call *call, const char *name)
{
	(void)call, (void)name;
	return NULL;
}

const char *lf_arm_base_url(const struct lf_arm_call *call)
{
	return call->context->base_url;
}

const char *lf_arm_api_version(const struct lf_arm_call *call)
{
	const char *asks = strstr(call->query, "api-version=");

	return asks ? asks + strlen("api-version=") : "2025-08-01";
}

bool lf_arm_may(const struct lf_arm_call *call, const char *action, const char *scope)
{
	(void)call;
	(void)action;
	(void)scope;
	return true;
}

const char *lf_arm_principal(const struct lf_arm_call *call)
{
	(void)call;
	return "";
}

const char *lf_arm_request_id(const struct lf_arm_call *call)
{
	return call->path;
}

struct lf_http_exchange *lf_arm_http(const struct lf_arm_call *call)
{
	(void)call;
	return NULL; /* only the front's questions need one */
}

int lf_arm_reply(struct lf_arm_call *call, int status, const json_t *body, struct lf_error *err)
{
	(void)err;
	call->reply.status = status;
	call->reply.body = json_deep_copy(body);
	return 0;
}

int lf_arm_reply_doc(struct lf_arm_call *call, int status, struct lf_doc *doc, struct lf_error *err)
{
	LF_AUTO_JSON *body = NULL;
	int rc = lf_doc_end(doc, &body, err);

	return rc ? rc : lf_arm_reply(call, status, body, err);
}

int lf_arm_reply_list(struct lf_arm_call *call, json_t *values, const char *next_token,
		      struct lf_error *err)
{
	LF_AUTO_JSON *body = json_pack("{s:O,s:s?}", "value", values, "nextLink", next_token);

	return lf_arm_reply(call, 200, body, err);
}

int lf_arm_reply_async(struct lf_arm_call *call, int status, const struct lf_arm_async *async,
		       const json_t *body, struct lf_error *err)
{
	snprintf(call->reply.job, sizeof(call->reply.job), "%s", async->job);
	snprintf(call->reply.status_path, sizeof(call->reply.status_path), "%s",
		 async->status_path);
	snprintf(call->reply.result_path, sizeof(call->reply.result_path), "%s",
		 async->result_path);
	assert_true(async->retry_after >= 1);
	return lf_arm_reply(call, status, body, err);
}

int lf_arm_reply_job_status(struct lf_arm_call *call, const char *id, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_jobs_get(call->context->jobs, id, &job, err);
	LF_AUTO_JSON *body = rc ? NULL : json_pack("{s:s}", "status", lf_job_state_name(job.state));

	return rc ? rc : lf_arm_reply(call, 200, body, err);
}

int lf_arm_reply_job_result(struct lf_arm_call *call, const char *id, lf_arm_handler *done,
			    struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_jobs_get(call->context->jobs, id, &job, err);

	if (rc)
		return rc;
	return lf_job_state_is_final(job.state) ? done(call, err)
						: lf_arm_reply(call, 202, NULL, err);
}

/* Does the path fit the route?  Fills the parameters. */
static bool route_fits(const char *route, const char *path, struct lf_arm_call *call)
{
	call->n = 0;
	while (*route && *path) {
		size_t route_len = strcspn(++route, "/"), path_len = strcspn(++path, "/");
		if (*route == '{') {
			snprintf(call->names[call->n], sizeof(call->names[0]), "%.*s",
				 (int)route_len - 2, route + 1);
			snprintf(call->values[call->n++], sizeof(call->values[0]), "%.*s",
				 (int)path_len, path);
		} else if (route_len != path_len || strncasecmp(route, path, path_len) != 0) {
			return false;
		}
		route += route_len;
		path += path_len;
	}
	return !*route && !*path;
}

const struct lf_arm_provider *asked;

struct reply request(struct world *w, const char *method, const char *path, json_t *body)
{
	const struct lf_arm_provider *provider = asked ? asked : &lf_siterecovery_provider;
	struct lf_arm_call call = {.context = &w->context, .body = body};
	const char *mark = strchrnul(path, '?');

	snprintf(call.path, sizeof(call.path), "%.*s", (int)(mark - path), path);
	snprintf(call.query, sizeof(call.query), "%s", *mark ? mark + 1 : "");
	for (size_t i = 0; i < provider->n_routes; i++) {
		const struct lf_arm_route *route = &provider->routes[i];
		if (strcmp(route->method, method) != 0 ||
		    !route_fits(route->path, call.path, &call))
			continue;
		call.route = route;
		if (route->handler(&call, &call.reply.error))
			call.reply.status = lf_error_http(call.reply.error.code);
		json_decref(body);
		assert_false(lf_catalog_in_transaction(w->context.catalog));
		return call.reply;
	}
	fail_msg("no route for %s %s", method, path);
	return call.reply;
}

void reply_done(struct reply *reply)
{
	json_decref(reply->body);
}

/* The world. */

void put_doc(struct world *w, const char *id, const char *type, json_t *doc)
{
	LF_AUTO_JSON *own = doc;
	struct lf_error err;

	assert_lf_ok(
		lf_catalog_put(w->context.catalog, id, type, LF_PUT_NEW, NULL, own, NULL, &err));
}

static void put_network(struct world *w, const char *id, const char *prefix)
{
	LF_AUTO_FREE char *subnet = lf_printf_dup("%s/subnets/default", id);

	put_doc(w, id, "Microsoft.Network/virtualNetworks",
		json_pack("{s:s,s:{}}", "location", "eastus", "properties"));
	put_doc(w, subnet, "Microsoft.Network/virtualNetworks/subnets",
		json_pack("{s:{s:s}}", "properties", "addressPrefix", prefix));
}

static void put_estate(struct world *w)
{
	put_doc(w, RG, "Microsoft.Resources/resourceGroups", json_object());
	put_doc(w, TRG, "Microsoft.Resources/resourceGroups", json_object());
	put_doc(w, VAULT, LF_SR_TYPE_VAULT, json_pack("{s:s}", "location", "eastus"));
	put_doc(w, SITE, "Microsoft.OffAzure/ServerSites", json_object());
	put_network(w, NET, "10.0.0.0/24");
	put_network(w, TEST, "10.1.0.0/24");
	put_doc(w, CACHE, "Microsoft.Storage/storageAccounts",
		json_pack("{s:{s:{s:s}}}", "properties", "primaryEndpoints", "blob",
			  "https://cache/"));
	AUTO_REPLY fabric = request(w, "PUT", FABRIC,
				    json_pack("{s:{s:{s:s,s:s}}}", "properties", "customDetails",
					      "instanceType", "InMageRcm", "physicalSiteId", SITE));
	assert_int_equal(fabric.status, 200);
	AUTO_REPLY box = request(w, "PUT", BOX, json_object());
	assert_int_equal(box.status, 200);
	AUTO_REPLY policy =
		request(w, "PUT", POLICY,
			json_pack("{s:{s:{s:s}}}", "properties", "providerSpecificInput",
				  "instanceType", "InMageRcm"));
	assert_int_equal(policy.status, 200);
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct lf_error err = LF_ERROR_NONE;
	void *dir = NULL;

	if (!w || test_dir_setup(&dir))
		return -1;
	w->dir = dir;
	played = (struct played){.connected = true, .points = json_array()};
	LF_AUTO_FREE char *path = lf_printf_dup("%s/catalog.db", w->dir);
	LF_AUTO_FREE char *compute_dir = lf_printf_dup("%s/compute", w->dir);
	struct lf_compute_opts opts = {.data_dir = compute_dir, .driver = "fake"};
	w->context.clock = played.clock = lf_clock_new_manual(1000 * LF_NS_PER_S);
	w->context.tenant_id = "tenant";
	w->context.data_dir = w->dir;
	w->context.base_url = "https://127.0.0.1:8443";
	assert_lf_ok(lf_catalog_open(path, w->context.clock, &w->context.catalog, &err));
	assert_lf_ok(lf_regions_open(w->dir, &w->context.regions, &err));
	opts.regions = w->context.regions;
	assert_lf_ok(lf_compute_open(&opts, &w->context.compute, &err));
	size_t n_jobs = 0;
	while (lf_siterecovery_provider.jobs[n_jobs])
		n_jobs++;
	assert_lf_ok(lf_jobs_open(w->context.catalog, w->context.clock,
				  lf_siterecovery_provider.jobs, n_jobs, &w->context,
				  &w->context.jobs, &err));
	put_estate(w);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;
	void *dir = w->dir;

	json_decref(played.points);
	lf_jobs_free(w->context.jobs);
	lf_compute_free(w->context.compute);
	lf_regions_free(w->context.regions);
	lf_catalog_free(w->context.catalog);
	lf_clock_free(w->context.clock);
	free(w);
	return test_dir_teardown(&dir);
}

/* One look at every unfinished job; false: there is none. */
static bool step_all(struct world *w)
{
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_JOB_LIST list = {0};
	bool any = false;

	assert_lf_ok(lf_jobs_list(w->context.jobs, NULL, "siterecovery.", NULL, &list, &err));
	for (size_t i = 0; i < list.n; i++) {
		LF_AUTO_JOB job = LF_JOB_INIT;
		int64_t wake = 0;
		bool finished = false;
		if (lf_job_state_is_final(list.items[i].state))
			continue;
		any = true;
		assert_lf_ok(lf_jobs_get(w->context.jobs, list.items[i].id, &job, &err));
		assert_lf_ok(lf_job_step_run(w->context.jobs, &job, &wake, &finished, &err));
	}
	return any;
}

/* The agent's part of a requested final session. */
static void answer_final(struct world *w)
{
	if (played.token[0] && !played.final_point[0] && played.connected && !played.holds_back)
		make_point(w, played.final_point);
	if (played.final_point[0] && played.final_after == LF_REPLICA_SHUTS_DOWN &&
	    !played.shut_down_at)
		played.shut_down_at = lf_clock_now_ns(w->context.clock);
}

void drive(struct world *w)
{
	for (int i = 0; i < 100 && step_all(w); i++) {
		answer_final(w);
		lf_clock_step(w->context.clock, LF_NS_PER_S);
	}
}

void make_point(struct world *w, char out[static LF_GUID_SIZE])
{
	struct lf_vault *vault = NULL;
	struct lf_error err;
	char time[LF_TIME_SIZE];

	lf_guid_random(out);
	lf_time_format(lf_clock_now_ns(w->context.clock), time);
	json_t *point =
		json_pack("{s:s,s:s,s:s,s:[{s:s,s:s,s:i,s:I,s:s,s:b},{s:s,s:s,s:i,s:I,s:s,s:b}]}",
			  "id", out, "time", time, "consistency", "CrashConsistent", "disks", "id",
			  "disk-0", "name", "sda", "lun", 0, "sizeBytes", (json_int_t)(1 << 30),
			  "root", "00-aa", "os", 1, "id", "disk-1", "name", "sdb", "lun", 1,
			  "sizeBytes", (json_int_t)(1 << 30), "root", "00-bb", "os", 0);
	assert_non_null(point);
	assert_lf_ok(lf_regions_vault(w->context.regions, "eastus", &vault, &err));
	assert_lf_ok(lf_point_put(vault, out, point, "retention", LF_CLAIM_FOREVER, &err));
	json_array_insert_new(played.points, 0, point);
}

json_t *enable_body(void)
{
	char server[LF_GUID_SIZE];

	lf_sr_process_server_id(FABRIC, server);
	return json_pack("{s:{s:s,s:{s:s,s:s,s:s,s:{s:s,s:s},s:s,s:s,s:s,s:s,s:s,s:s}}}",
			 "properties", "policyId", POLICY, "providerSpecificDetails",
			 "instanceType", "InMageRcm", "fabricDiscoveryMachineId",
			 SITE "/machines/" AGENT, "processServerId", server, "disksDefault",
			 "diskType", "Standard_LRS", "logStorageAccountId", CACHE,
			 "targetResourceGroupId", TRG, "targetNetworkId", NET, "testNetworkId",
			 TEST, "targetSubnetName", "default", "targetVmName", "web01-new",
			 "targetVmSize", "Standard_D2s_v3");
}

json_t *get(struct world *w, const char *path)
{
	struct reply reply = request(w, "GET", path, NULL);

	assert_int_equal(reply.status, 200);
	return reply.body;
}

void protect(struct world *w)
{
	char point[LF_GUID_SIZE];
	AUTO_REPLY reply = request(w, "PUT", ITEM, enable_body());

	assert_int_equal(reply.status, 202);
	make_point(w, point);
	drive(w);
	LF_AUTO_JSON *item = get(w, ITEM);
	assert_string_equal(lf_json_text(item, "properties.protectionState"), "Protected");
}

void protect_second(struct world *w)
{
	LF_AUTO_JSON *body = enable_body();

	played.two_machines = true;
	assert_int_equal(
		0, lf_json_set_text(body,
				    "properties.providerSpecificDetails.fabricDiscoveryMachineId",
				    SITE "/machines/" AGENT2) |
			   lf_json_set_text(body, "properties.providerSpecificDetails.targetVmName",
					    "db01-new"));
	AUTO_REPLY reply = request(w, "PUT", ITEM2, json_incref(body));
	if (reply.status != 202)
		fail_msg("%d %s", reply.status, reply.error.message);
	drive(w);
	LF_AUTO_JSON *item = get(w, ITEM2);
	assert_string_equal(lf_json_text(item, "properties.protectionState"), "Protected");
}

const char *state_of(const json_t *item)
{
	return lf_json_text_or(item, "properties.protectionState", "");
}

bool allows(const json_t *item, const char *name)
{
	size_t i;
	json_t *value;

	json_array_foreach (lf_json_at(item, "properties.allowedOperations"), i, value)
		if (strcmp(json_string_value(value), name) == 0)
			return true;
	return false;
}

void assert_refused(struct world *w, const char *method, const char *path, json_t *body, int status,
		    const char *code)
{
	AUTO_REPLY reply = request(w, method, path, body);

	assert_int_equal(reply.status, status);
	assert_string_equal(lf_error_arm(&reply.error), code);
	assert_true(reply.error.target[0] && reply.error.hint[0]);
}

void act(struct world *w, const char *action, json_t *body)
{
	LF_AUTO_FREE char *path = lf_printf_dup(ITEM "/%s", action);
	AUTO_REPLY reply = request(w, "POST", path, body);

	if (reply.status != 202)
		fail_msg("%s: %d %s", action, reply.status, reply.error.message);
	assert_true(strstr(reply.status_path, "/replicationOperationStatus/") != NULL);
	assert_true(strstr(reply.result_path, "/operationresults/") != NULL);
	AUTO_REPLY running = request(w, "GET", reply.result_path, NULL);
	assert_int_equal(running.status, 202);
	drive(w);
	LF_AUTO_FREE char *job_path = lf_printf_dup(VAULT "/replicationJobs/%s", reply.job);
	LF_AUTO_JSON *job = get(w, job_path);
	assert_string_equal(lf_json_text(job, "properties.state"), "Succeeded");
	AUTO_REPLY done = request(w, "GET", reply.result_path, NULL);
	assert_true(done.status == 200 || done.status == 204);
}

json_t *test_body(const char *point)
{
	return json_pack("{s:{s:s,s:s,s:{s:s,s:s}}}", "properties", "networkType",
			 "VmNetworkAsInput", "networkId", TEST, "providerSpecificDetails",
			 "instanceType", "InMageRcm", "recoveryPointId", point);
}

json_t *failover_body(const char *point, const char *shutdown)
{
	return json_pack("{s:{s:s,s:s,s:{s:s,s:s,s:s}}}", "properties", "failoverDirection",
			 "PrimaryToRecovery", "sourceSiteOperations", "NotRequired",
			 "providerSpecificDetails", "instanceType", "InMageRcm", "recoveryPointId",
			 point, "performShutdown", shutdown);
}

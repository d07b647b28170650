/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sites are documents; machines, summaries and health are made at each call of
 * what agents have reported.  What is below "Landfall" in the table hands out
 * keys and ends agents, which Azure does in its portal.
 */
#include "providers/common/page.h"
#include "providers/offazure/internal.h"

#include <string.h>

#include "base/text.h"
#include "json/doc.h"

static int view_site(struct lf_arm_call *call, const struct lf_resource *site, json_t *doc,
		     struct lf_error *err)
{
	(void)site;
	return lf_json_set_text(doc, "eTag", lf_json_text(doc, "etag")) |
			       lf_json_set_text(doc, "properties.serviceEndpoint",
						lf_arm_base_url(call))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* A site whose machines are being replicated stays; else its keys and agents go with it. */
static int remove_site(struct lf_context *context, const struct lf_resource *site,
		       struct lf_error *err)
{
	return context->replication
		       ? lf_replication_forget_site(context->replication, site->id, err)
		       : 0;
}

#define WHO "properties.servicePrincipalIdentityDetails."
static const struct lf_field site_fields[] = {
	{"properties", LF_OBJECT, 0, 0, 0, NULL, "{} will do"},
	{"properties.applianceName", LF_TEXT, 0, 0, 255, NULL, "a name for who discovers"},
	{"properties.discoverySolutionId", LF_TEXT, 0, 0, 1024, NULL, "of a migrate project"},
	{WHO "tenantId", LF_TEXT, 0, 0, 255, NULL, "of who discovers"},
	{WHO "applicationId", LF_TEXT, 0, 0, 255, NULL, "of who discovers"},
	{WHO "objectId", LF_TEXT, 0, 0, 255, NULL, "of who discovers"},
	{WHO "audience", LF_TEXT, 0, 0, 2048, NULL, "of who discovers"},
	{WHO "aadAuthority", LF_TEXT, 0, 0, 2048, NULL, "of who discovers"},
	{WHO "rawCertData", LF_TEXT, 0, 0, 65536, NULL, "its certificate"},
	{"properties.serviceEndpoint", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "set by the service"},
	{"properties.masterSiteId", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "set by the service"},
};

#define SITE_DOCUMENT(site_type)                                                                   \
	{                                                                                          \
		.type = site_type, .fields = site_fields, .n_fields = LF_N(site_fields),           \
		.strict = true, .removing = remove_site, .view = view_site,                        \
		.needs_location = true, .provisioned = true,                                       \
	}
static const struct lf_document vmware_site = SITE_DOCUMENT(LF_VMWARE_SITE_TYPE);
static const struct lf_document server_site = SITE_DOCUMENT(LF_SERVER_SITE_TYPE);

/* Agents need no vCenter: the list is there, and empty. */
static const struct lf_document vcenters = {.type = LF_VMWARE_SITE_TYPE "/vCenters"};

/* The site whose id is the request's path without its last segments, and its agents. */
static int find_agents(struct lf_arm_call *call, unsigned levels_up, struct lf_resource *ret_site,
		       json_t **ret_agents, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	int rc = lf_catalog_get(context->catalog, lf_arm_id(call, levels_up), ret_site, err);

	if (rc)
		return rc;
	if (!context->replication)
		return lf_fail(err, LF_EUNSUPPORTED, ret_site->id, "this site takes no agents");
	return lf_agents_list(context->replication, ret_site->id, ret_agents, err);
}

/* What else a list of machines may be asked: totalRecordCount is what the client counts with, and a
 * page is continued by its nextLink alone. */
static int check_paging(struct lf_arm_call *call, struct lf_error *err)
{
	const char *total = lf_arm_query(call, "totalRecordCount");
	struct lf_error ignored;
	uint64_t n;

	if (lf_arm_query(call, "continuationToken"))
		return lf_fail_arm(err, LF_EINVAL, "InvalidSkipToken", "continuationToken",
				   "follow the list's nextLink",
				   "this is no token of a page of this list");
	if (total && lf_parse_u64(total, 0, INT32_MAX, &n, &ignored))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "totalRecordCount",
				   "give a number, or leave it out",
				   "the totalRecordCount '%.40s' is invalid", total);
	return 0;
}

static int list_machines(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_filter_row rows[] = {{"displayName", "properties.displayName"},
						    {"name", "name"}};
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_FILTER *filter = NULL;
	size_t i;
	json_t *agent;

	int rc = find_agents(call, 1, &site, &agents, err);
	if (!rc)
		rc = check_paging(call, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	json_array_foreach (agents, i, agent) {
		LF_AUTO_JSON *machine = rc ? NULL : lf_offazure_machine(site.id, agent);
		if (!rc && (!machine || (lf_filter_passes(filter, machine) &&
					 json_array_append(values, machine))))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_page_reply(call, values, err);
}

static int get_machine(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_JSON *agents = NULL;
	json_t *agent;
	size_t i;

	int rc = find_agents(call, 2, &site, &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent) {
		if (!lf_text_equal_nocase(lf_json_text_or(agent, "agentId", ""),
					  lf_arm_param(call, "machine")))
			continue;
		LF_AUTO_JSON *machine = lf_offazure_machine(site.id, agent);
		return machine ? lf_arm_reply(call, 200, machine, err) : lf_fail_nomem(err);
	}
	return lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0), "the site has no machine '%s'",
		       lf_arm_param(call, "machine"));
}

static int summarise(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_JSON *agents = NULL;
	int rc = find_agents(call, 1, &site, &agents, err);

	if (rc)
		return rc;
	json_int_t n = (json_int_t)json_array_size(agents);
	json_int_t accounts = 0;
	rc = lf_offazure_count_accounts(call, &site, &accounts, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *body =
		lf_arm_subject(call) == &vmware_site
			? json_pack("{s:I,s:I,s:i}", "machineCount", n, "runAsAccountCount",
				    accounts, "vCenterCount", 0)
			: json_pack("{s:I,s:I}", "serverCount", n, "runAsAccountCount", accounts);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

/* One entry for each pre-flight check that an agent failed. */
static int list_health(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *values = json_array();
	json_t *agent, *check;
	size_t i, j;

	int rc = find_agents(call, 1, &site, &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent) {
		const char *name = lf_json_text_or(agent, "machineName", "");
		json_array_foreach (lf_json_at(agent, "preflight"), j, check) {
			const char *reason = lf_json_text_or(check, "reason", "");
			if (lf_json_bool_or(check, "ok", true))
				continue;
			struct lf_doc doc = LF_DOC_INIT;

			lf_doc_text(&doc, "applianceName", name);
			lf_doc_text(&doc, "errorMessage", reason);
			lf_doc_text(&doc, "summaryMessage", reason);
			lf_doc_int(&doc, "errorId", j + 1);
			lf_doc_text(&doc, "errorCode", lf_json_text_or(check, "check", ""));
			lf_doc_int(&doc, "affectedObjectsCount", 1);
			lf_doc_int(&doc, "hitCount", 1);
			lf_doc_text(&doc, "severity", "Error");
			lf_doc_text(&doc, "remediationGuidance",
				    lf_json_text_or(check, "advice", ""));
			lf_doc_text(&doc, "affectedResourceType", "Machines");
			lf_doc_append(&doc, "affectedResources", json_string(name));
			if (json_array_append_new(values, lf_doc_take(&doc)))
				return lf_fail_nomem(err);
		}
	}
	return lf_arm_reply_list(call, values, NULL, err);
}

/* Agents report by themselves, so what is shown is always fresh: the operation has ended. */
static int refresh(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), &site, err);

	if (!rc)
		rc = lf_document_done_headers(call, err);
	return rc ? rc : lf_arm_reply(call, 202, NULL, err);
}

/* Landfall's own from here on: Azure hands keys out in its portal only, and agents are unknown to
 * it. */

static const struct lf_field key_fields[] = {
	{"validDays", LF_INT, 0, 1, LF_KEY_DAYS_MAX, NULL, "how long the key is good (5)"},
	{"machines", LF_INT, 0, 1, LF_KEY_MACHINES_MAX, NULL,
	 "how many machines may register with it (25)"},
};

/* The site whose id is the request's path without its last segments, where agents register. */
static int find_site(struct lf_arm_call *call, unsigned levels_up, struct lf_resource *ret_site,
		     struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	int rc = lf_catalog_get(context->catalog, lf_arm_id(call, levels_up), ret_site, err);

	if (!rc && !context->replication)
		rc = lf_fail(err, LF_EUNSUPPORTED, ret_site->id, "this site takes no agents");
	return rc;
}

static int new_key(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const json_t *asked = lf_arm_body(call);
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *key = NULL;
	LF_AUTO_JSON *body = json_object();
	int64_t expires;

	int rc = find_site(call, 1, &site, err);
	if (!rc)
		rc = lf_registration_key_new(context->replication, site.id,
					     (unsigned)lf_json_int_or(asked, "validDays", 0),
					     (unsigned)lf_json_int_or(asked, "machines", 0), &key,
					     &expires, err);
	if (rc)
		return rc;
	if (lf_json_set_text(body, "registrationKey", key) |
	    lf_json_set_int(body, "machines", lf_json_int_or(asked, "machines", LF_KEY_MACHINES)) |
	    lf_json_set_time(body, "expiresOn", expires))
		return lf_fail_nomem(err);
	return lf_arm_reply(call, 200, body, err);
}

static int list_keys(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_JSON *keys = NULL;

	int rc = find_site(call, 1, &site, err);
	if (!rc)
		rc = lf_registration_keys_list(lf_arm_context(call)->replication, site.id, &keys,
					       err);
	return rc ? rc : lf_arm_reply_list(call, keys, NULL, err);
}

static int revoke_key(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;

	int rc = find_site(call, 2, &site, err);
	if (!rc)
		rc = lf_registration_key_revoke(lf_arm_context(call)->replication, site.id,
						lf_arm_param(call, "key"), err);
	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}

/* The site's agents, as agents: certificates, and whether they are barred. */
static int list_agents(struct lf_arm_call *call, struct lf_error *err)
{
	static const char *const members[] = {"agentId",	 "machineName",	  "version",
					      "registered",	 "lastHeartbeat", "connected",
					      "certificateEnds", "barred",	  "certificate"};
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *values = json_array();
	const json_t *agent;
	size_t i;

	int rc = find_agents(call, 1, &site, &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent) {
		json_t *value = json_object();
		if (json_array_append_new(values, value))
			return lf_fail_nomem(err);
		for (size_t m = 0; m < LF_N(members); m++) {
			json_t *member = json_object_get(agent, members[m]);
			if (member && json_object_set(value, members[m], member))
				return lf_fail_nomem(err);
		}
	}
	return lf_arm_reply_list(call, values, NULL, err);
}

static int set_barred(struct lf_arm_call *call, bool barred, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;

	int rc = find_site(call, 3, &site, err);
	if (!rc)
		rc = lf_agent_bar(lf_arm_context(call)->replication, site.id,
				  lf_arm_param(call, "agent"), barred, err);
	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}

static int bar_agent(struct lf_arm_call *call, struct lf_error *err)
{
	return set_barred(call, true, err);
}

static int unbar_agent(struct lf_arm_call *call, struct lf_error *err)
{
	return set_barred(call, false, err);
}

static int remove_agent(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;

	int rc = find_site(call, 2, &site, err);
	if (!rc)
		rc = lf_agent_remove(lf_arm_context(call)->replication, site.id,
				     lf_arm_param(call, "agent"), err);
	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}

static json_t *view_job(const char *site_id, const char *type, const struct lf_job *job)
{
	LF_AUTO_FREE char *id = lf_printf_dup("%s/jobs/%s", site_id, job->id);
	struct lf_doc made = LF_DOC_INIT;

	lf_doc_text(&made, "id", id);
	lf_doc_text(&made, "name", job->id);
	lf_doc_printf(&made, "type", "%s%s", type, "/jobs");
	lf_doc_text(&made, "properties.status", lf_job_state_name(job->state));
	lf_doc_text(&made, "properties.displayName", job->type);
	lf_doc_text(&made, "properties.activityId", job->id);
	lf_doc_put(&made, "properties.errors", json_array());
	lf_doc_text(&made, "properties.provisioningState", "Succeeded");
	LF_AUTO_JSON *doc = lf_doc_take(&made);

	if (!doc || lf_json_set_time(doc, "properties.startTime", job->created_ns) ||
	    (job->ended_ns && lf_json_set_time(doc, "properties.endTime", job->ended_ns)))
		return NULL;
	return lf_steal(&doc);
}

static int list_jobs(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_document *document = lf_arm_subject(call);
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_JOB_LIST jobs = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), &site, err);
	if (!rc)
		rc = lf_jobs_list(lf_arm_context(call)->jobs, site.id, NULL, NULL, &jobs, err);
	for (size_t i = 0; !rc && i < jobs.n; i++)
		if (json_array_append_new(values,
					  view_job(site.id, document->type, &jobs.items[i])))
			rc = lf_fail_nomem(err);
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

static int get_job(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_document *document = lf_arm_subject(call);
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_jobs_get(lf_arm_context(call)->jobs, lf_arm_param(call, "job"), &job, err);

	if (!rc && !lf_arm_id_equal(job.scope, lf_arm_id(call, 2)))
		rc = lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0), "the site has no such job");
	if (rc)
		return rc;
	LF_AUTO_JSON *body = view_job(job.scope, document->type, &job);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int get_operation(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_arm_reply_job_status(call, lf_arm_param(call, "operation"), err);
}

#define VMWARE "/providers/Microsoft.OffAzure/VMwareSites"
#define SERVER "/providers/Microsoft.OffAzure/ServerSites"

/* A row of a kind of site. */
#define OF(word, site, path, on, ...) LF_##word(path, on, LF_SUBJECT(site), ##__VA_ARGS__)
/* Rows of one kind of site; path is that of one site. */
#define SITE_ROUTES(site, accounts, collection, path)                                              \
	LF_DOCUMENT_ROUTES(site, collection), OF(GET, site, path "/machines", list_machines),      \
		OF(GET, site, path "/machines/{machine}", get_machine),                            \
		OF(GET, accounts, path "/runAsAccounts", lf_offazure_list_accounts),               \
		LF_DOCUMENT_GET(accounts, path "/runAsAccounts/{account}"),                        \
		LF_DOCUMENT_PUT(accounts, path "/runAsAccounts/{account}"),                        \
		OF(DELETE, accounts, path "/runAsAccounts/{account}", lf_offazure_delete_account), \
		OF(GET, site, path "/jobs", list_jobs),                                            \
		OF(GET, site, path "/jobs/{job}", get_job),                                        \
		OF(GET, site, path "/operationsStatus/{operation}", get_operation),                \
		OF(POST, site, path "/summary", summarise),                                        \
		OF(POST, site, path "/healthSummary", list_health),                                \
		OF(POST, site, path "/listHealthSummary", list_health),                            \
		OF(POST, site, path "/refresh", refresh),                                          \
		OF(POST, site, path "/refreshSite", refresh),                                      \
		OF(POST, site, path "/generateRegistrationKey", new_key, LF_FIELDS(key_fields)),   \
		OF(GET, site, path "/registrationKeys", list_keys),                                \
		OF(DELETE, site, path "/registrationKeys/{key}", revoke_key),                      \
		OF(GET, site, path "/agents", list_agents),                                        \
		OF(DELETE, site, path "/agents/{agent}", remove_agent),                            \
		OF(POST, site, path "/agents/{agent}/bar", bar_agent),                             \
		OF(POST, site, path "/agents/{agent}/unbar", unbar_agent)

static const struct lf_arm_route routes[] = {
	SITE_ROUTES(&vmware_site, &lf_offazure_vmware_accounts, VMWARE,
		    LF_GROUP_PATH VMWARE "/{name}"),
	SITE_ROUTES(&server_site, &lf_offazure_server_accounts, SERVER,
		    LF_GROUP_PATH SERVER "/{name}"),
	LF_DOCUMENT_LIST(&vcenters, LF_GROUP_PATH VMWARE "/{name}/vCenters"),
	LF_DOCUMENT_GET(&vcenters, LF_GROUP_PATH VMWARE "/{name}/vCenters/{vcenter}"),
};

static const char *const types[] = {"VMwareSites", "ServerSites", "VMwareSites/machines",
				    "ServerSites/machines", NULL};

const struct lf_arm_provider lf_offazure_provider = {
	.name = "Microsoft.OffAzure",
	.oldest_version = "2018-05-01-preview",
	.newest_version = "2024-05-01-preview",
	.routes = routes,
	.n_routes = LF_N(routes),
	.types = types,
};

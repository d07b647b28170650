/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/internal.h - what the files of this provider share.
 *
 * A protected item in the catalog:
 *   doc    {"friendlyName", "policyId", "protectableItemId", "details": providerSpecificDetails
 *           as given and updated, "disks": [{"diskId", "logStorageAccountId", "diskType", ...,
 *           "targetDiskName"}], "nics": [{"nicId", "isPrimaryNic", "isSelectedForFailover", ...}]}
 *   state  {"phase" (states.h), "region", "agentId", "machine": the agent's description at enable,
 *           "current": {"scenario", "job", "startTime"} while a job works on it,
 *           "testFailoverState", "test": {"job", "vm", "point", "comments"}, "failover":
 *           {"job", "vm", "point"}, "lastFailoverTime", "lastTestFailoverTime"}
 */
#ifndef LF_PROVIDERS_SITERECOVERY_INTERNAL_H
#define LF_PROVIDERS_SITERECOVERY_INTERNAL_H

#include "arm/arm.h"
#include "base/text.h"
#include "json/doc.h"
#include "providers/common/document.h"
#include "providers/common/scope.h"
#include "providers/common/site.h"
#include "providers/siterecovery/states.h"

#define LF_SR_TYPE_VAULT     "Microsoft.RecoveryServices/vaults"
#define LF_SR_TYPE_FABRIC    LF_SR_TYPE_VAULT "/replicationFabrics"
#define LF_SR_TYPE_CONTAINER LF_SR_TYPE_FABRIC "/replicationProtectionContainers"
#define LF_SR_TYPE_MAPPING   LF_SR_TYPE_CONTAINER "/replicationProtectionContainerMappings"
#define LF_SR_TYPE_DRA	     LF_SR_TYPE_FABRIC "/replicationRecoveryServicesProviders"
#define LF_SR_TYPE_POLICY    LF_SR_TYPE_VAULT "/replicationPolicies"
#define LF_SR_TYPE_ITEM	     LF_SR_TYPE_CONTAINER "/replicationProtectedItems"
#define LF_SR_TYPE_POINT     LF_SR_TYPE_ITEM "/recoveryPoints"
#define LF_SR_TYPE_EVENT     LF_SR_TYPE_VAULT "/replicationEvents"
#define LF_SR_TYPE_ALERT     LF_SR_TYPE_VAULT "/replicationAlertSettings"
#define LF_SR_TYPE_SETTING   LF_SR_TYPE_VAULT "/replicationVaultSettings"

/* Of other providers. */
#define LF_SR_TYPE_NETWORK "Microsoft.Network/virtualNetworks"
#define LF_SR_TYPE_ACCOUNT "Microsoft.Storage/storageAccounts"

#define LF_SR_INSTANCE "InMageRcm"

/* Where the resources that a path names are in a struct lf_scope. */
enum lf_sr_level { LF_SR_VAULT, LF_SR_FABRIC, LF_SR_CONTAINER, LF_SR_ITEM };

/* The types that are documents, in the files of their names. */
extern const struct lf_document lf_sr_fabric_document, lf_sr_container_document,
	lf_sr_mapping_document, lf_sr_dra_document, lf_sr_policy_document, lf_sr_item_document,
	lf_sr_event_document, lf_sr_alert_document, lf_sr_setting_document;
/* settings.c: lf_document.show of rows that are the properties. */
LF_MUST_CHECK int lf_sr_show_stored(struct lf_arm_call *call, const struct lf_resource *resource,
				    json_t **ret_properties, struct lf_error *err);

/* What a body of document may hold, by its fields: of types whose rows are not what clients send.
 */
LF_MUST_CHECK int lf_sr_body_check(struct lf_arm_call *call, const struct lf_document *document,
				   struct lf_error *err);

/* Rows of who signs in, below path. */
#define LF_SR_IDENTITY_FIELDS(path)                                                                \
	{path, LF_OBJECT, 0, 0, 0, NULL, "who signs in"},                                          \
		{path ".tenantId", LF_TEXT, 0, 0, 255, NULL, "the directory"},                     \
		{path ".applicationId", LF_TEXT, 0, 0, 255, NULL, "the application"},              \
		{path ".objectId", LF_TEXT, 0, 0, 255, NULL, "its principal"},                     \
		{path ".audience", LF_TEXT, 0, 0, 2048, NULL, "of its tokens"},                    \
	{                                                                                          \
		path ".aadAuthority", LF_TEXT, 0, 0, 2048, NULL, "where it signs in"               \
	}

/* unsupported.c */
/* LF_EINVAL "InstanceTypeNotSupported" unless text is InMageRcm or base (may be NULL). */
LF_MUST_CHECK int lf_sr_check_instance(const char *text, const char *base, const char *target,
				       struct lf_error *err);
/*
 * A body whose input says of which replication provider it is: first that, since each has members
 * of its own, then its fields, then that nothing is asked for which no row names.
 */
struct lf_sr_fields;
LF_MUST_CHECK int lf_sr_provider_check(const struct lf_sr_fields *fields, json_t *body,
				       const char *input, struct lf_error *err);
LF_MUST_CHECK int lf_sr_input_check(struct lf_arm_call *call, const struct lf_document *document,
				    const char *input, struct lf_error *err);
/* The subject of lf_sr_refuse(). */
struct lf_sr_refusal {
	const char *scope; /* type of who has to be there to be told so; NULL: nobody */
	const char *code, *hint;
};

/* process_server.c: this host as the process server of a fabric. */
LF_MUST_CHECK int lf_sr_process_server(struct lf_context *context, const struct lf_resource *fabric,
				       json_t **ret_server, struct lf_error *err);
void lf_sr_process_server_id(const char *fabric_id, char out[static LF_GUID_SIZE]);
/* Agents of all sites of a fabric, each with "siteId" added. */
LF_MUST_CHECK int lf_sr_fabric_agents(struct lf_context *context, const struct lf_resource *fabric,
				      json_t **ret_agents, struct lf_error *err);

/* Those that a new fabric comes with. */
LF_MUST_CHECK int lf_sr_container_put(struct lf_catalog *catalog, const char *id,
				      struct lf_error *err);
LF_MUST_CHECK int lf_sr_dra_put(struct lf_catalog *catalog, const char *id, struct lf_error *err);

/* policies.c */
/* Check a providerSpecificInput and make providerSpecificDetails of it, over before (may be NULL).
 */
LF_MUST_CHECK int lf_sr_policy_check(const json_t *input, const json_t *before,
				     json_t **ret_details, struct lf_error *err);
/* LF_EINVAL "PolicyNotFound" unless id is of a policy of the vault that below_vault is below. */
LF_MUST_CHECK int lf_sr_check_policy(struct lf_catalog *catalog, const char *below_vault,
				     const char *id, struct lf_error *err);
/* The members that lf_replica_start() wants; NULL: out of memory. */
json_t *lf_sr_policy_for_replica(const json_t *policy_doc);

/* item.c: reading and changing a protected item. */
LF_MUST_CHECK int lf_sr_item_store(struct lf_catalog *catalog, const struct lf_resource *item,
				   struct lf_error *err);
int lf_sr_item_set_phase(struct lf_resource *item, enum lf_sr_phase phase);
/* Job works on the item: "current", in item's state; not stored. */
LF_MUST_CHECK int lf_sr_item_mark(struct lf_context *context, struct lf_resource *item,
				  const char *scenario, const char *job, struct lf_error *err);
/* 202 for job, working on the item of the request; with_job: the job as body. */
LF_MUST_CHECK int lf_sr_reply_job(struct lf_arm_call *call, const char *resource_id,
				  const char *job, bool with_job, struct lf_error *err);
/* The same with any body; NULL: none. */
LF_MUST_CHECK int lf_sr_reply_accepted(struct lf_arm_call *call, const char *resource_id,
				       const char *job, const json_t *body, struct lf_error *err);
/*
 * What may be asked of an item, as the subject of lf_sr_act(): the job that does it, and how the
 * request becomes the job's input.
 */
struct lf_sr_start {
	enum lf_sr_action action;
	const struct lf_job_type *job;
	const char *scenario, *friendly;   /* as documented */
	bool with_job;			   /* answer the job as body */
	const struct lf_sr_fields *fields; /* of the body; NULL: it is checked by input */
	/* Check the request and put what the job has to know into input; NULL: nothing. */
	int (*input)(struct lf_arm_call *call, const struct lf_resource *item, struct lf_doc *input,
		     struct lf_error *err);
};
/*
 * Check the state table, submit the job and mark the item as worked on, in one transaction; then
 * answer 202.  input: of the job; it is empty after.
 */
LF_MUST_CHECK int lf_sr_item_start(struct lf_arm_call *call, const struct lf_resource *item,
				   const struct lf_sr_start *start, struct lf_doc *input,
				   struct lf_error *err);
/* The same without a request, in the caller's transaction: submit the job under the id (NULL: a new
 * one) and mark the item. */
LF_MUST_CHECK int lf_sr_item_submit(struct lf_context *context, const char *item_id,
				    const struct lf_sr_start *start, const char *id,
				    struct lf_doc *input, char ret_job[static LF_GUID_SIZE],
				    struct lf_error *err);
/* May action begin now?  Of an item that a job works on the start says which job to wait for:
 * better advice than the state, so that such an item is let through. */
bool lf_sr_item_busy(const struct lf_resource *item);
LF_MUST_CHECK int lf_sr_item_check(const struct lf_resource *item, enum lf_sr_action action,
				   struct lf_error *err);
/* The members that every job of an item has. */
void lf_sr_job_put(struct lf_doc *doc, const struct lf_resource *item, const char *scenario,
		   const char *friendly);

/* job_step.c: what the steps of items' jobs share. */
LF_MUST_CHECK int lf_sr_step_item(struct lf_job_run *run, struct lf_resource *ret_item,
				  struct lf_error *err);
/* Begin the transaction in which a step ends. */
LF_MUST_CHECK int lf_sr_step_begin(struct lf_job_run *run, struct lf_transaction *tx,
				   struct lf_resource *ret_item, struct lf_error *err);
/* Store the item, mark the step done, commit. */
LF_MUST_CHECK int lf_sr_step_end(struct lf_job_run *run, struct lf_transaction *tx,
				 const struct lf_resource *item, struct lf_error *err);
/* lf_job_type.ended of every job of an item: it is free again; records an event. */
int lf_sr_job_ended(struct lf_job_run *run, enum lf_job_state state, struct lf_error *err);
/* A remark that makes the job "CompletedWithInformation". */
int lf_sr_job_inform(struct lf_job_run *run, const char *code, const char *message,
		     const char *advice);
/* Id of the item that the job works on. */
const char *lf_sr_job_item(const struct lf_job_run *run);

/* points.c */
/* name_or_id "" or NULL: the latest.  LF_ENOTFOUND "RecoveryPointNotFound" (HTTP 404). */
LF_MUST_CHECK int lf_sr_point_find(struct lf_context *context, const struct lf_resource *item,
				   const char *name_or_id, json_t **ret_point,
				   struct lf_error *err);
/* Keep a point for a machine (holder: a GUID), or let it go; gone already is fine for the latter.
 */
LF_MUST_CHECK int lf_sr_point_hold(struct lf_context *context, const char *region,
				   const char *point, const char *holder, struct lf_error *err);
LF_MUST_CHECK int lf_sr_point_release(struct lf_context *context, const char *region,
				      const char *point, const char *holder, struct lf_error *err);

/* machine_plan.c: the machine that a failover of item makes from point. */
struct lf_sr_plan {
	const struct lf_resource *item;
	const json_t *point;
	const char *network_id; /* NULL: no network */
	const char *job;	/* that makes it */
	bool test;
};
LF_MUST_CHECK int lf_sr_machine_plan(struct lf_context *context, const struct lf_sr_plan *plan,
				     json_t **ret_machine, struct lf_error *err);
char *lf_sr_vm_id(const struct lf_resource *item, bool test);
/* Remove the machine that job made; another of the same id is its user's and stays. */
LF_MUST_CHECK int lf_sr_machine_remove_own(struct lf_context *context, const char *vm_id,
					   const char *job, struct lf_error *err);
/* From now on the machine is its user's alone. */
LF_MUST_CHECK int lf_sr_machine_give_away(struct lf_catalog *catalog, const char *vm_id,
					  struct lf_error *err);

/* network.c */
/* Array of {"name", "prefix"}, by name; LF_EINVAL "NetworkNotFound". */
LF_MUST_CHECK int lf_sr_subnets(struct lf_catalog *catalog, const char *network_id,
				const char *target, json_t **ret_subnets, struct lf_error *err);
/* Is the dotted address one that a machine of the subnet can have? */
bool lf_sr_prefix_has(const char *prefix, const char *address);

/* hydrate.c: copy the disks of a new machine behind its back, then let the point go. */
LF_MUST_CHECK int lf_sr_hydrate_submit(struct lf_context *context, const char *vm_id,
				       const char *region, const char *point, const char *holder,
				       struct lf_error *err);

/* enable_check.c */
struct lf_sr_enable {
	const struct lf_resource *vault, *fabric;
	const json_t *properties; /* of the request */
	char region[64];	  /* of the vault */
	json_t *agent;		  /* found; owned */
	json_t *disks;		  /* chosen; owned */
};
void lf_sr_enable_done(struct lf_sr_enable *enable);
LF_MUST_CHECK int lf_sr_enable_check(struct lf_context *context, struct lf_sr_enable *enable,
				     struct lf_error *err);

/* settings.c: what a client says of the machine to protect and of the one to be made. */
struct lf_sr_fields {
	const struct lf_field *rows; /* of a body */
	size_t n;
};
extern const struct lf_sr_fields lf_sr_enable_fields, lf_sr_update_fields;
/* What the rows say, and that nothing is asked for that no row names. */
LF_MUST_CHECK int lf_sr_fields_check(const struct lf_sr_fields *fields, json_t *body,
				     struct lf_error *err);
struct lf_sr_settings {
	const json_t *given;   /* providerSpecificDetails of a body that the fields let pass */
	const json_t *stored;  /* of the item; NULL: it is new */
	const json_t *machine; /* as its agent says */
	const char *region;    /* that the machine will be in, as lf_location_normal() says it */
};
/* What the tables cannot know: ids, names, sizes, tags, and what excludes each other. */
LF_MUST_CHECK int lf_sr_settings_check(struct lf_catalog *catalog,
				       const struct lf_sr_settings *settings, struct lf_error *err);
/* The resource of type with the id; LF_EINVAL code when there is none, hint (NULL: make it) its
 * advice. */
LF_MUST_CHECK int lf_sr_find(struct lf_catalog *catalog, const char *id, const char *type,
			     const char *code, const char *hint, const char *target,
			     struct lf_resource *ret_resource, struct lf_error *err);
LF_MUST_CHECK int lf_sr_check_exists(struct lf_catalog *catalog, const char *id, const char *type,
				     const char *code, const char *target, struct lf_error *err);
/* LF_EINVAL "RegionMismatch" unless resource is in region (as lf_location_normal() says it). */
LF_MUST_CHECK int lf_sr_check_region(const struct lf_resource *resource, const char *region,
				     const char *target, struct lf_error *err);
LF_MUST_CHECK int lf_sr_check_vm_name(const char *name, const char *target, struct lf_error *err);
/* enable_check.c */
LF_MUST_CHECK int lf_sr_check_subnet(struct lf_catalog *catalog, const char *network_id,
				     const char *subnet, const char *target, struct lf_error *err);

/* update_check.c */
/* lf_sr_start.input of a PATCH: "update", the details that it asks for. */
LF_MUST_CHECK int lf_sr_update_input(struct lf_arm_call *call, const struct lf_resource *item,
				     struct lf_doc *input, struct lf_error *err);
/* By which id the item's settings know the interface that has id or is the MAC address id; NULL:
 * the machine has none such. */
const char *lf_sr_nic_id(const struct lf_resource *item, const char *id);
/* The item's row of a disk; NULL: it has none such. */
json_t *lf_sr_disk_row(const struct lf_resource *item, const char *id);

/* job_view.c */
/* A task of a job. */
struct lf_sr_task {
	const char *name;	/* of its job no other has it */
	const char *shown_name; /* of a child task; NULL: name */
	const char *friendly;
	const struct lf_job_step_row *row;
	const char *skipped; /* why; NULL: it was not */
	json_t *details;     /* taken */
	json_t *group;	     /* taken; NULL: it is no group */
};
/* NULL: out of memory, as the others here. */
json_t *lf_sr_job_task(const struct lf_job *job, const struct lf_sr_task *task);
json_t *lf_sr_job_task_details(const struct lf_job *job, const char *skipped);
/* The item that a job of an item works on, as the details of failovers name it. */
json_t *lf_sr_job_item_details(const struct lf_job *job);
/* lf_job_type.subject of a job that is not of one item: what its view has in place of its steps and
 * of its item. */
struct lf_sr_job_shape {
	void (*put_tasks)(struct lf_context *context, const struct lf_job *job,
			  struct lf_doc *view);
	void (*put_items)(struct lf_context *context, const struct lf_job *job,
			  struct lf_doc *view);
};
LF_MUST_CHECK int lf_sr_job_view(struct lf_context *context, const struct lf_job *job,
				 json_t **ret_doc, struct lf_error *err);
/* errors[] of a health array of lf_replica_get(); NULL: out of memory. */
json_t *lf_sr_health_errors(const json_t *health, const char *entity_id);
/* "Normal", "Warning" or "Critical" */
const char *lf_sr_health_word(const json_t *health);

/* events.c: inside or outside a transaction. */
LF_MUST_CHECK int lf_sr_event_put(struct lf_context *context, const struct lf_resource *item,
				  const char *type, const char *severity, const char *job,
				  const char *description, struct lf_error *err);

#include "providers/siterecovery/handlers.h"

#endif

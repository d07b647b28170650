/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines as documents: what clients may change of one that is there, its
 * power state as the host says, and the actions, each of them a job.
 */
#include "base/log.h"
#include "providers/common/document.h"
#include "providers/compute/compute.h"
#include "providers/compute/machine.h"
#include "providers/compute/machine_doc.h"
#include "providers/compute/ids.h"

#define CONSOLE_MAX (1u << 20) /* what the boot diagnostics show at most */

static json_t *status_doc(const char *code, const char *display, int64_t time_ns)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "code", code);
	lf_doc_text(&doc, "level", "Info");
	lf_doc_text(&doc, "displayStatus", display);
	if (time_ns)
		lf_doc_time(&doc, "time", time_ns);
	return lf_doc_take(&doc);
}

/* Power state is a status of the instance view, never a property. */
static json_t *power_status(const struct lf_resource *vm, const struct lf_vm_state *state)
{
	if (state->power == LF_VM_RUNNING)
		return status_doc("PowerState/running", "VM running", state->started_ns);
	if (state->power == LF_VM_PAUSED)
		return status_doc("PowerState/unknown", "VM paused", 0);
	if (lf_json_bool_or(vm->state, "deallocated", false))
		return status_doc("PowerState/deallocated", "VM deallocated", 0);
	return status_doc("PowerState/stopped", "VM stopped", 0);
}

/* The disks of the machine, which are made before it is. */
static void put_disks(struct lf_doc *view, const struct lf_resource *vm)
{
	const json_t *profile = lf_json_at(vm->doc, "properties.storageProfile"), *disk;
	LF_AUTO_JSON *disks = json_array();
	size_t i;

	json_array_append(disks, lf_json_at(profile, "osDisk"));
	json_array_extend(disks, lf_json_at(profile, "dataDisks"));
	json_array_foreach (disks, i, disk) {
		LF_AUTO_DOC row = LF_DOC_INIT;
		lf_doc_text(&row, "name", lf_json_text_or(disk, "name", ""));
		lf_doc_append(&row, "statuses",
			      status_doc("ProvisioningState/succeeded", "Provisioning succeeded",
					 vm->created_ns));
		lf_doc_append(view, "disks", lf_doc_take(&row));
	}
}

/* There is no agent of Azure's in the machine, and clients want to be told so. */
static void put_agent(struct lf_doc *view, int64_t now_ns)
{
	LF_AUTO_DOC status = LF_DOC_INIT;

	lf_doc_text(&status, "code", "ProvisioningState/Unavailable");
	lf_doc_text(&status, "level", "Warning");
	lf_doc_text(&status, "displayStatus", "Not Ready");
	lf_doc_text(&status, "message", "The machine has no agent of Azure's.");
	lf_doc_time(&status, "time", now_ns);
	lf_doc_text(view, "vmAgent.vmAgentVersion", "Unknown");
	lf_doc_append(view, "vmAgent.statuses", lf_doc_take(&status));
}

static json_t *unknown_power(const struct lf_error *failed)
{
	LF_AUTO_DOC status = LF_DOC_INIT;

	lf_doc_text(&status, "code", "PowerState/unknown");
	lf_doc_text(&status, "level", "Error");
	lf_doc_text(&status, "displayStatus", "unknown");
	lf_doc_text(&status, "message", lf_error_outside(failed));
	return lf_doc_take(&status);
}

/* The view of the host, also when the host does not answer: that is a status too. */
static json_t *instance_view(struct lf_context *context, const struct lf_resource *vm)
{
	const char *word = lf_json_text_or(vm->doc, "properties.provisioningState", "Succeeded");
	bool uefi = strcmp(lf_json_text_or(vm->state, "machine.firmware", ""), "uefi") == 0;
	LF_AUTO_FREE char *lower = lf_text_lower_dup(word);
	LF_AUTO_FREE char *code = lf_printf_dup("ProvisioningState/%s", lower ? lower : "");
	LF_AUTO_FREE char *display = lf_printf_dup("Provisioning %s", lower ? lower : "");
	LF_AUTO_VM_STATE state = {0};
	LF_AUTO_DOC view = LF_DOC_INIT;
	struct lf_error failed;

	if (!lower || !code || !display)
		return NULL;
	lf_doc_text(&view, "computerName", lf_arm_id_last(vm->id));
	lf_doc_text(&view, "hyperVGeneration", uefi ? "V2" : "V1");
	put_agent(&view, lf_clock_now_ns(context->clock));
	put_disks(&view, vm);
	lf_doc_put(&view, "bootDiagnostics", json_object());
	lf_doc_append(&view, "statuses", status_doc(code, display, vm->created_ns));
	if (lf_machine_state(context, vm->id, &state, &failed)) {
		lf_log_error(vm->id, &failed);
		lf_doc_append(&view, "statuses", unknown_power(&failed));
		return lf_doc_take(&view);
	}
	lf_doc_append(&view, "statuses", power_status(vm, &state));
	/* what Azure has no name for, below one of ours */
	lf_doc_put(&view, "landfall", lf_vm_state_doc(&state));
	return lf_doc_take(&view);
}

int lf_vm_view(struct lf_arm_call *call, const struct lf_resource *vm, json_t *doc,
	       struct lf_error *err)
{
	const char *expand = lf_arm_query(call, "expand");
	int rc = lf_machine_vm_complete(doc, err);

	if (rc || !expand || !lf_text_equal_nocase(expand, "instanceView"))
		return rc;
	return lf_json_set(doc, "properties.instanceView", instance_view(lf_arm_context(call), vm))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* The VM one segment above the request's path. */
static int get_parent(struct lf_arm_call *call, struct lf_resource *ret_vm, struct lf_error *err)
{
	return lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), ret_vm, err);
}

int lf_vm_instance_view(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;

	int rc = get_parent(call, &vm, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *view = instance_view(lf_arm_context(call), &vm);
	return view ? lf_arm_reply(call, 200, view, err) : lf_fail_nomem(err);
}

/*
 * Azure answers with URIs of blobs that a SAS opens.  Here the console's URI is a route of the VM
 * itself, opened by a token in the URI that is good for this and nothing else; there is no
 * screenshot, and its field is left out.
 */
#define CONSOLE_ISSUER	    "urn:landfall:console"
#define CONSOLE_MINUTES	    120 /* of the description */
#define CONSOLE_MINUTES_MAX 1440

static int sign_console(struct lf_arm_call *call, const char *vm_id, char **ret_token,
			struct lf_error *err)
{
	const char *asked = lf_arm_query(call, "sasUriExpirationTimeInMinutes");
	const struct lf_context *context = lf_arm_context(call);
	uint64_t minutes = CONSOLE_MINUTES;
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *claims = NULL;
	struct lf_error ignored;

	if (asked && lf_parse_u64(asked, 1, CONSOLE_MINUTES_MAX, &minutes, &ignored))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter",
				   "sasUriExpirationTimeInMinutes", "give 1 to 1440",
				   "the URI cannot be good for '%.20s' minutes", asked);
	int64_t now = lf_clock_now_ns(context->clock) / LF_NS_PER_S;
	lf_doc_text(&doc, "iss", CONSOLE_ISSUER);
	lf_doc_text(&doc, "aud", vm_id);
	lf_doc_int(&doc, "nbf", now);
	lf_doc_int(&doc, "exp", now + (int64_t)minutes * 60);
	int rc = lf_doc_end(&doc, &claims, err);
	return rc ? rc : lf_token_sign(context->token_keys, claims, ret_token, err);
}

int lf_vm_boot_diagnostics(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *token = NULL;

	int rc = get_parent(call, &vm, err);
	if (!rc)
		rc = sign_console(call, vm.id, &token, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *uri =
		lf_printf_dup("%s%s/serialConsoleLog?sig=%s", lf_arm_base_url(call), vm.id, token);
	LF_AUTO_JSON *body = uri ? json_pack("{s:s}", "serialConsoleLogBlobUri", uri) : NULL;
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

int lf_vm_console(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *token = lf_arm_query(call, "sig");
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *claims = NULL;
	char guid[LF_GUID_SIZE];

	/* before anything is told of the VM, also whether it is there */
	const char *const audience[] = {lf_arm_id(call, 1), NULL};
	int rc = lf_token_verify(context->token_keys, token ? token : "", CONSOLE_ISSUER, audience,
				 lf_clock_now_ns(context->clock), &claims, err);
	if (!rc)
		rc = get_parent(call, &vm, err);
	if (!rc && !context->compute)
		rc = lf_fail(err, LF_EUNSUPPORTED, vm.id, "this site runs no machines");
	if (rc)
		return rc;
	lf_machine_host_guid(context, vm.id, guid);
	rc = lf_compute_vm_console(context->compute, guid, CONSOLE_MAX, &text, err);
	if (rc)
		return rc;
	size_t len = text.len;
	char *copy = len ? lf_buf_take(&text) : strdup("");
	if (!copy)
		return lf_fail_nomem(err);
	lf_http_answer_take(lf_arm_http(call), "text/plain; charset=utf-8", copy, len);
	return lf_arm_reply(call, 200, NULL, err);
}

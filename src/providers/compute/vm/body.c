/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's machine is made of what its body says and of nothing else: each member is one that the
 * route's fields name, its value one that the machine can have.
 */
#include "providers/compute/vm/body.h"

#include <string.h>

#include "base/text.h"
#include "providers/compute/vm/placement.h"

#define SECURITY "properties.securityProfile"
#define BOOT	 "properties.diagnosticsProfile.bootDiagnostics"

int lf_vm_identity_check(const json_t *body, struct lf_error *err)
{
	const char *type = lf_json_text(body, "identity.type");

	if (!type || lf_text_equal_nocase(type, "None"))
		return 0;
	return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", "identity.type",
			   "give the machine a service principal's secret: no metadata service "
			   "hands out tokens in it",
			   "machines have no managed identities here");
}

int lf_vm_body_check(const struct lf_document *document, json_t *body, struct lf_error *err)
{
	char path[LF_FIELD_PATH_SIZE];
	int rc = lf_vm_identity_check(body, err);

	if (!rc)
		rc = lf_fields_check(document->fields, document->n_fields, body, NULL, err);
	if (rc || !lf_fields_stray(document->fields, document->n_fields, body, NULL, path))
		return rc;
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path,
			   "leave it out: it would have no effect",
			   "%s is not served for resources of type %s", path, document->type);
}

static int read_zones(const json_t *body, struct lf_doc *doc, struct lf_error *err)
{
	const json_t *zones = lf_json_at(body, "zones");

	if (json_array_size(zones) == 0)
		return 0;
	const char *zone = json_string_value(json_array_get(zones, 0));
	int rc = lf_vm_zone_check(zone ? zone : "", "zones", err);
	if (!rc && json_array_size(zones) > 1)
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "zones", "name one of them",
				 "a machine is in one zone");
	if (!rc && lf_json_text(body, "properties.availabilitySet.id"))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "zones",
				 "leave one of both out",
				 "a machine of an availability set is in no zone");
	lf_doc_share(doc, "zones", zones);
	return rc;
}

/* Ids of resources that are there. */
static int read_placement(struct lf_catalog *catalog, const char *vm_id, const json_t *body,
			  struct lf_doc *doc, struct lf_error *err)
{
	static const char set_path[] = "properties.availabilitySet.id",
			  group_path[] = "properties.proximityPlacementGroup.id";
	const char *location = lf_json_text_or(body, "location", "");
	const char *set = lf_json_text(body, set_path), *group = lf_json_text(body, group_path);

	int rc = set ? lf_vm_set_check(catalog, set, vm_id, location, set_path, err) : 0;
	if (!rc && group)
		rc = lf_vm_placement_group_check(catalog, group, location, group_path, err);
	lf_doc_text_if(doc, "availabilitySetId", set);
	lf_doc_text_if(doc, "proximityPlacementGroupId", group);
	return rc ? rc : read_zones(body, doc, err);
}

static int read_security(const json_t *body, bool uefi, struct lf_doc *doc, struct lf_error *err)
{
	const char *type = lf_json_text(body, SECURITY ".securityType");
	bool trusted = type && lf_text_equal_nocase(type, "TrustedLaunch");
	/* a trusted launch has both unless it is said otherwise */
	bool secure = lf_json_bool_or(body, SECURITY ".uefiSettings.secureBootEnabled", trusted);
	bool tpm = lf_json_bool_or(body, SECURITY ".uefiSettings.vTpmEnabled", trusted);

	lf_doc_bool(doc, "secureBoot", secure);
	if (tpm)
		lf_doc_bool(doc, "tpm", true);
	if (trusted)
		lf_doc_text(doc, "securityType", "TrustedLaunch");
	return lf_vm_security_check(type, secure, tpm, uefi, SECURITY, err);
}

static int read_boot_diagnostics(struct lf_context *context, const json_t *body, struct lf_doc *doc,
				 struct lf_error *err)
{
	const char *given = lf_json_text(body, BOOT ".storageUri");
	const char *uri = given && given[0] ? given : NULL;
	int rc = uri ? lf_vm_boot_uri_check(context, uri, BOOT ".storageUri", err) : 0;

	lf_doc_bool(doc, "bootDiagnostics.enabled",
		    lf_json_bool_or(body, BOOT ".enabled", uri != NULL));
	lf_doc_text_if(doc, "bootDiagnostics.storageUri", uri);
	return rc;
}

int lf_vm_body_read(struct lf_context *context, const char *vm_id, const json_t *body,
		    json_t *machine, struct lf_error *err)
{
	const char *os = lf_json_text_or(machine, "osType", "Linux");
	const char *license = lf_json_text(body, "properties.licenseType");
	bool uefi = strcmp(lf_json_text_or(machine, "firmware", ""), "uefi") == 0;
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *asked = NULL;

	int rc = read_placement(context->catalog, vm_id, body, &doc, err);
	if (!rc)
		rc = read_security(body, uefi, &doc, err);
	if (!rc)
		rc = read_boot_diagnostics(context, body, &doc, err);
	if (!rc && license)
		rc = lf_vm_license_check(license, os, "properties.licenseType", &license, err);
	lf_doc_text_if(&doc, "licenseType", license);
	lf_doc_text_if(&doc, "identityType", lf_json_text(body, "identity.type"));
	if (!rc)
		rc = lf_doc_end(&doc, &asked, err);
	return rc || !json_object_update(machine, asked) ? rc : lf_fail_nomem(err);
}

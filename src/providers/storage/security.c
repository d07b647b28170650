/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections an account lets in, and which settings of its security are
 * refused, since nothing here would keep to them.
 */
#include <string.h>

#include "base/text.h"
#include "providers/common/unsupported.h"
#include "providers/network/prefix.h"
#include "providers/network/private_link.h"
#include "providers/storage/internal.h"

#define ACLS	 "properties.networkAcls"
#define IP_RULES ACLS ".ipRules"

static const struct lf_unsupported unsupported[] = {
	{"properties.publicNetworkAccess", LF_IS_TEXT, "SecuredByPerimeter",
	 "NetworkSecurityPerimeterNotSupported"},
	{ACLS ".virtualNetworkRules", LF_IS_THERE, NULL, "VirtualNetworkRulesNotSupported"},
	{ACLS ".resourceAccessRules", LF_IS_THERE, NULL, "ResourceAccessRulesNotSupported"},
	{"properties.supportsHttpsTrafficOnly", LF_IS_FALSE, NULL, "HttpNotSupported"},
	{"properties.allowBlobPublicAccess", LF_IS_TRUE, NULL, "PublicAccessNotSupported"},
	{"properties.encryption.keySource", LF_IS_TEXT, "Microsoft.Keyvault",
	 "CustomerManagedKeysNotSupported"},
	{"properties.encryption.keyvaultproperties", LF_IS_THERE, NULL,
	 "CustomerManagedKeysNotSupported"},
	{"properties.encryption.requireInfrastructureEncryption", LF_IS_TRUE, NULL,
	 "InfrastructureEncryptionNotSupported"},
	{"properties.encryption.services.blob.enabled", LF_IS_FALSE, NULL,
	 "UnencryptedBlobsNotSupported"},
	{"properties.immutableStorageWithVersioning.enabled", LF_IS_TRUE, NULL,
	 "ImmutableStorageNotSupported"},
	{"properties.sasPolicy", LF_IS_THERE, NULL, "SasPolicyNotSupported"},
	{"properties.keyPolicy", LF_IS_THERE, NULL, "KeyPolicyNotSupported"},
	{"properties.allowedCopyScope", LF_IS_THERE, NULL, "CopyScopeNotSupported"},
	{"properties.customDomain", LF_IS_THERE, NULL, "CustomDomainNotSupported"},
	{"properties.dnsEndpointType", LF_IS_TEXT, "AzureDnsZone", "DnsZoneNotSupported"},
	{"properties.isSftpEnabled", LF_IS_TRUE, NULL, "SftpNotSupported"},
	{"properties.isNfsV3Enabled", LF_IS_TRUE, NULL, "NfsV3NotSupported"},
};

/* "10.0.0.0/8" or "10.1.2.3". */
static int parse_rule(const json_t *rule, struct lf_prefix *ret_prefix, struct lf_error *err)
{
	const char *text = lf_json_text_or(rule, "value", "");

	if (strchr(text, '/'))
		return lf_prefix_parse(text, IP_RULES, ret_prefix, err);
	ret_prefix->bits = 32;
	return lf_address_parse(text, IP_RULES, &ret_prefix->base, err);
}

static int check_rules(const json_t *rules, struct lf_error *err)
{
	struct lf_prefix ignored;
	const json_t *rule;
	size_t i;
	int rc = 0;

	json_array_foreach (rules, i, rule) {
		const char *action = lf_json_text_or(rule, "action", "Allow");
		rc = lf_text_equal_nocase(action, "Allow")
			     ? parse_rule(rule, &ignored, err)
			     : lf_fail(err, LF_EINVAL, IP_RULES, "a rule's action is Allow");
		if (rc)
			break;
	}
	return rc;
}

/* "AzureServices", "None", or several with commas: there are no logs and metrics to let in. */
static bool is_bypass(const char *text)
{
	static const char *const words[] = {"None", "AzureServices", "Logging", "Metrics"};

	while (*text) {
		size_t len = strcspn(text, ","), i = 0;
		while (i < LF_N(words) &&
		       (strlen(words[i]) != len || !lf_text_starts_nocase(text, words[i])))
			i++;
		if (i == LF_N(words))
			return false;
		text += len + (text[len] == ',');
		text += strspn(text, " ");
	}
	return true;
}

int lf_storage_security_check(const json_t *doc, struct lf_error *err)
{
	int rc = lf_unsupported_check(unsupported, LF_N(unsupported), doc, err);

	if (!rc && !is_bypass(lf_json_text_or(doc, ACLS ".bypass", "")))
		rc = lf_fail(err, LF_EINVAL, ACLS ".bypass", "give AzureServices or None");
	return rc ? rc : check_rules(lf_json_at(doc, IP_RULES), err);
}

/* Whether the rules hold the address; what is not IPv4 they do not. */
static bool is_let_in(const json_t *rules, const char *text)
{
	struct lf_error ignored;
	struct lf_prefix prefix;
	uint32_t address;
	const json_t *rule;
	size_t i;

	if (lf_address_parse(text, NULL, &address, &ignored))
		return false;
	json_array_foreach (rules, i, rule)
		if (!parse_rule(rule, &prefix, &ignored) && lf_prefix_holds(&prefix, address))
			return true;
	return false;
}

/* The service of an agent is one of the site's own, as Azure's services are Azure's. */
static bool is_trusted(const json_t *doc, const struct lf_blob_access *access)
{
	return access->agent &&
	       strstr(lf_json_text_or(doc, ACLS ".bypass", "AzureServices"), "AzureServices");
}

static int check_network(struct lf_catalog *catalog, const struct lf_resource *account,
			 const struct lf_blob_access *access, const struct lf_http_exchange *x,
			 struct lf_error *err)
{
	const json_t *doc = account->doc;
	bool closed = strcmp(lf_json_text_or(doc, "properties.publicNetworkAccess", "Enabled"),
			     "Enabled") != 0;
	bool open = strcmp(lf_json_text_or(doc, ACLS ".defaultAction", "Allow"), "Allow") == 0;

	bool may = is_trusted(doc, access) ||
		   (!closed &&
		    (open || is_let_in(lf_json_at(doc, IP_RULES), lf_http_client_address(x))));
	int rc = lf_private_link_admit(catalog, account->id, NULL, may, x, &may, err);

	if (rc || may)
		return rc;
	return lf_fail_arm(err, LF_EDENIED, "AuthorizationFailure", access->account,
			   "see the account's publicNetworkAccess and networkAcls, or come "
			   "through a private endpoint of it",
			   "this request is not authorized to perform this operation");
}

int lf_storage_admit(struct lf_catalog *catalog, struct lf_blob_access *access,
		     const struct lf_http_exchange *x, struct lf_error *err)
{
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *id = NULL;

	int rc = lf_storage_find(catalog, access->account, &id, err);
	if (!rc && !id)
		return 0; /* of the site's own accounts, which no client can set up */
	if (!rc)
		rc = lf_catalog_get(catalog, id, &account, err);
	if (!rc)
		rc = check_network(catalog, &account, access, x, err);
	snprintf(access->tier, sizeof(access->tier), "%s",
		 lf_json_text_or(account.doc, "properties.accessTier", ""));
	snprintf(access->sku, sizeof(access->sku), "%s",
		 lf_json_text_or(account.doc, "sku.name", ""));
	snprintf(access->kind, sizeof(access->kind), "%s",
		 lf_json_text_or(account.doc, "kind", ""));
	if (rc)
		return rc;
	const char *least = lf_json_text_or(account.doc, "properties.minimumTlsVersion", "");
	if (strcmp(least, "TLS1_3") == 0 && lf_http_tls_version(x) < 13)
		return lf_fail_arm(err, LF_EINVAL, "TlsVersionNotPermitted", access->account,
				   "connect with TLS 1.3",
				   "the TLS version of the connection is not permitted on this "
				   "storage account");
	return 0;
}

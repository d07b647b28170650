/* SPDX-License-Identifier: Apache-2.0 */
/* What an account's settings let in, and which settings are refused. */
#include "test.h"

#include "http_standin.h"
#include "providers/storage/internal.h"

#define ID "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acct"

static struct lf_error err;

struct fixture {
	char *dir;
	struct lf_context context;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;

	if (!f || test_memory_dir_setup(&dir))
		return -1;
	f->dir = dir;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/catalog.db", f->dir);
	f->context.clock = lf_clock_new_manual(1000 * LF_NS_PER_S);
	*state = f;
	return lf_catalog_open(path, f->context.clock, &f->context.catalog, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_catalog_free(f->context.catalog);
	lf_clock_free(f->context.clock);
	free(f);
	return test_dir_teardown(&dir);
}

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
	LF_AUTO_FREE char *copy = strdup(text);
	json_t *doc = NULL;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	assert_lf_ok(lf_json_parse(copy, strlen(copy), &doc, &err));
	return doc;
}

static int admitted(struct fixture *f, const char *properties, const char *address, unsigned tls,
		    bool agent)
{
	LF_AUTO_FREE char *text =
		lf_printf_dup("{'location':'eastus','properties':%s}", properties);
	LF_AUTO_JSON *doc = parse(text);
	const struct lf_http_exchange x = {.address = address, .tls = tls};
	struct lf_blob_access access = {.account = "acct", .agent = agent};

	assert_lf_ok(lf_catalog_put(f->context.catalog, ID, LF_STORAGE_TYPE, LF_PUT_ANY, NULL, doc,
				    NULL, &err));
	return lf_storage_admit(f->context.catalog, &access, &x, &err);
}

#define DENY                                                                                       \
	"'networkAcls':{'defaultAction':'Deny','ipRules':[{'value':'192.0.2.0/"                    \
	"24'},{'value':'10.1.2.3','action':'Allow'}]"

static void test_account__that_is_open_lets_everybody_in(void **state)
{
	assert_lf_ok(admitted(*state, "{}", "198.51.100.7", 12, false));
	assert_lf_ok(admitted(*state, "{'networkAcls':{'defaultAction':'Allow','ipRules':[]}}",
			      "2001:db8::1", 12, false));
}

static void test_account__that_denies_lets_its_addresses_in(void **state)
{
	assert_lf_ok(admitted(*state, "{" DENY "}}", "192.0.2.255", 12, false));
	assert_lf_ok(admitted(*state, "{" DENY "}}", "10.1.2.3", 12, false));
	assert_int_equal(admitted(*state, "{" DENY "}}", "192.0.3.0", 12, false), LF_EDENIED);
	assert_string_equal(err.arm_code, "AuthorizationFailure");
	assert_int_equal(admitted(*state, "{" DENY "}}", "10.1.2.4", 12, false), LF_EDENIED);
	assert_int_equal(admitted(*state, "{" DENY "}}", "2001:db8::1", 12, false), LF_EDENIED);
	assert_int_equal(admitted(*state, "{" DENY "}}", "", 12, false), LF_EDENIED);
}

static void test_account__without_public_access_has_no_addresses(void **state)
{
	assert_int_equal(admitted(*state, "{'publicNetworkAccess':'Disabled'," DENY "}}",
				  "192.0.2.1", 12, false),
			 LF_EDENIED);
	assert_int_equal(
		admitted(*state, "{'publicNetworkAccess':'Disabled'}", "127.0.0.1", 13, false),
		LF_EDENIED);
	/* a value that nobody should have written closes */
	assert_int_equal(admitted(*state, "{'publicNetworkAccess':'SecuredByPerimeter'}",
				  "127.0.0.1", 13, false),
			 LF_EDENIED);
}

static void test_agent__is_a_trusted_service_unless_none_is(void **state)
{
	assert_lf_ok(admitted(*state, "{" DENY "}}", "198.51.100.7", 12, true));
	assert_lf_ok(admitted(*state, "{" DENY ",'bypass':'Logging, AzureServices'}}",
			      "198.51.100.7", 12, true));
	assert_lf_ok(
		admitted(*state, "{'publicNetworkAccess':'Disabled'}", "198.51.100.7", 12, true));
	assert_int_equal(admitted(*state, "{" DENY ",'bypass':'None'}}", "198.51.100.7", 12, true),
			 LF_EDENIED);
}

static void test_account__of_tls_1_3_takes_no_1_2(void **state)
{
	assert_int_equal(admitted(*state, "{'minimumTlsVersion':'TLS1_3'}", "127.0.0.1", 12, false),
			 LF_EINVAL);
	assert_string_equal(err.arm_code, "TlsVersionNotPermitted");
	assert_lf_ok(admitted(*state, "{'minimumTlsVersion':'TLS1_3'}", "127.0.0.1", 13, false));
	assert_lf_ok(admitted(*state, "{'minimumTlsVersion':'TLS1_0'}", "127.0.0.1", 12, false));
}

static int checked(const char *properties)
{
	LF_AUTO_FREE char *text = lf_printf_dup("{'properties':{%s}}", properties);
	LF_AUTO_JSON *doc = parse(text);

	return lf_storage_security_check(doc, &err);
}

static void test_setting__that_nothing_keeps_to_is_refused(void **state)
{
	static const char *const settings[] = {
		"'publicNetworkAccess':'SecuredByPerimeter'",
		"'networkAcls':{'virtualNetworkRules':[{'id':'/x'}]}",
		"'networkAcls':{'resourceAccessRules':[{'tenantId':'x'}]}",
		"'supportsHttpsTrafficOnly':false",
		"'supportsHttpsTrafficOnly':'False'",
		"'allowBlobPublicAccess':true",
		"'encryption':{'keySource':'Microsoft.Keyvault'}",
		"'encryption':{'requireInfrastructureEncryption':true}",
		"'immutableStorageWithVersioning':{'enabled':true}",
		"'sasPolicy':{'sasExpirationPeriod':'1.00:00:00'}",
		"'keyPolicy':{'keyExpirationPeriodInDays':1}",
		"'allowedCopyScope':'AAD'",
		"'isSftpEnabled':true",
	};

	(void)state;
	for (size_t i = 0; i < LF_N(settings); i++) {
		if (checked(settings[i]) != LF_EUNSUPPORTED)
			fail_msg("%s is taken", settings[i]);
		assert_non_null(strstr(err.arm_code, "NotSupported"));
	}
}

static void test_setting__as_clients_send_it_is_taken(void **state)
{
	(void)state;
	assert_lf_ok(checked("'minimumTlsVersion':'TLS1_2','supportsHttpsTrafficOnly':true,"
			     "'allowBlobPublicAccess':false,'sasPolicy':null,'keyPolicy':{},"
			     "'encryption':{'keySource':'Microsoft.Storage','services':{'blob':{"
			     "'enabled':true}}},'isSftpEnabled':false,"
			     "'networkAcls':{'bypass':'Logging, Metrics, AzureServices',"
			     "'defaultAction':'Deny','ipRules':[],'virtualNetworkRules':[]}"));
}

static void test_rule__that_is_no_address_is_refused(void **state)
{
	static const char *const rules[] = {
		"{'value':'10.0.0.0/8','action':'Deny'}",
		"{'value':'everybody'}",
		"{'value':'10.0.0.0/33'}",
		"{'value':'10.0.0.1/8'}",
		"{'value':''}",
		"{'value':7}",
		"{}",
		"'10.0.0.1'",
		"{'value':'10.0.0.1 '}",
	};

	(void)state;
	for (size_t i = 0; i < LF_N(rules); i++) {
		LF_AUTO_FREE char *text = lf_printf_dup("'networkAcls':{'ipRules':[%s]}", rules[i]);
		if (!checked(text))
			fail_msg("%s is taken", rules[i]);
	}
	assert_int_equal(checked("'networkAcls':{'bypass':'Everything'}"), LF_EINVAL);
	assert_int_equal(checked("'networkAcls':{'bypass':'AzureServicesX'}"), LF_EINVAL);
}

static void test_name__that_a_url_of_the_site_begins_with_is_none(void **state)
{
	static const char *const names[] = {"organizations", "common",	 "adfs",   "agent",
					    "peer",	     "metadata", "oauth2", "providers",
					    "subscriptions", "tenants",	 "ab",	   "Abc",
					    "a-b",	     "md-access"};

	(void)state;
	for (size_t i = 0; i < LF_N(names); i++)
		assert_false(lf_storage_name_valid(names[i]));
	assert_true(lf_storage_name_valid("corp1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_account__that_is_open_lets_everybody_in),
		TEST(test_account__that_denies_lets_its_addresses_in),
		TEST(test_account__without_public_access_has_no_addresses),
		TEST(test_agent__is_a_trusted_service_unless_none_is),
		TEST(test_account__of_tls_1_3_takes_no_1_2),
		cmocka_unit_test(test_setting__that_nothing_keeps_to_is_refused),
		cmocka_unit_test(test_setting__as_clients_send_it_is_taken),
		cmocka_unit_test(test_rule__that_is_no_address_is_refused),
		cmocka_unit_test(test_name__that_a_url_of_the_site_begins_with_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

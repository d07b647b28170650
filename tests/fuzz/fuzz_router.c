/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole requests against the whole daemon, in this process, over TLS: every
 * route of the tables and of what is mounted beside them, by its own grammar,
 * with hostile bytes in each place (path, query, headers, members of the body).
 *
 * An input chooses; it is not the request itself, so that most requests come
 * far.  The site lives on from input to input, with what was made in it.
 * Failures: a crash, a sanitizer's report, no answer within ten seconds, an
 * answer that is a fault of the server's (5xx but 501, 503, 507), and an error of
 * ARM without its envelope.
 */
#include "fuzz.h"

#include <signal.h>

#include "base/log.h"
#include "json/field.h"
#include "providers/registry.h"
#include "server/daemon.h"
#include "wire.h"

#define GUID "11111111-2222-4333-8444-555555555555"

static struct {
	struct lf_daemon *daemon;
	char tenant[64], subscription[64], client[64], secret[128], peer_secret[128];
	char *token, *blob_token;
} site;

/* What a request is made of. */

struct input {
	const uint8_t *data;
	size_t left;
	unsigned until; /* places that are as they should be before the one that is not */
};

static unsigned choose(struct input *in, size_t n)
{
	if (!in->left || n < 2)
		return 0;
	unsigned value = *in->data;
	in->data++, in->left--;
	if (n > 256 && in->left) {
		value |= (unsigned)*in->data << 8;
		in->data++, in->left--;
	}
	return (unsigned)(value % n);
}

/* Is this place of the request the one where a client is hostile?  At most one is. */
static bool is_hostile(struct input *in)
{
	return in->until && --in->until == 0;
}

/* Bytes of the input as they are; escaped: as a path or query may carry them. */
static void put_raw(struct lf_buf *out, struct input *in, bool escaped)
{
	size_t n = choose(in, 24);

	for (; n && in->left; n--, in->data++, in->left--)
		lf_buf_printf(out, escaped ? "%%%02X" : "%c", escaped || *in->data ? *in->data : 1);
}

static const char *const hostile[] = {
	"%FF",
	"%C3",
	"a%C3",
	"%ED%A0%80",
	"%00",
	"a%0Ab",
	"%2e%2e",
	"..%2f..%2fx",
	"%2F",
	"%",
	"%zz",
	"a%3Cb%3E",
	"%27%22%60%24(id)",
	"%7F",
	"%E2%80%AE",
	"*",
	".",
	"a.tmp-b",
	"x.point",
	"%20",
	"%09",
	"con",
	"aux%3A",
	"x%5Cy",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"organizations",
	"peer",
	"agent",
	"md-access",
	"99999999999999999999",
	"-1",
	"0",
	"$batch"};
static const char *const names[] = {"one",    "two", "g1",	"default", "Azure", "eastus",
				    "westus", GUID,  "one-one", "a",	   "ONE",   "x1"};
static const char *const texts[] = {"",
				    "eastus",
				    "westus",
				    "Standard_LRS",
				    "Standard_B1s",
				    "Linux",
				    "Windows",
				    "one",
				    GUID,
				    "2026-01-01T00:00:00Z",
				    "0001-01-01T00:00:00Z",
				    "9999-12-31T23:59:59Z",
				    "P1D",
				    "PT0S",
				    "P99999999999999Y",
				    "10.0.0.0/8",
				    "10.0.0.0/33",
				    "::/0",
				    "255.255.255.255",
				    "/subscriptions/x/resourceGroups/g1",
				    "https://127.0.0.1/a/b/c",
				    "file:///etc/passwd",
				    "a\\nb",
				    "$(id)",
				    "';DROP TABLE resources;--",
				    "<a>",
				    "]]>",
				    "\\u0000",
				    "\\ud83d\\ude00",
				    "\\u0007\\u001b[2J",
				    "18446744073709551616",
				    "-9223372036854775808",
				    "1e400",
				    "NaN",
				    "true",
				    "null",
				    "InMageRcm",
				    "AzureIaasVM",
				    "Daily",
				    "Weekly",
				    "RestoreDisks",
				    "Recovery",
				    "Read"};
static const char *const numbers[] = {"0",
				      "1",
				      "-1",
				      "2",
				      "30",
				      "100",
				      "1000",
				      "9999",
				      "4294967295",
				      "4294967296",
				      "9223372036854775807",
				      "-9223372036854775808",
				      "18446744073709551615",
				      "1e308",
				      "0.5",
				      "1e-400"};

static void put_long(struct lf_buf *out, struct input *in, const char *unit)
{
	for (unsigned n = 100u + choose(in, 1000); n; n--)
		lf_buf_printf(out, "%s", unit);
}

/* A segment of a path, a value of a query. */
static void put_segment(struct lf_buf *out, struct input *in)
{
	if (!is_hostile(in)) {
		lf_buf_printf(out, "%s", choose(in, 4) ? "one" : names[choose(in, LF_N(names))]);
		return;
	}
	switch (choose(in, 4)) {
	case 0:
		put_long(out, in, choose(in, 2) ? "%C3%BC" : "x");
		break;
	case 1:
		put_raw(out, in, choose(in, 2));
		break;
	default:
		lf_buf_printf(out, "%s", hostile[choose(in, LF_N(hostile))]);
	}
}

/* A resource's id, of the site or foreign. */
static void put_id(struct lf_buf *out, struct input *in)
{
	static const char *const types[] = {"Microsoft.Compute/disks",
					    "Microsoft.Compute/virtualMachines",
					    "Microsoft.Network/virtualNetworks",
					    "Microsoft.Network/networkInterfaces",
					    "Microsoft.Storage/storageAccounts",
					    "Microsoft.RecoveryServices/vaults",
					    "Microsoft.OffAzure/serverSites",
					    "Microsoft.Compute/restorePointCollections",
					    "Microsoft.Network/virtualNetworks/one/subnets"};

	lf_buf_printf(out, "/subscriptions/%s/resourceGroups/g1/providers/%s/%s", site.subscription,
		      types[choose(in, LF_N(types))], names[choose(in, LF_N(names))]);
}

static void put_text(struct lf_buf *out, struct input *in)
{
	bool bad = is_hostile(in);
	unsigned kind = choose(in, bad ? 4 : 8);

	lf_buf_printf(out, "\"");
	if (bad && kind == 0)
		put_long(out, in, choose(in, 2) ? "\xc3\xbc" : "x");
	else if (bad && kind == 1)
		put_raw(out, in, false);
	else if (bad || kind < 3)
		lf_buf_printf(out, "%s", texts[choose(in, LF_N(texts))]);
	else if (kind < 5)
		put_id(out, in);
	else
		lf_buf_printf(out, "%s", names[choose(in, LF_N(names))]);
	lf_buf_printf(out, "\"");
}

static void put_any(struct lf_buf *out, struct input *in)
{
	static const char *const values[] = {"null",   "true", "false",	   "[]",  "{}",
					     "[null]", "[[]]", "{\"\":0}", "[{}]"};

	switch (choose(in, 3)) {
	case 0:
		lf_buf_printf(out, "%s", values[choose(in, LF_N(values))]);
		break;
	case 1:
		lf_buf_printf(out, "%s", numbers[choose(in, LF_N(numbers))]);
		break;
	default:
		put_text(out, in);
	}
}

static void put_value(struct lf_buf *out, struct input *in, const struct lf_field *field)
{
	size_t n = 0;

	if (is_hostile(in)) {
		put_any(out, in);
		return;
	}
	switch (field->type) {
	case LF_INT:
		lf_buf_printf(out, "%lld", (long long)(field->min + choose(in, 8)));
		break;
	case LF_BOOL:
		lf_buf_printf(out, choose(in, 2) ? "true" : "false");
		break;
	case LF_OBJECT:
		lf_buf_printf(out, "{}");
		break;
	case LF_ARRAY:
		lf_buf_printf(out, "[]");
		break;
	case LF_ENUM:
		while (field->values && field->values[n])
			n++;
		if (n)
			lf_buf_printf(out, "\"%s\"", field->values[choose(in, n)]);
		else
			put_text(out, in);
		break;
	case LF_ID:
		lf_buf_printf(out, "\"");
		put_id(out, in);
		lf_buf_printf(out, "\"");
		break;
	case LF_TEXT:
	default:
		put_text(out, in);
	}
}

/* One component of a path, or NULL at its end. */
static const char *component(const char *path, char out[static 128])
{
	size_t n = strcspn(path, ".");

	snprintf(out, 128, "%.*s", (int)n, path);
	return path[n] ? path + n + 1 : NULL;
}

/* doc with the member at path set to value, whatever is on the way; "*": the first element. */
static void set_member(json_t *doc, const char *path, json_t *value)
{
	char name[128];
	const char *rest = component(path, name);
	bool index = strcmp(name, "*") == 0;

	if (!rest) {
		if (index)
			json_array_append_new(doc, value);
		else
			json_object_set_new(doc, name, value);
		return;
	}
	bool list = rest[0] == '*' && (!rest[1] || rest[1] == '.');
	json_t *next = index ? json_array_get(doc, 0) : json_object_get(doc, name);
	if (!json_is_object(next) && !json_is_array(next)) {
		next = list ? json_array() : json_object();
		if (index)
			json_array_append(doc, next);
		else
			json_object_set(doc, name, next);
		json_decref(next);
	}
	if (list != json_is_array(next)) {
		json_decref(value);
		return;
	}
	set_member(next, rest, value);
}

/* By the route's table: required members mostly, others sometimes. */
static void put_document(struct lf_buf *out, struct input *in, const struct lf_arm_route *route)
{
	LF_AUTO_JSON *doc = json_object();

	json_object_set_new(doc, "location", json_string("eastus"));
	for (size_t i = 0; i < route->n_fields; i++) {
		const struct lf_field *field = &route->fields[i];
		if (choose(in, 4) >= (field->flags & LF_REQUIRED ? 4u : 2u))
			continue;
		LF_AUTO_BUF text = LF_BUF_INIT;
		put_value(&text, in, field);
		json_t *value = json_loadb(lf_buf_text(&text), text.len,
					   JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		if (value)
			set_member(doc, field->path, value);
	}
	LF_AUTO_FREE char *text = json_dumps(doc, JSON_COMPACT);
	lf_buf_printf(out, "%s", text ? text : "{}");
}

static void put_body(struct lf_buf *out, struct input *in, const struct lf_arm_route *route)
{
	bool bad = is_hostile(in);
	unsigned kind = bad ? choose(in, 3) : 3;

	if (kind == 0)
		put_raw(out, in, false);
	else if (kind == 1)
		put_any(out, in);
	else if (route->flags & LF_ARM_FORM) {
		static const char *const keys[] = {
			"grant_type=", "client_id=", "client_secret=", "scope=", "resource="};
		for (size_t i = 0; i < LF_N(keys); i++) {
			lf_buf_printf(out, "&%s", keys[i]);
			put_segment(out, in);
		}
	} else
		put_document(out, in, route);
	if (kind == 2 && out->len) /* cut somewhere */
		out->len = choose(in, out->len);
}

static void put_query(struct lf_buf *out, struct input *in, const char *version)
{
	static const char *const options[] = {
		"$filter=", "$skiptoken=", "$skipToken=", "$top=",   "$expand=",    "t=",      "c=",
		"comp=",    "restype=",	   "prefix=",	  "marker=", "maxresults=", "timeout="};
	static const char *const filters[] = {
		"operation%20eq%20%27Backup%27",
		"startTime%20eq%20%272026-01-01%2000:00:00%20AM%27",
		"a%20eq",
		"%27%27%27",
		"((((((((",
		"backupManagementType%20eq%20%27AzureIaasVM%27%20and%20status%20eq%20%27%27",
		"instanceView",
		"list",
		"container"};

	lf_buf_printf(out, "?api-version=");
	if (is_hostile(in))
		lf_buf_printf(out, "%s", hostile[choose(in, LF_N(hostile))]);
	else
		lf_buf_printf(out, "%s", version);
	for (unsigned n = choose(in, 3); n; n--) {
		lf_buf_printf(out, "&%s", options[choose(in, LF_N(options))]);
		if (choose(in, 2))
			lf_buf_printf(out, "%s", filters[choose(in, LF_N(filters))]);
		else
			put_segment(out, in);
	}
}

/* Segments in braces are what the client chooses. */
static void put_path(struct lf_buf *out, struct input *in, const char *path)
{
	while (*path) {
		if (*path != '{') {
			lf_buf_printf(out, "%c", *path++);
			continue;
		}
		const char *end = strchr(path, '}');
		LF_ASSERT(end);
		if (strncasecmp(path, "{subscription", 13) == 0 && !is_hostile(in))
			lf_buf_printf(out, "%s", site.subscription);
		else if (strncasecmp(path, "{tenant", 7) == 0 && !is_hostile(in))
			lf_buf_printf(out, "%s", site.tenant);
		else if (strncasecmp(path, "{resourceGroup", 14) == 0 ||
			 strncasecmp(path, "{group", 6) == 0)
			!is_hostile(in) ? (void)lf_buf_printf(out, "g1") : put_segment(out, in);
		else
			put_segment(out, in);
		path = end + 1;
	}
}

static void put_headers(struct lf_buf *out, struct input *in)
{
	static const char *const lines[] = {"If-Match: *",
					    "If-None-Match: *",
					    "If-Match: \"x\"",
					    "x-ms-client-request-id: ",
					    "x-ms-return-client-request-id: true",
					    "x-ms-range: bytes=5-4",
					    "Range: bytes=0-",
					    "x-ms-date: ",
					    "x-ms-blob-type: PageBlob",
					    "x-ms-blob-content-length: 18446744073709551615",
					    "x-ms-page-write: update",
					    "x-ms-meta-a: ",
					    "Accept-Language: ",
					    "Expect: 100-continue",
					    "x-ms-copy-source: https://127.0.0.1/corp/c/b",
					    "x-ms-correlation-request-id: ",
					    "Prefer: ",
					    "x-ms-lease-id: "};

	for (unsigned n = choose(in, 3); n; n--) {
		const char *line = lines[choose(in, LF_N(lines))];
		lf_buf_printf(out, "%s", line);
		if (line[strlen(line) - 1] == ' ') {
			LF_AUTO_BUF value = LF_BUF_INIT;
			if (is_hostile(in))
				put_raw(&value, in, false);
			else
				lf_buf_printf(&value, GUID);
			for (size_t i = 0; i < value.len; i++)
				lf_buf_printf(out, "%c",
					      strchr("\r\n", value.data[i]) ? '.' : value.data[i]);
		}
		lf_buf_printf(out, "\r\n");
	}
}

/* The site. */

static void load_line(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);

	LF_ASSERT(at);
	at += strlen(name);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
}

static char *sign_in(const char *scope)
{
	LF_AUTO_BUF request = LF_BUF_INIT, form = LF_BUF_INIT;

	lf_buf_printf(&form, "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s",
		      site.client, site.secret, scope);
	lf_buf_printf(
		&request,
		"POST /%s/oauth2/v2.0/token HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: "
		"%zu\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n%s",
		site.tenant, wire.port, form.len, lf_buf_text(&form));
	int status = wire_ask("POST", &request);
	if (status != 200) {
		fprintf(stderr, "no token: %s\n", lf_buf_text(&wire.answer));
		abort();
	}
	LF_AUTO_JSON *doc =
		json_loads(lf_buf_text(&wire.answer) + wire.body_at, JSON_DISABLE_EOF_CHECK, NULL);
	char *token = strdup(lf_json_text_or(doc, "access_token", ""));
	LF_ASSERT(token && token[0]);
	return token;
}

/* What is there to be asked for and written to; {S}: the subscription. */
static const struct {
	const char *path, *body;
} resources[] = {
	{"?api-version=2022-12-01", "{\"location\":\"eastus\"}"},
	{"Microsoft.Storage/storageAccounts/one?api-version=2023-05-01",
	 "{\"location\":\"eastus\",\"kind\":\"StorageV2\",\"sku\":{\"name\":\"Standard_LRS\"}}"},
	{"Microsoft.RecoveryServices/vaults/one?api-version=2024-04-01",
	 "{\"location\":\"eastus\",\"properties\":{},\"sku\":{\"name\":\"RS0\",\"tier\":"
	 "\"Standard\"}}"},
	{"Microsoft.Network/virtualNetworks/one?api-version=2024-03-01",
	 "{\"location\":\"eastus\",\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.1.0."
	 "0/16\"]},\"subnets\":[{\"name\":\"one\","
	 "\"properties\":{\"addressPrefix\":\"10.1.0.0/24\"}}]}}"},
	{"Microsoft.Network/networkInterfaces/one?api-version=2024-03-01",
	 "{\"location\":\"eastus\",\"properties\":{\"ipConfigurations\":[{\"name\":\"one\","
	 "\"properties\":{\"subnet\":{\"id\":\"/subscriptions/{S}/"
	 "resourceGroups/g1/providers/Microsoft.Network/virtualNetworks/one/subnets/one\"}}}]}}"},
	{"Microsoft.Compute/disks/two?api-version=2024-03-02",
	 "{\"location\":\"eastus\",\"properties\":{\"diskSizeGB\":1,\"creationData\":{"
	 "\"createOption\":\"Empty\"}}}"},
	{"Microsoft.Compute/disks/one?api-version=2024-03-02",
	 "{\"location\":\"eastus\",\"properties\":{\"osType\":\"Linux\",\"diskSizeGB\":1,"
	 "\"creationData\":{\"createOption\":\"Empty\"}}}"},
	{"Microsoft.Compute/virtualMachines/one?api-version=2024-07-01",
	 "{\"location\":\"eastus\",\"properties\":{\"hardwareProfile\":{\"vmSize\":\"Standard_"
	 "B1s\"},\"storageProfile\":{\"osDisk\":{\"createOption\":"
	 "\"Attach\",\"managedDisk\":{\"id\":\"/subscriptions/{S}/resourceGroups/g1/providers/"
	 "Microsoft.Compute/disks/one\"}}},\"networkProfile\":{"
	 "\"networkInterfaces\":[{\"id\":\"/subscriptions/{S}/resourceGroups/g1/providers/"
	 "Microsoft.Network/networkInterfaces/one\"}]}}}"},
	{"Microsoft.OffAzure/serverSites/one?api-version=2023-06-06",
	 "{\"location\":\"eastus\",\"properties\":{}}"},
	{"Microsoft.RecoveryServices/vaults/one/replicationPolicies/one?api-version=2025-08-01",
	 "{\"properties\":{\"providerSpecificInput\":{\"instanceType\":\"InMageRcm\","
	 "\"recoveryPointHistoryInMinutes\":60,"
	 "\"crashConsistentFrequencyInMinutes\":5,\"appConsistentFrequencyInMinutes\":0,"
	 "\"enableMultiVmSync\":\"false\"}}}"},
	{"Microsoft.Compute/restorePointCollections/one?api-version=2024-07-01",
	 "{\"location\":\"eastus\",\"properties\":{\"source\":{\"id\":\"/subscriptions/{S}/"
	 "resourceGroups/g1/providers/Microsoft.Compute/"
	 "virtualMachines/one\"}}}"},
	{"Microsoft.Compute/restorePointCollections/one/restorePoints/one?api-version=2024-07-01",
	 "{}"},
};

/* text with the subscription in it; free(). */
static char *with_subscription(const char *text)
{
	LF_AUTO_BUF out = LF_BUF_INIT;

	for (const char *at; (at = strstr(text, "{S}")); text = at + 3)
		lf_buf_printf(&out, "%.*s%s", (int)(at - text), text, site.subscription);
	lf_buf_printf(&out, "%s", text);
	return lf_buf_take(&out);
}

static void prepare(size_t i, bool first)
{
	LF_AUTO_BUF request = LF_BUF_INIT;
	LF_AUTO_FREE char *body = with_subscription(resources[i].body);

	lf_buf_printf(&request,
		      "PUT /subscriptions/%s/resourceGroups/g1%s%s HTTP/1.1\r\nHost: "
		      "127.0.0.1:%u\r\nAuthorization: Bearer "
		      "%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		      site.subscription, i ? "/providers/" : "", resources[i].path, wire.port,
		      site.token, strlen(body), body);
	int status = wire_ask("PUT", &request);
	if (first && (status < 200 || status > 299)) {
		fprintf(stderr, "%s: %s\n", resources[i].path, lf_buf_text(&wire.answer));
		abort(); /* half of what is tried would be tried on nothing */
	}
}

static void open_site(void)
{
	struct lf_daemon_opts opts = {.address = "127.0.0.1",
				      .compute = "fake",
				      .clock_rate = 1,
				      .log_level = LF_LOG_ERROR};
	LF_AUTO_FREE char *dir = fuzz_path("router");
	LF_AUTO_FREE char *env = lf_printf_dup("%s/client.env", dir);
	LF_AUTO_FREE char *peer = lf_printf_dup("%s/keys/peer.json", dir);
	LF_AUTO_BUF text = LF_BUF_INIT, key = LF_BUF_INIT;
	struct lf_error err = LF_ERROR_NONE;

	signal(SIGPIPE, SIG_IGN);
	lf_log_init("fuzz", LF_LOG_ERROR);
	opts.data_dir = dir;
	if (lf_daemon_open(&opts, &site.daemon, &err)) {
		fprintf(stderr, "cannot start: %s\n", err.message);
		abort();
	}
	wire.port = (uint16_t)atoi(strrchr(lf_daemon_url(site.daemon), ':') + 1);
	LF_ASSERT(lf_file_read(env, 65536, &text, &err) == 0 &&
		  lf_file_read(peer, 65536, &key, &err) == 0);
	load_line(lf_buf_text(&text), "LF_TENANT_ID=", site.tenant, sizeof(site.tenant));
	load_line(lf_buf_text(&text), "LF_SUBSCRIPTION_ID=", site.subscription,
		  sizeof(site.subscription));
	load_line(lf_buf_text(&text), "LF_CLIENT_ID=", site.client, sizeof(site.client));
	load_line(lf_buf_text(&text), "LF_CLIENT_SECRET=", site.secret, sizeof(site.secret));
	LF_AUTO_JSON *doc = json_loads(lf_buf_text(&key), 0, NULL);
	snprintf(site.peer_secret, sizeof(site.peer_secret), "%s",
		 lf_json_text_or(doc, "secret", ""));
	site.token = sign_in(lf_daemon_url(site.daemon));
	LF_AUTO_FREE char *scope = lf_printf_dup("%s/.default", lf_daemon_url(site.daemon));
	free(site.token);
	site.token = sign_in(scope);
	site.blob_token = sign_in("https://storage.azure.com/.default");
	for (size_t i = 0; i < LF_N(resources); i++)
		prepare(i, true);
}

/* What is not in the tables. */
static const struct {
	const char *method, *path;
	unsigned kind;
} mounted[] = {
	{"GET", "/agent/v1/ca", 'a'},
	{"POST", "/agent/v1/register", 'a'},
	{"POST", "/agent/v1/poll", 'a'},
	{"POST", "/agent/v1/sessions/{id}/commit", 'a'},
	{"POST", "/peer/v1/{region}/" GUID "/begin", 'p'},
	{"POST", "/peer/v1/{region}/" GUID "/extents", 'p'},
	{"POST", "/peer/v1/{region}/" GUID "/packs", 'p'},
	{"POST", "/peer/v1/{region}/" GUID "/commit", 'p'},
	{"DELETE", "/peer/v1/{region}/{point}", 'p'},
	{"GET", "/one/{container}/{blob}", 'b'},
	{"HEAD", "/one/{container}/{blob}", 'b'},
	{"PUT", "/one/{container}/{blob}", 'b'},
	{"DELETE", "/one/{container}/{blob}", 'b'},
	{"GET", "/one/{container}", 'b'},
	{"PUT", "/one/{container}", 'b'},
	{"DELETE", "/one/{container}", 'b'},
	{"GET", "/{account}", 'b'},
	{"GET", "/{account}/{container}/{blob}", 'b'},
};

static void put_mounted(struct lf_buf *head, struct lf_buf *body, struct input *in, size_t i,
			const char **ret_method)
{
	const char *secret = mounted[i].kind == 'p'   ? site.peer_secret
			     : mounted[i].kind == 'b' ? site.blob_token
						      : "";
	LF_AUTO_BUF path = LF_BUF_INIT;

	*ret_method = mounted[i].method;
	put_path(&path, in, mounted[i].path);
	put_query(&path, in, "disk=0");
	if (mounted[i].kind == 'b') /* what the query says is all of a blob's call */
		for (char *at = path.data ? strchr(path.data, '?') : NULL; at && *at; at++)
			if (strncmp(at, "?api-version=disk=0&", 20) == 0)
				memmove(at + 1, at + 20, strlen(at + 20) + 1), path.len -= 19;
	lf_buf_printf(head, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nx-ms-version: 2025-01-05\r\n",
		      mounted[i].method, lf_buf_text(&path), wire.port);
	if (!is_hostile(in))
		lf_buf_printf(head, "Authorization: Bearer %s\r\n", secret);
	if (choose(in, 2))
		put_any(body, in);
	else
		put_raw(body, in, false);
}

static void put_route(struct lf_buf *head, struct lf_buf *body, struct input *in,
		      const struct lf_arm_provider *provider, const struct lf_arm_route *route,
		      const char **ret_method)
{
	static const char *const methods[] = {"GET",   "PUT",  "POST",	  "DELETE",
					      "PATCH", "HEAD", "OPTIONS", "TRACE"};
	const char *version = provider->newest_version ? provider->newest_version : "2022-12-01";

	*ret_method = is_hostile(in) ? methods[choose(in, LF_N(methods))] : route->method;
	lf_buf_printf(head, "%s ", *ret_method);
	put_path(head, in, route->path);
	put_query(head, in, version);
	lf_buf_printf(head, " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", wire.port);
	if (!is_hostile(in))
		lf_buf_printf(head, "Authorization: Bearer %s\r\n", site.token);
	if (strcmp(*ret_method, "GET") != 0 && strcmp(*ret_method, "HEAD") != 0)
		put_body(body, in, route);
}

/* Requests of any route: which, and of it all else, says the input. */
static void put_request(struct lf_buf *request, struct input *in, const char **ret_method)
{
	size_t n, all = LF_N(mounted);
	const struct lf_arm_provider *const *providers = lf_registry_providers(&n);
	LF_AUTO_BUF body = LF_BUF_INIT;

	for (size_t i = 0; i < n; i++)
		all += providers[i]->n_routes;
	size_t which = choose(in, all);
	if (which < LF_N(mounted))
		put_mounted(request, &body, in, which, ret_method);
	which -= which < LF_N(mounted) ? which : LF_N(mounted);
	for (size_t i = 0; !request->len && i < n; i++) {
		if (which < providers[i]->n_routes)
			put_route(request, &body, in, providers[i], &providers[i]->routes[which],
				  ret_method);
		which -= providers[i]->n_routes;
	}
	put_headers(request, in);
	if (body.len || (strcmp(*ret_method, "GET") != 0 && strcmp(*ret_method, "HEAD") != 0))
		lf_buf_printf(request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			      body.len);
	lf_buf_printf(request, "\r\n");
	lf_buf_append(request, lf_buf_text(&body), body.len);
}

/* The credentials of one process are of no use in a report. */
static void report(const struct lf_buf *request, const char *what)
{
	fprintf(stderr, "%s\n--- request\n%.*s\n--- answer\n%.2000s\n", what,
		(int)(request->len < 6000 ? request->len : 6000), lf_buf_text(request),
		wire.answer.len ? lf_buf_text(&wire.answer) : "");
	abort();
}

static void look_at(const struct lf_buf *request, const char *method, int status)
{
	bool fault = status >= 500 && status != 501 && status != 503 && status != 507;

	if (fault || (status && status < 200) || status > 599)
		report(request, "a fault of the server's");
	if (!status)
		return; /* it may close on what is no HTTP; that it lives, the next request shows */
	const char *type = wire_find_header("\nContent-Type: application/json");
	if (strcmp(method, "HEAD") == 0 || !type || status < 400)
		return;
	LF_AUTO_JSON *doc = json_loadb(lf_buf_text(&wire.answer) + wire.body_at,
				       wire.answer.len - wire.body_at, 0, NULL);
	if (!doc || (!lf_json_at(doc, "error")))
		report(request, "an error without its envelope");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.data = data, .left = size};

	static unsigned inputs;

	if (!site.daemon)
		open_site();
	/* what was deleted is there again */
	if (++inputs % 128 == 0)
		for (size_t i = 0; i < LF_N(resources); i++)
			prepare(i, false);
	for (unsigned n = 0; n < 4 && in.left; n++) {
		LF_AUTO_BUF request = LF_BUF_INIT;
		const char *method = "GET";
		in.until = choose(&in, 32);
		put_request(&request, &in, &method);
		look_at(&request, method, wire_ask(method, &request));
	}
	return 0;
}

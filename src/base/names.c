/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of rules, a row a kind of name: which characters, which at the
 * ends, how long.  A resource's type chooses its row by the last part of the
 * type. Names that an earlier version took stay readable: lf_id_check_new() is
 * asked where something is made, and nowhere else.
 */
#include "base/names.h"

#include <string.h>
#include <strings.h>

#include "base/term.h"
#include "base/utf8.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define ALNUM UPPER LOWER DIGIT

struct rule {
	const char *what;
	size_t min, max;   /* bytes; characters where any_script */
	const char *chars; /* NULL: printable, none of others */
	const char *first, *last;
	bool any_script; /* characters beyond ASCII are let through, too */
	const char *arm_code;
	const char *hint;
};

#define INVALID	 "InvalidResourceName"
#define RESOURCE ALNUM "._-", ALNUM, ALNUM "_", false
#define RESOURCE_HINT                                                                              \
	" letters, digits, '-', '_' and '.', beginning with a letter or digit and not ending in "  \
	"'.' or '-'"

#define PRINTABLE ALNUM " !()+,-.;=@_"
#define ID_MAX	  2048

static const struct rule rules[LF_NAME_KINDS] = {
	[LF_NAME_ANY] =
		{"resource", 1, 260, PRINTABLE, ALNUM "_(", ALNUM "_)=", true, INVALID,
		 "1 to 260 letters, digits, blanks and !()+,-.;=@_, beginning with a letter "
		 "or digit and ending in one"},
	[LF_NAME_GROUP] = {"resource group", 1, 90, ALNUM "._-()", ALNUM "._-()", ALNUM "_-()",
			   true, "InvalidResourceGroup",
			   "1 to 90 letters, digits, '-', '_', '.', '(' and ')', not ending in "
			   "'.'"},
	[LF_NAME_VM] = {"virtual machine", 1, 64, RESOURCE, INVALID, "1 to 64" RESOURCE_HINT},
	[LF_NAME_COMPUTER] = {"computer", 1, 64, ALNUM ".-", ALNUM, ALNUM, false,
			      "InvalidParameter", "1 to 64 letters, digits, '-' and '.'"},
	[LF_NAME_COMPUTER_WINDOWS] = {"computer", 1, 15, ALNUM "-", ALNUM, ALNUM, false,
				      "InvalidParameter",
				      "1 to 15 letters, digits and '-', not digits alone"},
	[LF_NAME_RESOURCE] = {"resource", 1, 80, RESOURCE, INVALID, "1 to 80" RESOURCE_HINT},
	[LF_NAME_VAULT] = {"vault", 2, 50, ALNUM "-", UPPER LOWER, ALNUM "-", false, INVALID,
			   "2 to 50 letters, digits and hyphens, beginning with a letter"},
	[LF_NAME_ACCOUNT] = {"storage account", 3, 24, LOWER DIGIT, LOWER DIGIT, LOWER DIGIT, false,
			     "AccountNameInvalid", "3 to 24 lower-case letters and digits"},
	[LF_NAME_BACKUP_POLICY] = {"backup policy", 3, 150, ALNUM "-_!", UPPER LOWER, ALNUM "_!",
				   false, INVALID,
				   "3 to 150 letters, digits, '-', '_' and '!', beginning with a "
				   "letter and not ending in '-'"},
	[LF_NAME_BACKUP_ITEM] = {"backup container or item", 1, 500, ALNUM "._-();", ALNUM "._-()",
				 ALNUM "._-()", true, INVALID,
				 "1 to 500 letters, digits, '-', '_', '.', '(', ')' and ';'"},
	[LF_NAME_RECOVERY] = {"resource", 1, 150, RESOURCE, INVALID, "1 to 150" RESOURCE_HINT},
	[LF_NAME_RECORD] = {"record set", 1, 253, ALNUM "-_.@", ALNUM "_@", ALNUM "-_@", false,
			    INVALID,
			    "1 to 253 letters, digits, '-', '_' and '.', or \"@\" for the zone "
			    "itself"},
	[LF_NAME_LOCATION] = {"location", 1, 64, ALNUM " -", ALNUM, ALNUM, false,
			      "LocationNotAvailableForResourceType",
			      "GET /subscriptions/{id}/locations lists them"},
	[LF_NAME_MACHINE] = {"machine", 1, 253, RESOURCE, "InvalidParameter",
			     "1 to 253" RESOURCE_HINT},
	[LF_NAME_DISK] = {"disk", 1, 80, RESOURCE, "InvalidParameter", "1 to 80" RESOURCE_HINT},
	[LF_NAME_TEXT] = {"text", 0, 1024, NULL, NULL, NULL, true, "InvalidParameter",
			  "at most 1024 bytes of UTF-8 without control characters"},
};

static bool is_blank(uint32_t c)
{
	return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

static bool good_character(const struct rule *rule, uint32_t c)
{
	if (lf_term_hidden(c))
		return false;
	if (c >= 0x80)
		return rule->any_script && (!rule->chars || !is_blank(c));
	return !rule->chars || strchr(rule->chars, (int)c);
}

static bool good_end(const char *set, char c)
{
	return !set || c & 0x80 || strchr(set, c);
}

bool lf_name_good(enum lf_name_kind kind, const char *name)
{
	const struct rule *rule = &rules[kind];
	size_t n = 0, used = 0, len;
	uint32_t c;

	if (!name)
		return false;
	for (; name[used]; used += len, n++) {
		len = lf_utf8_decode(name + used, &c);
		if (!len || !good_character(rule, c))
			return false;
	}
	size_t length = rule->chars ? n : used;
	if (length < rule->min || length > rule->max)
		return false;
	if (!used)
		return true;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (kind == LF_NAME_RECORD && strchr(name, '@') && used > 1)
		return false;
	if (kind == LF_NAME_COMPUTER_WINDOWS && !name[strspn(name, DIGIT)])
		return false;
	return good_end(rule->first, name[0]) && good_end(rule->last, name[used - 1]);
}

static bool is_printable(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return *name;
}

int lf_name_check(enum lf_name_kind kind, const char *name, const char *target,
		  struct lf_error *err)
{
	const struct rule *rule = &rules[kind];

	if (lf_name_good(kind, name))
		return 0;
	if (name && is_printable(name))
		return lf_fail_arm(err, LF_EINVAL, rule->arm_code, target, rule->hint,
				   "'%.100s' is not the name of a %s", name, rule->what);
	return lf_fail_arm(err, LF_EINVAL, rule->arm_code, target, rule->hint,
			   "the %s has a name that is not valid", rule->what);
}

void lf_name_make(enum lf_name_kind kind, const char *text, char *out, size_t size)
{
	const struct rule *rule = &rules[kind];
	size_t n = 0, max = rule->max < size - 1 ? rule->max : size - 1;

	for (const char *p = text; *p && n < max; p++) {
		char c = strchr(rule->chars, *p) ? *p : '-';
		if (n || strchr(rule->first, c))
			out[n++] = c;
	}
	while (n && !strchr(rule->last, out[n - 1]))
		n--;
	out[n] = '\0';
	if (!lf_name_good(kind, out))
		snprintf(out, size, "unnamed");
}

/* The types whose names have a rule, by the last part of the type. */
static const struct {
	const char *type;
	enum lf_name_kind kind;
} types[] = {
	{"resourceGroups", LF_NAME_GROUP},
	{"virtualMachines", LF_NAME_VM},
	{"disks", LF_NAME_RESOURCE},
	{"snapshots", LF_NAME_RESOURCE},
	{"availabilitySets", LF_NAME_RESOURCE},
	{"proximityPlacementGroups", LF_NAME_RESOURCE},
	{"restorePointCollections", LF_NAME_RESOURCE},
	{"restorePoints", LF_NAME_RESOURCE},
	{"virtualNetworks", LF_NAME_RESOURCE},
	{"subnets", LF_NAME_RESOURCE},
	{"networkInterfaces", LF_NAME_RESOURCE},
	{"networkSecurityGroups", LF_NAME_RESOURCE},
	{"publicIPAddresses", LF_NAME_RESOURCE},
	{"loadBalancers", LF_NAME_RESOURCE},
	{"privateEndpoints", LF_NAME_RESOURCE},
	{"privateDnsZoneGroups", LF_NAME_RESOURCE},
	{"virtualNetworkLinks", LF_NAME_RESOURCE},
	{"A", LF_NAME_RECORD},
	{"SOA", LF_NAME_RECORD},
	{"ServerSites", LF_NAME_RESOURCE},
	{"VMwareSites", LF_NAME_RESOURCE},
	{"storageAccounts", LF_NAME_ACCOUNT},
	{"vaults", LF_NAME_VAULT},
	{"backupPolicies", LF_NAME_BACKUP_POLICY},
	{"protectionContainers", LF_NAME_BACKUP_ITEM},
	{"protectedItems", LF_NAME_BACKUP_ITEM},
	{"replicationFabrics", LF_NAME_RECOVERY},
	{"replicationProtectionContainers", LF_NAME_RECOVERY},
	{"replicationProtectionContainerMappings", LF_NAME_RECOVERY},
	{"replicationRecoveryServicesProviders", LF_NAME_RECOVERY},
	{"replicationProtectedItems", LF_NAME_RECOVERY},
	{"replicationPolicies", LF_NAME_RECOVERY},
	{"replicationRecoveryPlans", LF_NAME_RECOVERY},
};

static enum lf_name_kind kind_of(const char *type, size_t len)
{
	for (size_t i = 0; i < LF_N(types); i++)
		if (strlen(types[i].type) == len && strncasecmp(types[i].type, type, len) == 0)
			return types[i].kind;
	return LF_NAME_ANY;
}

static bool good_segment(const char *at, size_t len)
{
	static const struct rule form = {.chars = PRINTABLE, .any_script = true};
	size_t used = 0, n;
	uint32_t c;

	if (!len || at[0] == ' ' || at[len - 1] == ' ' || (len == 1 && at[0] == '.') ||
	    (len == 2 && at[0] == '.' && at[1] == '.'))
		return false;
	for (; used < len; used += n) {
		n = lf_utf8_decode(at + used, &c);
		if (!n || !good_character(&form, c))
			return false;
	}
	return true;
}

bool lf_id_good(const char *id)
{
	size_t len;

	if (!id || id[0] != '/' || strnlen(id, ID_MAX + 1) > ID_MAX)
		return false;
	for (const char *at = id; *at; at += len) {
		at++;
		len = strcspn(at, "/");
		if (!good_segment(at, len))
			return false;
	}
	return true;
}

int lf_id_check_new(const char *id, const char *target, struct lf_error *err)
{
	const char *slash = strrchr(id, '/'), *type = slash;

	while (type && type > id && type[-1] != '/')
		type--;
	int rc =
		slash ? lf_name_check(kind_of(type, (size_t)(slash - type)), slash + 1, target, err)
		      : 0;
	if (rc || lf_id_good(id))
		return rc;
	return lf_fail_arm(err, LF_EINVAL, "InvalidResourceName", target,
			   "names hold letters, digits, blanks and !()+,-.;=@_",
			   "a resource id has a name in it that is not valid");
}

bool lf_name_plain(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len && len < 256 && text[0] != '-' && text[0] != '.' &&
	       !text[strspn(text, ALNUM "._-")];
}

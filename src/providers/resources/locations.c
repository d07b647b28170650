/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regions of every subscription, as a table of Azure's: their names in any
 * form, and the view of each with its pair.
 */
#include "providers/resources/locations.h"

#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "json/doc.h"

/* Azure's own pairs, so that clients that know them find what they expect. */
static const struct location {
	const char *name, *display, *pair, *geography, *code;
} locations[] = {
	{"eastus", "East US", "westus", "US", "eus"},
	{"westus", "West US", "eastus", "US", "wus"},
	{"eastus2", "East US 2", "centralus", "US", "eus2"},
	{"centralus", "Central US", "eastus2", "US", "cus"},
	{"northcentralus", "North Central US", "southcentralus", "US", "ncus"},
	{"southcentralus", "South Central US", "northcentralus", "US", "scus"},
	{"westus2", "West US 2", "westcentralus", "US", "wus2"},
	{"westcentralus", "West Central US", "westus2", "US", "wcus"},
	{"northeurope", "North Europe", "westeurope", "Europe", "ne"},
	{"westeurope", "West Europe", "northeurope", "Europe", "we"},
	{"uksouth", "UK South", "ukwest", "United Kingdom", "uks"},
	{"ukwest", "UK West", "uksouth", "United Kingdom", "ukw"},
	{"francecentral", "France Central", "francesouth", "France", "frc"},
	{"francesouth", "France South", "francecentral", "France", "frs"},
	{"germanywestcentral", "Germany West Central", "germanynorth", "Germany", "gwc"},
	{"germanynorth", "Germany North", "germanywestcentral", "Germany", "gn"},
	{"switzerlandnorth", "Switzerland North", "switzerlandwest", "Switzerland", "szn"},
	{"switzerlandwest", "Switzerland West", "switzerlandnorth", "Switzerland", "szw"},
	{"norwayeast", "Norway East", "norwaywest", "Norway", "nwe"},
	{"norwaywest", "Norway West", "norwayeast", "Norway", "nww"},
	{"southeastasia", "Southeast Asia", "eastasia", "Asia Pacific", "sea"},
	{"eastasia", "East Asia", "southeastasia", "Asia Pacific", "ea"},
	{"japaneast", "Japan East", "japanwest", "Japan", "jpe"},
	{"japanwest", "Japan West", "japaneast", "Japan", "jpw"},
	{"australiaeast", "Australia East", "australiasoutheast", "Australia", "ae"},
	{"australiasoutheast", "Australia Southeast", "australiaeast", "Australia", "ase"},
	{"canadacentral", "Canada Central", "canadaeast", "Canada", "cnc"},
	{"canadaeast", "Canada East", "canadacentral", "Canada", "cne"},
	{"centralindia", "Central India", "southindia", "India", "inc"},
	{"southindia", "South India", "centralindia", "India", "ins"},
};

void lf_location_normal(const char *location, char *out, size_t out_size)
{
	size_t used = 0;

	for (const char *p = location; *p && used < out_size - 1; p++)
		if (*p != ' ')
			out[used++] = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	out[used] = '\0';
}

bool lf_location_equal(const char *a, const char *b)
{
	char x[64], y[64];

	if (!a || !b)
		return false;
	lf_location_normal(a, x, sizeof(x));
	lf_location_normal(b, y, sizeof(y));
	return strcmp(x, y) == 0;
}

static const struct location *find(const char *location)
{
	for (size_t i = 0; i < LF_N(locations); i++)
		if (lf_location_equal(locations[i].name, location))
			return &locations[i];
	return NULL;
}

const char *lf_location_pair(const char *location)
{
	const struct location *found = find(location);

	return found ? found->pair : NULL;
}

const char *lf_location_code(const char *location)
{
	const struct location *found = find(location);

	return found ? found->code : location;
}

const char *lf_location_display(const char *location)
{
	const struct location *found = find(location);

	return found ? found->display : location;
}

json_t *lf_locations_view(const char *subscription)
{
	json_t *values = json_array();
	char id[256], pair_id[256];

	for (size_t i = 0; i < LF_N(locations); i++) {
		const struct location *l = &locations[i];
		snprintf(id, sizeof(id), "/subscriptions/%s/locations/%s", subscription, l->name);
		snprintf(pair_id, sizeof(pair_id), "/subscriptions/%s/locations/%s", subscription,
			 l->pair);
		struct lf_doc doc = LF_DOC_INIT, pair = LF_DOC_INIT;

		lf_doc_text(&doc, "id", id);
		lf_doc_text(&doc, "name", l->name);
		lf_doc_text(&doc, "type", "Region");
		lf_doc_text(&doc, "displayName", l->display);
		lf_doc_text(&doc, "regionalDisplayName", l->display);
		lf_doc_text(&doc, "metadata.regionType", "Physical");
		lf_doc_text(&doc, "metadata.regionCategory", "Recommended");
		lf_doc_text(&doc, "metadata.geographyGroup", l->geography);
		lf_doc_text(&doc, "metadata.physicalLocation", l->display);
		lf_doc_text(&pair, "name", l->pair);
		lf_doc_text(&pair, "id", pair_id);
		lf_doc_append(&doc, "metadata.pairedRegion", lf_doc_take(&pair));
		json_array_append_new(values, lf_doc_take(&doc));
	}
	return values;
}

int lf_location_check(const char *location, struct lf_error *err)
{
	int rc = lf_name_check(LF_NAME_LOCATION, location, "location", err);

	return rc || find(location)
		       ? rc
		       : lf_fail_arm(err, LF_EINVAL, "LocationNotAvailableForResourceType",
				     "location", "GET /subscriptions/{id}/locations lists them",
				     "there is no location '%.60s'", location);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/resources/locations.h"

#include <string.h>

#include "base/text.h"
#include "json/doc.h"

/* Azure's own pairs, so that clients that know them find what they expect. */
static const struct location {
	const char *name, *display, *pair, *geography;
} locations[] = {
	{"eastus", "East US", "westus", "US"},
	{"westus", "West US", "eastus", "US"},
	{"eastus2", "East US 2", "centralus", "US"},
	{"centralus", "Central US", "eastus2", "US"},
	{"northcentralus", "North Central US", "southcentralus", "US"},
	{"southcentralus", "South Central US", "northcentralus", "US"},
	{"westus2", "West US 2", "westcentralus", "US"},
	{"westcentralus", "West Central US", "westus2", "US"},
	{"northeurope", "North Europe", "westeurope", "Europe"},
	{"westeurope", "West Europe", "northeurope", "Europe"},
	{"uksouth", "UK South", "ukwest", "United Kingdom"},
	{"ukwest", "UK West", "uksouth", "United Kingdom"},
	{"francecentral", "France Central", "francesouth", "France"},
	{"francesouth", "France South", "francecentral", "France"},
	{"germanywestcentral", "Germany West Central", "germanynorth", "Germany"},
	{"germanynorth", "Germany North", "germanywestcentral", "Germany"},
	{"switzerlandnorth", "Switzerland North", "switzerlandwest", "Switzerland"},
	{"switzerlandwest", "Switzerland West", "switzerlandnorth", "Switzerland"},
	{"norwayeast", "Norway East", "norwaywest", "Norway"},
	{"norwaywest", "Norway West", "norwayeast", "Norway"},
	{"southeastasia", "Southeast Asia", "eastasia", "Asia Pacific"},
	{"eastasia", "East Asia", "southeastasia", "Asia Pacific"},
	{"japaneast", "Japan East", "japanwest", "Japan"},
	{"japanwest", "Japan West", "japaneast", "Japan"},
	{"australiaeast", "Australia East", "australiasoutheast", "Australia"},
	{"australiasoutheast", "Australia Southeast", "australiaeast", "Australia"},
	{"canadacentral", "Canada Central", "canadaeast", "Canada"},
	{"canadaeast", "Canada East", "canadacentral", "Canada"},
	{"centralindia", "Central India", "southindia", "India"},
	{"southindia", "South India", "centralindia", "India"},
};

const char *lf_location_pair(const char *location)
{
	for (size_t i = 0; i < LF_N(locations); i++)
		if (lf_text_equal_nocase(locations[i].name, location))
			return locations[i].pair;
	return NULL;
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

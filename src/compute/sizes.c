/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One constant table of sizes, in the order of their families; looked up by
 * name in any case, or by what is needed at least.
 */
#include "base/text.h"
#include "compute/compute.h"

#define GIB	    1024u
#define OS_DISK_MIB 1047552 /* what the size lists of Azure say for every size */

struct size {
	const char *name;
	uint16_t vcpus;
	uint32_t memory_mib;
	uint16_t data_disks_max;
	uint32_t resource_disk_mib;
};

/* As published; in the order of their families. */
static const struct size sizes[] = {
	{"Standard_A1_v2", 1, 2 * GIB, 2, 10 * GIB},
	{"Standard_A2_v2", 2, 4 * GIB, 4, 20 * GIB},
	{"Standard_A4_v2", 4, 8 * GIB, 8, 40 * GIB},
	{"Standard_A8_v2", 8, 16 * GIB, 16, 80 * GIB},
	{"Standard_B1ls", 1, 512, 2, 4 * GIB},
	{"Standard_B1s", 1, 1 * GIB, 2, 4 * GIB},
	{"Standard_B1ms", 1, 2 * GIB, 2, 4 * GIB},
	{"Standard_B2s", 2, 4 * GIB, 4, 8 * GIB},
	{"Standard_B2ms", 2, 8 * GIB, 4, 16 * GIB},
	{"Standard_B4ms", 4, 16 * GIB, 8, 32 * GIB},
	{"Standard_B8ms", 8, 32 * GIB, 16, 64 * GIB},
	{"Standard_B12ms", 12, 48 * GIB, 16, 96 * GIB},
	{"Standard_B16ms", 16, 64 * GIB, 32, 128 * GIB},
	{"Standard_B20ms", 20, 80 * GIB, 32, 160 * GIB},
	{"Standard_B2ts_v2", 2, 1 * GIB, 4, 0},
	{"Standard_B2ls_v2", 2, 4 * GIB, 4, 0},
	{"Standard_B2s_v2", 2, 8 * GIB, 4, 0},
	{"Standard_B4ls_v2", 4, 8 * GIB, 8, 0},
	{"Standard_B4s_v2", 4, 16 * GIB, 8, 0},
	{"Standard_D1_v2", 1, 3584, 4, 50 * GIB},
	{"Standard_D2_v2", 2, 7 * GIB, 8, 100 * GIB},
	{"Standard_D3_v2", 4, 14 * GIB, 16, 200 * GIB},
	{"Standard_D4_v2", 8, 28 * GIB, 32, 400 * GIB},
	{"Standard_D5_v2", 16, 56 * GIB, 64, 800 * GIB},
	{"Standard_DS1_v2", 1, 3584, 4, 7 * GIB},
	{"Standard_DS2_v2", 2, 7 * GIB, 8, 14 * GIB},
	{"Standard_DS3_v2", 4, 14 * GIB, 16, 28 * GIB},
	{"Standard_DS4_v2", 8, 28 * GIB, 32, 56 * GIB},
	{"Standard_DS5_v2", 16, 56 * GIB, 64, 112 * GIB},
	{"Standard_D2_v3", 2, 8 * GIB, 4, 50 * GIB},
	{"Standard_D4_v3", 4, 16 * GIB, 8, 100 * GIB},
	{"Standard_D8_v3", 8, 32 * GIB, 16, 200 * GIB},
	{"Standard_D16_v3", 16, 64 * GIB, 32, 400 * GIB},
	{"Standard_D2s_v3", 2, 8 * GIB, 4, 16 * GIB},
	{"Standard_D4s_v3", 4, 16 * GIB, 8, 32 * GIB},
	{"Standard_D8s_v3", 8, 32 * GIB, 16, 64 * GIB},
	{"Standard_D16s_v3", 16, 64 * GIB, 32, 128 * GIB},
	{"Standard_D32s_v3", 32, 128 * GIB, 32, 256 * GIB},
	{"Standard_D2s_v4", 2, 8 * GIB, 4, 0},
	{"Standard_D4s_v4", 4, 16 * GIB, 8, 0},
	{"Standard_D8s_v4", 8, 32 * GIB, 16, 0},
	{"Standard_D16s_v4", 16, 64 * GIB, 32, 0},
	{"Standard_D2s_v5", 2, 8 * GIB, 4, 0},
	{"Standard_D4s_v5", 4, 16 * GIB, 8, 0},
	{"Standard_D8s_v5", 8, 32 * GIB, 16, 0},
	{"Standard_D16s_v5", 16, 64 * GIB, 32, 0},
	{"Standard_D32s_v5", 32, 128 * GIB, 32, 0},
	{"Standard_D2ds_v5", 2, 8 * GIB, 4, 75 * GIB},
	{"Standard_D4ds_v5", 4, 16 * GIB, 8, 150 * GIB},
	{"Standard_D8ds_v5", 8, 32 * GIB, 16, 300 * GIB},
	{"Standard_D2as_v5", 2, 8 * GIB, 4, 0},
	{"Standard_D4as_v5", 4, 16 * GIB, 8, 0},
	{"Standard_D8as_v5", 8, 32 * GIB, 16, 0},
	{"Standard_E2s_v3", 2, 16 * GIB, 4, 32 * GIB},
	{"Standard_E4s_v3", 4, 32 * GIB, 8, 64 * GIB},
	{"Standard_E8s_v3", 8, 64 * GIB, 16, 128 * GIB},
	{"Standard_E2s_v5", 2, 16 * GIB, 4, 0},
	{"Standard_E4s_v5", 4, 32 * GIB, 8, 0},
	{"Standard_E8s_v5", 8, 64 * GIB, 16, 0},
	{"Standard_E16s_v5", 16, 128 * GIB, 32, 0},
	{"Standard_F1s", 1, 2 * GIB, 4, 4 * GIB},
	{"Standard_F2s", 2, 4 * GIB, 8, 8 * GIB},
	{"Standard_F4s", 4, 8 * GIB, 16, 16 * GIB},
	{"Standard_F2s_v2", 2, 4 * GIB, 4, 16 * GIB},
	{"Standard_F4s_v2", 4, 8 * GIB, 8, 32 * GIB},
	{"Standard_F8s_v2", 8, 16 * GIB, 16, 64 * GIB},
	{"Standard_F16s_v2", 16, 32 * GIB, 32, 128 * GIB},
};

int lf_compute_size(const char *name, unsigned *ret_vcpus, unsigned *ret_memory_mib,
		    struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(sizes); i++)
		if (lf_text_equal_nocase(sizes[i].name, name)) {
			*ret_vcpus = sizes[i].vcpus;
			*ret_memory_mib = sizes[i].memory_mib;
			return 0;
		}
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "vmSize",
			   "GET .../providers/Microsoft.Compute/locations/{location}/vmSizes lists "
			   "the sizes that are served",
			   "the value %.64s is not a VM size that is known here", name);
}

static json_t *doc_of(const struct size *size)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "name", size->name);
	lf_doc_int(&doc, "numberOfCores", size->vcpus);
	lf_doc_int(&doc, "memoryInMB", size->memory_mib);
	lf_doc_int(&doc, "maxDataDiskCount", size->data_disks_max);
	lf_doc_int(&doc, "osDiskSizeInMB", OS_DISK_MIB);
	lf_doc_int(&doc, "resourceDiskSizeInMB", size->resource_disk_mib);
	return lf_doc_take(&doc);
}

json_t *lf_compute_sizes(void)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < LF_N(sizes); i++)
		if (json_array_append_new(list, doc_of(&sizes[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

void lf_compute_size_for(int64_t cores, int64_t memory_mib, char *out, size_t out_size)
{
	const char *found = "Standard_D2s_v3";
	int64_t best = INT64_MAX;

	for (size_t i = 0; i < LF_N(sizes); i++) {
		const struct size *size = &sizes[i];
		int64_t cost = (int64_t)size->vcpus * 4096 + size->memory_mib;
		if (size->vcpus >= cores && size->memory_mib >= memory_mib && cost < best) {
			best = cost;
			found = size->name;
		}
	}
	snprintf(out, out_size, "%s", found);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables between the structs of machines and their documents.  What may be absent is as old as
 * the oldest document that is still read: vm.json of a machine, and plans in the catalog.
 */
#include "compute/spec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
	[LF_VM_SOURCE_POINT] = "point",
	[LF_VM_SOURCE_FILE] = "file",
	[LF_VM_SOURCE_EMPTY] = "empty",
	NULL,
};
static const char *const firmwares[] = {[LF_VM_BIOS] = "bios", [LF_VM_UEFI] = "uefi", NULL};
static const char *const powers[] = {
	[LF_VM_STOPPED] = "stopped", [LF_VM_RUNNING] = "running", [LF_VM_PAUSED] = "paused"};

static const struct lf_field source_fields[] = {
	LF_ENUM_AT(struct lf_vm_source, kind, "kind", LF_REQUIRED, kinds),
	LF_TEXT_AT(struct lf_vm_source, point.region, "region", 0),
	LF_TEXT_AT(struct lf_vm_source, point.point, "point", 0),
	LF_TEXT_AT(struct lf_vm_source, point.root, "root", 0),
	LF_TEXT_AT(struct lf_vm_source, point.disk, "disk", 0),
	LF_TEXT_AT(struct lf_vm_source, path, "path", 0),
	LF_TEXT_AT(struct lf_vm_source, format, "format", 0),
};
static const struct lf_field disk_fields[] = {
	LF_INT_AT(struct lf_vm_disk, lun, "lun", LF_REQUIRED, INT_MIN, INT_MAX),
	LF_TEXT_AT(struct lf_vm_disk, name, "name", 0),
	LF_TEXT_AT(struct lf_vm_disk, file, "file", 0),
	LF_INT_AT(struct lf_vm_disk, slot, "slot", 0, 0, 700),
	LF_INT_AT(struct lf_vm_disk, size_bytes, "sizeBytes", 0, 0, INT64_MAX),
	LF_INT_AT(struct lf_vm_disk, sector_bytes, "sectorBytes", 0, 0, 4096),
	LF_OBJECT_AT(struct lf_vm_disk, source, "source", LF_REQUIRED, source_fields),
};
static const struct lf_field disks_fields[] = {
	LF_ARRAY_AT(struct lf_vm_spec, disks, n_disks, "", LF_REQUIRED, disk_fields),
};
static const struct lf_field nic_fields[] = {
	LF_GUID_AT(struct lf_vm_nic, guid, "guid", LF_REQUIRED),
	LF_GUID_AT(struct lf_vm_nic, network, "network", LF_REQUIRED),
	LF_TEXT_AT(struct lf_vm_nic, subnet, "subnet", LF_REQUIRED),
	LF_TEXT_AT(struct lf_vm_nic, mac, "mac", 0),
	LF_TEXT_AT(struct lf_vm_nic, address, "address", 0),
};
static const struct lf_field vm_fields[] = {
	LF_GUID_AT(struct lf_vm_spec, guid, "guid", LF_REQUIRED),
	LF_TEXT_AT(struct lf_vm_spec, id, "id", 0),
	LF_TEXT_AT(struct lf_vm_spec, name, "name", 0),
	LF_INT_AT(struct lf_vm_spec, vcpus, "vcpus", LF_REQUIRED, 0, INT_MAX),
	LF_INT_AT(struct lf_vm_spec, memory_mib, "memoryMiB", LF_REQUIRED, 0, INT_MAX),
	LF_ENUM_AT(struct lf_vm_spec, firmware, "firmware", 0, firmwares),
	LF_BOOL_AT(struct lf_vm_spec, secure_boot, "secureBoot", 0),
	LF_BOOL_AT(struct lf_vm_spec, tpm, "tpm", 0),
	LF_ARRAY_AT(struct lf_vm_spec, disks, n_disks, "disks", LF_REQUIRED, disk_fields),
	LF_ARRAY_AT(struct lf_vm_spec, nics, n_nics, "nics", 0, nic_fields),
};
static const struct lf_field subnet_fields[] = {
	LF_TEXT_AT(struct lf_vm_subnet, name, "name", LF_REQUIRED),
	LF_TEXT_AT(struct lf_vm_subnet, prefix, "prefix", LF_REQUIRED),
};
static const struct lf_field network_fields[] = {
	LF_GUID_AT(struct lf_vm_network, guid, "guid", LF_REQUIRED),
	LF_TEXT_AT(struct lf_vm_network, name, "name", 0),
	LF_BOOL_AT(struct lf_vm_network, isolated, "isolated", 0),
	LF_ARRAY_AT(struct lf_vm_network, subnets, n_subnets, "subnets", 0, subnet_fields),
};

static int by_lun(const void *a, const void *b)
{
	int x = ((const struct lf_vm_disk *)a)->lun, y = ((const struct lf_vm_disk *)b)->lun;

	return (x > y) - (x < y);
}

int lf_vm_spec_read(const json_t *doc, struct lf_vm_spec *ret_vm, struct lf_error *err)
{
	*ret_vm = (struct lf_vm_spec){.firmware = LF_VM_BIOS};
	int rc = lf_fields_read(vm_fields, LF_N(vm_fields), doc, "", ret_vm, err);
	if (!rc)
		qsort(ret_vm->disks, ret_vm->n_disks, sizeof(ret_vm->disks[0]), by_lun);
	return rc;
}

int lf_vm_disks_read(const json_t *array, struct lf_vm_spec *vm, struct lf_error *err)
{
	int rc = lf_fields_read(disks_fields, LF_N(disks_fields), array, "disks", vm, err);

	if (!rc)
		qsort(vm->disks, vm->n_disks, sizeof(vm->disks[0]), by_lun);
	return rc;
}

int lf_vm_network_read(const json_t *doc, struct lf_vm_network *ret_network, struct lf_error *err)
{
	*ret_network = (struct lf_vm_network){.isolated = true};
	return lf_fields_read(network_fields, LF_N(network_fields), doc, "", ret_network, err);
}

int lf_vm_source_read(const json_t *doc, struct lf_vm_source *ret_source, struct lf_error *err)
{
	*ret_source = (struct lf_vm_source){.kind = LF_VM_SOURCE_EMPTY};
	return lf_fields_read(source_fields, LF_N(source_fields), doc, "source", ret_source, err);
}

static json_t *doc_of(const struct lf_field *fields, size_t n, const void *from)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_fields_write(fields, n, from, &doc);
	return lf_doc_take(&doc);
}

json_t *lf_vm_spec_doc(const struct lf_vm_spec *vm)
{
	return doc_of(vm_fields, LF_N(vm_fields), vm);
}

json_t *lf_vm_network_doc(const struct lf_vm_network *network)
{
	return doc_of(network_fields, LF_N(network_fields), network);
}

json_t *lf_vm_source_doc(const struct lf_vm_source *source)
{
	return doc_of(source_fields, LF_N(source_fields), source);
}

json_t *lf_point_ref_doc(const struct lf_point_ref *point)
{
	const struct lf_vm_source source = {.kind = LF_VM_SOURCE_POINT, .point = *point};

	return lf_vm_source_doc(&source);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool lf_vm_source_equal(const struct lf_vm_source *a, const struct lf_vm_source *b)
{
	return a->kind == b->kind && same_text(a->point.region, b->point.region) &&
	       same_text(a->point.point, b->point.point) &&
	       same_text(a->point.root, b->point.root) && same_text(a->point.disk, b->point.disk) &&
	       same_text(a->path, b->path) && same_text(a->format, b->format);
}

bool lf_vm_same_disks(const struct lf_vm_spec *a, const struct lf_vm_spec *b)
{
	if (a->n_disks != b->n_disks)
		return false;
	for (size_t i = 0; i < a->n_disks; i++)
		if (!lf_vm_source_equal(&a->disks[i].source, &b->disks[i].source))
			return false;
	return true;
}

void lf_vm_state_done(struct lf_vm_state *state)
{
	free(state->reason);
	free(state->console);
	for (size_t i = 0; i < state->n_addresses; i++)
		free(state->addresses[i]);
	for (size_t i = 0; i < state->n_disks; i++)
		free(state->disks[i].path);
	*state = (struct lf_vm_state){0};
}

bool lf_vm_state_hydrated(const struct lf_vm_state *state)
{
	for (size_t i = 0; i < state->n_disks; i++)
		if (!state->disks[i].hydrated)
			return false;
	return state->n_disks > 0;
}

const struct lf_vm_disk_state *lf_vm_state_disk(const struct lf_vm_state *state, int64_t lun)
{
	for (size_t i = 0; i < state->n_disks; i++)
		if (state->disks[i].lun == lun)
			return &state->disks[i];
	return NULL;
}

static json_t *doc_of_disk_state(const struct lf_vm_disk_state *disk)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_int(&doc, "lun", disk->lun);
	lf_doc_text_if(&doc, "path", disk->path);
	lf_doc_bool(&doc, "hydrated", disk->hydrated);
	lf_doc_int(&doc, "hydratedBytes", disk->hydrated_bytes);
	lf_doc_int(&doc, "totalBytes", disk->total_bytes);
	return lf_doc_take(&doc);
}

json_t *lf_vm_state_doc(const struct lf_vm_state *state)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "power", powers[state->power]);
	lf_doc_text(&doc, "reason", state->reason ? state->reason : "");
	lf_doc_text_if(&doc, "console", state->console);
	if (state->started_ns)
		lf_doc_time(&doc, "startedAt", state->started_ns);
	if (state->first_output_ms)
		lf_doc_int(&doc, "firstOutputMs", state->first_output_ms);
	if (state->first_kernel_ms)
		lf_doc_int(&doc, "firstKernelMs", state->first_kernel_ms);
	lf_doc_put(&doc, "addresses", json_array());
	for (size_t i = 0; i < state->n_addresses; i++)
		lf_doc_append(&doc, "addresses", json_string(state->addresses[i]));
	lf_doc_put(&doc, "disks", json_array());
	for (size_t i = 0; i < state->n_disks; i++)
		lf_doc_append(&doc, "disks", doc_of_disk_state(&state->disks[i]));
	return lf_doc_take(&doc);
}

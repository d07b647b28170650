/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed disks, and machines made of them: a disk image becomes a disk, disks become a machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/find.h"
#include "cli/output.h"
#include "http/client.h"
#include "image/kind.h"
#include "json/doc.h"
#include "os/file.h"

#define PAGE_UNIT     512u
#define PAGES_MAX     (4u << 20) /* of one Put Page */
#define CONTAINER     "imports"
#define COMPUTE	      "/providers/Microsoft.Compute/"
#define NICS	      "/providers/Microsoft.Network/networkInterfaces/"
#define DATA_DISK_MAX 16

static const struct lf_cli_kind kind_disk = {"disk", COMPUTE "disks", LF_API_DISK};

static const struct lf_cli_column disk_columns[] = {
	{"NAME", "name", LF_SHOW_TEXT},
	{"SIZE", "properties.diskSizeBytes", LF_SHOW_BYTES},
	{"STATE", "properties.diskState", LF_SHOW_TEXT},
	{"MACHINE", "managedBy", LF_SHOW_LAST},
	{"GROUP", "id", LF_SHOW_GROUP},
};

static int disk_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_cli_path(cli, "%s", kind_disk.collection);
	LF_AUTO_JSON *disks = NULL;

	(void)args;
	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, LF_API_DISK, &disks, err);
	return rc ? rc : lf_cli_print_list(cli, disks, disk_columns, LF_N(disk_columns), err);
}

static int disk_delete(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *disk = NULL;
	LF_AUTO_JSON *done = NULL;
	int rc = lf_cli_find(cli, &kind_disk, NULL, args->words[0], &disk, err);

	if (!rc)
		rc = lf_cli_change(cli, "DELETE", lf_cli_id(disk), LF_API_DISK, NULL, NULL, NULL,
				   &done, err);
	return rc ? rc : lf_cli_say(cli, NULL, err, "%s is gone", args->words[0]);
}

/* --- upload --- */

/* One request to the blob service; more: a header of its own, or NULL. */
static int send_blob(struct lf_cli *cli, const char *method, const char *url, const char *more,
		     const char *range, const void *body, size_t len, struct lf_error *err)
{
	LF_AUTO_FREE char *bearer = lf_printf_dup("Authorization: Bearer %s", cli->storage_token);
	const char *const headers[] = {bearer, "x-ms-version: 2025-01-05",
				       more ? more : "x-ms-blob-type: PageBlob",
				       range ? range : "x-ms-client-request-id: landfall", NULL};
	const struct lf_http_call call = {
		.method = method, .url = url, .headers = headers, .body = body, .body_len = len};
	LF_AUTO_HTTP_ANSWER answer = {0};

	if (!bearer)
		return lf_fail_nomem(err);
	int rc = lf_http_client_call(cli->http, &call, &answer, err);
	if (rc || answer.status < 300 || answer.status == 409)
		return rc;
	return lf_fail(err, answer.status == 404 ? LF_ENOTFOUND : LF_EIO, url,
		       "the blob service answered %d", answer.status);
}

static int send_pages(struct lf_cli *cli, const char *url, int fd, uint64_t from, uint64_t to,
		      char *buffer, struct lf_error *err)
{
	LF_AUTO_FREE char *page_url = lf_printf_dup("%s?comp=page", url);

	for (uint64_t at = from; at < to;) {
		size_t len = to - at < PAGES_MAX ? (size_t)(to - at) : PAGES_MAX;
		char range[80];
		snprintf(range, sizeof(range), "x-ms-range: bytes=%llu-%llu",
			 (unsigned long long)at, (unsigned long long)(at + len - 1));
		int rc = page_url ? lf_file_pread_all(fd, buffer, len, at, "image", err)
				  : lf_fail_nomem(err);
		if (!rc)
			rc = send_blob(cli, "PUT", page_url, "x-ms-page-write: update", range,
				       buffer, len, err);
		if (rc)
			return rc;
		at += len;
	}
	return 0;
}

/* The image's data, not its holes. */
static int upload(struct lf_cli *cli, const char *url, int fd, uint64_t size, struct lf_error *err)
{
	LF_AUTO_FREE char *buffer = malloc(PAGES_MAX);
	struct lf_cli_progress progress = {0};
	char length[64];

	snprintf(length, sizeof(length), "x-ms-blob-content-length: %llu",
		 (unsigned long long)size);
	int rc = buffer ? send_blob(cli, "PUT", url, NULL, length, NULL, 0, err)
			: lf_fail_nomem(err);
	for (off_t at = 0; !rc && (uint64_t)at < size;) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0)
			break;
		off_t hole = lseek(fd, data, SEEK_HOLE);
		uint64_t from = (uint64_t)data / PAGE_UNIT * PAGE_UNIT;
		uint64_t to = hole > data ? (uint64_t)hole : size;
		to = (to + PAGE_UNIT - 1) / PAGE_UNIT * PAGE_UNIT;
		rc = send_pages(cli, url, fd, from, to < size ? to : size, buffer, err);
		at = (off_t)to;
		lf_cli_progress(cli, &progress, (int)(to * 100 / size), "uploading");
	}
	lf_cli_progress_end(cli, &progress);
	return rc;
}

/* The image into a page blob of the account; *ret_url: free(). */
static int upload_image(struct lf_cli *cli, const struct lf_args *args, const json_t *account,
			char **ret_url, struct lf_error *err)
{
	const char *endpoint = lf_json_text_or(account, "properties.primaryEndpoints.blob", "");
	LF_AUTO_FREE char *container = lf_printf_dup("%s" CONTAINER "?restype=container", endpoint);
	LF_AUTO_FREE char *url = lf_printf_dup("%s" CONTAINER "/%s.vhd", endpoint, args->words[0]);
	struct stat st;
	uint64_t bytes;

	if (!container || !url)
		return lf_fail_nomem(err);
	LF_AUTO_FD fd = open(args->words[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, args->words[1], "cannot open %s", args->words[1]);
	int rc = lf_image_check_file(fd, (uint64_t)st.st_size, args->words[1], &bytes, err);
	if (!rc)
		rc = send_blob(cli, "PUT", container, NULL, NULL, NULL, 0, err);
	if (!rc)
		rc = upload(cli, url, fd, (uint64_t)st.st_size, err);
	if (!rc)
		*ret_url = lf_steal(&url);
	return rc;
}

static int disk_import(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	const char *os = lf_args_value(args, "--os");
	LF_AUTO_JSON *account = NULL;
	LF_AUTO_JSON *disk = NULL;
	LF_AUTO_FREE char *url = NULL;

	int rc = lf_cli_sign_in_storage(cli, err);
	if (!rc)
		rc = lf_cli_find(cli, &lf_kind_storage, NULL, lf_args_value(args, "--account"),
				 &account, err);
	if (!rc)
		rc = upload_image(cli, args, account, &url, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_cli_path(cli, "/resourceGroups/%s" COMPUTE "disks/%s",
					      lf_args_value(args, "--group"), args->words[0]);
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "location", lf_json_text_or(account, "location", ""));
	lf_doc_text_if(&doc, "properties.osType", os);
	lf_doc_text_if(&doc, "properties.hyperVGeneration",
		       os ? lf_args_value_or(args, "--generation", "V1") : NULL);
	lf_doc_text(&doc, "properties.creationData.createOption", "Import");
	lf_doc_text(&doc, "properties.creationData.sourceUri", url);
	lf_doc_text(&doc, "properties.creationData.storageAccountId", lf_cli_id(account));
	LF_AUTO_JSON *body = lf_doc_take(&doc);
	rc = path && body
		     ? lf_cli_change(cli, "PUT", path, LF_API_DISK, body, NULL, NULL, &disk, err)
		     : lf_fail_nomem(err);
	/* the disk has its own bytes now */
	if (!rc && cli->wait)
		rc = send_blob(cli, "DELETE", url, NULL, NULL, NULL, 0, err);
	return rc ? rc : lf_cli_say(cli, disk, err, "%s is a disk", args->words[0]);
}

/* --- a machine of disks --- */

static int make_nic(struct lf_cli *cli, const struct lf_args *args, const char *location,
		    char **ret_id, struct lf_error *err)
{
	LF_AUTO_JSON *network = NULL;
	LF_AUTO_JSON *nic = NULL;
	int rc = lf_cli_find(cli, &lf_kind_network, NULL, lf_args_value(args, "--network"),
			     &network, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *id = lf_cli_path(cli, "/resourceGroups/%s" NICS "%s-nic",
					    lf_args_value(args, "--group"), args->words[0]);
	LF_AUTO_FREE char *subnet = lf_printf_dup("%s/subnets/%s", lf_cli_id(network),
						  lf_args_value_or(args, "--subnet", "default"));
	struct lf_doc doc = LF_DOC_INIT, config = LF_DOC_INIT;

	lf_doc_text(&doc, "location", location);
	lf_doc_text(&config, "name", "ipconfig1");
	lf_doc_text(&config, "properties.subnet.id", subnet);
	lf_doc_append(&doc, "properties.ipConfigurations", lf_doc_take(&config));
	LF_AUTO_JSON *body = lf_doc_take(&doc);
	rc = id && body ? lf_cli_change(cli, "PUT", id, LF_API_NETWORK, body, NULL, NULL, &nic, err)
			: lf_fail_nomem(err);
	if (!rc)
		*ret_id = lf_steal(&id);
	return rc;
}

/* "a,b": LUN 0 is a, LUN 1 is b. */
static int add_data_disks(struct lf_cli *cli, const char *names, json_t *rows, struct lf_error *err)
{
	LF_AUTO_FREE char *own = strdup(names ? names : "");
	char *rest = own;
	int lun = 0;

	for (char *name; own && (name = strsep(&rest, ",")) && name[0]; lun++) {
		LF_AUTO_JSON *disk = NULL;
		int rc = lun < DATA_DISK_MAX ? lf_cli_find(cli, &kind_disk, NULL, name, &disk, err)
					     : lf_fail(err, LF_EINVAL, "--data-disks",
						       "at most %d data disks", DATA_DISK_MAX);
		if (rc)
			return rc;
		if (json_array_append_new(rows, json_pack("{s:i, s:s, s:{s:s}}", "lun", lun,
							  "createOption", "Attach", "managedDisk",
							  "id", lf_cli_id(disk))))
			return lf_fail_nomem(err);
	}
	return own ? 0 : lf_fail_nomem(err);
}

static int vm_create(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *nic = NULL;
	LF_AUTO_JSON *os = NULL;
	LF_AUTO_JSON *vm = NULL;
	LF_AUTO_JSON *rows = json_array();

	int rc = lf_cli_find(cli, &kind_disk, NULL, lf_args_value(args, "--os-disk"), &os, err);
	if (!rc)
		rc = add_data_disks(cli, lf_args_value(args, "--data-disks"), rows, err);
	if (!rc)
		rc = make_nic(cli, args, lf_json_text_or(os, "location", ""), &nic, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *path =
		lf_cli_path(cli, "/resourceGroups/%s" COMPUTE "virtualMachines/%s",
			    lf_args_value(args, "--group"), args->words[0]);
	struct lf_doc doc = LF_DOC_INIT, interface = LF_DOC_INIT;

	lf_doc_text(&doc, "location", lf_json_text_or(os, "location", ""));
	lf_doc_text(&doc, "properties.hardwareProfile.vmSize",
		    lf_args_value_or(args, "--size", "Standard_B1s"));
	lf_doc_text(&doc, "properties.storageProfile.osDisk.createOption", "Attach");
	lf_doc_text(&doc, "properties.storageProfile.osDisk.managedDisk.id", lf_cli_id(os));
	lf_doc_put(&doc, "properties.storageProfile.dataDisks", json_incref(rows));
	lf_doc_text(&interface, "id", nic);
	lf_doc_append(&doc, "properties.networkProfile.networkInterfaces", lf_doc_take(&interface));
	LF_AUTO_JSON *body = lf_doc_take(&doc);
	rc = path && body
		     ? lf_cli_change(cli, "PUT", path, LF_API_COMPUTE, body, NULL, NULL, &vm, err)
		     : lf_fail_nomem(err);
	return rc ? rc : lf_cli_say(cli, vm, err, "%s runs", args->words[0]);
}

const struct lf_cli_command lf_cli_disk_commands[] = {
	{.words = "disk list", .help = "List managed disks.", .run = disk_list},
	{.words = "disk import",
	 .args = "NAME FILE",
	 .min_args = 2,
	 .max_args = 2,
	 .help = "Make a managed disk of a raw image or fixed VHD.",
	 .run = disk_import,
	 .options = {{"--group", "GROUP", true, "resource group of the disk"},
		     {"--account", "NAME", true,
		      "storage account that it is uploaded through; the disk is in its region"},
		     {"--os", "OS", false, "Linux or Windows, of a disk that machines boot from"},
		     {"--generation", "V1|V2", false, "V1: BIOS (default), V2: UEFI"},
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "disk delete",
	 .args = "DISK",
	 .min_args = 1,
	 .max_args = 1,
	 .help = "Delete a disk that no machine has.",
	 .run = disk_delete,
	 .options = {LF_CLI_NO_WAIT_OPTION}},
	{.words = "vm create",
	 .args = "NAME",
	 .min_args = 1,
	 .max_args = 1,
	 .help = "Make a machine of disks that are there, and start it.",
	 .run = vm_create,
	 .options = {{"--group", "GROUP", true, "resource group of the machine"},
		     {"--os-disk", "DISK", true, "the disk that it boots from"},
		     {"--data-disks", "A,B", false, "data disks, as LUN 0, 1, ..."},
		     {"--network", "NETWORK", true, "virtual network"},
		     {"--subnet", "SUBNET", false, "its subnet (default: default)"},
		     {"--size", "SIZE", false, "size (default: Standard_B1s)"},
		     LF_CLI_NO_WAIT_OPTION}},
	{0},
};

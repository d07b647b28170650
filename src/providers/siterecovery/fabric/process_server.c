/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process server of a fabric is this host: agents upload to its own
 * intake.  Its figures are the host's, read when asked for.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "json/view.h"
#include "providers/offazure/offazure.h"
#include "providers/siterecovery/internal.h"
#include "providers/vaults/vaults.h"

void lf_sr_process_server_id(const char *fabric_id, char out[static LF_GUID_SIZE])
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(fabric_id);

	lf_guid_derive("siterecovery-process-server", lower ? lower : "", out);
}

/* Where agents reach it: this host's addresses, its own loop aside unless there is no other. */
static json_t *addresses(void)
{
	struct ifaddrs *list = NULL;
	json_t *found = json_array();
	char host[NI_MAXHOST];

	if (getifaddrs(&list))
		list = NULL;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
		    !(a->ifa_flags & IFF_LOOPBACK) &&
		    !getnameinfo(a->ifa_addr, sizeof(struct sockaddr_in), host, sizeof(host), NULL,
				 0, NI_NUMERICHOST))
			json_array_append_new(found, json_string(host));
	if (list)
		freeifaddrs(list);
	if (!json_array_size(found))
		json_array_append_new(found, json_string("127.0.0.1"));
	return found;
}

static const char *space_word(double free_percentage)
{
	return free_percentage < 5 ? "Critical" : free_percentage < 15 ? "Warning" : "Healthy";
}

/* Memory, disk and load of this host; what cannot be read stays 0. */
static void put_figures(struct lf_context *context, struct lf_doc *server)
{
	struct statvfs fs = {0};
	struct sysinfo host = {0};
	double load[1] = {0};

	if (statvfs(context->data_dir, &fs) || sysinfo(&host) || getloadavg(load, 1) < 1)
		load[0] = 0;
	int64_t total = (int64_t)host.totalram * host.mem_unit;
	int64_t available = (int64_t)(host.freeram + host.bufferram) * host.mem_unit;
	int64_t space = (int64_t)(fs.f_blocks * fs.f_frsize);
	int64_t left = (int64_t)(fs.f_bavail * fs.f_frsize);
	double used_memory = total ? 100.0 * (double)(total - available) / (double)total : 0;
	double free_space = space ? 100.0 * (double)left / (double)space : 100;
	const char *word = space_word(free_space);
	lf_doc_int(server, "totalMemoryInBytes", total);
	lf_doc_int(server, "availableMemoryInBytes", available);
	lf_doc_int(server, "usedMemoryInBytes", total - available);
	lf_doc_put(server, "memoryUsagePercentage", json_real(used_memory));
	lf_doc_int(server, "totalSpaceInBytes", space);
	lf_doc_int(server, "availableSpaceInBytes", left);
	lf_doc_int(server, "usedSpaceInBytes", space - left);
	lf_doc_put(server, "freeSpacePercentage", json_real(free_space));
	lf_doc_int(server, "systemLoad", (int64_t)load[0]);
	lf_doc_text(server, "diskUsageStatus", word);
	lf_doc_text(server, "health", strcmp(word, "Healthy") == 0 ? "Normal" : word);
}

int lf_sr_process_server(struct lf_context *context, const struct lf_resource *fabric,
			 json_t **ret_server, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"fabricObjectId"},
		{"version", .fallback = "\"" LF_VERSION "\""},
		{"throughputUploadPendingDataInBytes", .fallback = "0"},
		{"throughputInBytes", .fallback = "0"},
		{"processorUsagePercentage", .fallback = "0.0"},
		{"throughputStatus", .fallback = "\"Healthy\""},
		{"systemLoadStatus", .fallback = "\"Healthy\""},
		{"memoryUsageStatus", .fallback = "\"Healthy\""},
		{"processorUsageStatus", .fallback = "\"Healthy\""},
		{"healthErrors", .fallback = "[]"},
		{"historicHealth", .fallback = "\"Normal\""},
	};
	char id[LF_GUID_SIZE], name[256];
	LF_AUTO_DOC server = LF_DOC_INIT;
	size_t items = 0;

	int rc = lf_vault_count(context->catalog, fabric->id, LF_SR_TYPE_ITEM, &items, err);
	if (rc)
		return rc;
	lf_sr_process_server_id(fabric->id, id);
	lf_offazure_appliance(name, sizeof(name));
	lf_doc_text(&server, "id", id);
	lf_doc_text(&server, "name", name);
	lf_doc_text(&server, "biosId", id);
	lf_doc_text(&server, "fqdn", name);
	lf_doc_time(&server, "lastHeartbeatUtc", lf_clock_now_ns(context->clock));
	lf_doc_int(&server, "protectedItemCount", (int64_t)items);
	lf_doc_put(&server, "ipAddresses", addresses());
	lf_view_put(&server, rows, LF_N(rows), NULL);
	put_figures(context, &server);
	return lf_doc_end(&server, ret_server, err);
}

static int add_site(struct lf_context *context, const char *site_id, json_t *agents,
		    struct lf_error *err)
{
	LF_AUTO_JSON *found = NULL;
	size_t i;
	json_t *agent;

	if (!site_id || !*site_id)
		return 0;
	int rc = lf_agents_list(context->replication, site_id, &found, err);
	if (rc)
		return rc;
	json_array_foreach (found, i, agent) {
		if (lf_json_set_text(agent, "siteId", site_id) || json_array_append(agents, agent))
			return lf_fail_nomem(err);
	}
	return 0;
}

int lf_sr_fabric_agents(struct lf_context *context, const struct lf_resource *fabric,
			json_t **ret_agents, struct lf_error *err)
{
	LF_AUTO_JSON *agents = json_array();
	int rc = add_site(context, lf_json_text(fabric->doc, "vmwareSiteId"), agents, err);

	if (!rc)
		rc = add_site(context, lf_json_text(fabric->doc, "physicalSiteId"), agents, err);
	if (!rc)
		*ret_agents = lf_steal(&agents);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/handlers.h - what the tables of provider.c point at.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_HANDLERS_H
#define LF_PROVIDERS_SITERECOVERY_HANDLERS_H

#include "arm/arm.h"
#include "providers/common/site.h"

/* Handlers, by file. */
lf_arm_handler lf_sr_fabrics_list, lf_sr_fabrics_get, lf_sr_fabrics_put, lf_sr_fabrics_delete,
	lf_sr_fabrics_check, lf_sr_fabrics_remove_infra, lf_sr_fabrics_renew,
	lf_sr_fabrics_reassociate, lf_sr_fabrics_migrate_aad;
lf_arm_handler lf_sr_containers_list, lf_sr_containers_list_all, lf_sr_containers_get,
	lf_sr_containers_put, lf_sr_containers_remove, lf_sr_containers_discover,
	lf_sr_containers_switch;
lf_arm_handler lf_sr_mappings_list, lf_sr_mappings_list_all, lf_sr_mappings_get, lf_sr_mappings_put,
	lf_sr_mappings_patch, lf_sr_mappings_delete;
lf_arm_handler lf_sr_dras_list, lf_sr_dras_list_all, lf_sr_dras_get, lf_sr_dras_put,
	lf_sr_dras_delete, lf_sr_dras_refresh;
lf_arm_handler lf_sr_policies_list, lf_sr_policies_get, lf_sr_policies_put, lf_sr_policies_patch,
	lf_sr_policies_delete;
lf_arm_handler lf_sr_protectable_list, lf_sr_protectable_get;
lf_arm_handler lf_sr_items_list, lf_sr_items_list_all, lf_sr_items_get, lf_sr_items_put,
	lf_sr_items_patch, lf_sr_items_delete, lf_sr_items_repair, lf_sr_items_resolve,
	lf_sr_items_add_disks, lf_sr_items_remove_disks, lf_sr_items_reprotect,
	lf_sr_items_update_agent, lf_sr_items_update_appliance, lf_sr_items_switch_provider,
	lf_sr_items_sizes;
lf_arm_handler lf_sr_points_list, lf_sr_points_get;
lf_arm_handler lf_sr_test_failover, lf_sr_test_cleanup;
lf_arm_handler lf_sr_unplanned_failover, lf_sr_planned_failover, lf_sr_failover_commit,
	lf_sr_failover_cancel, lf_sr_apply_point;
lf_arm_handler lf_sr_jobs_list, lf_sr_jobs_get, lf_sr_jobs_cancel, lf_sr_jobs_restart,
	lf_sr_jobs_resume, lf_sr_jobs_export;
lf_arm_handler lf_sr_events_list, lf_sr_events_get;
lf_arm_handler lf_sr_health_get, lf_sr_health_refresh, lf_sr_appliances_list,
	lf_sr_supported_os_get, lf_sr_eligibility_list, lf_sr_eligibility_get;
lf_arm_handler lf_sr_alerts_list, lf_sr_alerts_get, lf_sr_alerts_put, lf_sr_settings_list,
	lf_sr_settings_get, lf_sr_settings_put;
lf_arm_handler lf_sr_operation_status, lf_sr_operation_result, lf_sr_empty_list,
	lf_sr_empty_fabric_list, lf_sr_empty_container_list;

/* Job types. */
extern const struct lf_job_type lf_sr_enable_job, lf_sr_finalize_job, lf_sr_update_job,
	lf_sr_repair_job, lf_sr_resolve_job, lf_sr_test_failover_job, lf_sr_test_cleanup_job,
	lf_sr_failover_job, lf_sr_commit_job, lf_sr_cancel_failover_job, lf_sr_change_pit_job,
	lf_sr_disable_job, lf_sr_hydrate_job;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/handlers.h - what the tables of provider.c point at.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_HANDLERS_H
#define LF_PROVIDERS_SITERECOVERY_HANDLERS_H

#include "arm/arm.h"
#include "providers/common/site.h"

/* The subject is what the row is about: a struct lf_sr_start, a struct lf_sr_refusal, a struct
 * lf_document, the type of who has to be there above the list. */
lf_arm_handler lf_sr_act, lf_sr_refuse, lf_sr_remove, lf_sr_empty_list, lf_sr_none,
	lf_sr_none_to_remove;

/* Handlers, by file. */
lf_arm_handler lf_sr_protectable_list, lf_sr_protectable_get;
lf_arm_handler lf_sr_items_put, lf_sr_items_delete, lf_sr_items_sizes;
lf_arm_handler lf_sr_points_list, lf_sr_points_get;
lf_arm_handler lf_sr_jobs_list, lf_sr_jobs_get, lf_sr_jobs_cancel, lf_sr_jobs_restart,
	lf_sr_jobs_resume;
lf_arm_handler lf_sr_health_get, lf_sr_health_refresh, lf_sr_appliances_list,
	lf_sr_supported_os_get, lf_sr_eligibility_list, lf_sr_eligibility_get;
lf_arm_handler lf_sr_settings_list;
lf_arm_handler lf_sr_operation_status, lf_sr_operation_result;

/* What may be asked of an item. */
struct lf_sr_start;
extern const struct lf_sr_start lf_sr_update, lf_sr_repair, lf_sr_resolve, lf_sr_test_failover,
	lf_sr_test_cleanup, lf_sr_unplanned_failover, lf_sr_planned_failover, lf_sr_commit,
	lf_sr_cancel_failover, lf_sr_change_pit;

/* Job types. */
extern const struct lf_job_type lf_sr_enable_job, lf_sr_finalize_job, lf_sr_update_job,
	lf_sr_repair_job, lf_sr_resolve_job, lf_sr_test_failover_job, lf_sr_test_cleanup_job,
	lf_sr_failover_job, lf_sr_commit_job, lf_sr_cancel_failover_job, lf_sr_change_pit_job,
	lf_sr_disable_job, lf_sr_hydrate_job;

#endif

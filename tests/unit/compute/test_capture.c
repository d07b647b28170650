/* SPDX-License-Identifier: Apache-2.0 */
/* What else goes on with a machine that is to be captured; libvirt's part is played. */
#include "test.h"

#include "compute/libvirt/internal.h"

#define DIR "/data/o'hara/guid/backup"

static struct {
	const char *backup; /* description of the one under way; NULL: none is */
	int aborts;
	int block_job; /* type; 0: none */
} domain;

char *__wrap_virDomainBackupGetXMLDesc(virDomainPtr which, unsigned flags);
int __wrap_virDomainAbortJob(virDomainPtr which);
int __wrap_virDomainGetBlockJobInfo(virDomainPtr which, const char *disk,
				    virDomainBlockJobInfoPtr info, unsigned flags);

char *__wrap_virDomainBackupGetXMLDesc(virDomainPtr which, unsigned flags)
{
	(void)which, (void)flags;
	return domain.backup ? strdup(domain.backup) : NULL;
}

int __wrap_virDomainAbortJob(virDomainPtr which)
{
	(void)which;
	domain.aborts++;
	return 0;
}

int __wrap_virDomainGetBlockJobInfo(virDomainPtr which, const char *disk,
				    virDomainBlockJobInfoPtr info, unsigned flags)
{
	(void)which, (void)disk, (void)flags;
	info->type = domain.block_job;
	return domain.block_job ? 1 : 0;
}

static void test_capture__ends_its_own_backup_and_no_other_job(void **state)
{
	static const struct {
		const char *backup;
		int aborts;
	} rows[] = {
		{"<domainbackup mode='pull'><server transport='unix' "
		 "socket='/data/o&apos;hara/guid/backup/b.sock'/></domainbackup>",
		 1},
		{"<domainbackup mode='pull'><server transport='unix' "
		 "socket='/tmp/b.sock'/></domainbackup>",
		 0},
		{"<domainbackup mode='push'/>", 0},
		{NULL, 0}, /* a save, a dump, a migration, or nothing */
	};

	(void)state;
	for (size_t i = 0; i < LF_N(rows); i++) {
		domain.backup = rows[i].backup;
		domain.aborts = 0;
		assert_int_equal(lf_capture_abort(NULL, DIR) == 0, rows[i].aborts);
		assert_int_equal(domain.aborts, rows[i].aborts);
	}
}

static void test_capture__says_what_keeps_it_from_being(void **state)
{
	static const struct {
		int type;
		const char *says;
	} rows[] = {{VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP, "another backup"},
		    {VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, "being copied"},
		    {0, NULL}};
	static const struct lf_vm_spec vm = {.n_disks = 1};
	struct lf_error err;

	(void)state;
	for (size_t i = 0; i < LF_N(rows); i++) {
		domain.block_job = rows[i].type;
		int rc = lf_capture_refuse_busy(NULL, &vm, &err);
		assert_int_equal(rc, rows[i].says ? LF_ECONFLICT : 0);
		if (rows[i].says)
			assert_non_null(strstr(err.message, rows[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture__ends_its_own_backup_and_no_other_job),
		cmocka_unit_test(test_capture__says_what_keeps_it_from_being),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

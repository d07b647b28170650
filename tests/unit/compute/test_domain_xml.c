/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/libvirt/domain_xml.h"
#include "test.h"

#define GUID "11111111-2222-8333-8444-555555555555"

static json_t *machine(const char *firmware)
{
	json_t *vm = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:[{s:i, s:s, s:I, s:{s:s}}, {s:i, "
			       "s:s, s:I, s:{s:s}},"
			       " {s:i, s:s, s:I, s:{s:s, s:s, s:s}}], s:[{s:s, s:s, s:s, s:s}]}",
			       "guid", GUID, "id", "/subscriptions/s/<&>", "name", "web'1", "vcpus",
			       2, "memoryMiB", 512, "firmware", firmware, "disks", "lun", 3, "name",
			       "data three/and more than that", "sizeBytes", (json_int_t)4096,
			       "source", "kind", "point", "lun", -1, "name", "os", "sizeBytes",
			       (json_int_t)4096, "source", "kind", "point", "lun", 0, "name", "log",
			       "sizeBytes", (json_int_t)4096, "source", "kind", "file", "path",
			       "/v/log.img", "format", "raw", "nics", "guid", GUID, "network", GUID,
			       "subnet", "default", "mac", "00:0d:3a:01:02:03");

	assert_non_null(vm);
	return vm;
}

static char *xml_of(const json_t *vm, bool kvm)
{
	struct lf_domain_env env = {.dir = "/data/m", .kvm = kvm};
	struct lf_vm_spec spec;
	struct lf_error err;
	char *xml = NULL;

	assert_lf_ok(lf_vm_spec_read(vm, &spec, &err));
	assert_lf_ok(lf_domain_xml(&spec, &env, &xml, &err));
	return xml;
}

static void assert_has(const char *xml, const char *part)
{
	if (!strstr(xml, part))
		fail_msg("%s is not in\n%s", part, xml);
}

#define PLACE "    <controller type='pci' model='pcie-root-port'/>\n"
static void test_domain_xml__is_what_it_was(void **state)
{
	static const char golden[] =
		"<domain type='qemu'>\n"
		"  <name>landfall-" GUID "</name>\n"
		"  <uuid>" GUID "</uuid>\n"
		"  <title>m</title>\n"
		"  <metadata>\n"
		"    <lf:machine xmlns:lf='urn:landfall:machine'></lf:machine>\n"
		"  </metadata>\n"
		"  <memory unit='MiB'>512</memory>\n"
		"  <vcpu>1</vcpu>\n"
		"  <os>\n"
		"    <type arch='x86_64' machine='q35'>hvm</type>\n"
		"  </os>\n"
		"  <features>\n"
		"    <acpi/>\n"
		"    <apic/>\n"
		"  </features>\n"
		"  <cpu mode='maximum'/>\n"
		"  <clock offset='utc'/>\n"
		"  <on_poweroff>destroy</on_poweroff>\n"
		"  <on_reboot>restart</on_reboot>\n"
		"  <on_crash>restart</on_crash>\n"
		"  <devices>\n"
		"    <disk type='file' device='disk'>\n"
		"      <driver name='qemu' type='qcow2' cache='writeback' error_policy='stop'"
		" rerror_policy='stop' discard='unmap'/>\n"
		"      <source file='/data/m/disk-os.qcow2'/>\n"
		"      <target dev='vda' bus='virtio'/>\n"
		"      <serial>os</serial>\n"
		"      <boot order='1'/>\n"
		"    </disk>\n"
		"    <controller type='pci' index='0' model='pcie-root'/>\n" PLACE PLACE PLACE PLACE
			PLACE PLACE PLACE PLACE PLACE PLACE "    <serial type='pty'>\n"
		"      <log file='/data/m/console.log' append='on'/>\n"
		"      <target port='0'/>\n"
		"    </serial>\n"
		"    <channel type='unix'>\n"
		"      <target type='virtio' name='org.qemu.guest_agent.0'/>\n"
		"    </channel>\n"
		"    <rng model='virtio'>\n"
		"      <backend model='random'>/dev/urandom</backend>\n"
		"    </rng>\n"
		"    <video>\n"
		"      <model type='vga'/>\n"
		"    </video>\n"
		"  </devices>\n"
		"</domain>\n";
	LF_AUTO_JSON *vm = json_pack("{s:s, s:s, s:i, s:i, s:[{s:i, s:s, s:{s:s}}]}", "guid", GUID,
				     "name", "m", "vcpus", 1, "memoryMiB", 512, "disks", "lun", -1,
				     "name", "os", "source", "kind", "point");
	LF_AUTO_FREE char *xml = xml_of(vm, false);

	(void)state;
	assert_string_equal(xml, golden);
}

static void test_domain_xml__orders_disks_by_lun_and_boots_the_os_disk(void **state)
{
	LF_AUTO_JSON *vm = machine("bios");
	LF_AUTO_FREE char *xml = xml_of(vm, false);

	(void)state;
	const char *os = strstr(xml, "disk-os.qcow2"), *log = strstr(xml, "/v/log.img");
	const char *three = strstr(xml, "disk-3.qcow2"), *boot = strstr(xml, "<boot order='1'/>");
	assert_non_null(three);
	assert_true(os < boot && boot < log && log < three);
	assert_null(strstr(boot + 1, "<boot"));
	assert_has(three, "<target dev='vdc' bus='virtio'/>");
	assert_has(log, "<target dev='vdb' bus='virtio'/>");
	assert_has(xml, "type='raw' cache");
}

static void test_domain_xml__escapes_names_and_cuts_serials(void **state)
{
	LF_AUTO_JSON *vm = machine("bios");
	LF_AUTO_FREE char *xml = xml_of(vm, true);

	(void)state;
	assert_has(xml, "<domain type='kvm'>");
	assert_has(xml, "<cpu mode='host-passthrough'/>");
	assert_has(xml, "<title>web&apos;1</title>");
	assert_has(xml, "/subscriptions/s/&lt;&amp;&gt;");
	assert_has(xml, "<serial>data-three-and-more-</serial>");
	assert_has(xml, "<mac address='00:0d:3a:01:02:03'/>");
}

static void test_domain_xml__refuses_what_xml_cannot_hold(void **state)
{
	static const struct {
		const char *of, *name, *text;
	} bad[] = {
		{NULL, "guid", "x' foo='"},	 {NULL, "guid", ""},
		{NULL, "name", "a\nb"},		 {NULL, "name", "a\x1b[m"},
		{NULL, "id", "/s/\x01"},	 {"disks.2.source", "path", "/v/\n"},
		{"disks.0", "name", "a\x02"},	 {"nics.0", "mac", "00:0d\x7f"},
		{NULL, "name", "a\xef\xbf\xbe"},
	};
	struct lf_domain_env env = {.dir = "/data/m"};

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++) {
		LF_AUTO_JSON *vm = machine("bios");
		struct lf_error err = LF_ERROR_NONE;
		char *xml = NULL;
		json_t *of = bad[i].of ? lf_json_at(vm, bad[i].of) : vm;
		assert_int_equal(lf_json_set_text(of, bad[i].name, bad[i].text), 0);
		struct lf_vm_spec spec;
		int rc = lf_vm_spec_read(vm, &spec, &err);
		if (!rc)
			rc = lf_domain_xml(&spec, &env, &xml, &err);
		if (rc != LF_EINVAL)
			fail_msg("%s = %s was put into XML", bad[i].name, bad[i].text);
	}
}

static void test_domain_xml__uefi_keeps_its_variables_with_the_machine(void **state)
{
	LF_AUTO_JSON *vm = machine("uefi");
	LF_AUTO_FREE char *plain = xml_of(vm, false);

	(void)state;
	assert_has(plain, "<os firmware='efi'>");
	assert_has(plain, "<feature enabled='no' name='secure-boot'/>");
	assert_has(plain, "<nvram>/data/m/nvram.fd</nvram>");
	assert_null(strstr(plain, "<smm"));
	assert_int_equal(lf_json_set_bool(vm, "secureBoot", true), 0);
	LF_AUTO_FREE char *secure = xml_of(vm, false);
	assert_has(secure, "<feature enabled='yes' name='secure-boot'/>");
	assert_has(secure, "<smm state='on'/>");
}

static void test_domain_xml__targets_go_on_after_z(void **state)
{
	static struct lf_vm_spec spec;
	char target[8];

	(void)state;
	spec.disks[0].slot = 1;
	lf_domain_disk_target(&spec, 0, target);
	assert_string_equal(target, "vda");
	spec.disks[0].slot = 26;
	lf_domain_disk_target(&spec, 0, target);
	assert_string_equal(target, "vdz");
	spec.disks[0].slot = 27;
	lf_domain_disk_target(&spec, 0, target);
	assert_string_equal(target, "vdaa");
	spec.disks[0].slot = 65;
	lf_domain_disk_target(&spec, 0, target);
	assert_string_equal(target, "vdbm");
}

static void test_domain_xml__network_names_fit_an_interface(void **state)
{
	struct lf_net_names a, b, c;

	(void)state;
	lf_net_names(GUID, "Default", &a);
	lf_net_names(GUID, "default", &b);
	lf_net_names(GUID, "other", &c);
	assert_string_equal(a.network, b.network);
	assert_string_not_equal(a.network, c.network);
	assert_true(strlen(a.bridge) <= 15 && strlen(a.port) <= 15);
}

static void test_domain_xml__a_tpm_is_an_emulated_one(void **state)
{
	LF_AUTO_JSON *vm = machine("uefi");

	(void)state;
	LF_AUTO_FREE char *without = xml_of(vm, false);
	assert_null(strstr(without, "<tpm"));
	assert_int_equal(lf_json_set_bool(vm, "tpm", true), 0);
	LF_AUTO_FREE char *with = xml_of(vm, false);
	assert_has(with, "<tpm model='tpm-crb'>\n      <backend type='emulator' version='2.0'/>");
}

static void test_domain_xml__has_the_sectors_of_the_disk(void **state)
{
	LF_AUTO_JSON *vm = machine("uefi");

	(void)state;
	LF_AUTO_FREE char *plain = xml_of(vm, false);
	assert_null(strstr(plain, "blockio"));
	json_object_set_new(json_array_get(json_object_get(vm, "disks"), 0), "sectorBytes",
			    json_integer(4096));
	LF_AUTO_FREE char *xml = xml_of(vm, false);
	assert_has(xml, "<blockio logical_block_size='4096' physical_block_size='4096'/>");
}

/* As libvirt prints it after "virsh snapshot-create-as --disk-only". */
static void test_domain_xml__says_which_image_is_active(void **state)
{
	static const char xml[] =
		"<domain><devices>\n"
		"<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>"
		"<source file='/d/disk-os.s&amp;1'/><backingStore type='file'><format "
		"type='qcow2'/>"
		"<source file='/d/disk-os.qcow2'/></backingStore><target dev='vda' "
		"bus='virtio'/></disk>\n"
		"<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
		"<source protocol='nbd' name='x'/><backingStore type='file'>"
		"<source file='/d/below'/></backingStore><target dev='vdb'/></disk>\n"
		"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
		"<source file='/d/c.raw'/><target dev='vdc' "
		"bus='virtio'/></disk></devices></domain>";
	LF_AUTO_FREE char *path = NULL, *format = strdup("raw"), *other = NULL;

	(void)state;
	assert_true(lf_domain_xml_image(xml, "vda", &path, &format));
	assert_string_equal(path, "/d/disk-os.s&1");
	assert_string_equal(format, "qcow2");
	assert_false(lf_domain_xml_image(xml, "vdb", &other, &format));
	assert_false(lf_domain_xml_image(xml, "vdd", &other, &format));
	assert_true(lf_domain_xml_image(xml, "vdc", &other, &format));
	assert_string_equal(other, "/d/c.raw");
	assert_string_equal(format, "raw");
}

static void test_domain_xml__a_disk_keeps_its_place_and_its_file(void **state)
{
	LF_AUTO_JSON *vm = machine("bios");
	json_t *later = json_array_get(lf_json_at(vm, "disks"), 0);
	struct lf_vm_spec spec;
	struct lf_error err;
	char target[8];

	(void)state;
	assert_int_equal(lf_json_set_int(later, "slot", 5), 0);
	assert_int_equal(lf_json_set_text(later, "file", "abc"), 0);
	assert_lf_ok(lf_vm_spec_read(vm, &spec, &err));
	lf_domain_disk_target(&spec, 2, target);
	assert_string_equal(target, "vde");
	LF_AUTO_FREE char *xml = xml_of(vm, false);
	assert_has(xml, "<source file='/data/m/disk-abc.qcow2'/>\n      <target dev='vde'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domain_xml__a_tpm_is_an_emulated_one),
		cmocka_unit_test(test_domain_xml__a_disk_keeps_its_place_and_its_file),
		cmocka_unit_test(test_domain_xml__is_what_it_was),
		cmocka_unit_test(test_domain_xml__orders_disks_by_lun_and_boots_the_os_disk),
		cmocka_unit_test(test_domain_xml__escapes_names_and_cuts_serials),
		cmocka_unit_test(test_domain_xml__refuses_what_xml_cannot_hold),
		cmocka_unit_test(test_domain_xml__uefi_keeps_its_variables_with_the_machine),
		cmocka_unit_test(test_domain_xml__has_the_sectors_of_the_disk),
		cmocka_unit_test(test_domain_xml__says_which_image_is_active),
		cmocka_unit_test(test_domain_xml__targets_go_on_after_z),
		cmocka_unit_test(test_domain_xml__network_names_fit_an_interface),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

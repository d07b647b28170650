/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's specification as libvirt's XML: a pure function, so that the
 * same machine has the same text, and defining it again changes nothing. 
 * Everything that came from outside is escaped here.
 */
#include "compute/libvirt/domain_xml.h"

#include "base/names.h"

#define SERIAL_MAX   20 /* what virtio-blk can tell its guest */
#define SPARE_PLACES 4
#define OWN_DEVICES                                                                                \
	5 /* of each machine, besides disks and interfaces: random numbers, agent, ... */

void lf_xml_puts(struct lf_buf *buf, const char *text)
{
	static const struct {
		char sign;
		const char *escaped;
	} escapes[] = {
		{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'\'', "&apos;"}, {'"', "&quot;"},
	};

	for (const char *p = text; *p; p++) {
		const char *out = NULL;
		for (size_t i = 0; i < LF_N(escapes); i++)
			if (*p == escapes[i].sign)
				out = escapes[i].escaped;
		if (out)
			lf_buf_puts(buf, out);
		else
			lf_buf_append(buf, (unsigned char)*p < ' ' ? " " : p, 1);
	}
}

/* " name='value'" */
static void put_attribute(struct lf_buf *xml, const char *name, const char *value)
{
	lf_buf_printf(xml, " %s='", name);
	lf_xml_puts(xml, value);
	lf_buf_puts(xml, "'");
}

void lf_domain_name(const char *guid, char out[static LF_DOMAIN_NAME_SIZE])
{
	snprintf(out, LF_DOMAIN_NAME_SIZE, "landfall-%s", guid);
}

char *lf_domain_disk_path(const struct lf_vm_disk *disk, const char *dir)
{
	if (disk->source.kind == LF_VM_SOURCE_FILE)
		return strdup(disk->source.path);
	if (disk->file)
		return lf_printf_dup("%s/disk-%s.qcow2", dir, disk->file);
	if (disk->lun == LF_VM_OS_LUN)
		return lf_printf_dup("%s/disk-os.qcow2", dir);
	return lf_printf_dup("%s/disk-%d.qcow2", dir, disk->lun);
}

const char *lf_domain_disk_format(const struct lf_vm_disk *disk)
{
	if (disk->source.kind != LF_VM_SOURCE_FILE)
		return "qcow2";
	return disk->source.format ? disk->source.format : "raw";
}

void lf_domain_disk_target(const struct lf_vm_spec *vm, size_t i, char out[static 8])
{
	size_t index = vm->disks[i].slot ? (size_t)vm->disks[i].slot - 1 : i;

	if (index < 26)
		snprintf(out, 8, "vd%c", 'a' + (int)index);
	else
		snprintf(out, 8, "vd%c%c", 'a' + (int)(index / 26 - 1), 'a' + (int)(index % 26));
}

void lf_net_names(const char *network_guid, const char *subnet, struct lf_net_names *ret_names)
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(subnet);

	LF_ASSERT(lower);
	lf_guid_derive(network_guid, lower, ret_names->uuid);
	snprintf(ret_names->network, sizeof(ret_names->network), "lf-%.8s", ret_names->uuid);
	snprintf(ret_names->bridge, sizeof(ret_names->bridge), "lf%.8s", ret_names->uuid);
	snprintf(ret_names->port, sizeof(ret_names->port), "lf%.8sp", ret_names->uuid);
}

/* libvirt takes letters, digits and a few signs in a serial; the rest becomes '-'. */
static void put_serial(struct lf_buf *xml, const char *name)
{
	char serial[SERIAL_MAX + 1];

	snprintf(serial, sizeof(serial), "%s", name);
	for (char *p = serial; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') ||
			     ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') || strchr("._-", *p);
		if (!plain)
			*p = '-';
	}
	if (serial[0])
		lf_buf_printf(xml, "      <serial>%s</serial>\n", serial);
}

/*
 * Errors stop the guest instead of reaching it: when the export behind an
 * overlay is gone, or the host's disk is full, the guest waits, and goes on
 * once reading or writing works again (compute/libvirt/state.c).
 * cache='writeback' honours the guest's flushes, and works on every file system.
 */
static void put_disk(struct lf_buf *xml, const struct lf_vm_spec *vm, size_t i, const char *path)
{
	const struct lf_vm_disk *disk = &vm->disks[i];
	char target[8];

	lf_domain_disk_target(vm, i, target);
	lf_buf_puts(xml, "    <disk type='file' device='disk'>\n      <driver name='qemu'");
	put_attribute(xml, "type", lf_domain_disk_format(disk));
	lf_buf_puts(xml, " cache='writeback' error_policy='stop' rerror_policy='stop'"
			 " discard='unmap'/>\n      <source");
	put_attribute(xml, "file", path);
	lf_buf_printf(xml, "/>\n      <target dev='%s' bus='virtio'/>\n", target);
	if (disk->sector_bytes > 512)
		lf_buf_printf(xml,
			      "      <blockio logical_block_size='%lld' "
			      "physical_block_size='%lld'/>\n",
			      (long long)disk->sector_bytes, (long long)disk->sector_bytes);
	put_serial(xml, disk->name ? disk->name : "");
	if (disk->lun == LF_VM_OS_LUN)
		lf_buf_puts(xml, "      <boot order='1'/>\n");
	lf_buf_puts(xml, "    </disk>\n");
}

int lf_domain_disk_xml(const struct lf_vm_spec *vm, size_t i, const char *dir, struct lf_buf *xml,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_domain_disk_path(&vm->disks[i], dir);

	if (!path)
		return lf_fail_nomem(err);
	put_disk(xml, vm, i, path);
	return lf_buf_check(xml, err);
}

static int put_disks(struct lf_buf *xml, const struct lf_vm_spec *vm, const char *dir,
		     struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_disks; i++) {
		int rc = lf_domain_disk_xml(vm, i, dir, xml, err);
		if (rc)
			return rc;
	}
	return 0;
}

static void put_nics(struct lf_buf *xml, const struct lf_vm_spec *vm)
{
	for (size_t i = 0; i < vm->n_nics; i++) {
		const struct lf_vm_nic *nic = &vm->nics[i];
		struct lf_net_names names;
		lf_net_names(nic->network, nic->subnet, &names);
		lf_buf_puts(xml, "    <interface type='network'>\n");
		if (nic->mac) {
			lf_buf_puts(xml, "      <mac");
			put_attribute(xml, "address", nic->mac);
			lf_buf_puts(xml, "/>\n");
		}
		lf_buf_printf(xml,
			      "      <source network='%s'/>\n      <model type='virtio'/>\n"
			      "    </interface>\n",
			      names.network);
	}
}

/* A place for each device, and empty ones for disks that are attached while it runs. */
static void put_places(struct lf_buf *xml, const struct lf_vm_spec *vm)
{
	lf_buf_puts(xml, "    <controller type='pci' index='0' model='pcie-root'/>\n");
	for (size_t i = 0; i < vm->n_disks + vm->n_nics + OWN_DEVICES + SPARE_PLACES; i++)
		lf_buf_puts(xml, "    <controller type='pci' model='pcie-root-port'/>\n");
}

static void put_head(struct lf_buf *xml, const struct lf_vm_spec *vm,
		     const struct lf_domain_env *env)
{
	char name[LF_DOMAIN_NAME_SIZE];

	lf_domain_name(vm->guid, name);
	lf_buf_printf(xml, "<domain type='%s'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n  <title>",
		      env->kvm ? "kvm" : "qemu", name, vm->guid);
	lf_xml_puts(xml, vm->name ? vm->name : vm->guid);
	lf_buf_puts(xml, "</title>\n  <metadata>\n"
			 "    <lf:machine xmlns:lf='urn:landfall:machine'>");
	lf_xml_puts(xml, vm->id ? vm->id : "");
	lf_buf_printf(xml,
		      "</lf:machine>\n  </metadata>\n"
		      "  <memory unit='MiB'>%u</memory>\n  <vcpu>%u</vcpu>\n",
		      vm->memory_mib, vm->vcpus);
}

static void put_firmware(struct lf_buf *xml, const struct lf_vm_spec *vm,
			 const struct lf_domain_env *env)
{
	bool uefi = vm->firmware == LF_VM_UEFI;
	bool secure = uefi && vm->secure_boot;

	lf_buf_printf(xml, "  <os%s>\n    <type arch='x86_64' machine='q35'>hvm</type>\n",
		      uefi ? " firmware='efi'" : "");
	if (uefi) {
		const char *said = secure ? "yes" : "no";
		lf_buf_printf(xml,
			      "    <firmware>\n      <feature enabled='%s' name='secure-boot'/>\n"
			      "      <feature enabled='%s' name='enrolled-keys'/>\n"
			      "    </firmware>\n    <nvram>",
			      said, said);
		lf_xml_puts(xml, env->dir);
		lf_buf_puts(xml, "/nvram.fd</nvram>\n");
	}
	lf_buf_printf(xml,
		      "  </os>\n  <features>\n    <acpi/>\n    <apic/>\n%s  </features>\n"
		      "  <cpu mode='%s'/>\n",
		      secure ? "    <smm state='on'/>\n" : "",
		      env->kvm ? "host-passthrough" : "maximum");
	lf_buf_puts(xml, "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n"
			 "  <on_reboot>restart</on_reboot>\n  <on_crash>restart</on_crash>\n");
}

static void put_consoles(struct lf_buf *xml, const struct lf_vm_spec *vm,
			 const struct lf_domain_env *env)
{
	lf_buf_puts(xml, "    <serial type='pty'>\n      <log file='");
	lf_xml_puts(xml, env->dir);
	lf_buf_puts(xml, "/console.log' append='on'/>\n      <target port='0'/>\n    </serial>\n"
			 "    <channel type='unix'>\n"
			 "      <target type='virtio' name='org.qemu.guest_agent.0'/>\n"
			 "    </channel>\n"
			 "    <rng model='virtio'>\n"
			 "      <backend model='random'>/dev/urandom</backend>\n    </rng>\n"
			 "    <video>\n      <model type='vga'/>\n    </video>\n");
	if (vm->tpm)
		lf_buf_puts(xml, "    <tpm model='tpm-crb'>\n"
				 "      <backend type='emulator' version='2.0'/>\n    </tpm>\n");
}

/* NULL is none, and good. */
static bool is_good(const char *text)
{
	return !text || lf_name_good(LF_NAME_TEXT, text);
}

/* What XML cannot hold, or would hold otherwise than it was given, is not put into it. */
static int check_texts(const struct lf_vm_spec *vm, const struct lf_domain_env *env,
		       struct lf_error *err)
{
	bool good = is_good(vm->name) && is_good(vm->id) && is_good(env->dir);

	for (size_t i = 0; i < vm->n_disks; i++)
		good &= is_good(vm->disks[i].name) && is_good(vm->disks[i].source.path) &&
			is_good(vm->disks[i].source.format);
	for (size_t i = 0; i < vm->n_nics; i++)
		good &= is_good(vm->nics[i].subnet) && is_good(vm->nics[i].mac);
	return good ? 0
		    : lf_fail(err, LF_EINVAL, vm->guid,
			      "the machine has a name or a path with control characters in it");
}

/* The value of an attribute as libvirt writes it, between from and to, after before; NULL: none. */
static char *attribute_after(const char *from, const char *to, const char *before)
{
	static const struct {
		const char *name;
		char character;
	} entities[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}, {"&quot;", '"'}};
	LF_AUTO_BUF value = LF_BUF_INIT;
	const char *at = memmem(from, (size_t)(to - from), before, strlen(before));

	if (!at)
		return NULL;
	for (at += strlen(before); at < to && *at != '\'';) {
		size_t i = 0;
		while (i < LF_N(entities) &&
		       strncmp(at, entities[i].name, strlen(entities[i].name)) != 0)
			i++;
		lf_buf_printf(&value, "%c", i < LF_N(entities) ? entities[i].character : *at);
		at += i < LF_N(entities) ? strlen(entities[i].name) : 1;
	}
	return lf_buf_take(&value);
}

bool lf_domain_xml_image(const char *xml, const char *target, char **ret_path, char **ret_format)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "<target dev='%s'", target);
	for (const char *disk = xml, *end; (disk = strstr(disk, "<disk ")); disk = end) {
		end = strstr(disk, "</disk>");
		if (!end)
			return false;
		if (!memmem(disk, (size_t)(end - disk), wanted, strlen(wanted)))
			continue;
		/* what lies below the image comes after it */
		const char *below = memmem(disk, (size_t)(end - disk), "<backingStore", 13);
		char *path = attribute_after(disk, below ? below : end, "<source file='");
		char *format = attribute_after(disk, end, "<driver name='qemu' type='");
		if (!path || !format) {
			free(path);
			free(format);
			return false;
		}
		free(*ret_format);
		*ret_path = path;
		*ret_format = format;
		return true;
	}
	return false;
}

int lf_domain_xml(const struct lf_vm_spec *vm, const struct lf_domain_env *env, char **ret_xml,
		  struct lf_error *err)
{
	LF_AUTO_BUF xml = LF_BUF_INIT;

	int rc = check_texts(vm, env, err);
	if (rc)
		return rc;
	put_head(&xml, vm, env);
	put_firmware(&xml, vm, env);
	lf_buf_puts(&xml, "  <devices>\n");
	rc = put_disks(&xml, vm, env->dir, err);
	if (rc)
		return rc;
	put_nics(&xml, vm);
	put_places(&xml, vm);
	put_consoles(&xml, vm, env);
	lf_buf_puts(&xml, "  </devices>\n</domain>\n");
	rc = lf_buf_check(&xml, err);
	if (rc)
		return rc;
	*ret_xml = lf_buf_take(&xml);
	return 0;
}

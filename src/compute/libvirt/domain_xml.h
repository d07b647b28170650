/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/libvirt/domain_xml.h - a machine as libvirt's XML: pure.
 */
#ifndef LF_COMPUTE_LIBVIRT_DOMAIN_XML_H
#define LF_COMPUTE_LIBVIRT_DOMAIN_XML_H

#include "compute/spec.h"

struct lf_domain_env {
	const char *dir; /* the machine's directory: overlays, console.log, nvram.fd */
	bool kvm;	 /* else TCG */
};

/* free().  LF_EINVAL: a text in it is none that XML can hold. */
LF_MUST_CHECK int lf_domain_xml(const struct lf_vm_spec *vm, const struct lf_domain_env *env,
				char **ret_xml, struct lf_error *err);

/* "landfall-GUID": the domain's name. */
#define LF_DOMAIN_NAME_SIZE (LF_GUID_SIZE + 9)
void lf_domain_name(const char *guid, char out[static LF_DOMAIN_NAME_SIZE]);
/* File of a disk: the path of a "file" source, else the overlay in dir; free(). */
char *lf_domain_disk_path(const struct lf_vm_disk *disk, const char *dir);
/* "vda", "vdb", ...: of disk i of the machine, by its place. */
void lf_domain_disk_target(const struct lf_vm_spec *vm, size_t i, char out[static 8]);
/* The element of disk i; its texts were checked by lf_domain_xml(). */
LF_MUST_CHECK int lf_domain_disk_xml(const struct lf_vm_spec *vm, size_t i, const char *dir,
				     struct lf_buf *xml, struct lf_error *err);
/* Format of that file. */
const char *lf_domain_disk_format(const struct lf_vm_disk *disk);

/*
 * Names of what one subnet of a network is on this host, all short enough for
 * a network interface.  They hold 8 hex digits of a GUID derived from both.
 */
struct lf_net_names {
	char uuid[LF_GUID_SIZE];
	char network[16]; /* libvirt's network, and the name space: "lf-1a2b3c4d" */
	char bridge[16];  /* "lf1a2b3c4d" */
	char port[16];	  /* the name space's port on the bridge: "lf1a2b3c4dp" */
};
void lf_net_names(const char *network_guid, const char *subnet, struct lf_net_names *ret_names);

/*
 * The file that a domain's description (libvirt's own text) says is the image of that target, and
 * its format; free() both, *ret_format before, too.  false: it has no such disk, or no file.
 */
bool lf_domain_xml_image(const char *xml, const char *target, char **ret_path, char **ret_format);

/* Text with XML's five characters escaped; control characters become spaces. */
void lf_xml_puts(struct lf_buf *buf, const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/vm/sets.h - availability sets and proximity placement groups; each lists the
 * machines that name it.
 */
#ifndef LF_PROVIDERS_COMPUTE_VM_SETS_H
#define LF_PROVIDERS_COMPUTE_VM_SETS_H

#include "providers/common/document.h"

extern const struct lf_document lf_availability_set_document, lf_placement_group_document;

#endif

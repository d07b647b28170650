/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/resources/tags.h - the tags of a resource group or a resource as something of their
 * own: {scope}/providers/Microsoft.Resources/tags/default.  Threads: a call's.
 */
#ifndef LF_PROVIDERS_TAGS_H
#define LF_PROVIDERS_TAGS_H

#include "arm/arm.h"

/* PUT takes other tags; PATCH replaces, merges or deletes, as its operation says; DELETE takes all
 * away.  Each is a change of the resource, by its own rules. */
lf_arm_handler lf_tags_get, lf_tags_put, lf_tags_patch, lf_tags_delete;

#endif

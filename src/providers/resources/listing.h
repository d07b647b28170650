/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/resources/listing.h - any resource, as the lists of a group or of the subscription show
 * it.  Threads: a call's.
 */
#ifndef LF_PROVIDERS_RESOURCES_LISTING_H
#define LF_PROVIDERS_RESOURCES_LISTING_H

#include "arm/arm.h"

/* GET {scope}/resources, with $filter, $top and $expand. */
lf_arm_handler lf_resources_list;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/resources/locations.h - the regions: their pairs, and how GET .../locations shows them.
 *
 * Pure functions.  Threads: any.
 */
#ifndef LF_PROVIDERS_LOCATIONS_H
#define LF_PROVIDERS_LOCATIONS_H

#include "json/json.h"

/* The paired region of a location; NULL: not one of ours. */
const char *lf_location_pair(const char *location);
/* Its short code in names of the service, "eus", and its name for people, "East US"; of one that is
 * not ours, the location itself.  Borrowed. */
const char *lf_location_code(const char *location);
const char *lf_location_display(const char *location);
/* Array; the caller's reference; NULL when out of memory. */
json_t *lf_locations_view(const char *subscription);

#endif

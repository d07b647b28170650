/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/resources/locations.h - the regions: their pairs, and how GET .../locations shows them.
 *
 * Pure functions.  Threads: any.
 */
#ifndef LF_PROVIDERS_LOCATIONS_H
#define LF_PROVIDERS_LOCATIONS_H

#include "base/error.h"
#include "json/json.h"

/* Location names are compared without blanks and case: "East US" is "eastus". */
void lf_location_normal(const char *location, char *out, size_t out_size);
/* Are they one place?  NULL is none. */
bool lf_location_equal(const char *a, const char *b);
/* One of the site's, of whatever is new: LF_EINVAL "LocationNotAvailableForResourceType". */
LF_MUST_CHECK int lf_location_check(const char *location, struct lf_error *err);
/* The paired region of a location; NULL: not one of ours. */
const char *lf_location_pair(const char *location);
/* Its short code in names of the service, "eus", and its name for people, "East US"; of one that is
 * not ours, the location itself.  Borrowed. */
const char *lf_location_code(const char *location);
const char *lf_location_display(const char *location);
/* Array; the caller's reference; NULL when out of memory. */
json_t *lf_locations_view(const char *subscription);

#endif

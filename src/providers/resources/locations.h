/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/resources/locations.h - the regions, as GET .../locations shows them.
 */
#ifndef LF_PROVIDERS_LOCATIONS_H
#define LF_PROVIDERS_LOCATIONS_H

#include "json/json.h"

/* Array; the caller's reference; NULL when out of memory. */
json_t *lf_locations_view(const char *subscription);

#endif

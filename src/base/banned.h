/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/banned.h - functions that do not compile here; forced into every file
 * by the build.  Use base/text.h, base/buf.h, os/file.h instead.
 */
#ifndef LF_BASE_BANNED_H
#define LF_BASE_BANNED_H

#include <libgen.h>
#include <linux/bpf.h> /* names some of them in a list */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atoll strtol strtoul       \
	strtoll strtoull gmtime localtime alloca

#endif

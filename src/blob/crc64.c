/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/crc64.h"

#include <pthread.h>

#define POLYNOMIAL UINT64_C(0x9A6C9329AC4BC9B5) /* reflected */

static uint64_t table[8][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

/* Of one byte, and of one byte with 1 to 7 zeroes behind it: eight bytes go in one step. */
static void make_table(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (unsigned i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[0][table[k - 1][i] & 0xff] ^ table[k - 1][i] >> 8;
}

uint64_t lf_crc64(uint64_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	pthread_once(&made, make_table);
	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		for (int i = 0; i < 8; i++)
			crc ^= (uint64_t)p[i] << (8 * i);
		uint64_t next = 0;
		for (int i = 0; i < 8; i++)
			next ^= table[7 - i][crc >> (8 * i) & 0xff];
		crc = next;
	}
	for (; len; len--, p++)
		crc = table[0][(crc ^ *p) & 0xff] ^ crc >> 8;
	return ~crc;
}

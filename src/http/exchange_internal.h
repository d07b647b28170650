/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/exchange_internal.h - the inside of an exchange, shared with the server
 * that makes and ends it.
 */
#ifndef LF_HTTP_EXCHANGE_INTERNAL_H
#define LF_HTTP_EXCHANGE_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "crypto/tls.h"
#include "http/exchange.h"

struct lf_http_exchange {
	struct lf_http_server *server;
	const struct lf_http_handler *handler; /* who serves it: decided in begin */
	struct MHD_Connection *connection;
	struct lf_visitor *visitor; /* the connection, as the gate knows it */
	const char *method;
	const char *uri; /* with the query, raw; in the library's memory of this request */
	size_t uri_len;
	char *path, *query;
	struct lf_http_begin begin;
	struct lf_buf body;
	uint64_t received;
	int sink_error;
	struct lf_error sink_err;
	bool begun, client_checked;
	bool text;    /* all headers are */
	bool decided; /* the answer is set: nothing of the body is wanted, complete is not called */
	bool broken;  /* the answer could not be made: say so, whatever the status */
	bool later;   /* lf_http_suspend(): the answer is set by another thread */
	char address[INET6_ADDRSTRLEN];
	char door[INET6_ADDRSTRLEN];
	char fingerprint[LF_FINGERPRINT_SIZE];
	char client_name[256];
	int status;
	struct MHD_Response *response;
	struct lf_http_pair {
		char *name, *value;
	} * headers;
	size_t n_headers, headers_room;
};

#endif

/*
 * The addresses of a host. The resolver can't be interrupted, so it runs in a thread that is left behind when
 * the caller's context ends first; a numeric address needs none.
 */
#ifndef CLIENT_LOOKUP_H
#define CLIENT_LOOKUP_H

#include <netdb.h>

#include "client/context.h"

/* *out_list is freed by freeaddrinfo(). */
qc_error look_up(const char *host, const char *port, qc_context *context, int64_t deadline_ns, struct addrinfo **out_list);

#endif

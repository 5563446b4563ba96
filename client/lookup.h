/*
 * The addresses of a host, looked up by a thread of its own: the system's resolver can neither be interrupted nor be waited for
 * with other things, and no other knows all that the system's does (/etc/nsswitch.conf). A numeric address needs no thread.
 */
#ifndef CLIENT_LOOKUP_H
#define CLIENT_LOOKUP_H

#include <netdb.h>

#include "client/qcache.h"

struct lookup;

/* At once, when `host` is numeric; else *out_list stays, and *out_lookup is to be waited for. Lists are freed by freeaddrinfo(). */
qc_error lookup_start(const char *host, const char *port, struct addrinfo **out_list, struct lookup **out_lookup);
/* Readable when it is done. */
int lookup_fd(const struct lookup *lookup);
/* False while it goes on; else it is gone, and has given a list or an error. */
bool lookup_take(struct lookup **lookup, struct addrinfo **out_list, qc_error *out_err);
/* Nobody waits any more. */
void lookup_abandon(struct lookup **lookup);

#endif

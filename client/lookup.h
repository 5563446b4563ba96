/*
 * Resolves host names in a thread: the system's resolver cannot be interrupted or waited for along with other events, and no other resolver
 * follows the system's configuration (/etc/nsswitch.conf). A numeric address needs no thread.
 */
#ifndef CLIENT_LOOKUP_H
#define CLIENT_LOOKUP_H

#include <netdb.h>

#include "client/qcache.h"

struct lookup;

/* A numeric `host` is resolved at once, into *out_list. Otherwise *out_list stays unchanged and *out_lookup must be waited for. Free lists
 * with freeaddrinfo(). */
qc_error lookup_start(const char *host, const char *port, struct addrinfo **out_list, struct lookup **out_lookup);
/* Readable when the lookup is done. */
int lookup_fd(const struct lookup *lookup);
/* False while it runs. Otherwise the lookup is freed and has returned a list or an error. */
bool lookup_take(struct lookup **lookup, struct addrinfo **out_list, qc_error *out_err);
/* Abandons the lookup. */
void lookup_abandon(struct lookup **lookup);

#endif

/*
 * Where a server is: what an address or a URL says.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include "client/qcache.h"

struct settings;

struct address {
	bool is_unix, is_tls;
	char *host; /* or the socket's path */
	char port[8];
};

/* The servers that the text lists; the parameters of URLs become settings. Also on failure, what is allocated is in the settings. */
qc_error addresses_parse(struct settings *settings, const char *text);

/* "localhost:6379", for errors. */
void address_show(const struct address *address, char *out, size_t size);

#endif

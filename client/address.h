/*
 * Parses addresses and URLs of servers.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include "client/qcache.h"

struct settings;

struct address {
	bool is_unix, is_tls;
	char *host; /* or the path of the socket */
	char port[8];
};

/* Parses a list of servers. Parameters of URLs go to the settings. Even on failure the settings own what was allocated. */
qc_error addresses_parse(struct settings *settings, const char *text);

/* "localhost:6379", for errors. */
void address_show(const struct address *address, char *out, size_t size);

#endif

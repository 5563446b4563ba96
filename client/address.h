/*
 * Parses addresses and URLs of servers.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include "client/qcache.h"

struct settings;

/* The size of a port as text, with the NUL. */
#define PORT_SIZE 8

struct address {
	bool is_unix, is_tls;
	char *host; /* or the path of the socket */
	char port[PORT_SIZE];
};

/* Parses a list of servers. Parameters of URLs go to the settings. Even on failure the settings own what was allocated. */
qc_error addresses_parse(struct settings *settings, const char *text);

/* Whether the address is this host and port. */
bool address_is(const struct address *address, const char *host, const char *port);

/* The host; "localhost" for a unix socket. */
const char *address_host(const struct address *address);
/* "localhost:6379", for errors. */
void address_show(const struct address *address, char *out, size_t size);

#endif

/*
 * The options of a client: checked, with defaults, and owned.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "client/address.h"

#define HOOKS_MAX 8

struct settings {
	struct address *addresses;
	size_t address_count;
	char *address_text; /* as given */
	char *sentinel, *sentinel_user, *sentinel_password;
	char *user, *password, *name;
	char *tls_ca, *tls_ca_dir, *tls_cert, *tls_key, *tls_name, *tls_ciphers, *tls_ciphersuites;
	char *tls_ca_pem, *tls_cert_pem, *tls_key_pem, *tls_min_version;
	bool tls_insecure;
	void *tls_context; /* the caller's SSL_CTX, or NULL; borrowed until the client has its own reference */
	int cluster; /* 1: the addresses are nodes of a cluster */
	enum qc_read_from read_from;
	int db, protocol, pool_size, min_idle, max_idle, retries;
	int64_t max_lifetime_ms, idle_timeout_ms, pool_timeout_ms, dial_timeout_ms, timeout_ms, backoff_min_ms, backoff_max_ms;
	qc_error (*credentials)(void *data, qc_credentials *out);
	void *credentials_data;
	void (*on_push)(void *data, const qc_reply *push);
	void *push_data;
	char shown[160]; /* the first address, for hooks */
	bool is_borrowed; /* everything but the address belongs to other settings: see settings_borrow() */
	qc_hook *hooks;
	size_t hook_count;
	unsigned hook_events;
};

/* Call settings_fini() for `out` even on failure. */
qc_error settings_init(struct settings *out, const qc_options *options);
/* Copies the settings for another server. The copy must not outlive `from`. */
qc_error settings_borrow(struct settings *out, const struct settings *from, const char *host, const char *port);
void settings_fini(struct settings *settings);

#endif

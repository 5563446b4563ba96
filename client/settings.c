#include "client/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/error.h"

/* redis://x@host: without a password, x is the password, as in redis-cli. */
static void take_for_password(struct settings *s)
{
	s->password = s->user;
	s->user = NULL;
}

static qc_error copy_texts(struct settings *s, const qc_options *o)
{
	const struct { char **to; const char *from; } texts[] = {
		{&s->user, o->user}, {&s->password, o->password}, {&s->name, o->name}, {&s->tls_ca, o->tls_ca},
		{&s->tls_cert, o->tls_cert}, {&s->tls_key, o->tls_key}, {&s->tls_name, o->tls_name},
		{&s->tls_ca_dir, o->tls_ca_dir}, {&s->tls_ciphers, o->tls_ciphers}, {&s->tls_ciphersuites, o->tls_ciphersuites},
		{&s->tls_ca_pem, o->tls_ca_pem}, {&s->tls_cert_pem, o->tls_cert_pem}, {&s->tls_key_pem, o->tls_key_pem},
		{&s->tls_min_version, o->tls_min_version}, {&s->address_text, o->address}, {&s->sentinel, o->sentinel},
		{&s->sentinel_user, o->sentinel_user}, {&s->sentinel_password, o->sentinel_password},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!texts[i].from)
			continue;
		free(*texts[i].to);
		*texts[i].to = strdup(texts[i].from);
		if (!*texts[i].to)
			return error_no_memory();
	}
	s->tls_context = o->tls_context;
	s->credentials = o->credentials;
	s->credentials_data = o->credentials_data;
	s->on_push = o->on_push;
	s->push_data = o->push_data;
	address_show(&s->addresses[0], s->shown, sizeof(s->shown));
	if (o->hook_count == 0)
		return no_error();
	s->hooks = calloc(o->hook_count, sizeof(*s->hooks));
	if (!s->hooks)
		return error_no_memory();
	memcpy(s->hooks, o->hooks, o->hook_count * sizeof(*s->hooks));
	s->hook_count = o->hook_count;
	s->hook_events = o->hook_events ? o->hook_events : QC_EVENT_CALL;
	return no_error();
}

/* Longer times are as good as no limit. Sums of them, and nanoseconds, must not overflow. */
#define CENTURY_MS (100 * 365 * 86400000LL)

static void bound_times(struct settings *s)
{
	int64_t *times[] = {&s->max_lifetime_ms, &s->idle_timeout_ms, &s->pool_timeout_ms, &s->dial_timeout_ms,
			    &s->timeout_ms, &s->backoff_min_ms, &s->backoff_max_ms};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (*times[i] > CENTURY_MS)
			*times[i] = CENTURY_MS;
}

#define DEFAULT_OF(field, value) (s->field = s->field ? s->field : (value))
/* The fields of the options override the URL. */
#define GIVEN(field) (s->field = o->field ? o->field : s->field)

static void fill_numbers(struct settings *s, const qc_options *o)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	GIVEN(cluster);
	GIVEN(db);
	GIVEN(protocol);
	GIVEN(pool_size);
	GIVEN(min_idle);
	GIVEN(max_idle);
	GIVEN(max_lifetime_ms);
	GIVEN(retries);
	GIVEN(idle_timeout_ms);
	GIVEN(pool_timeout_ms);
	GIVEN(dial_timeout_ms);
	GIVEN(timeout_ms);
	GIVEN(backoff_min_ms);
	GIVEN(backoff_max_ms);
	bound_times(s);
	s->read_from = o->read_from;
	s->tls_insecure = o->tls_insecure;
	DEFAULT_OF(protocol, 3);
	DEFAULT_OF(pool_size, processors > 1 ? (int)processors * 10 : 16);
	DEFAULT_OF(max_idle, s->pool_size);
	DEFAULT_OF(retries, 3);
	DEFAULT_OF(idle_timeout_ms, 300000);
	DEFAULT_OF(dial_timeout_ms, 5000);
	DEFAULT_OF(timeout_ms, 3000);
	DEFAULT_OF(pool_timeout_ms, s->timeout_ms < 0 ? -1 : s->timeout_ms + 1000);
	DEFAULT_OF(backoff_min_ms, 8);
	DEFAULT_OF(backoff_max_ms, 512);
}

/* A TLS option without TLS would send the password unencrypted; one beside an SSL_CTX would have no effect. */
static qc_error check_tls(const struct settings *s)
{
	const struct { const char *name; bool is_set, is_for_context; } options[] = {
		{"tls_context", s->tls_context, false}, {"tls_name", s->tls_name, false}, {"tls_ca", s->tls_ca, true},
		{"tls_ca_dir", s->tls_ca_dir, true}, {"tls_ciphers", s->tls_ciphers, true},
		{"tls_ciphersuites", s->tls_ciphersuites, true}, {"tls_cert", s->tls_cert, true}, {"tls_key", s->tls_key, true},
		{"tls_insecure", s->tls_insecure, true}, {"tls_ca_pem", s->tls_ca_pem, true},
		{"tls_cert_pem", s->tls_cert_pem, true}, {"tls_key_pem", s->tls_key_pem, true},
		{"tls_min_version", s->tls_min_version, true},
	};
	char peer[160];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].is_set && options[i].is_for_context && s->tls_context)
			return qc_errorf(QC_INVALID, "%s cannot be combined with tls_context: set %s in the SSL_CTX", options[i].name,
					 options[i].name);
		for (size_t j = 0; options[i].is_set && j < s->address_count; j++) {
			if (s->addresses[j].is_tls)
				continue;
			address_show(&s->addresses[j], peer, sizeof(peer));
			return qc_errorf(QC_INVALID, "%s needs TLS, but %s is without: use rediss://", options[i].name, peer);
		}
	}
	return no_error();
}

static qc_error check(const struct settings *s)
{
	if (s->protocol != 2 && s->protocol != 3)
		return qc_errorf(QC_INVALID, "the protocol must be 2 or 3, not %d", s->protocol);
	if (s->db < 0)
		return qc_errorf(QC_INVALID, "invalid database number %d", s->db);
	if (s->pool_size < 1)
		return qc_errorf(QC_INVALID, "invalid pool_size %d", s->pool_size);
	if (s->min_idle < 0 || s->max_idle < s->min_idle)
		return qc_errorf(QC_INVALID, "max_idle is less than min_idle");
	if (s->max_lifetime_ms < 0)
		return qc_errorf(QC_INVALID, "invalid max_lifetime_ms %lld", (long long)s->max_lifetime_ms);
	if (!s->tls_cert != !s->tls_key || !s->tls_cert_pem != !s->tls_key_pem)
		return qc_errorf(QC_INVALID, "a certificate needs a key, and a key a certificate");
	if ((s->tls_ca && s->tls_ca_pem) || (s->tls_cert && s->tls_cert_pem))
		return qc_errorf(QC_INVALID, "a certificate as both file and text");
	if (s->tls_min_version && strcmp(s->tls_min_version, "1.2") != 0 && strcmp(s->tls_min_version, "1.3") != 0)
		return qc_errorf(QC_INVALID, "tls_min_version must be 1.2 or 1.3, not \"%s\"", s->tls_min_version);
	if (s->hook_count > HOOKS_MAX)
		return qc_errorf(QC_INVALID, "%zu hooks; the limit is %d", s->hook_count, HOOKS_MAX);
	if (!s->sentinel && (s->sentinel_user || s->sentinel_password))
		return qc_errorf(QC_INVALID, "a user or password for Sentinels, but no sentinel option");
	if (s->cluster != 0 && s->cluster != 1)
		return qc_errorf(QC_INVALID, "cluster is 0 or 1, not %d", s->cluster);
	if (s->cluster && s->sentinel)
		return qc_errorf(QC_INVALID, "both the cluster and the sentinel option");
	if (s->read_from && (!s->cluster || s->read_from > QC_READ_ANY))
		return qc_errorf(QC_INVALID, s->cluster ? "unknown value of read_from" : "read_from is only for clusters");
	if (s->credentials && (s->user || s->password))
		return qc_errorf(QC_INVALID, "credentials cannot be combined with user or password");
	if (s->user && !s->password)
		return qc_errorf(QC_INVALID, "a user without a password");
	if (s->backoff_min_ms < 0 || s->backoff_max_ms < s->backoff_min_ms)
		return qc_errorf(QC_INVALID, "backoff_max_ms is less than backoff_min_ms");
	return check_tls(s);
}

qc_error settings_init(struct settings *out, const qc_options *options)
{
	static const qc_options defaults = {.address = NULL};

	memset(out, 0, sizeof(*out));
	options = options ? options : &defaults;
	qc_error err = addresses_parse(out, options->address && *options->address ? options->address : "localhost");
	if (err.kind == QC_OK && out->user && !out->password && !options->password)
		take_for_password(out);
	if (err.kind == QC_OK)
		err = copy_texts(out, options);
	if (err.kind != QC_OK)
		return err;
	fill_numbers(out, options);
	return check(out);
}

qc_error settings_borrow(struct settings *out, const struct settings *from, const char *host, const char *port)
{
	struct address *address = calloc(1, sizeof(*address));
	char *copy = strdup(host);

	if (!address || !copy) {
		free(address);
		free(copy);
		return error_no_memory();
	}
	address->is_tls = from->addresses[0].is_tls;
	address->host = copy;
	snprintf(address->port, sizeof(address->port), "%s", port);
	*out = *from;
	out->is_borrowed = true;
	out->addresses = address;
	out->address_count = 1;
	out->cluster = 0;
	out->sentinel = NULL;
	address_show(address, out->shown, sizeof(out->shown));
	return no_error();
}

static void free_texts(struct settings *s)
{
	char *texts[] = {s->user, s->password, s->name, s->tls_ca, s->tls_ca_dir, s->tls_cert, s->tls_key, s->tls_name, s->tls_ciphers,
			 s->tls_ciphersuites, s->tls_ca_pem, s->tls_cert_pem, s->tls_key_pem, s->tls_min_version,
			 s->address_text, s->sentinel, s->sentinel_user, s->sentinel_password};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	free(s->hooks);
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < s->address_count; i++)
		free(s->addresses[i].host);
	free(s->addresses);
	if (!s->is_borrowed)
		free_texts(s);
	memset(s, 0, sizeof(*s));
}

#include "client/address.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/error.h"
#include "client/request.h"
#include "client/settings.h"
#include "transport/decimal.h"

#define DEFAULT_PORT "6379"

void address_show(const struct address *address, char *out, size_t size)
{
	const char *host = address->host ? address->host : "";

	if (address->is_unix)
		snprintf(out, size, "unix:%s", host);
	else
		snprintf(out, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, address->port);
}

bool address_is(const struct address *address, const char *host, const char *port)
{
	return strcmp(address->host, host) == 0 && strcmp(address->port, port) == 0;
}

const char *address_host(const struct address *address)
{
	return address->is_unix ? "localhost" : address->host;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies with %XX decoded. NULL if out of memory or for an invalid escape; *out_err tells which. */
static char *unescape(const char *text, size_t len, qc_error *out_err)
{
	char *copy = malloc(len + 1), *at = copy;

	if (!copy) {
		*out_err = error_no_memory();
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
		if (text[i] == '%' && (low < 0 || high + low == 0)) {
			free(copy);
			*out_err = qc_errorf(QC_INVALID, "address: invalid %%-escape in \"%.*s\"", (int)len, text);
			return NULL;
		}
		*at++ = text[i] == '%' ? (char)(high * 16 + low) : text[i];
		i += text[i] == '%' ? 2 : 0;
	}
	*at = 0;
	return copy;
}

/* Replaces *field, unless the text is empty. */
static qc_error take_text(char **field, const char *text, size_t len)
{
	qc_error err = no_error();

	if (len == 0)
		return err;
	char *copy = unescape(text, len, &err);
	if (copy) {
		free(*field);
		*field = copy;
	}
	return err;
}

static qc_error set_port(struct address *address, const char *text, size_t len)
{
	uint64_t port;

	if (!decimal_parse_uint64(text, len, &port) || port == 0 || port > 65535)
		return qc_errorf(QC_INVALID, "address: \"%.*s\" is not a port", (int)len, text);
	snprintf(address->port, sizeof(address->port), "%u", (unsigned)port);
	return no_error();
}

/* Parses host, host:port, :port, [v6], [v6]:port, or an IPv6 address without port. */
static qc_error parse_host(struct address *address, const char *text, size_t len)
{
	const char *end = text + len, *colon = memrchr(text, ':', len), *host = text;
	size_t host_len = len;
	qc_error err = no_error();

	strcpy(address->port, DEFAULT_PORT);
	if (len > 0 && text[0] == '[') {
		const char *close = memchr(text, ']', len);
		if (!close || (close + 1 < end && close[1] != ':'))
			return qc_errorf(QC_INVALID, "address: missing ] in \"%.*s\"", (int)len, text);
		host = text + 1;
		host_len = (size_t)(close - host);
		colon = close + 1 < end ? close + 1 : NULL;
	} else if (colon && memchr(text, ':', len) == colon) {
		host_len = (size_t)(colon - text);
	} else {
		colon = NULL;
	}
	if (colon)
		err = set_port(address, colon + 1, (size_t)(end - colon - 1));
	if (err.kind == QC_OK)
		err = host_len ? take_text(&address->host, host, host_len) : take_text(&address->host, "localhost", 9);
	return err;
}

/* Parses "2s", "500ms", "1m", or "30", which is in seconds as in go-redis. */
static qc_error parse_duration(const char *text, size_t len, int64_t *out_ms)
{
	size_t digits = 0;
	int64_t number, scale = 1000;

	while (digits < len && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	const char *unit = text + digits;
	size_t unit_len = len - digits;
	if (unit_len == 2 && memcmp(unit, "ms", 2) == 0)
		scale = 1;
	else if (unit_len == 1 && *unit == 'm')
		scale = 60000;
	else if (unit_len != 0 && !(unit_len == 1 && *unit == 's'))
		digits = 0;
	if (!decimal_parse_int64(text, digits, &number) || number > INT32_MAX)
		return qc_errorf(QC_INVALID, "address: \"%.*s\" is not a time such as 2s or 500ms", (int)len, text);
	*out_ms = number * scale;
	return no_error();
}

static qc_error parse_small(const char *what, const char *text, size_t len, int *out)
{
	int64_t number;

	if (!decimal_parse_int64(text, len, &number) || number < -1 || number > 1000000)
		return qc_errorf(QC_INVALID, "address: invalid value for %s: \"%.*s\"", what, (int)len, text);
	*out = (int)number;
	return no_error();
}

static qc_error parse_parameter(struct settings *s, const char *key, size_t key_len, const char *value, size_t len)
{
	const struct { const char *name; int *number; int64_t *ms; char **text; } known[] = {
		{"timeout", NULL, &s->timeout_ms, NULL},
		{"dial_timeout", NULL, &s->dial_timeout_ms, NULL},
		{"pool_timeout", NULL, &s->pool_timeout_ms, NULL},
		{"idle_timeout", NULL, &s->idle_timeout_ms, NULL},
		{"cluster", &s->cluster, NULL, NULL},
		{"db", &s->db, NULL, NULL},
		{"protocol", &s->protocol, NULL, NULL},
		{"pool_size", &s->pool_size, NULL, NULL},
		{"min_idle", &s->min_idle, NULL, NULL},
		{"max_idle", &s->max_idle, NULL, NULL},
		{"max_lifetime", NULL, &s->max_lifetime_ms, NULL},
		{"retries", &s->retries, NULL, NULL},
		{"client_name", NULL, NULL, &s->name},
		{"tls_ca", NULL, NULL, &s->tls_ca},
		{"tls_ca_dir", NULL, NULL, &s->tls_ca_dir},
		{"tls_cert", NULL, NULL, &s->tls_cert},
		{"tls_key", NULL, NULL, &s->tls_key},
		{"tls_name", NULL, NULL, &s->tls_name},
		{"tls_ciphers", NULL, NULL, &s->tls_ciphers},
		{"tls_ciphersuites", NULL, NULL, &s->tls_ciphersuites},
		{"tls_min_version", NULL, NULL, &s->tls_min_version},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != key_len || memcmp(known[i].name, key, key_len) != 0)
			continue;
		if (known[i].ms)
			return parse_duration(value, len, known[i].ms);
		return known[i].number ? parse_small(known[i].name, value, len, known[i].number)
				       : take_text(known[i].text, value, len);
	}
	return qc_errorf(QC_INVALID, "address: unknown parameter \"%.*s\"", (int)key_len, key);
}

static qc_error parse_query(struct settings *s, const char *text, const char *end)
{
	qc_error err = no_error();

	while (text < end && err.kind == QC_OK) {
		const char *amp = memchr(text, '&', (size_t)(end - text));
		const char *stop = amp ? amp : end, *equals = memchr(text, '=', (size_t)(stop - text));
		const char *value = equals ? equals + 1 : stop;
		err = parse_parameter(s, text, (size_t)((equals ? equals : stop) - text), value, (size_t)(stop - value));
		text = amp ? amp + 1 : end;
	}
	return err;
}

static qc_error parse_user(struct settings *s, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t user_len = colon ? (size_t)(colon - text) : len;
	qc_error err = take_text(&s->user, text, user_len);

	if (err.kind == QC_OK && colon)
		err = take_text(&s->password, colon + 1, len - user_len - 1);
	return err;
}

/* Parses the part after "redis://" or "rediss://". */
static qc_error parse_url(struct settings *s, struct address *address, const char *text, const char *end)
{
	const char *query = memchr(text, '?', (size_t)(end - text)), *stop = query ? query : end;
	const char *slash = memchr(text, '/', (size_t)(stop - text)), *host_end = slash ? slash : stop;
	const char *at = memrchr(text, '@', (size_t)(host_end - text));
	qc_error err = at ? parse_user(s, text, (size_t)(at - text)) : no_error();

	if (err.kind == QC_OK)
		err = parse_host(address, at ? at + 1 : text, (size_t)(host_end - (at ? at + 1 : text)));
	if (err.kind == QC_OK && slash && slash + 1 < stop)
		err = parse_small("the database", slash + 1, (size_t)(stop - slash - 1), &s->db);
	return err.kind == QC_OK && query ? parse_query(s, query + 1, end) : err;
}

static qc_error parse_unix(struct settings *s, struct address *address, const char *text, const char *end)
{
	const char *query = memchr(text, '?', (size_t)(end - text)), *stop = query ? query : end;

	if (stop - text > 1 && text[0] == '/' && text[1] == '/')
		text += 2;
	if (text == stop)
		return qc_errorf(QC_INVALID, "address: a unix socket needs a path");
	if ((size_t)(stop - text) >= 108)
		return qc_errorf(QC_INVALID, "address: the path of a unix socket may have at most 107 bytes");
	address->is_unix = true;
	qc_error err = take_text(&address->host, text, (size_t)(stop - text));
	return err.kind == QC_OK && query ? parse_query(s, query + 1, end) : err;
}

static bool has_prefix(const char **text, const char *end, const char *prefix)
{
	size_t len = strlen(prefix);

	if ((size_t)(end - *text) < len || !text_spells(*text, len, prefix))
		return false;
	*text += len;
	return true;
}

static const struct { const char *prefix; bool is_tls; } schemes[] = {
	{"redis://", false}, {"rediss://", true}, {"valkey://", false}, {"valkeys://", true},
};

static qc_error parse_address(struct settings *s, struct address *address, const char *text, const char *end)
{
	if (has_prefix(&text, end, "unix:"))
		return parse_unix(s, address, text, end);
	if (text < end && *text == '/')
		return parse_unix(s, address, text, end);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!has_prefix(&text, end, schemes[i].prefix))
			continue;
		address->is_tls = schemes[i].is_tls;
		return parse_url(s, address, text, end);
	}
	for (const char *p = text; p + 2 < end; p++)
		if (memcmp(p, "://", 3) == 0)
			return qc_errorf(QC_INVALID, "address: unknown scheme \"%.*s\"; use redis://, rediss://, valkey://, valkeys:// or unix:",
					 (int)(p - text), text);
	return parse_host(address, text, (size_t)(end - text));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* People write blanks after commas, and files end in a newline. */
static void trim(const char **text, const char **end)
{
	while (*text < *end && is_blank(**text))
		++*text;
	while (*text < *end && is_blank((*end)[-1]))
		--*end;
}

qc_error addresses_parse(struct settings *s, const char *text)
{
	size_t count = 1;
	qc_error err = no_error();

	for (const char *p = text; *p; p++)
		count += *p == ',';
	s->addresses = calloc(count, sizeof(*s->addresses));
	if (!s->addresses)
		return error_no_memory();
	while (err.kind == QC_OK && s->address_count < count) {
		const char *comma = strchrnul(text, ','), *end = comma;
		trim(&text, &end);
		if (text == end && count > 1)
			return qc_errorf(QC_INVALID, "address: an empty address in the list");
		err = parse_address(s, &s->addresses[s->address_count++], text, end);
		text = comma + 1;
	}
	return err;
}

#include "client/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/error.h"
#include "client/request.h"
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

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A copy with %XX undone; NULL without memory or for a broken escape, which *out_err tells apart. */
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
			*out_err = qc_errorf(QC_INVALID, "address: a broken %%-escape in \"%.*s\"", (int)len, text);
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

/* host, host:port, :port, [v6], [v6]:port, or an IPv6 address without a port */
static qc_error parse_host(struct address *address, const char *text, size_t len)
{
	const char *end = text + len, *colon = memrchr(text, ':', len), *host = text;
	size_t host_len = len;
	qc_error err = no_error();

	strcpy(address->port, DEFAULT_PORT);
	if (len > 0 && text[0] == '[') {
		const char *close = memchr(text, ']', len);
		if (!close || (close + 1 < end && close[1] != ':'))
			return qc_errorf(QC_INVALID, "address: \"%.*s\" has no right bracket", (int)len, text);
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

/* "2s", "500ms", "1m", "30": seconds, as go-redis reads it */
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
		return qc_errorf(QC_INVALID, "address: %s can't be \"%.*s\"", what, (int)len, text);
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

/* What stands behind "redis://" or "rediss://". */
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
		return qc_errorf(QC_INVALID, "address: a unix socket without a path");
	if ((size_t)(stop - text) >= 108)
		return qc_errorf(QC_INVALID, "address: the path of a unix socket has at most 107 bytes");
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
			return qc_errorf(QC_INVALID, "address: \"%.*s\" is none of redis://, rediss://, valkey://, valkeys://, unix:",
					 (int)(p - text), text);
	return parse_host(address, text, (size_t)(end - text));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* People write blanks behind a comma, and files end in a newline. */
static void trim(const char **text, const char **end)
{
	while (*text < *end && is_blank(**text))
		++*text;
	while (*text < *end && is_blank((*end)[-1]))
		--*end;
}

static qc_error parse_addresses(struct settings *s, const char *text)
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
		err = parse_address(s, &s->addresses[s->address_count++], text, end);
		text = comma + 1;
	}
	return err;
}

/* redis://x@host: with nobody to know a password of x, x is the password, as redis-cli reads it. */
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
	s->credentials = o->credentials;
	s->credentials_data = o->credentials_data;
	s->on_push = o->on_push;
	s->push_data = o->push_data;
	if (o->hook_count == 0)
		return no_error();
	address_show(&s->addresses[0], s->shown, sizeof(s->shown));
	s->hooks = calloc(o->hook_count, sizeof(*s->hooks));
	if (!s->hooks)
		return error_no_memory();
	memcpy(s->hooks, o->hooks, o->hook_count * sizeof(*s->hooks));
	s->hook_count = o->hook_count;
	s->hook_events = o->hook_events ? o->hook_events : QC_EVENT_CALL;
	return no_error();
}

#define DEFAULT_OF(field, value) (s->field = s->field ? s->field : (value))
/* The options' own fields win over what the URL says. */
#define GIVEN(field) (s->field = o->field ? o->field : s->field)

static void fill_numbers(struct settings *s, const qc_options *o)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

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

/* What one wants of TLS, and would silently not get: a password would go out in clear. */
static qc_error check_tls(const struct settings *s)
{
	const struct { const char *name; bool is_set; } options[] = {
		{"tls_ca", s->tls_ca}, {"tls_ca_dir", s->tls_ca_dir}, {"tls_ciphers", s->tls_ciphers},
		{"tls_ciphersuites", s->tls_ciphersuites}, {"tls_cert", s->tls_cert}, {"tls_key", s->tls_key}, {"tls_name", s->tls_name},
		{"tls_insecure", s->tls_insecure}, {"tls_ca_pem", s->tls_ca_pem}, {"tls_cert_pem", s->tls_cert_pem},
		{"tls_key_pem", s->tls_key_pem}, {"tls_min_version", s->tls_min_version},
	};
	char peer[160];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		for (size_t j = 0; options[i].is_set && j < s->address_count; j++) {
			if (s->addresses[j].is_tls)
				continue;
			address_show(&s->addresses[j], peer, sizeof(peer));
			return qc_errorf(QC_INVALID, "%s, but %s is without TLS: use rediss://", options[i].name, peer);
		}
	}
	return no_error();
}

static qc_error check(const struct settings *s)
{
	if (s->protocol != 2 && s->protocol != 3)
		return qc_errorf(QC_INVALID, "the protocol is 2 or 3, not %d", s->protocol);
	if (s->db < 0)
		return qc_errorf(QC_INVALID, "there is no database %d", s->db);
	if (s->pool_size < 1)
		return qc_errorf(QC_INVALID, "a pool of %d connections", s->pool_size);
	if (s->min_idle < 0 || s->max_idle < s->min_idle)
		return qc_errorf(QC_INVALID, "max_idle is less than min_idle");
	if (s->max_lifetime_ms < 0)
		return qc_errorf(QC_INVALID, "a lifetime of %lld ms", (long long)s->max_lifetime_ms);
	if (!s->tls_cert != !s->tls_key || !s->tls_cert_pem != !s->tls_key_pem)
		return qc_errorf(QC_INVALID, "a certificate and its key come together");
	if ((s->tls_ca && s->tls_ca_pem) || (s->tls_cert && s->tls_cert_pem))
		return qc_errorf(QC_INVALID, "a certificate as a file and as a text");
	if (s->tls_min_version && strcmp(s->tls_min_version, "1.2") != 0 && strcmp(s->tls_min_version, "1.3") != 0)
		return qc_errorf(QC_INVALID, "tls_min_version is 1.2 or 1.3, not \"%s\"", s->tls_min_version);
	if (s->hook_count > HOOKS_MAX)
		return qc_errorf(QC_INVALID, "%zu hooks, of at most %d", s->hook_count, HOOKS_MAX);
	if (!s->sentinel && (s->sentinel_user || s->sentinel_password))
		return qc_errorf(QC_INVALID, "a user or password of Sentinels, and no name of a master");
	if (s->credentials && (s->user || s->password))
		return qc_errorf(QC_INVALID, "credentials, and a user or password beside");
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
	qc_error err = parse_addresses(out, options->address && *options->address ? options->address : "localhost");
	if (err.kind == QC_OK && out->user && !out->password && !options->password)
		take_for_password(out);
	if (err.kind == QC_OK)
		err = copy_texts(out, options);
	if (err.kind != QC_OK)
		return err;
	fill_numbers(out, options);
	return check(out);
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < s->address_count; i++)
		free(s->addresses[i].host);
	char *texts[] = {s->user, s->password, s->name, s->tls_ca, s->tls_ca_dir, s->tls_cert, s->tls_key, s->tls_name, s->tls_ciphers,
			 s->tls_ciphersuites, s->tls_ca_pem, s->tls_cert_pem, s->tls_key_pem, s->tls_min_version,
			 s->address_text, s->sentinel, s->sentinel_user, s->sentinel_password};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	free(s->addresses);
	free(s->hooks);
	memset(s, 0, sizeof(*s));
}

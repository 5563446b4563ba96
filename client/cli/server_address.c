/*
 * The server's address: chosen from options that overlap, or from the arguments of CONNECT, and shown without passwords.
 */
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "client/cli/option_table.h"

#define DEFAULT_PORT "6379"

/* An address in parts, each a piece of the text: SCHEME:// USER:PASSWORD@ HOST :PORT /DB?more. Each may be empty. Of a list, the first. */
struct parts {
	const char *text;
	size_t scheme, user, host, port; /* where each part ends, with its separator */
};

static bool begins_with(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_path(const char *text)
{
	return *text == '/' || begins_with(text, "unix:");
}

static struct parts split_address(const char *text)
{
	const char *scheme = strstr(text, "://"), *start = scheme ? scheme + 3 : text;
	const char *end = start + strcspn(start, "/?,"), *at = memrchr(start, '@', (size_t)(end - start));
	const char *host = at ? at + 1 : start, *colon = memrchr(host, ':', (size_t)(end - host));

	/* An IPv6 address contains colons; only a colon after the brackets begins the port. */
	if (colon && *host == '[' ? colon[-1] != ']' : colon && memchr(host, ':', (size_t)(end - host)) != colon)
		colon = NULL;
	return (struct parts){.text = text, .scheme = (size_t)(start - text), .user = (size_t)(host - text),
			      .host = (size_t)((colon ? colon : end) - text), .port = (size_t)(end - text)};
}

static bool has_tls(const char *address)
{
	return begins_with(address, "rediss://") || begins_with(address, "valkeys://");
}

/* Sets the address in use, and `shown`, its form without a password. */
static void set_address(struct options *o)
{
	const char *address = o->address.data;
	/* A password with a slash makes the address invalid, but must not be shown either. */
	const char *at = strrchr(address, '@'), *start = at ? at + 1 : address + split_address(address).scheme;

	o->connection.address = address;
	if (is_path(address))
		snprintf(o->shown, sizeof(o->shown), "%.*s", (int)strcspn(address, "?"), address);
	else
		snprintf(o->shown, sizeof(o->shown), "%.*s", (int)strcspn(start, "/?"), start);
}

static bool is_port(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return isdigit((unsigned char)*text) && !*end && n >= 1 && n <= 65535;
}

/* Writes host and port, given as one word or two, as an address. False if they are invalid. */
static bool write_target(struct text *out, const char *target, const char *port)
{
	struct parts p = split_address(target);
	bool has_port = p.port > p.host, is_bare_v6 = *target != '[' && memchr(target, ':', p.host);

	if (p.host == 0 || strpbrk(target, "@/? ") || (has_port && port))
		return false;
	port = has_port ? target + p.host + 1 : port ? port : DEFAULT_PORT;
	text_printf(out, "%s%.*s%s:%s", is_bare_v6 ? "[" : "", (int)p.host, target, is_bare_v6 ? "]" : "", port);
	return is_port(port);
}

/* Moves the database from the URL to the options: at the prompt, AUTH may have to come before SELECT. */
static void take_db(struct options *o)
{
	struct parts p = split_address(o->address.data);
	char *slash = o->address.data + p.port, *end;

	if (p.scheme == 0 || is_path(o->address.data) || *slash != '/' || strchr(o->address.data, ','))
		return;
	long db = strtol(slash + 1, &end, 10);
	if ((*end && *end != '?') || db < 0 || db > 1000000)
		return;
	if (!o->connection.db)
		o->connection.db = (int)db;
	memmove(slash, end, strlen(end) + 1);
	o->address.len = strlen(o->address.data);
}

void options_write_anonymous(struct text *out, const char *address)
{
	for (const char *at = address; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");
		const char *scheme = is_path(at) ? NULL : memmem(at, len, "://", 3), *start = scheme ? scheme + 3 : at;
		const char *end = memrchr(start, '@', strcspn(start, "/?,"));
		text_puts(out, at == address ? "" : ",");
		text_add(out, at, (size_t)(start - at));
		start = scheme && end ? end + 1 : start;
		text_add(out, start, len - (size_t)(start - at));
		at += len;
	}
}

/* A server name that replaced a host name is valid for that host only. */
static void forget_server_name(struct options *o)
{
	if (o->connection.tls_name == o->server_name.data)
		o->connection.tls_name = NULL;
}

bool options_set_server(struct options *o, const char *target, const char *port)
{
	struct parts old = split_address(o->address.data);
	struct text address = {NULL, 0, 0};
	bool ok = true;

	if (is_path(target))
		text_printf(&address, "%s%s", *target == '/' ? "unix:" : "", target);
	else if (!is_path(o->address.data))
		text_add(&address, o->address.data, old.user);
	ok = is_path(target) ? port == NULL : write_target(&address, target, port);
	if (!ok) {
		text_fini(&address);
		return false;
	}
	text_fini(&o->address);
	o->address = address;
	set_address(o);
	forget_server_name(o);
	return true;
}

bool options_set_endpoint(struct options *o, const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':'), *present = o->address.data;
	struct parts p = split_address(present);
	struct text host = {NULL, 0, 0};

	if (!colon)
		return false;
	if (colon > endpoint)
		text_add(&host, endpoint, (size_t)(colon - endpoint));
	else if (is_path(present))
		text_puts(&host, "127.0.0.1");
	else
		text_add(&host, present + p.user, p.host - p.user);
	bool ok = options_set_server(o, host.data, colon + 1);
	text_fini(&host);
	return ok;
}

/* Whether the address and the options that apply to it are valid. Does not connect. */
static bool is_valid(const struct options *o)
{
	qc_options probe = o->connection;

	probe.lazy = true;
	qc_client *client = qc_open(&probe);
	bool is = client->err.kind == QC_OK;
	qc_close(client);
	return is;
}

bool options_set_url(struct options *o, const char *url)
{
	struct options new = *o;

	new.address = (struct text){NULL, 0, 0};
	text_puts(&new.address, url);
	new.connection.db = 0;
	if (strchr(url, '@'))
		new.connection.user = new.connection.password = NULL;
	take_db(&new);
	set_address(&new);
	forget_server_name(&new);
	if (!strstr(url, "://") || !is_valid(&new)) {
		text_fini(&new.address);
		return false;
	}
	text_fini(&o->address);
	*o = new;
	return true;
}

/* An empty variable counts as unset. */
static const char *from_environment(const char *name)
{
	const char *text = getenv(name);

	return text && *text ? text : NULL;
}

static bool is_literal(const char *host)
{
	return strchr(host, ':') || host[strspn(host, "0123456789.")] == 0;
}

/* Replaces the host name by its first address of the wanted IP version, if it has one. The certificate is still checked for the name. */
static void prefer_family(struct options *o, struct text *host, const struct option_values *v)
{
	struct addrinfo hints = {.ai_family = v->family == 4 ? AF_INET : AF_INET6, .ai_socktype = SOCK_STREAM}, *found;
	char address[64];

	if (!v->family || is_literal(host->data) || getaddrinfo(host->data, NULL, &hints, &found) != 0)
		return;
	if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST) == 0) {
		text_puts(&o->server_name, host->data);
		text_clear(host);
		text_puts(host, address);
	}
	freeaddrinfo(found);
}

/* Writes the given address. As in redis-cli, -h, -p, -tls, -4 and -6 override its parts. */
static void write_address(struct options *o, const char *given, const struct option_values *v)
{
	struct parts p = split_address(given);
	struct text host = {NULL, 0, 0};
	const char *port = given + p.host;

	text_add(&host, v->host ? v->host : given + p.user, v->host ? strlen(v->host) : p.host - p.user);
	prefer_family(o, &host, v);
	bool is_bare_v6 = strchr(host.data, ':') && *host.data != '[';
	/* redis:// becomes rediss://, valkey:// becomes valkeys://. */
	bool adds_tls = v->tls && p.scheme && !has_tls(given);
	text_printf(&o->address, "%.*s%s", (int)(p.scheme ? p.scheme - 3 : 0), given, adds_tls ? "s" : "");
	text_puts(&o->address, p.scheme ? "://" : v->tls ? "rediss://" : "");
	text_add(&o->address, given + p.scheme, p.user - p.scheme);
	text_printf(&o->address, "%s%s%s", is_bare_v6 ? "[" : "", host.data, is_bare_v6 ? "]" : "");
	if (v->port)
		text_printf(&o->address, ":%ld", v->port);
	else
		text_add(&o->address, port, p.port - p.host);
	text_puts(&o->address, given + p.port);
	text_fini(&host);
}

/* TLS options without TLS are errors: otherwise the password would be sent unencrypted. */
static enum options_status check_tls(const struct options *o, const struct option_values *v)
{
	const struct { const char *name; bool is_given; } options[] = {
		{"tls", v->tls}, {"cacert", v->ca}, {"cacertdir", v->ca_dir}, {"cert", v->cert}, {"key", v->key}, {"sni", v->sni},
		{"tls-ciphers", v->ciphers}, {"tls-ciphersuites", v->suites}, {"insecure", v->insecure},
	};
	bool is_unix = is_path(o->address.data);

	if (has_tls(o->address.data))
		return OPTIONS_OK;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].is_given)
			return is_unix ? option_wrong("-%s: a unix socket cannot use TLS", options[i].name)
				       : option_wrong("-%s needs -tls or a rediss:// address", options[i].name);
	return OPTIONS_OK;
}

enum options_status option_choose_address(struct options *o, const struct option_values *v)
{
	const char *given = v->url ? v->url : "127.0.0.1:" DEFAULT_PORT;

	if (v->url && v->socket)
		return option_wrong("-addr (-u) and -s cannot be combined");
	if (v->url && strchr(v->url, ',') && (v->host || v->port || v->family || v->tls))
		return option_wrong("-h, -p, -4, -6 and -tls need a single address, but -addr gives several");
	if (v->socket)
		text_printf(&o->address, "unix:%s", v->socket);
	else if (is_path(given) || strchr(given, ','))
		text_puts(&o->address, given);
	else
		write_address(o, given, v);
	bool has_user = strchr(o->address.data, '@') && !is_path(o->address.data);
	/* Otherwise the whole text would be looked up as a host name, and shown. */
	if (has_user && !strstr(o->address.data, "://"))
		return option_wrong("an address with a user or a password must begin with redis://");
	enum options_status status = check_tls(o, v);
	if (status != OPTIONS_OK)
		return status;
	take_db(o);
	set_address(o);
	if (o->server_name.len && has_tls(o->address.data) && !o->connection.tls_name)
		o->connection.tls_name = o->server_name.data;
	if (!o->connection.password && !has_user && !o->asks_password) {
		const char *own = from_environment("QCACHE_AUTH");
		o->connection.password = own ? own : from_environment("REDISCLI_AUTH");
	}
	return OPTIONS_OK;
}

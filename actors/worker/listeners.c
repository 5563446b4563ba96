#include "actors/worker/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/crash.h"
#include "transport/array.h"

/* Further addresses of a name are ignored. */
#define ADDRESSES_OF_A_NAME_MAX 16

/* One word of `bind`. */
struct planned {
	const char *name;   /* in the plan's configuration, without '-' */
	bool is_optional;
	const char *reason; /* why it has no addresses */
	size_t count;
	struct listener_address addresses[ADDRESSES_OF_A_NAME_MAX];
};

struct listen_plan {
	struct config config;
	uint32_t count;
	struct planned items[];
};

/* ---- planning ---- */

/* An address that begins with '-' may be missing from this machine, as in Redis. */
static void look_up(struct planned *planned, const char *word, uint16_t port)
{
	planned->is_optional = word[0] == '-';
	planned->name = word + planned->is_optional;
	planned->count = listener_resolve(planned->name, port, planned->addresses, ADDRESSES_OF_A_NAME_MAX, &planned->reason);
}

struct listen_plan *listen_plan_create(const struct config *config)
{
	uint32_t count = config->port ? config->bind.count : 0;
	struct listen_plan *plan = calloc(1, sizeof(*plan) + count * sizeof(plan->items[0]));
	if (!plan)
		crash_out_of_memory("the listening addresses");
	config_copy(&plan->config, config);
	plan->count = count;
	for (uint32_t i = 0; i < count; i++)
		look_up(&plan->items[i], plan->config.bind.items[i], (uint16_t)config->port);
	return plan;
}

void listen_plan_destroy(struct listen_plan **plan_at)
{
	config_fini(&(*plan_at)->config);
	free(*plan_at);
	*plan_at = NULL;
}

/* ---- opening ---- */

struct opening {
	struct listeners listeners;
	const struct listeners *open;
	const struct listen_plan *plan;
	struct config_error *error;
};

static bool is_same(const struct listener_address *a, const struct listener_address *b)
{
	return a->len == b->len && memcmp(&a->bytes, &b->bytes, a->len) == 0;
}

/* The unix socket has the address of length 0. */
static const struct listener *find(const struct listeners *listeners, const struct listener_address *address)
{
	for (uint32_t i = 0; i < listeners->count; i++)
		if (is_same(&listeners->items[i].address, address))
			return &listeners->items[i];
	return NULL;
}

static bool add(struct opening *opening, const struct listener_address *address, const char *text, int fd)
{
	struct listeners *listeners = &opening->listeners;
	if (fd == LISTENER_FAILED) {
		snprintf(opening->error->text, sizeof(opening->error->text), "can't listen on %s: %s", text, strerror(errno));
		return false;
	}
	char *copy = strdup(text);
	if (!copy || !array_reserve(&listeners->items, &listeners->capacity, listeners->count + 1, sizeof(*listeners->items), 4))
		crash_out_of_memory("a listener");
	listeners->items[listeners->count++] = (struct listener){ .address = *address, .text = copy, .fd = fd };
	return true;
}

static bool is_absent(int code)
{
	return code == EADDRNOTAVAIL || code == EAFNOSUPPORT;
}

/* The descriptor, or LISTENER_FAILED with errno. */
static int open_address(const struct opening *opening, const struct listener_address *address)
{
	const struct listener *held = find(opening->open, address);
	return held ? held->fd :
		      listener_open_tcp(address, (int)opening->plan->config.tcp_backlog,
					opening->open->count ? LISTENER_SHARES : LISTENER_ALONE);
}

static void print_listener(const struct opening *opening, const struct planned *planned, size_t index, char out[PEER_TEXT_BYTES])
{
	if (strcmp(planned->name, "*") == 0 || strcmp(planned->name, "::*") == 0)
		snprintf(out, PEER_TEXT_BYTES, "%s:%lld", planned->name, (long long)opening->plan->config.port);
	else
		listener_address_print(&planned->addresses[index], out);
}

/*
 * Skips addresses that this machine lacks, unless none is left; an optional name may lack all of them. An address that two words of `bind`
 * stand for is opened once.
 */
static bool open_planned(struct opening *opening, const struct planned *planned)
{
	char text[PEER_TEXT_BYTES] = "";
	bool is_served = planned->is_optional;
	if (planned->count == 0 && !planned->is_optional) {
		snprintf(opening->error->text, sizeof(opening->error->text), "can't listen on %.200s: looking up the name failed: %s",
			 planned->name, planned->reason);
		return false;
	}
	for (size_t i = 0; i < planned->count; i++) {
		if (find(&opening->listeners, &planned->addresses[i])) {
			is_served = true;
			continue;
		}
		int fd = open_address(opening, &planned->addresses[i]);
		bool is_last = i + 1 == planned->count && !is_served;
		if (fd == LISTENER_FAILED && is_absent(errno) && !is_last)
			continue;
		int reason = errno;
		print_listener(opening, planned, i, text);
		errno = reason;
		if (!add(opening, &planned->addresses[i], text, fd))
			return false;
		is_served = true;
	}
	return true;
}

static bool path_fits(struct opening *opening, const char *path)
{
	if (strlen(path) <= LISTENER_PATH_BYTES)
		return true;
	snprintf(opening->error->text, sizeof(opening->error->text), "can't listen on %.200s: the path has %zu bytes, and at most %d are possible",
		 path, strlen(path), LISTENER_PATH_BYTES);
	return false;
}

static bool open_unix_socket(struct opening *opening)
{
	const struct config *config = &opening->plan->config;
	const struct listener_address none = { .len = 0 };
	if (!path_fits(opening, config->unixsocket))
		return false;
	const struct listener *held = find(opening->open, &none);
	int fd = held ? held->fd
		      : listener_open_unix(config->unixsocket, (int)config->tcp_backlog, (uint32_t)config->unixsocketperm);
	return add(opening, &none, config->unixsocket, fd);
}

/* Nobody could reach a server without a listener, not even to give it another one. */
static bool open_all(struct opening *opening)
{
	for (uint32_t i = 0; i < opening->plan->count; i++)
		if (!open_planned(opening, &opening->plan->items[i]))
			return false;
	if (opening->plan->config.unixsocket[0] && !open_unix_socket(opening))
		return false;
	if (opening->listeners.count > 0)
		return true;
	strcpy(opening->error->text, "there is nothing to listen on: no port with an address that this machine has, and no unixsocket");
	return false;
}

/* While "127.0.0.1" is open, "*" can be opened on the same port only if both have SO_REUSEPORT. */
static void share_port(const struct listeners *open, enum listener_sharing sharing)
{
	for (uint32_t i = 0; i < open->count; i++)
		if (open->items[i].address.len)
			listener_share(open->items[i].fd, sharing);
}

static bool is_held(const struct listeners *open, int fd)
{
	for (uint32_t i = 0; i < open->count; i++)
		if (open->items[i].fd == fd)
			return true;
	return false;
}

bool listeners_open(struct listeners *out_listeners, const struct listeners *open, const struct listen_plan *plan,
		 struct config_error *out_error)
{
	struct opening opening = { .open = open, .plan = plan, .error = out_error };
	share_port(open, LISTENER_SHARES);
	bool is_open = open_all(&opening);
	share_port(open, LISTENER_ALONE);
	if (is_open) {
		*out_listeners = opening.listeners;
		return true;
	}
	for (uint32_t i = 0; i < opening.listeners.count; i++)
		if (!is_held(open, opening.listeners.items[i].fd))
			close(opening.listeners.items[i].fd);
	listeners_fini(&opening.listeners);
	return false;
}

void listeners_fini(struct listeners *listeners)
{
	for (uint32_t i = 0; i < listeners->count; i++)
		free(listeners->items[i].text);
	free(listeners->items);
	*listeners = (struct listeners){ 0 };
}

void listeners_print(const struct listeners *listeners, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < listeners->count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ", " : "", listeners->items[i].text);
}

#include "places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "transport/listener.h"

static void add(struct places *places, const char *address, int64_t port, int fd)
{
	struct place *items = realloc(places->items, (places->count + 1) * sizeof(*items));
	char *copy = strdup(address);
	if (!items || !copy)
		crash_broken_invariant("no memory for a place to listen at");
	places->items = items;
	items[places->count++] = (struct place){ .address = copy, .port = port, .fd = fd };
}

static const struct place *find(const struct places *places, const char *address, int64_t port)
{
	for (uint32_t i = 0; i < places->count; i++)
		if (places->items[i].port == port && (port == PLACE_IS_FILE || strcmp(places->items[i].address, address) == 0))
			return &places->items[i];
	return NULL;
}

static bool add_opened(struct places *places, const char *address, int64_t port, int fd)
{
	if (fd != LISTENER_FAILED) {
		add(places, address, port, fd);
		return true;
	}
	if (port == PLACE_IS_FILE)
		log_event(LOG_WARNING, "Could not listen on %s: %s", address, strerror(errno));
	else
		log_event(LOG_WARNING, "Could not listen on %s:%lld: %s", address, (long long)port, strerror(errno));
	return false;
}

/* An address that begins with '-' may be missing from this machine, as in Redis. */
static bool open_address(struct places *places, const struct places *open, const char *address, const struct config *config)
{
	bool is_optional = address[0] == '-';
	if (is_optional)
		address++;
	if (find(places, address, config->port)) {
		errno = EADDRINUSE;
		return add_opened(places, address, config->port, LISTENER_FAILED);
	}
	const struct place *held = find(open, address, config->port);
	if (held) {
		add(places, address, config->port, held->fd);
		return true;
	}
	int fd = listener_open_tcp(address, (uint16_t)config->port, (int)config->tcp_backlog,
				   open->count ? LISTENER_SHARES : LISTENER_ALONE);
	if (fd == LISTENER_FAILED && is_optional && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
		return true;
	return add_opened(places, address, config->port, fd);
}

static bool open_all(struct places *places, const struct places *open, const struct config *config)
{
	for (uint32_t i = 0; config->port && i < config->bind.count; i++)
		if (!open_address(places, open, config->bind.items[i], config))
			return false;
	if (!config->unixsocket[0])
		return true;
	const struct place *held = find(open, config->unixsocket, PLACE_IS_FILE);
	int fd = held ? held->fd
		      : listener_open_unix(config->unixsocket, (int)config->tcp_backlog, (uint32_t)config->unixsocketperm);
	return add_opened(places, config->unixsocket, PLACE_IS_FILE, fd);
}

/* While "127.0.0.1" is still open, "*" can have the same port only if both agree. */
static void share_port(const struct places *open, enum listener_sharing sharing)
{
	for (uint32_t i = 0; i < open->count; i++)
		if (open->items[i].port != PLACE_IS_FILE)
			listener_share(open->items[i].fd, sharing);
}

static bool is_held(const struct places *open, int fd)
{
	for (uint32_t i = 0; i < open->count; i++)
		if (open->items[i].fd == fd)
			return true;
	return false;
}

bool places_open(struct places *out_places, const struct places *open, const struct config *config)
{
	struct places places = { 0 };
	share_port(open, LISTENER_SHARES);
	bool is_open = open_all(&places, open, config);
	share_port(open, LISTENER_ALONE);
	if (is_open) {
		*out_places = places;
		return true;
	}
	for (uint32_t i = 0; i < places.count; i++)
		if (!is_held(open, places.items[i].fd))
			close(places.items[i].fd);
	places_fini(&places);
	return false;
}

void places_fini(struct places *places)
{
	for (uint32_t i = 0; i < places->count; i++)
		free(places->items[i].address);
	free(places->items);
	*places = (struct places){ 0 };
}

void places_print(const struct places *places, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < places->count && len < size; i++) {
		const struct place *place = &places->items[i];
		const char *comma = i ? ", " : "";
		len += (size_t)(place->port == PLACE_IS_FILE ?
					snprintf(out + len, size - len, "%s%s", comma, place->address) :
					snprintf(out + len, size - len, "%s%s:%lld", comma, place->address,
						 (long long)place->port));
	}
}

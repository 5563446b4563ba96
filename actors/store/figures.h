/*
 * Figures of connections that only their reactors know, collected for CLIENT LIST and INFO clients.
 */
#ifndef ACTORS_STORE_FIGURES_H
#define ACTORS_STORE_FIGURES_H

#include <stddef.h>
#include <stdint.h>

struct connection_figure {
	uint64_t id;
	uint64_t input_bytes;   /* read and not yet parsed into a request */
	uint64_t input_free;    /* free bytes in that buffer */
	uint64_t args_bytes;    /* argument vectors of the incomplete request */
	uint64_t own_bytes;     /* the connection itself */
	uint64_t output_bytes;  /* not yet taken by the kernel */
	uint32_t output_parts;  /* pieces in the output queue */
	uint32_t in_flight;     /* requests posted and not answered */
};

/* Sorted by id when complete. */
struct connection_figures {
	size_t count, capacity;
	uint64_t batch_bytes;               /* memory for batches of requests and replies */
	uint64_t reads, writes;             /* system calls, of the reactor(s) */
	uint64_t input_bytes, output_bytes; /* through all sockets since start */
	struct connection_figure *items;
};

/* All memory that the reactor uses for the connection. */
static inline uint64_t connection_figure_memory(const struct connection_figure *figure)
{
	return figure->input_bytes + figure->input_free + figure->args_bytes + figure->own_bytes + figure->output_bytes;
}

void connection_figures_destroy(struct connection_figures **figures);
/* NULL when there are no figures of this connection. */
const struct connection_figure *connection_figures_find(const struct connection_figures *figures, uint64_t id);

#endif

/*
 * The sections of INFO: lines "name:value", with Redis's names and units, so that Redis's tools work. Private to info*.c.
 */
#ifndef ACTORS_STORE_COMMANDS_INFO_SECTIONS_H
#define ACTORS_STORE_COMMANDS_INFO_SECTIONS_H

#include <stdint.h>

#include "actors/store/figures.h"
#include "transport/buffer.h"

struct call;
struct config;
struct observations;
struct store;

/* The data for writing sections. */
struct info {
	struct call *call;
	struct store *store;
	const struct config *config;
	struct buffer text;
	struct connection_figures totals; /* without items */
	uint64_t longest_input, longest_output, client_bytes;
	const struct observations *observations; /* NULL when not asked for */
};

/* Each adds the lines of a section to the text. */
void info_write_server(struct info *info);
void info_write_clients(struct info *info);
void info_write_memory(struct info *info);
void info_write_persistence(struct info *info);
void info_write_stats(struct info *info);
void info_write_replication(struct info *info);
void info_write_cpu(struct info *info);
void info_write_modules(struct info *info);
void info_write_commandstats(struct info *info);
void info_write_errorstats(struct info *info);
void info_write_latencystats(struct info *info);
void info_write_events(struct info *info);
void info_write_actors(struct info *info);
void info_write_cluster(struct info *info);
void info_write_keyspace(struct info *info);

#endif

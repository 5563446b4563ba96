#include "actors/store/commands/info_sections.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "actors/store/figures.h"
#include "actors/observer/observer.h"
#include "actors/store/commands/handlers.h"
#include "actors/store/memory_figures.h"
#include "actors/store/replication.h"
#include "actors/runtime/cgroup.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/version.h"
#include "storage/memory.h"

static void number(struct info *info, const char *name, uint64_t value)
{
	buffer_printf(&info->text, "%s:%" PRIu64 "\r\n", name, value);
}

static void whole(struct info *info, const char *name, int64_t value)
{
	buffer_printf(&info->text, "%s:%" PRId64 "\r\n", name, value);
}

static void text(struct info *info, const char *name, const char *value)
{
	buffer_printf(&info->text, "%s:%s\r\n", name, value);
}

/* Bytes abbreviated like in Redis: "1.50M". */
static void human(struct info *info, const char *name, uint64_t bytes)
{
	static const char units[] = "BKMGTP";
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1024 && unit < sizeof(units) - 2; unit++)
		value /= 1024;
	buffer_printf(&info->text, unit ? "%s:%.2f%c\r\n" : "%s:%.0f%c\r\n", name, value, units[unit]);
}

/* A number of bytes, as a number and abbreviated. */
static void bytes(struct info *info, const char *name, uint64_t value)
{
	char human_name[64];
	snprintf(human_name, sizeof(human_name), "%s_human", name);
	number(info, name, value);
	human(info, human_name, value);
}

/* Lines with the value 0, for what does not exist here. Names are separated by spaces. */
static void none(struct info *info, const char *names)
{
	for (const char *name = names; *name; name += strspn(name, " ")) {
		size_t len = strcspn(name, " ");
		buffer_printf(&info->text, "%.*s:0\r\n", (int)len, name);
		name += len;
	}
}

struct directive_value {
	struct info *info;
	const char *line;
};

static void write_directive(void *context, const char *name, const char *value)
{
	struct directive_value *wanted = context;
	text(wanted->info, wanted->line, value);
}

/* The value of a directive as CONFIG GET shows it. */
static void directive(struct info *info, const char *line, const char *name)
{
	struct slice pattern = slice_of(name, strlen(name));
	config_get(info->config, &pattern, 1, write_directive, &(struct directive_value){ info, line });
}

/* A hash (FNV-1a) of server version and compiler. */
static uint64_t build_id(void)
{
	uint64_t hash = 0xcbf29ce484222325;
	for (const char *c = QCACHE_VERSION " " __VERSION__; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	return hash;
}

void info_write_server(struct info *info)
{
	struct utsname system;
	char executable[4096];
	int64_t uptime = store_uptime_ms(info->store) / 1000;
	uname(&system);
	ssize_t len = readlink("/proc/self/exe", executable, sizeof(executable) - 1);
	executable[len > 0 ? len : 0] = '\0';

	text(info, "redis_version", QCACHE_REDIS_VERSION);
	text(info, "qcache_version", QCACHE_VERSION);
	text(info, "redis_git_sha1", "00000000");
	number(info, "redis_git_dirty", 0);
	buffer_printf(&info->text, "redis_build_id:%016" PRIx64 "\r\n", build_id());
	text(info, "redis_mode", "standalone");
	buffer_printf(&info->text, "os:%s %s %s\r\n", system.sysname, system.release, system.machine);
	number(info, "arch_bits", sizeof(void *) * 8);
	text(info, "monotonic_clock", "POSIX clock_gettime");
	text(info, "multiplexing_api", "libev");
	text(info, "atomicvar_api", "c11-builtin");
	buffer_printf(&info->text, "gcc_version:%d.%d.%d\r\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
	number(info, "process_id", (uint64_t)getpid());
	directive(info, "process_supervised", "supervised");
	text(info, "run_id", store_run_id(info->store));
	directive(info, "tcp_port", "port");
	number(info, "server_time_usec", (uint64_t)wall_clock_us());
	number(info, "uptime_in_seconds", (uint64_t)uptime);
	number(info, "uptime_in_days", (uint64_t)uptime / 86400);
	directive(info, "hz", "hz");
	directive(info, "configured_hz", "hz");
	number(info, "lru_clock", lru_clock(info->call->now_ms));
	text(info, "executable", executable);
	text(info, "config_file", info->config->config_file);
	number(info, "io_threads_active", info->config->io_threads > 1);
}

void info_write_clients(struct info *info)
{
	uint64_t blocked = 0, timed = 0;
	for (struct session *s = store_first_session(info->store); s; s = s->next) {
		bool is_blocked = session_is_blocked(s) && s->topic <= BLOCKED_MEMORY; /* other topics are not counted */
		blocked += is_blocked;
		timed += is_blocked && s->deadline_ms != INT64_MAX;
	}
	number(info, "connected_clients", store_session_count(info->store));
	number(info, "cluster_connections", 0);
	directive(info, "maxclients", "maxclients");
	number(info, "client_recent_max_input_buffer", info->longest_input);
	number(info, "client_recent_max_output_buffer", info->longest_output);
	number(info, "blocked_clients", blocked);
	number(info, "tracking_clients", 0);
	number(info, "clients_in_timeout_table", timed);
}

static void ratio(struct info *info, const char *name, size_t a, size_t b)
{
	buffer_printf(&info->text, "%s:%.2f\r\n", name, memory_ratio(a, b));
}

/* May be negative, since the two are not measured at the same moment. */
static void difference(struct info *info, const char *name, size_t a, size_t b)
{
	buffer_printf(&info->text, "%s:%lld\r\n", name, (long long)a - (long long)b);
}

static void write_allocator(struct info *info, const struct memory_use *use)
{
	const struct memory_figures *figures = &use->reading.allocator;
	ratio(info, "allocator_frag_ratio", figures->active, figures->allocated);
	difference(info, "allocator_frag_bytes", figures->active, figures->allocated);
	ratio(info, "allocator_rss_ratio", figures->resident, figures->active);
	difference(info, "allocator_rss_bytes", figures->resident, figures->active);
	ratio(info, "rss_overhead_ratio", use->reading.resident_bytes, figures->resident);
	difference(info, "rss_overhead_bytes", use->reading.resident_bytes, figures->resident);
	/* Relative to allocated memory: relative to used_memory, buffers and code would count as fragmentation. */
	ratio(info, "mem_fragmentation_ratio", use->reading.resident_bytes, memory_allocated_bytes(use));
	difference(info, "mem_fragmentation_bytes", use->reading.resident_bytes, memory_allocated_bytes(use));
}

void info_write_memory(struct info *info)
{
	const struct aof_figures *aof = store_aof_figures(info->store);
	struct memory_use use;
	memory_use_get(info->store, &use);
	bytes(info, "used_memory", use.used_bytes);
	bytes(info, "used_memory_rss", use.reading.resident_bytes);
	bytes(info, "used_memory_peak", use.peak_bytes);
	buffer_printf(&info->text, "used_memory_peak_perc:%.2f%%\r\n", memory_ratio(use.used_bytes, use.peak_bytes) * 100);
	number(info, "used_memory_overhead", use.overhead_bytes);
	number(info, "used_memory_startup", use.startup_bytes);
	number(info, "used_memory_dataset", use.dataset_bytes);
	buffer_printf(&info->text, "used_memory_dataset_perc:%.2f%%\r\n", use.dataset_percent);
	number(info, "used_memory_blobs", blob_used_bytes());
	number(info, "allocator_allocated", use.reading.allocator.allocated);
	number(info, "allocator_active", use.reading.allocator.active);
	number(info, "allocator_resident", use.reading.allocator.resident);
	bytes(info, "total_system_memory", machine_memory());
	bytes(info, "cgroup_memory_limit", info->config->cgroup_limit); /* 0: none below the machine's memory */
	bytes(info, "maxmemory", info->config->maxmemory);
	number(info, "maxmemory_exceeds_cgroup", config_exceeds_cgroup(info->config));
	directive(info, "maxmemory_policy", "maxmemory-policy");
	number(info, "mem_not_counted_for_evict", use.uncounted_bytes);
	write_allocator(info, &use);
	none(info, "used_memory_lua used_memory_vm_eval used_memory_scripts_eval number_of_cached_scripts number_of_functions "
		   "number_of_libraries used_memory_vm_functions used_memory_vm_total used_memory_functions used_memory_scripts");
	human(info, "used_memory_lua_human", 0);
	human(info, "used_memory_vm_total_human", 0);
	human(info, "used_memory_scripts_human", 0);
	number(info, "mem_clients_slaves", 0); /* replicas share the stream */
	number(info, "mem_replication_backlog", replication_bytes(info->store));
	number(info, "mem_total_replication_buffers", replication_bytes(info->store));
	none(info, "mem_cluster_links");
	number(info, "mem_aof_buffer", aof ? aof->buffered_bytes : 0);
	number(info, "mem_clients_normal", info->client_bytes);
	number(info, "mem_request_batches", info->totals.batch_bytes); /* not part of used_memory */
	text(info, "mem_allocator", memory_allocator_name());
	number(info, "active_defrag_running", 0);
	number(info, "lazyfree_pending_objects", store_garbage_keys(info->store));
	number(info, "lazyfreed_objects", store_counters(info->store)->reaped_keys);
}

static void write_loading(struct info *info)
{
	struct loading_figures loading;
	if (!store_is_loading(info->store))
		return;
	store_get_loading(info->store, &loading);
	number(info, "loading_start_time", (uint64_t)loading.began_ms / 1000);
	number(info, "loading_total_bytes", loading.total_bytes);
	number(info, "loading_rdb_used_mem", 0);
	number(info, "loading_loaded_bytes", loading.loaded_bytes);
	buffer_printf(&info->text, "loading_loaded_perc:%.2f\r\n", memory_ratio(loading.loaded_bytes, loading.total_bytes) * 100);
	number(info, "loading_eta_seconds", (uint64_t)loading.eta_ms / 1000);
}

/* The lines of the append-only file that Redis shows only when there is one, and our own. */
static void write_aof(struct info *info)
{
	const struct aof_figures *figures = store_aof_figures(info->store);
	if (!figures)
		return;
	number(info, "aof_current_size", figures->bytes);
	number(info, "aof_base_size", figures->base_bytes);
	none(info, "aof_pending_rewrite");
	number(info, "aof_buffer_length", figures->buffered_bytes);
	number(info, "aof_pending_bio_fsync", figures->sync_is_pending);
	number(info, "aof_delayed_fsync", figures->delayed_syncs);
	number(info, "aof_parts", figures->parts);
	number(info, "aof_sequence", figures->written);
	number(info, "aof_durable_sequence", figures->durable);
	number(info, "aof_groups", figures->groups);
	number(info, "aof_group_frames", figures->group_frames);
	number(info, "aof_sync_usec", figures->sync_usec);
}

static void write_rewriting(struct info *info)
{
	const struct aof_figures *aof = store_aof_figures(info->store);
	struct rewriting_figures figures;
	store_rewriting_figures(info->store, &figures);
	number(info, "aof_enabled", aof != NULL);
	number(info, "aof_rewrite_in_progress", figures.is_under_way);
	number(info, "aof_rewrite_scheduled", figures.is_wanted);
	number(info, "aof_rewrites", figures.rewrites);
	number(info, "aof_rewrites_consecutive_failures", figures.failures);
	whole(info, "aof_last_rewrite_time_sec", figures.last_s);
	whole(info, "aof_current_rewrite_time_sec", figures.current_s);
	text(info, "aof_last_bgrewrite_status", figures.has_failed ? "err" : "ok");
	text(info, "aof_last_write_status", aof && aof->error ? "err" : "ok");
}

/* Former states that wait for a snapshot's writer stand where Redis counts pages that were copied on write. */
void info_write_persistence(struct info *info)
{
	struct saving_figures figures;
	struct loading_figures loading;
	store_saving_figures(info->store, &figures);
	store_get_loading(info->store, &loading);
	number(info, "loading", store_is_loading(info->store));
	none(info, "async_loading");
	number(info, "current_cow_peak", figures.waiting_bytes_max);
	number(info, "current_cow_size", figures.waiting_bytes);
	none(info, "current_cow_size_age");
	buffer_printf(&info->text, "current_fork_perc:%.2f\r\n", memory_ratio(figures.keys, figures.keys_at_cut) * 100);
	number(info, "current_save_keys_processed", figures.keys);
	number(info, "current_save_keys_total", figures.keys_at_cut);
	number(info, "rdb_changes_since_last_save", figures.changes);
	number(info, "rdb_bgsave_in_progress", figures.is_saving);
	number(info, "rdb_last_save_time", (uint64_t)figures.saved_wall_ms / 1000);
	text(info, "rdb_last_bgsave_status", figures.has_failed ? "err" : "ok");
	whole(info, "rdb_last_bgsave_time_sec", figures.last_s);
	whole(info, "rdb_current_bgsave_time_sec", figures.current_s);
	whole(info, "rdb_save_overdue_sec", figures.overdue_s);
	number(info, "rdb_saves", figures.saves);
	number(info, "rdb_last_cow_size", figures.last_waiting_bytes_max);
	number(info, "rdb_last_load_keys_expired", loading.expired_keys);
	number(info, "rdb_last_load_keys_loaded", loading.keys);
	write_rewriting(info);
	none(info, "aof_last_cow_size module_fork_in_progress module_fork_last_cow_size");
	write_aof(info);
	write_loading(info);
}

static void kilobytes(struct info *info, const char *name, uint64_t bytes)
{
	buffer_printf(&info->text, "%s:%.2f\r\n", name, (double)bytes / 1024);
}

void info_write_stats(struct info *info)
{
	const struct store_counters *counters = store_counters(info->store);
	const struct replication *replication = store_replication(info->store);
	number(info, "total_connections_received", counters->connections_received);
	number(info, "total_commands_processed", store_total(info->store, RATE_COMMANDS) - counters->commands_before);
	number(info, "instantaneous_ops_per_sec", store_per_second(info->store, RATE_COMMANDS));
	number(info, "total_net_input_bytes", info->totals.input_bytes - counters->input_bytes_before);
	number(info, "total_net_output_bytes", info->totals.output_bytes - counters->output_bytes_before);
	kilobytes(info, "instantaneous_input_kbps", store_per_second(info->store, RATE_READ_BYTES));
	kilobytes(info, "instantaneous_output_kbps", store_per_second(info->store, RATE_WRITTEN_BYTES));
	none(info, "total_net_repl_input_bytes total_net_repl_output_bytes instantaneous_input_repl_kbps "
		   "instantaneous_output_repl_kbps");
	number(info, "rejected_connections", counters->connections_rejected);
	number(info, "sync_full", replication->full_syncs);
	number(info, "sync_partial_ok", replication->partial_syncs);
	number(info, "sync_partial_err", replication->refused_partial_syncs);
	number(info, "expired_keys", counters->expired_keys);
	text(info, "expired_stale_perc", "0.00"); /* expired keys are known, not estimated */
	number(info, "expired_time_cap_reached_count", counters->expiry_slices_cut);
	number(info, "expire_cycle_cpu_milliseconds", counters->expiry_ns / 1000000);
	number(info, "evicted_keys", counters->evicted_keys);
	number(info, "evicted_clients", 0);
	number(info, "total_eviction_exceeded_time", counters->excess_ms + (uint64_t)store_excess_ms(info->store));
	number(info, "current_eviction_exceeded_time", (uint64_t)store_excess_ms(info->store));
	number(info, "keyspace_hits", counters->keyspace_hits);
	number(info, "keyspace_misses", counters->keyspace_misses);
	none(info, "pubsub_channels pubsub_patterns pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets "
		   "slave_expires_tracked_keys active_defrag_hits active_defrag_misses active_defrag_key_hits "
		   "active_defrag_key_misses total_active_defrag_time current_active_defrag_time tracking_total_keys "
		   "tracking_total_items tracking_total_prefixes unexpected_error_replies");
	number(info, "total_error_replies", counters->error_replies);
	number(info, "total_reads_processed", info->totals.reads - counters->reads_before);
	number(info, "total_writes_processed", info->totals.writes - counters->writes_before);
	bool is_threaded = info->config->io_threads > 1;
	number(info, "io_threaded_reads_processed", is_threaded ? info->totals.reads - counters->reads_before : 0);
	number(info, "io_threaded_writes_processed", is_threaded ? info->totals.writes - counters->writes_before : 0);
	none(info, "dump_payload_sanitizations reply_buffer_shrinks reply_buffer_expands");
	number(info, "protocol_errors", counters->protocol_errors);
	number(info, "auth_failures", counters->auth_failures);
}

static void write_replica(struct info *info, uint32_t number, const struct replica *replica)
{
	char address[128];
	int64_t lag_ms = store_monotonic_ms(info->store) - replica->heard_ms;
	replica_get_address(replica, address, sizeof(address));
	buffer_printf(&info->text, "slave%u:ip=%s,port=%u,state=%s,offset=%" PRIu64 ",lag=%lld\r\n", number, address, replica->port,
		      replica_state_name(replica), replica->acknowledged,
		      replica->state == REPLICA_ONLINE ? (long long)lag_ms / 1000 : 0);
}

static void write_replicas(struct info *info, const struct replication *replication)
{
	uint32_t number = 0;
	for (const struct replica *replica = replication->first; replica; replica = replica->next)
		if (replica_is_alive(replica))
			write_replica(info, number++, replica);
}

void info_write_replication(struct info *info)
{
	const struct replication *replication = store_replication(info->store);
	const struct replica_stream *stream = &replication->stream;
	bool has_former = replication->former_id[0];
	text(info, "role", "master");
	number(info, "connected_slaves", replicas_count(info->store));
	if (info->config->min_replicas_to_write && info->config->min_replicas_max_lag)
		number(info, "min_slaves_good_slaves", replicas_good(info->store));
	write_replicas(info, replication);
	text(info, "master_failover_state", "no-failover");
	text(info, "master_replid", store_replication_id(info->store));
	text(info, "master_replid2", has_former ? replication->former_id : "0000000000000000000000000000000000000000");
	number(info, "master_repl_offset", stream->end);
	whole(info, "second_repl_offset", has_former ? (int64_t)replication->former_end + 1 : -1);
	number(info, "repl_backlog_active", replication->is_on);
	directive(info, "repl_backlog_size", "repl-backlog-size");
	number(info, "repl_backlog_first_byte_offset", replication->is_on ? stream->begin + 1 : 0);
	number(info, "repl_backlog_histlen", stream->end - stream->begin);
}

static void seconds(struct info *info, const char *name, struct timeval time)
{
	buffer_printf(&info->text, "%s:%lld.%06lld\r\n", name, (long long)time.tv_sec, (long long)time.tv_usec);
}

static struct timeval time_of_ticks(unsigned long long ticks)
{
	unsigned long long per_second = (unsigned long long)sysconf(_SC_CLK_TCK);
	return (struct timeval){ (time_t)(ticks / per_second), (suseconds_t)(ticks % per_second * 1000000 / per_second) };
}

/* Fields 14 and 15 of /proc's stat file of a thread. Field 2 is the name in parentheses. */
static void write_main_thread_cpu(struct info *info)
{
	char path[64], line[1024];
	unsigned long long user, system;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)getpid());
	FILE *file = fopen(path, "re");
	const char *behind_name = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (file)
		fclose(file);
	if (!behind_name || sscanf(behind_name, ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2)
		return;
	seconds(info, "used_cpu_sys_main_thread", time_of_ticks(system));
	seconds(info, "used_cpu_user_main_thread", time_of_ticks(user));
}

void info_write_cpu(struct info *info)
{
	struct rusage process, children;
	getrusage(RUSAGE_SELF, &process);
	getrusage(RUSAGE_CHILDREN, &children);
	seconds(info, "used_cpu_sys", process.ru_stime);
	seconds(info, "used_cpu_user", process.ru_utime);
	seconds(info, "used_cpu_sys_children", children.ru_stime);
	seconds(info, "used_cpu_user_children", children.ru_utime);
	write_main_thread_cpu(info);
}

void info_write_commandstats(struct info *info)
{
	for (uint32_t i = 0; i < info->observations->command_count; i++) {
		const struct command_count *count = &info->observations->commands[i];
		char name[64];
		if (count->calls + count->failed + count->rejected == 0)
			continue;
		command_full_name(command_at(i), name, sizeof(name));
		double usec = (double)count->ns / 1000;
		buffer_printf(&info->text,
			      "cmdstat_%s:calls=%" PRIu64 ",usec=%.0f,usec_per_call=%.2f,rejected_calls=%" PRIu64
			      ",failed_calls=%" PRIu64 "\r\n",
			      name, count->calls, usec, count->calls ? usec / (double)count->calls : 0, count->rejected,
			      count->failed);
	}
}

/* Commands without calls are left out. */
void info_write_latencystats(struct info *info)
{
	const struct config_words *percentiles = &info->config->latency_tracking_info_percentiles;
	for (uint32_t i = 0; i < info->observations->command_count && info->config->latency_tracking; i++) {
		const struct histogram *histogram = info->observations->commands[i].latency;
		char name[64];
		if (!histogram)
			continue;
		command_full_name(command_at(i), name, sizeof(name));
		buffer_printf(&info->text, "latency_percentiles_usec_%s:", name);
		for (uint32_t p = 0; p < percentiles->count; p++) {
			double percent = strtod(percentiles->items[p], NULL);
			double usec = (double)histogram_percentile_ns(histogram, percent) / 1000;
			buffer_printf(&info->text, "%sp%s=%.3f", p ? "," : "", percentiles->items[p], usec);
		}
		buffer_printf(&info->text, "\r\n");
	}
}

/* There are no modules. */
void info_write_modules(struct info *info)
{
	(void)info;
}

void info_write_errorstats(struct info *info)
{
	size_t kinds;
	const struct error_count *counts = store_error_counts(info->store, &kinds);
	for (size_t i = 0; i < kinds; i++)
		buffer_printf(&info->text, "errorstat_%s:count=%" PRIu64 "\r\n", counts[i].code, counts[i].count);
}

void info_write_cluster(struct info *info)
{
	number(info, "cluster_enabled", 0);
}

void info_write_keyspace(struct info *info)
{
	const struct databases *databases = store_databases(info->store);
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		const struct keyspace *keyspace = databases_read(databases, databases->in_use[i]);
		if (keyspace_count(keyspace) == 0)
			continue;
		buffer_printf(&info->text, "db%u:keys=%" PRIu64 ",expires=%" PRIu64 ",avg_ttl=%" PRId64 "\r\n", databases->in_use[i],
			      keyspace_count(keyspace), keyspace_expiring_count(keyspace),
			      keyspace_average_ttl_ms(keyspace, info->call->now_ms));
	}
}

/* Counts of effects by type. */
void info_write_events(struct info *info)
{
	for (uint32_t type = 0; type < EFFECT_TYPES; type++)
		if (effect_event((enum effect_type)type))
			buffer_printf(&info->text, "event_%s:%" PRIu64 "\r\n", effect_event((enum effect_type)type),
				      info->observations->events[type]);
}

void info_write_actors(struct info *info)
{
	store_describe_actors(info->store, &info->text);
}

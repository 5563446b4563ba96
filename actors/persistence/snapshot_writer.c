#include "actors/persistence/snapshot_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/version.h"
#include "storage/formats/rdb_file.h"

static struct actor *only(const struct snapshot_writer *writer, enum actor_kind kind)
{
	return runtime_actor(writer->actor->runtime, kind, 0);
}

static struct snapshot_result *make_result(const struct snapshot_writer *writer)
{
	struct snapshot_result *result = calloc(1, sizeof(*result));
	if (!result)
		crash_out_of_memory("the outcome of a snapshot");
	result->number = writer->plan->number;
	result->bytes = writer->rdb ? rdb_file_bytes(writer->rdb) : 0;
	result->keys = writer->rdb ? rdb_file_records(writer->rdb) : 0;
	return result;
}

static void forget(struct snapshot_writer *writer)
{
	blob_release(&writer->bytes);
	rdb_file_writer_destroy(&writer->rdb);
	snapshot_plan_destroy(&writer->plan);
}

static void report_failure(struct snapshot_writer *writer, const char *reason)
{
	struct snapshot_result *result = make_result(writer);
	snprintf(result->error, sizeof(result->error), "%s", reason);
	forget(writer);
	actor_post(writer->actor, only(writer, ACTOR_STORE), STORE_SNAPSHOT_FAILED, 0, result);
}

static bool is_for_replicas(const struct snapshot_writer *writer)
{
	return writer->plan->purpose == SNAPSHOT_TO_REPLICAS;
}

/* The file is open. */
static void give_up(struct snapshot_writer *writer, const char *reason)
{
	if (!is_for_replicas(writer))
		snapshot_file_abandon(&writer->file);
	report_failure(writer, reason);
}

/* ---- bytes for replicas ---- */

#define BYTES_AT_FIRST ((uint32_t)SNAPSHOT_BATCH_BYTES)

static bool reserve(struct snapshot_writer *writer, size_t len)
{
	uint64_t needed = (writer->bytes ? writer->bytes->len : 0) + (uint64_t)len;
	uint64_t room = writer->bytes ? writer->bytes->capacity : 0;
	if (needed <= room)
		return true;
	if (needed > UINT32_MAX)
		return false;
	room = needed > 2 * room ? needed : 2 * room < UINT32_MAX ? 2 * room : UINT32_MAX;
	if (room < BYTES_AT_FIRST)
		room = BYTES_AT_FIRST;
	struct blob *larger = writer->bytes ? blob_resize(writer->bytes, (uint32_t)room) : blob_create((uint32_t)room);
	if (larger)
		writer->bytes = larger;
	return larger != NULL;
}

static bool keep_bytes(void *context, const void *data, size_t len)
{
	struct snapshot_writer *writer = context;
	if (!reserve(writer, len))
		return false;
	memcpy(writer->bytes->data + writer->bytes->len, data, len);
	writer->bytes->len += (uint32_t)len;
	return true;
}

static void give_bytes(struct snapshot_writer *writer)
{
	if (!writer->bytes)
		return;
	actor_post(writer->actor, only(writer, ACTOR_STORE), STORE_SNAPSHOT_BYTES, writer->plan->number, writer->bytes);
	writer->bytes = NULL;
}

/* ---- messages ---- */

static const char *error_of(const struct snapshot_writer *writer)
{
	return is_for_replicas(writer) ? "out of memory" : writer->file.error;
}

static void write_head(struct snapshot_writer *writer)
{
	const struct snapshot_plan *plan = writer->plan;
	rdb_file_begin(writer->rdb, &(struct rdb_file_head){
		.redis_version = QCACHE_REDIS_VERSION,
		.created_s = plan->cut_ms / 1000,
		.used_memory = plan->used_bytes,
		.is_aof_base = plan->purpose == SNAPSHOT_TO_BASE,
		.sequence = plan->sequence,
		.history_id = plan->history_id,
	});
	for (uint32_t i = 0; i < plan->count; i++)
		rdb_file_select(writer->rdb, plan->counts[i].database, plan->counts[i].keys, plan->counts[i].expiring);
}

static void on_begin(struct snapshot_writer *writer, struct snapshot_plan *plan)
{
	struct snapshot_file_options options = { plan->directory, plan->name, plan->writes_back, plan->purpose == SNAPSHOT_TO_BASE };
	writer->plan = plan;
	if (!is_for_replicas(writer) && !snapshot_file_open(&writer->file, writer->disk, &options)) {
		report_failure(writer, writer->file.error);
		return;
	}
	writer->rdb = rdb_file_writer_create(&(struct rdb_file_options){
		.write = is_for_replicas(writer) ? keep_bytes : snapshot_file_write,
		.context = is_for_replicas(writer) ? (void *)writer : &writer->file,
		.compresses = plan->compresses, .is_summed = plan->has_checksum,
	});
	if (writer->rdb)
		write_head(writer);
	else
		give_up(writer, "out of memory");
}

static void write_records(struct snapshot_writer *writer, const struct snapshot_batch *batch)
{
	rdb_file_set_compression(writer->rdb, writer->plan->compresses && !batch->is_urgent);
	rdb_file_add(writer->rdb, &batch->pieces);
	if (rdb_file_has_failed(writer->rdb))
		give_up(writer, error_of(writer));
	else
		give_bytes(writer);
}

/* Records of a snapshot that has failed are dropped. */
static void on_records(struct snapshot_writer *writer, struct snapshot_batch *batch)
{
	if (writer->plan)
		write_records(writer, batch);
	rdb_pieces_clear(&batch->pieces);
	actor_post(writer->actor, only(writer, ACTOR_STORE), STORE_SNAPSHOT_CREDIT, 0, batch);
}

/* The protocol of replicas counts bytes from 1. */
static void on_end(struct snapshot_writer *writer, uint64_t next_byte)
{
	if (!writer->plan)
		return;
	if (next_byte)
		rdb_file_place(writer->rdb, next_byte - 1);
	if (!rdb_file_end(writer->rdb)) {
		give_up(writer, error_of(writer));
	} else if (!is_for_replicas(writer) && !snapshot_file_finish(&writer->file)) {
		report_failure(writer, writer->file.error);
	} else {
		give_bytes(writer);
		struct snapshot_result *result = make_result(writer);
		forget(writer);
		actor_post(writer->actor, only(writer, ACTOR_STORE), STORE_SNAPSHOT_DONE, 0, result);
	}
}

/* Too late if the answer is on its way. */
static void on_abort(struct snapshot_writer *writer)
{
	if (writer->plan)
		give_up(writer, "aborted");
}

/* The store posted its last message before the supervisor posted STOP, but that may still be in flight. */
static void stop_if_done(struct snapshot_writer *writer)
{
	if (!writer->is_stopping || actor_mailbox_depth(writer->actor) > 0)
		return;
	on_abort(writer);
	actor_post(writer->actor, only(writer, ACTOR_SUPERVISOR), SNAPSHOT_STOP_DONE, 0, NULL);
	actor_leave(writer->actor);
}

static void snapshot_writer_turn(void *state, struct message message)
{
	struct snapshot_writer *writer = state;
	switch ((enum to_snapshot)message.type) {
	case SNAPSHOT_BEGIN: on_begin(writer, PAYLOAD(SNAPSHOT_BEGIN, message)); break;
	case SNAPSHOT_RECORDS: on_records(writer, PAYLOAD(SNAPSHOT_RECORDS, message)); break;
	case SNAPSHOT_END: on_end(writer, message.number); break;
	case SNAPSHOT_ABORT: on_abort(writer); break;
	case SNAPSHOT_STOP: writer->is_stopping = true; break;
	}
	stop_if_done(writer);
}

void snapshot_writer_init(struct snapshot_writer *writer, struct runtime *runtime, const struct disk *disk)
{
	*writer = (struct snapshot_writer){ .actor = runtime_actor(runtime, ACTOR_SNAPSHOT, 0), .disk = disk };
	actor_bind(writer->actor, snapshot_writer_turn, writer);
}

void snapshot_writer_fini(struct snapshot_writer *writer)
{
	if (writer->plan && !is_for_replicas(writer))
		snapshot_file_abandon(&writer->file);
	forget(writer);
}

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
	result->bytes = writer->file.bytes;
	result->keys = writer->rdb ? rdb_file_records(writer->rdb) : 0;
	return result;
}

static void forget(struct snapshot_writer *writer)
{
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

/* The file is open. */
static void give_up(struct snapshot_writer *writer, const char *reason)
{
	snapshot_file_abandon(&writer->file);
	report_failure(writer, reason);
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
	});
	for (uint32_t i = 0; i < plan->count; i++)
		rdb_file_select(writer->rdb, plan->counts[i].database, plan->counts[i].keys, plan->counts[i].expiring);
}

static void on_begin(struct snapshot_writer *writer, struct snapshot_plan *plan)
{
	struct snapshot_file_options options = { plan->directory, plan->name, plan->writes_back, plan->purpose == SNAPSHOT_TO_BASE };
	writer->plan = plan;
	if (!snapshot_file_open(&writer->file, writer->disk, &options)) {
		report_failure(writer, writer->file.error);
		return;
	}
	writer->rdb = rdb_file_writer_create(&(struct rdb_file_options){
		.write = snapshot_file_write, .context = &writer->file, .compresses = plan->compresses, .is_summed = plan->has_checksum,
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
		give_up(writer, writer->file.error);
}

/* Records of a snapshot that has failed are dropped. */
static void on_records(struct snapshot_writer *writer, struct snapshot_batch *batch)
{
	if (writer->plan)
		write_records(writer, batch);
	rdb_pieces_clear(&batch->pieces);
	actor_post(writer->actor, only(writer, ACTOR_STORE), STORE_SNAPSHOT_CREDIT, 0, batch);
}

static void on_end(struct snapshot_writer *writer)
{
	if (!writer->plan)
		return;
	if (!rdb_file_end(writer->rdb)) {
		give_up(writer, writer->file.error);
	} else if (!snapshot_file_finish(&writer->file)) {
		report_failure(writer, writer->file.error);
	} else {
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
	case SNAPSHOT_END: on_end(writer); break;
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
	if (writer->plan)
		snapshot_file_abandon(&writer->file);
	forget(writer);
}

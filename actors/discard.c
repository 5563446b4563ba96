#include "actors/discard.h"

#include <stdlib.h>

#include "actors/config/config.h"
#include "actors/observer/observer.h"
#include "actors/persistence/aof.h"
#include "actors/persistence/base_file.h"
#include "actors/persistence/load_frames.h"
#include "actors/persistence/snapshot_batch.h"
#include "actors/replication/stream.h"
#include "actors/worker/listeners.h"
#include "actors/reactor/reactor.h"
#include "actors/reaper/reaper.h"
#include "actors/runtime/messages.h"
#include "actors/store/batch.h"
#include "actors/store/figures.h"
#include "storage/blob.h"
#include "storage/formats/rdb_load.h"
#include "storage/load_batch.h"
#include "transport/bus.h"

/* One function for each payload type in messages.def. */

static void discard_none(struct none *nothing)
{
}

static void discard_config(struct config *config)
{
	config_fini(config);
	free(config);
}

static void discard_config_error(struct config_error *error)
{
	free(error);
}

static void discard_listen_plan(struct listen_plan *plan)
{
	listen_plan_destroy(&plan);
}

/* The descriptors themselves still belong to the supervisor. */
static void discard_descriptors(struct descriptors *descriptors)
{
	free(descriptors);
}

static void discard_accepted(struct accepted *accepted)
{
	accepted_destroy(&accepted);
}

static void discard_settings(struct settings *settings)
{
	free(settings);
}

static void discard_request_batch(struct request_batch *batch)
{
	request_batch_destroy(&batch);
}

static void discard_reply_batch(struct reply_batch *batch)
{
	reply_batch_destroy(&batch);
}

static void discard_connection_figures(struct connection_figures *figures)
{
	connection_figures_destroy(&figures);
}

static void discard_connection_reports(struct connection_reports *reports)
{
	connection_reports_destroy(&reports);
}

static void discard_bus_message(struct bus_message *message)
{
	bus_message_release(message);
}

static void discard_observations(struct observations *observations)
{
	observations_destroy(&observations);
}

static void discard_aof_figures(struct aof_figures *figures)
{
	free(figures);
}

static void discard_base_file(struct base_file *file)
{
	base_file_destroy(&file);
}

static void discard_load_batch(struct load_batch *batch)
{
	load_batch_destroy(&batch);
}

static void discard_load_frames(struct load_frames *frames)
{
	load_frames_destroy(&frames);
}

static void discard_blob(struct blob *blob)
{
	blob_release(&blob);
}

static void discard_replication_stream(struct replication_stream *stream)
{
	replication_stream_destroy(&stream);
}

static void discard_rdb_history(struct rdb_history *history)
{
	free(history);
}

static void discard_snapshot_plan(struct snapshot_plan *plan)
{
	snapshot_plan_destroy(&plan);
}

static void discard_snapshot_batch(struct snapshot_batch *batch)
{
	snapshot_batch_destroy(&batch);
}

static void discard_snapshot_result(struct snapshot_result *result)
{
	free(result);
}

static void discard_garbage(struct garbage *garbage)
{
	garbage_destroy(&garbage);
}

void discard_message(struct message message)
{
	switch (message.type) {
#define MESSAGE(name, sender, receiver, gives, meaning) \
	case NUMBER_OF_##name: discard_##gives(PAYLOAD(name, message)); return;
#include "actors/runtime/messages.def"
#undef MESSAGE
	}
}

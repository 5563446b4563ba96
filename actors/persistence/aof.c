#include "actors/persistence/aof.h"

#include <stdlib.h>

#include "actors/persistence/aof_state.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"

/* ---- messages ---- */

static void on_sync(struct aof *aof, uint64_t sequence)
{
	aof->marks.asked = aof->syncing.wanted = sequence;
}

static void on_describe(struct aof *aof)
{
	struct aof_figures *figures = malloc(sizeof(*figures));
	if (!figures)
		crash_out_of_memory("the figures of the append-only file");
	*figures = (struct aof_figures){
		.written = aof->written,
		.durable = aof->mark,
		.buffered_bytes = aof_text_len(&aof->group.text),
		.delayed_syncs = aof->syncing.delayed,
		.sync_usec = aof->pace.sync_ns / 1000,
		.groups = aof->pace.groups,
		.group_frames = aof->pace.frames,
		.sync_is_pending = aof->syncing.is_out,
		.error = aof->trouble.error,
	};
	aof_count_files(aof, figures);
	actor_post(aof->actor, aof->store, STORE_AOF_FIGURES, 0, figures);
}

static void take(struct aof *aof, struct message message)
{
	switch ((enum to_aof)message.type) {
	case AOF_FRAMES: subscriber_on_frames(&aof->subscriber, PAYLOAD(AOF_FRAMES, message)); return;
	case AOF_ATTACH: subscriber_on_attach(&aof->subscriber, message.number); return;
	case AOF_SETTINGS: aof_on_settings(aof, PAYLOAD(AOF_SETTINGS, message), message.number); return;
	case AOF_SYNC: on_sync(aof, message.number); return;
	case AOF_SYNCED: aof_on_synced(aof, (int)message.number); return;
	case AOF_DESCRIBE: on_describe(aof); return;
	case AOF_MARK_TAKEN: marks_on_taken(aof, message.sender); return;
	case AOF_STATE_TAKEN: aof->told.is_out = false; return;
	case AOF_PREPARE_BASE: rewrite_prepare(aof, message.number); return;
	case AOF_INSTALL_BASE: rewrite_on_written(aof, PAYLOAD(AOF_INSTALL_BASE, message)); return;
	case AOF_DROP_BASE: rewrite_drop(aof); return;
	case AOF_LOAD: loader_begin(aof, aof->files, &aof->config); return;
	case AOF_RELOAD: aof_on_reload(aof, (enum data_source)message.number, PAYLOAD(AOF_RELOAD, message)); return;
	case AOF_LOAD_TAKEN: loader_on_taken(aof, PAYLOAD(AOF_LOAD_TAKEN, message)); return;
	case AOF_TIMER: return; /* the phases see what is due */
	case AOF_STOP: aof->is_stopping = true; return;
	}
}

/* ---- phases ---- */

/* Once nothing more can come: writes and syncs what is left, whatever appendfsync says. The answer waits if a message has come meanwhile. */
static void stop_if_done(struct aof *aof)
{
	if (!aof->is_stopping || aof->syncing.is_out || actor_mailbox_depth(aof->actor) > 0)
		return;
	aof_finish(aof);
	subscriber_on_stop(&aof->subscriber);
	aof->has_stopped = !aof->subscriber.is_stopping;
}

static void arm_timer(struct aof *aof)
{
	const uint64_t times_ns[] = { aof->group.frames ? aof->pace.waits_until_ns : 0, aof_sync_due_ns(aof), aof->trouble.retry_at_ns,
				      aof->group.frames ? 0 : aof->rewrite.clean_up_at_ns };
	uint64_t first_ns = 0;
	for (size_t i = 0; i < sizeof(times_ns) / sizeof(times_ns[0]); i++)
		if (times_ns[i] && (!first_ns || times_ns[i] < first_ns))
			first_ns = times_ns[i];
	if (first_ns == aof->armed_ns)
		return;
	aof->armed_ns = first_ns;
	if (first_ns)
		actor_arm_timer(aof->actor, AOF_TIMER, first_ns);
	else
		actor_disarm_timer(aof->actor);
}

static void (*const phases[])(struct aof *aof) = {
	aof_take_settings,
	trouble_retry,  /* before writing: what waits is older than what has come */
	aof_make_cut,   /* before what comes after it is written */
	aof_write,
	aof_begin_reload,
	aof_begin_sync, /* what has just been written too */
	aof_install_base,
	aof_close_log,
	aof_ask_for_rewrite,
	aof_clean_up,
	marks_tell,
	trouble_tell,
	stop_if_done,
	arm_timer,
};

static void aof_turn(void *state, struct message message)
{
	struct aof *aof = state;
	if (message.type == AOF_TIMER)
		aof->armed_ns = 0;
	take(aof, message);
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]) && !aof->has_stopped; i++)
		phases[i](aof);
}

/* ---- life ---- */

static void count_files(struct aof *aof)
{
	for (uint32_t i = 0; i < aof->files->count; i++) {
		const struct data_file *file = &aof->files->items[i];
		bool is_increment = file->part && file->part->type == PART_INCREMENT;
		*(is_increment ? &aof->sizes.increments : &aof->sizes.base) += file->bytes;
		aof->sizes.parts += is_increment;
	}
}

struct aof *aof_create(struct runtime *runtime, const struct config *config, struct data_files *files)
{
	struct aof *aof = calloc(1, sizeof(*aof));
	if (!aof)
		crash_out_of_memory("the append-only file");
	aof->actor = runtime_actor(runtime, ACTOR_AOF, 0);
	aof->store = runtime_actor(runtime, ACTOR_STORE, 0);
	aof->syncer = runtime_actor(runtime, ACTOR_SYNCER, 0);
	aof->files = files;
	aof->disk = files->disk;
	config_copy(&aof->config, config);
	count_files(aof);
	part_writer_init(&aof->part, aof->disk);
	group_init(&aof->group);
	aof->group.has_timestamps = config->aof_timestamp_enabled;
	marks_init(&aof->marks, runtime);
	subscriber_init(&aof->subscriber, aof->actor, &(struct subscriber_options){
		.interest = BUS_FRAMES, .owes_later = true, .joins_later = true, .take = aof_take_frames, .context = aof });
	actor_bind(aof->actor, aof_turn, aof);
	return aof;
}

bool aof_must_load(const struct aof *aof)
{
	return aof->config.appendonly || aof->files->count > 0;
}

void aof_destroy(struct aof **aof_at)
{
	struct aof *aof = *aof_at;
	loader_fini(aof);
	reload_end(aof);
	aof_drop_held(aof);
	rewrite_drop(aof);
	part_writer_close(&aof->part);
	data_files_close(&aof->files);
	group_fini(&aof->group);
	marks_fini(&aof->marks);
	settings_fini(&aof->settings);
	config_fini(&aof->config);
	free(aof);
	*aof_at = NULL;
}

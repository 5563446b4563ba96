/*
 * New settings at run time. Switching the log on opens its directory; the log begins at the next cut and counts from the moment in which its
 * base is in the manifest. Switching it off completes it, and leaves its files as they are. Neither happens while the data are being loaded,
 * from files that the open directory names.
 */
#include <stdlib.h>

#include "actors/persistence/aof_state.h"

static bool open_directory(struct aof *aof)
{
	struct config_error error;
	if (data_files_open_log(aof->files, &aof->config, &error)) {
		aof->trouble = (struct trouble){ .has_gap = true };
		return true;
	}
	aof->config.appendonly = false;
	actor_post(aof->actor, aof->store, AOF_SETTINGS_FAILED, 0, config_error_create("%s", error.text));
	return false;
}

static void take_config(struct aof *aof, struct config *config)
{
	config_fini(&aof->config);
	aof->config = *config;
	free(config);
	aof->group.has_timestamps = aof->config.aof_timestamp_enabled;
}

void aof_on_settings(struct aof *aof, struct config *config, uint64_t last)
{
	aof->settings = (struct settings){ .config = config, .last = last };
}

/* While the data are loaded the store's bus has not reached the last frame of the log yet. */
static uint64_t last_frame(const struct aof *aof, const struct settings *settings)
{
	return settings->last > aof_last(aof) ? settings->last : aof_last(aof);
}

void aof_take_settings(struct aof *aof)
{
	struct settings settings = aof->settings;
	bool was_on = aof->config.appendonly;
	if (!settings.config || aof->loader)
		return;
	aof->settings = (struct settings){ 0 };
	take_config(aof, settings.config);
	if (aof->config.appendonly && !was_on && !open_directory(aof))
		return;
	aof->is_closing = was_on && !aof->config.appendonly;
	/* Replies may wait for what was written, and it may have been written without a sync. */
	aof->syncing.wanted = aof->marks.settings_from = was_on ? last_frame(aof, &settings) : aof->mark;
	aof->marks.settings_are_asked = true;
}

static void forget_log(struct aof *aof)
{
	aof_drop_held(aof);
	rewrite_drop(aof);
	aof->rewrite = (struct rewrite){ .is_asked = false };
	aof->sizes = (struct sizes){ .base = 0 };
	aof->trouble = (struct trouble){ .error = 0 };
	aof->waits_for_base = aof->is_closing = false;
	aof->synced = 0;
	aof->written = aof->mark = aof->marks.settings_from; /* also what could not be written: nobody waits for it any more */
}

void aof_close_log(struct aof *aof)
{
	if (!aof->is_closing || aof->syncing.is_out || aof->loader)
		return;
	aof_finish(aof);
	subscriber_owe(&aof->subscriber, aof->group.credit_bytes); /* of a group that could not be written */
	group_clear(&aof->group);
	aof_give_ballast(aof);
	data_files_close_log(aof->files);
	forget_log(aof);
}

void settings_fini(struct settings *settings)
{
	if (settings->config)
		config_fini(settings->config);
	free(settings->config);
	settings->config = NULL;
}

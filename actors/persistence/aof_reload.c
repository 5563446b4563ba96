/*
 * Loading the data again while the server runs. The store executes nothing that needs them meanwhile, so the log does not grow.
 */
#include <stdio.h>
#include <stdlib.h>

#include "actors/persistence/aof_state.h"

void aof_on_reload(struct aof *aof, enum data_source source, struct config *config)
{
	aof->reload = (struct reload){ .config = config, .source = source };
}

static bool find_files(struct aof *aof, struct config_error *out_error)
{
	struct reload *reload = &aof->reload;
	if (aof->trouble.error) {
		snprintf(out_error->text, sizeof(out_error->text), "the log lacks what was executed last");
		return false;
	}
	reload->files = data_files_find_again(aof->files, reload->source, reload->config, out_error);
	return reload->files != NULL;
}

static void refuse(struct aof *aof, const struct config_error *reason)
{
	actor_post(aof->actor, aof->store, AOF_RELOAD_FAILED, 0, config_error_create("%s", reason->text));
	reload_end(aof);
}

void aof_begin_reload(struct aof *aof)
{
	struct reload *reload = &aof->reload;
	struct config_error error;
	bool is_written = (aof->group.frames == 0 && !aof->cut.is_pending) || aof->trouble.error;
	if (!reload->config || reload->files || !is_written || aof->is_stopping)
		return;
	if (find_files(aof, &error))
		loader_begin(aof, reload->files, reload->config);
	else
		refuse(aof, &error);
}

void reload_end(struct aof *aof)
{
	struct reload *reload = &aof->reload;
	if (reload->files)
		data_files_close(&reload->files);
	if (reload->config)
		config_fini(reload->config);
	free(reload->config);
	*reload = (struct reload){ 0 };
}

#include "actors/persistence/snapshot_batch.h"

#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"

struct snapshot_plan *snapshot_plan_create(const char *directory, const char *name, uint32_t count)
{
	struct snapshot_plan *plan = calloc(1, sizeof(*plan) + count * sizeof(plan->counts[0]));
	if (plan) {
		plan->directory = strdup(directory);
		plan->name = strdup(name);
	}
	if (!plan || !plan->directory || !plan->name)
		crash_out_of_memory("the plan of a snapshot");
	plan->count = count;
	return plan;
}

void snapshot_plan_destroy(struct snapshot_plan **plan)
{
	if (!*plan)
		return;
	free((*plan)->directory);
	free((*plan)->name);
	free(*plan);
	*plan = NULL;
}

struct snapshot_batch *snapshot_batch_create(void)
{
	return calloc(1, sizeof(struct snapshot_batch));
}

void snapshot_batch_destroy(struct snapshot_batch **batch)
{
	if (!*batch)
		return;
	rdb_pieces_fini(&(*batch)->pieces);
	free(*batch);
	*batch = NULL;
}

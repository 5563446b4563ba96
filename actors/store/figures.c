#include "figures.h"

#include <stdlib.h>

void connection_figures_destroy(struct connection_figures **figures)
{
	if (*figures)
		free((*figures)->items);
	free(*figures);
	*figures = NULL;
}

static int compare_id(const void *id, const void *item)
{
	uint64_t a = *(const uint64_t *)id, b = ((const struct connection_figure *)item)->id;
	return a < b ? -1 : a > b;
}

const struct connection_figure *connection_figures_find(const struct connection_figures *figures, uint64_t id)
{
	if (figures->count == 0)
		return NULL;
	return bsearch(&id, figures->items, figures->count, sizeof(*figures->items), compare_id);
}

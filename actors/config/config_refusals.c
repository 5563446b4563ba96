#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "config_table.h"
#include "transport/array.h"

void refusals_add(struct config_refusals *refusals, const struct directive *directive, const char *place, const char *reason)
{
	struct buffer text = { 0 };
	if (!array_reserve(&refusals->items, &refusals->capacity, refusals->count + 1, sizeof(*refusals->items), 4))
		crash_out_of_memory("the configuration");
	buffer_printf(&text, "%s: %s", place, reason);
	config_buffer_text(&text);
	refusals->items[refusals->count++] = (struct config_refusal){ directive, (char *)text.data };
}

void refusals_drop(struct config_refusals *refusals, const struct directive *directive)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < refusals->count; i++) {
		if (refusals->items[i].directive == directive)
			free(refusals->items[i].text);
		else
			refusals->items[kept++] = refusals->items[i];
	}
	refusals->count = kept;
}

void refusals_fini(struct config_refusals *refusals)
{
	for (uint32_t i = 0; i < refusals->count; i++)
		free(refusals->items[i].text);
	free(refusals->items);
	*refusals = (struct config_refusals){ 0 };
}

#include "actors/bus/tally.h"

#include <stdlib.h>

#include "actors/runtime/crash.h"

void command_count_merge(struct command_count *into, const struct command_count *from)
{
	into->calls += from->calls;
	into->failed += from->failed;
	into->rejected += from->rejected;
	into->ns += from->ns;
	if (!from->latency)
		return;
	if (!into->latency && !(into->latency = calloc(1, sizeof(*into->latency))))
		crash_out_of_memory("a latency histogram");
	histogram_merge(into->latency, from->latency);
}

struct tally *tally_create(uint32_t command_count)
{
	struct tally *tally = calloc(1, sizeof(*tally) + command_count * sizeof(struct command_count));
	if (tally)
		tally->command_count = command_count;
	return tally;
}

void tally_destroy(struct tally **tally)
{
	for (uint32_t i = 0; *tally && i < (*tally)->command_count; i++)
		free((*tally)->commands[i].latency);
	free(*tally);
	*tally = NULL;
}

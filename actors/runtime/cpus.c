#include "actors/runtime/cpus.h"

#include <ctype.h>
#include <errno.h>

/* Reads a number of at most six digits and advances *text past it. */
static bool take_number(const char **text, unsigned *out_number)
{
	unsigned number = 0, digits = 0;
	for (; isdigit((unsigned char)**text) && digits < 6; digits++)
		number = number * 10 + (unsigned)(*(*text)++ - '0');
	*out_number = number;
	return digits > 0 && !isdigit((unsigned char)**text);
}

/* Reads N, N-M or N-M:STEP and advances *text past it. */
static bool take_range(const char **text, cpu_set_t *cpus)
{
	unsigned first, last, step = 1;
	if (!take_number(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (!take_number(text, &last))
			return false;
		if (**text == ':') {
			(*text)++;
			if (!take_number(text, &step))
				return false;
		}
	}
	if (first > last || last >= CPU_SETSIZE || step == 0)
		return false;
	for (unsigned cpu = first; cpu <= last; cpu += step)
		CPU_SET(cpu, cpus);
	return true;
}

bool cpus_parse(const char *text, cpu_set_t *out_cpus)
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	while (*text != '\0') {
		if (!take_range(&text, &cpus))
			return false;
		if (*text == ',' && text[1] != '\0')
			text++;
		else if (*text != '\0')
			return false;
	}
	*out_cpus = cpus;
	return true;
}

bool cpus_bind(const char *text)
{
	cpu_set_t cpus;
	if (!cpus_parse(text, &cpus)) {
		errno = EINVAL;
		return false;
	}
	if (CPU_COUNT(&cpus) == 0)
		return true;
	return sched_setaffinity(0, sizeof(cpus), &cpus) == 0;
}

bool cpus_are_one(void)
{
	cpu_set_t cpus;
	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1;
}

bool cpus_share_one(void)
{
	if (!cpus_are_one() || sched_getscheduler(0) != SCHED_OTHER)
		return true;
	return sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }) == 0;
}

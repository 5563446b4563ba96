/*
 * ps reads the memory of the arguments, which the environment follows: the title is written over both. What
 * the program still needs from there is copied first. Moving that memory with prctl() would need a privilege.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/process.h"

/* The memory for titles; NULL unless prepared. */
static char *title_at;
static size_t title_bytes;

/* The end of those strings that follow each other from `end` on; strings elsewhere were replaced after the start. */
static char *end_of_strings(char **strings, char *end)
{
	for (; *strings; strings++)
		if (*strings == end)
			end += strlen(*strings) + 1;
	return end;
}

/* Copies the environment, so that getenv() works after it is overwritten. False without memory. */
static bool move_environment(void)
{
	size_t count = 0;
	while (environ[count])
		count++;
	char **moved = calloc(count + 1, sizeof(*moved));
	for (size_t i = 0; moved && i < count; i++)
		if (!(moved[i] = strdup(environ[i])))
			return false;
	if (moved)
		environ = moved;
	return moved;
}

bool process_prepare_title(char **argv)
{
	/* The C library's messages begin with the program's name, which is part of the arguments. */
	char *name = strdup(program_invocation_name);
	char *end = end_of_strings(environ, end_of_strings(argv, argv[0]));
	if (!name || !move_environment())
		return false;
	const char *slash = strrchr(name, '/');
	program_invocation_name = name;
	program_invocation_short_name = slash ? (char *)slash + 1 : name;
	title_at = argv[0];
	title_bytes = (size_t)(end - title_at);
	return true;
}

void process_set_title(const char *where)
{
	if (!title_at)
		return;
	char title[256];
	int len = snprintf(title, sizeof(title), "%s %s", program_invocation_name, where);
	size_t shown = len < (int)sizeof(title) ? (size_t)len : sizeof(title) - 1;
	if (shown >= title_bytes)
		shown = title_bytes - 1;
	memset(title_at, 0, title_bytes);
	memcpy(title_at, title, shown);
}

/*
 * What ps shows is read from where the arguments lie, and behind them the environment: the title is written over both. What
 * others may still read there is copied away first. Linux's own way to move the place (prctl) needs a privilege.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/process.h"

/* Where titles go, and how many bytes there are; NULL when they don't. */
static char *room;
static size_t room_bytes;

/* The end of the strings of a list that begin where the one before ends; what lies elsewhere has been replaced since the start. */
static char *end_of_strings(char **strings, char *end)
{
	for (; *strings; strings++)
		if (*strings == end)
			end += strlen(*strings) + 1;
	return end;
}

/* Variables stay for getenv() though their place is written over. False without memory. */
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
	/* The C library's messages begin with these. */
	char *name = strdup(program_invocation_name);
	char *end = end_of_strings(environ, end_of_strings(argv, argv[0]));
	if (!name || !move_environment())
		return false;
	const char *slash = strrchr(name, '/');
	program_invocation_name = name;
	program_invocation_short_name = slash ? (char *)slash + 1 : name;
	room = argv[0];
	room_bytes = (size_t)(end - room);
	return true;
}

void process_set_title(const char *where)
{
	if (!room)
		return;
	char title[256];
	int len = snprintf(title, sizeof(title), "%s %s", program_invocation_name, where);
	size_t shown = len < (int)sizeof(title) ? (size_t)len : sizeof(title) - 1;
	if (shown >= room_bytes)
		shown = room_bytes - 1;
	memset(room, 0, room_bytes);
	memcpy(room, title, shown);
}

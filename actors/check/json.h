/*
 * Writes JSON, indented. Names are literals; strings may hold any bytes: what is not UTF-8 becomes U+FFFD.
 */
#ifndef ACTORS_CHECK_JSON_H
#define ACTORS_CHECK_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned depth;
	bool is_empty;   /* the object or array that was opened last */
};

/* Every call writes a member of the object that is open, or with a NULL name an element of the array. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

#endif

/*
 * Counts the commands in a stream of bytes, RESP or one per line, fed in any pieces: the number of replies to expect. Counting ends where
 * the server will refuse the stream as invalid RESP.
 */
#ifndef CLIENT_CLI_TALLY_H
#define CLIENT_CLI_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tally_state {
	TALLY_BETWEEN,   /* between commands; the state of a zeroed tally */
	TALLY_LINE,
	TALLY_ARGUMENTS, /* after the * of an array */
	TALLY_MARK,      /* before a $ */
	TALLY_LENGTH,    /* after it */
	TALLY_BYTES,     /* in an argument and its line end */
	TALLY_BROKEN,
};

struct tally {
	enum tally_state state;
	uint64_t commands;  /* complete ones */
	int64_t arguments;  /* missing in the current command */
	int64_t bytes;      /* missing in the current argument */
	int64_t number;     /* the number read so far */
	bool is_negative, has_text;
};

void tally_add(struct tally *tally, const char *data, size_t len);
/* Whether bytes sent now would be parsed as part of a command. An unfinished line doesn't count: a line end closes it. */
bool tally_is_inside(const struct tally *tally);

#endif

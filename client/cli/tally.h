/*
 * How many commands a stream of bytes holds, in RESP or a line each, in whatever pieces it comes: so that one knows how many
 * replies are to be awaited. What the server will refuse as no RESP at all ends the count.
 */
#ifndef CLIENT_CLI_TALLY_H
#define CLIENT_CLI_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tally_state {
	TALLY_BETWEEN,   /* commands; the state of a tally of zeros */
	TALLY_LINE,
	TALLY_ARGUMENTS, /* behind the * of an array */
	TALLY_MARK,      /* a $ is to come */
	TALLY_LENGTH,    /* behind it */
	TALLY_BYTES,     /* of an argument, and its line end */
	TALLY_BROKEN,
};

struct tally {
	enum tally_state state;
	uint64_t commands;  /* that are whole */
	int64_t arguments;  /* still to come, of the command in hand */
	int64_t bytes;      /* still to come, of the argument in hand */
	int64_t number;     /* as far as it is read */
	bool is_negative, has_text;
};

void tally_add(struct tally *tally, const char *data, size_t len);
/* Would what is sent now be taken for a part of a command? An open line isn't one: a line end closes it. */
bool tally_is_inside(const struct tally *tally);

#endif

/*
 * Keys, from the bytes that a terminal sends for them. Text comes in runs of as many characters as wait, a paste as a whole.
 */
#ifndef CLIENT_CLI_KEY_H
#define CLIENT_CLI_KEY_H

#include "client/cli/text.h"

#define KEY_PASTE_ON "\033[?2004h"
#define KEY_PASTE_OFF "\033[?2004l"

/* Below KEY_TEXT a key is the control character that it sends: CONTROL('A') is 1. */
#define CONTROL(letter) ((letter) & 0x1f)

enum key {
	KEY_RUBOUT = 0x7f,
	KEY_TEXT = 0x100, /* in `text` */
	KEY_PASTE,        /* in `text`, with \n for line ends */
	KEY_UP,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_HOME,
	KEY_END,
	KEY_DELETE,
	KEY_WORD_LEFT,
	KEY_WORD_RIGHT,
	KEY_WORD_RUBOUT,
	KEY_WORD_DELETE,
	KEY_BACKTAB,
	KEY_ESCAPE,
	KEY_UNKNOWN, /* of no meaning here */
	KEY_NONE,    /* a signal has come, such as for the size of the window */
	KEY_CLOSED,  /* no more input */
};

struct keys {
	int fd;
	struct text bytes; /* read and not yet taken */
	size_t at;
	struct text text;
};

void keys_fini(struct keys *keys);
/* Waits for one. `text` is valid until the next call. */
int keys_next(struct keys *keys);
/* Are there more, without a wait? */
bool keys_wait(struct keys *keys);

#endif

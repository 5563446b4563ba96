/*
 * Decodes the bytes of a terminal into keys. All characters that have arrived become one text; a paste becomes one key.
 */
#ifndef CLIENT_CLI_KEY_H
#define CLIENT_CLI_KEY_H

#include "client/cli/text.h"

#define KEY_PASTE_ON "\033[?2004h"
#define KEY_PASTE_OFF "\033[?2004l"

/* Keys below KEY_TEXT are control characters: CONTROL('A') is 1. */
#define CONTROL(letter) ((letter) & 0x1f)

enum key {
	KEY_RUBOUT = 0x7f,
	KEY_TEXT = 0x100, /* in `text` */
	KEY_PASTE,        /* in `text`, with \n as line ends */
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
	KEY_UNKNOWN, /* no meaning here */
	KEY_NONE,    /* a signal arrived, such as SIGWINCH */
	KEY_CLOSED,  /* end of input */
};

struct keys {
	int fd;
	struct text bytes; /* read and not consumed */
	size_t at;
	struct text text;
};

void keys_fini(struct keys *keys);
/* Waits for a key. `text` is valid until the next call. */
int keys_next(struct keys *keys);
/* Whether more input is ready. */
bool keys_wait(struct keys *keys);

#endif

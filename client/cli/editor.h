/*
 * The line editor: keys as Emacs and shells have them, history, search in it, completion, hints, pastes. Where the terminal can't
 * be drawn on (TERM=dumb, output to a file) a line is read as it comes, without any of it.
 */
#ifndef CLIENT_CLI_EDITOR_H
#define CLIENT_CLI_EDITOR_H

#include "client/cli/history.h"
#include "client/cli/key.h"
#include "client/cli/line.h"
#include "client/cli/screen.h"

/* What may stand at the cursor instead of the text from `from` on. */
struct candidates {
	size_t from;
	struct words words;
};

/* Asked with the line as it is, up to `len` bytes. */
struct editor_help {
	void *data;
	/* What is still to be typed; nothing when it isn't known. */
	void (*hint)(void *data, const char *line, size_t len, struct text *out);
	/* The line up to the cursor. `candidates` is empty. */
	void (*complete)(void *data, const char *line, size_t len, struct candidates *candidates);
};

enum editor_status {
	EDITOR_LINE,
	EDITOR_INTERRUPTED, /* Ctrl-C has thrown the line away, and what was pasted behind it */
	EDITOR_END,         /* Ctrl-D, or no more input */
};

struct editor {
	struct history *history; /* the caller adds to it */
	const struct editor_help *help;
	const char *prompt;
	struct line line;
	struct screen screen;
	struct keys keys;
	struct text hint;
	struct text pasted; /* lines that wait to be run */
	struct text draft;  /* what was typed before one went through the history */
	struct text search; /* what is looked for */
	size_t recalled;    /* index of the line on view; history->count for the draft */
	bool is_smart;      /* the terminal can be drawn on */
	bool is_coloured;
};

void editor_open(struct editor *editor, struct history *history, const struct editor_help *help);
void editor_close(struct editor *editor);
/* The line, without its end, in editor->line.text; it may hold line ends when it was recalled. */
enum editor_status editor_read(struct editor *editor, const char *prompt);
/* Asks; is what is typed "y" or "yes"? Lines that were pasted are no answer. */
bool editor_confirm(struct editor *editor, const char *question);
/* Lines that were pasted and have not been read are thrown away. */
void editor_forget_pasted(struct editor *editor);

#endif

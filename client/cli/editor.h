/*
 * The line editor, with the usual keys of Emacs and shells: history, search, completion, hints, pastes. On a terminal that cannot be drawn
 * on (TERM=dumb, output to a file) it only reads lines.
 */
#ifndef CLIENT_CLI_EDITOR_H
#define CLIENT_CLI_EDITOR_H

#include "client/cli/history.h"
#include "client/cli/key.h"
#include "client/cli/line.h"
#include "client/cli/screen.h"

/* Candidates to replace the text from `from` on. */
struct candidates {
	size_t from;
	struct words words;
};

/* Both are called with the line, up to `len` bytes. */
struct editor_help {
	void *data;
	/* Writes the arguments that are still missing; nothing if unknown. */
	void (*hint)(void *data, const char *line, size_t len, struct text *out);
	/* Called with the line up to the cursor. `candidates` is empty. */
	void (*complete)(void *data, const char *line, size_t len, struct candidates *candidates);
};

enum editor_status {
	EDITOR_LINE,
	EDITOR_INTERRUPTED, /* Ctrl-C discarded the line and what was pasted after it */
	EDITOR_END,         /* Ctrl-D, or the end of input */
};

struct editor {
	struct history *history; /* the caller adds lines to it */
	const struct editor_help *help;
	const char *prompt;
	struct line line;
	struct screen screen;
	struct keys keys;
	struct text hint;
	struct text pasted; /* lines not executed yet */
	struct text draft;  /* the text typed before recalling history */
	struct text search; /* the searched text */
	size_t recalled;    /* index of the line shown; history->count for the draft */
	bool is_smart;      /* the terminal can be drawn on */
	bool is_coloured;
};

void editor_open(struct editor *editor, struct history *history, const struct editor_help *help);
void editor_close(struct editor *editor);
/* The line without its end is in editor->line.text. A recalled line may contain line ends. */
enum editor_status editor_read(struct editor *editor, const char *prompt);
/* Asks a question; true if the answer is "y" or "yes". Pasted lines are never taken as the answer. */
bool editor_confirm(struct editor *editor, const char *question);
/* Discards pasted lines that have not been read. */
void editor_forget_pasted(struct editor *editor);

#endif

/*
 * The line editor (libedit) as the prompt wants it: keys, hints at the right end, completion, pastes.
 */
#ifndef CLIENT_CLI_EDITOR_H
#define CLIENT_CLI_EDITOR_H

#include <histedit.h>

#include "client/cli/help.h"
#include "client/cli/history.h"

struct prompt {
	struct session *session;
	EditLine *edit;
	History *history;
	struct history kept;
	struct help help;
	char text[256];         /* what stands in front of the line */
	struct text hint;       /* what stands at its right */
	struct text pasted;     /* lines that wait to be run */
	bool is_grey;           /* the terminal may have been left in the colour of the hint */
	bool was_interrupted;   /* Ctrl-C threw the line away */
	bool is_finished;       /* the line is entered: no more hints */
	bool is_continued;      /* a quote is open: the next line goes on */
	bool has_asked;         /* the server has told its commands */
};

/* `prompt` has its session, help, and history; the editor points at it from then on. */
void editor_open(struct prompt *prompt);

#endif

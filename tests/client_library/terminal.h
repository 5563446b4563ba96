/*
 * A program on a pseudo-terminal, and the screen that a person would see: the part of a VT100 that line editors use.
 */
#ifndef TESTS_CLIENT_LIBRARY_TERMINAL_H
#define TESTS_CLIENT_LIBRARY_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct terminal;

/* argv[0] is looked up in PATH; `home` is its HOME, without settings. Aborts if it can't be started. */
struct terminal *terminal_start(const char *const argv[], const char *home, int rows, int columns);

/* Types: "\r" is Enter, "\t" Tab, "\003" Ctrl-C, "\004" Ctrl-D. */
void terminal_type(struct terminal *terminal, const char *keys);
/* Rewraps lines of several rows, and signals the program. The screen's content must fit into the rows. */
void terminal_resize(struct terminal *terminal, int rows, int columns);

/* Waits until a line of the screen contains the text. If none does in time, prints the screen and returns false. */
bool terminal_shows(struct terminal *terminal, const char *text);
/*
 * Waits until the line with the cursor begins with this, and the cursor is right after it; if Enter was typed, not before there is a new
 * line.
 */
bool terminal_waits_at(struct terminal *terminal, const char *text);
/* Whether the text is on the screen now. */
bool terminal_has(struct terminal *terminal, const char *text);

/* Whether it is there without colour. */
bool terminal_has_plain(struct terminal *terminal, const char *text);

/* The number of bytes that the program has written and that were read, including control sequences (ESC ...). */
size_t terminal_received(const struct terminal *terminal);
size_t terminal_escapes(const struct terminal *terminal);

/* Waits for the program's end and returns its exit status; -1 if it had to be killed. Frees. */
int terminal_stop(struct terminal **terminal);

#endif

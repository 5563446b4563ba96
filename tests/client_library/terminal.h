/*
 * A program at a pseudo-terminal, and the screen that a person would see: as much of a VT100 as line editors use.
 */
#ifndef TESTS_CLIENT_LIBRARY_TERMINAL_H
#define TESTS_CLIENT_LIBRARY_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct terminal;

/* argv[0] is looked up in PATH; `home` is its HOME, empty of settings. Aborts when it can't be started. */
struct terminal *terminal_start(const char *const argv[], const char *home, int rows, int columns);

/* Types: "\r" is the return key, "\t" tab, "\003" Ctrl-C, "\004" Ctrl-D. */
void terminal_type(struct terminal *terminal, const char *keys);
/* Lines that fill several rows are parted anew, and the program is told. What is on the screen must not need more rows than there are. */
void terminal_resize(struct terminal *terminal, int rows, int columns);

/* Waits until a line of the screen holds the text; prints the screen and returns false when none does in time. */
bool terminal_shows(struct terminal *terminal, const char *text);
/*
 * Waits until the line with the cursor begins with this, and the cursor stands right behind it; when a return was typed,
 * not before it has led to a new line.
 */
bool terminal_waits_at(struct terminal *terminal, const char *text);
/* Is the text on the screen now? */
bool terminal_has(struct terminal *terminal, const char *text);

/* Does it stand there without any colour? */
bool terminal_has_plain(struct terminal *terminal, const char *text);

/* Bytes that the program has written so far, as far as they were read; control sequences (ESC ...) among them. */
size_t terminal_received(const struct terminal *terminal);
size_t terminal_escapes(const struct terminal *terminal);

/* Waits for the program's end; its exit status, -1 when it had to be killed. Frees. */
int terminal_stop(struct terminal **terminal);

#endif

/*
 * The log: one line an event, "PID:X DD Mon YYYY HH:MM:SS.mmm L text" as Redis writes it, so that tools which read
 * Redis's logs read these.
 *
 * Any thread, at any time after log_open(); before that, lines go to stdout. A line leaves in one write(2), so
 * lines of several threads don't mix. What isn't printable is escaped (printable.h): one event is one line whatever a client
 * has sent. A line has at most LOG_LINE_BYTES; the rest is cut.
 *
 * The log is the file that bears the name when a line is written, not the one that bore it at start: who rotates logs may move
 * it away, and a new one is made. Where that fails, lines go to the former file and to stderr.
 *
 * A write may block on a slow disk; turns log rarely and never per request. What can't be written is lost, and
 * counted in the next line that can.
 */
#ifndef ACTORS_LOG_H
#define ACTORS_LOG_H

#include <stdbool.h>

#define LOG_LINE_BYTES 2048

/* In the order of directives.def's loglevel. */
enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING };

/* Appends to the file, created when absent; "" is stdout. False: errno says why, and the log stays where it was. */
bool log_open(const char *path, enum log_level level);
void log_set_level(enum log_level level);
/*
 * While the calling thread acts for a server, that server's level is in force instead of the log's own: `level` is read with each line.
 * NULL: the log's own again.
 */
void log_use_level(const _Atomic int *level);
void log_close(void);

/* Lines below the level in force are not written. */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The descriptor that lines go to, for crash reports: async-signal-safe. */
int log_descriptor(void);

#endif

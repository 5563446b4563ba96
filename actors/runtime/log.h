/*
 * The log: one line per event, "PID:X DD Mon YYYY HH:MM:SS.mmm L text" as Redis writes it, so that tools for
 * Redis's logs can read it.
 *
 * Any thread may log, at any time after log_open(); before that, lines go to stdout. A line is written by one write(2), so
 * lines of several threads don't mix. Unprintable bytes are escaped (printable.h): one event is one line whatever a client
 * has sent. A line has at most LOG_LINE_BYTES; the rest is cut.
 *
 * Each line goes to the file that has the log's name at that time. So log rotation may move the file away: the next line
 * creates a new one. If that fails, lines go to the former file and to stderr.
 *
 * A write may block on a slow disk; turns log rarely and never per request. A line that can't be written is lost; the next
 * line that can be says how many were.
 */
#ifndef ACTORS_RUNTIME_LOG_H
#define ACTORS_RUNTIME_LOG_H

#include <stdbool.h>

#define LOG_LINE_BYTES 2048

/* In the order of directives.def's loglevel. */
enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING };

/* Appends to the file and creates it if it is absent; "" is stdout. False: errno says why; the log stays where it was. */
bool log_open(const char *path, enum log_level level);
void log_set_level(enum log_level level);
/*
 * Sets a level for the calling thread, which replaces the log's own: `level` is read with each line. A thread that acts for a server
 * uses that server's level. NULL: the log's own again.
 */
void log_use_level(const _Atomic int *level);
void log_close(void);

/* Writes the line unless `level` is below the level in force. */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The descriptor of the log, for crash reports: async-signal-safe. */
int log_descriptor(void);

#endif

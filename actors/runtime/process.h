/*
 * The process and its surroundings: daemon, pidfile, working directory, file descriptors, service manager.
 *
 * Order of calls in main(): process_daemonise(), process_enter_directory(), log_open(),
 * then the rest; all of it before the first NNG call and before there are threads, since NNG's pool inherits what
 * is set here. Failures return false with errno set, for the caller to report; nothing is logged here unless said.
 */
#ifndef ACTORS_RUNTIME_PROCESS_H
#define ACTORS_RUNTIME_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

enum supervision { SUPERVISED_UPSTART, SUPERVISED_SYSTEMD, SUPERVISED_AUTO, SUPERVISED_NO };

/* Descriptors that are not clients: files, listeners, eventfds; as many as Redis keeps, and those of each further reactor. */
#define PROCESS_RESERVED_DESCRIPTORS 32
#define PROCESS_DESCRIPTORS_PER_REACTOR 3

/*
 * Goes on in a child with a session of its own, without a terminal. The parent stays until the child calls
 * process_report_ready() or dies, and exits with 0 or 1 accordingly: who starts a daemon learns whether it runs.
 * stdin and stdout become /dev/null at once, stderr when the server is ready, so that what goes wrong on the way
 * is still seen. The umask and the working directory stay.
 */
bool process_daemonise(void);

/*
 * Which service manager there is to tell, by the environment: SUPERVISED_SYSTEMD, _UPSTART, or _NO, also when the one asked for is
 * not there. A supervised process is not daemonised, as in Redis.
 */
enum supervision process_supervisor(enum supervision mode);
/* Logs which one it is, and a warning when the one asked for is not there. */
void process_report_supervision(enum supervision mode);
/* The server listens: tells the parent that waits, and the service manager when supervised; upstart is told by stopping until it lets us go on. */
void process_report_ready(enum supervision mode);
/* The server is about to stop: tells the service manager when supervised. */
void process_report_stopping(enum supervision mode);

/*
 * From now on process_set_title() changes what ps shows of this process: its name as it was called, and where it listens, in place
 * of arguments that may hold a password. `argv` is main()'s, whose strings mean nothing afterwards. One thread at a time.
 */
bool process_prepare_title(char **argv);
/* Cut to what the arguments and the environment had room for. Does nothing unless prepared. */
void process_set_title(const char *where);

bool process_enter_directory(const char *path);

/* "PID\n". A regular file of this user is overwritten, another's refused; a device is written to. A link is not followed. */
bool process_write_pidfile(const char *path);

/*
 * Raises the limit of open descriptors to hold max_clients beside what the reactors need. Returns how many clients fit: max_clients, or fewer
 * when the system doesn't allow more (0 when not even one fits); *out_limit is how many descriptors it allows.
 */
int64_t process_raise_descriptor_limit(int64_t max_clients, int64_t reactors, int64_t *out_limit);
/* How many connections may wait to be accepted, whatever listen() is told; INT64_MAX when the system doesn't say. */
int64_t process_backlog_max(void);

#endif

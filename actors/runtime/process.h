/*
 * The process and its surroundings: daemon, pidfile, working directory, file descriptors, service manager.
 *
 * Order of calls in main(): process_daemonise(), process_enter_directory(), log_open(),
 * then the rest; all before the first NNG call and before other threads exist, since NNG's pool inherits the
 * settings. Failures return false with errno set, for the caller to report; only functions that say so log.
 */
#ifndef ACTORS_RUNTIME_PROCESS_H
#define ACTORS_RUNTIME_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

enum supervision { SUPERVISED_UPSTART, SUPERVISED_SYSTEMD, SUPERVISED_AUTO, SUPERVISED_NO };

/* Connections above maxclients that are told so before they are closed. */
#define PROCESS_EXCESS_CONNECTIONS 32
/* Descriptors that are not clients (files, listeners, eventfds): as many as Redis reserves, and more for each further reactor. */
#define PROCESS_RESERVED_DESCRIPTORS (32 + PROCESS_EXCESS_CONNECTIONS)
#define PROCESS_DESCRIPTORS_PER_REACTOR 3

/*
 * Continues in a child process that has its own session and no terminal. The parent waits until the child calls
 * process_report_ready() or dies, and exits with 0 or 1: so the caller of the daemon learns whether it started.
 * stdin and stdout become /dev/null at once; stderr does when the server is ready, so that errors during start
 * are still seen. The umask and the working directory stay.
 */
bool process_daemonise(void);

/*
 * The service manager that the environment names: SUPERVISED_SYSTEMD, _UPSTART, or _NO, which is also the result if `mode` names
 * one that is not there. A supervised process is not daemonised, as in Redis.
 */
enum supervision process_supervisor(enum supervision mode);
/* Logs the service manager, or a warning if the one that `mode` names is not there. */
void process_report_supervision(enum supervision mode);
/* The server accepts clients: tells the waiting parent and the service manager. Upstart expects SIGSTOP and sends SIGCONT. */
void process_report_ready(enum supervision mode);
/* The server is stopping: tells the service manager. */
void process_report_stopping(enum supervision mode);

/*
 * Enables process_set_title(), which changes what ps shows of this process: its name and where it listens, instead
 * of arguments that may contain a password. `argv` is main()'s; its strings are invalid afterwards. One thread at a time.
 */
bool process_prepare_title(char **argv);
/* Cut to the space of the arguments and the environment. Does nothing without process_prepare_title(). */
void process_set_title(const char *where);

bool process_enter_directory(const char *path);

/* Writes "PID\n". Overwrites a regular file of this user, refuses another user's, writes to a device. Doesn't follow a link. */
bool process_write_pidfile(const char *path);

/*
 * Raises the limit of open descriptors for max_clients and the server's own descriptors. Returns how many clients fit: max_clients, or
 * fewer if the system doesn't allow more (0 if not even one fits); *out_limit is the number of descriptors allowed.
 */
int64_t process_raise_descriptor_limit(int64_t max_clients, int64_t reactors, int64_t *out_limit);
/* The system's upper bound of a listen() backlog; INT64_MAX if unknown. */
int64_t process_backlog_max(void);

#endif

/*
 * A server under test, started for one case with its own port and directory, and stopped at the end of the case.
 *
 * QCACHE_SERVER names the program, ours or redis-server; cases for one of them ask server_is_reference(). QCACHE_IO_THREADS, when set, is
 * the number of reactors for cases that don't choose one.
 *
 * Stopping is part of the test. A case fails if the server doesn't end in time, ends with a status other than 0, or has printed a
 * sanitizer's report.
 */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server;

/* The program: QCACHE_SERVER. Aborts when it isn't set. */
const char *server_program(void);
bool server_is_reference(void);

/*
 * Starts a server and waits until it accepts connections. `directives` is a format for words as they would be typed, e.g.
 * "--maxclients 3 --timeout 1"; '' is an empty word. port, bind, unixsocket and dir are chosen here unless they are given; "!--bind "
 * leaves one to the server. DEBUG is allowed. Prints the log and aborts when the server doesn't start.
 */
struct server *server_start(const char *directives, ...) __attribute__((format(printf, 1, 2)));

uint16_t server_port(const struct server *server);
const char *server_socket_path(const struct server *server);
/* Its working directory, at first empty. */
const char *server_directory(const struct server *server);
pid_t server_pid(const struct server *server);

/* Its output so far; the caller frees it. */
char *server_log(const struct server *server);
/* Waits until the log holds the text. */
bool server_wait_log(const struct server *server, const char *text);

/* Resident memory in bytes, and CPU time used so far in ms. */
size_t server_resident_bytes(const struct server *server);
int64_t server_processor_ms(const struct server *server);
/* How long its threads together were runnable but had no CPU. */
int64_t server_waited_us(const struct server *server);

/* Sends SIGTERM and waits for the end. True when all was well. Frees the server in any case and clears the pointer. */
bool server_stop(struct server **server);
/* The same for a server that was already told to stop. */
bool server_await_stop(struct server **server);
/* SIGKILL. */
void server_kill(struct server **server);
/* Frees a server that has ended, without checks. */
void server_forget(struct server **server);

/* A TCP port that is free, and that no other test takes while this program runs. */
uint16_t free_port(void);

#endif

/*
 * A server under test: started for a case, on a port and in a directory of its own, and stopped at its end.
 *
 * QCACHE_SERVER names the program; it may be ours or redis-server, and what is true of one only asks
 * server_is_reference(). QCACHE_IO_THREADS, when set, is the number of reactors where a case doesn't say.
 *
 * Stopping is part of the test: a server that doesn't end in time, or with another status than 0, or has
 * printed a sanitizer's report, fails it.
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
 * Starts it and waits until it takes connections. `directives` is a format: words with a blank between, as they would be
 * typed ("--maxclients 3 --timeout 1"). port, bind, unixsocket and dir are chosen here unless they are given;
 * "!--bind " leaves one to the server itself. '' is an empty word. DEBUG is allowed.
 * Prints the log and aborts when the server doesn't come up: nothing that follows would mean anything.
 */
struct server *server_start(const char *directives, ...) __attribute__((format(printf, 1, 2)));

uint16_t server_port(const struct server *server);
const char *server_socket_path(const struct server *server);
/* Its working directory, empty at the start. */
const char *server_directory(const struct server *server);
pid_t server_pid(const struct server *server);

/* What it has written so far, for the caller to free. */
char *server_log(const struct server *server);
/* Waits until the log holds the text. */
bool server_wait_log(const struct server *server, const char *text);

/* Resident memory, in bytes, and processor time used so far, in ms. */
size_t server_resident_bytes(const struct server *server);
int64_t server_processor_ms(const struct server *server);
/* For how long its threads, taken together, could have run and had no processor. */
int64_t server_waited_us(const struct server *server);

/* SIGTERM, then the end. True when all was well. Frees the server in any case and clears the pointer. */
bool server_stop(struct server **server);
/* The same for a server that has been told to stop already. */
bool server_await_stop(struct server **server);
/* SIGKILL. */
void server_kill(struct server **server);
/* Frees a server whose end the case has awaited itself. */
void server_forget(struct server **server);

/* A TCP port that nobody listens on and that no other test takes as long as this program runs. */
uint16_t free_port(void);

#endif

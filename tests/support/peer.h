/*
 * The client end of a connection to the server under test. It works on bytes, so it can send what no client library would. Every wait
 * ends after PATIENCE_MS.
 *
 * A failure prints expected and received bytes to stderr; the return value is for CU_ASSERT, which adds file and line. A failure to connect
 * aborts the program, unless a function says otherwise.
 */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/server.h"

struct peer;

struct peer *peer_connect(const struct server *server);      /* 127.0.0.1 */
struct peer *peer_connect_unix(const struct server *server);
/* A numeric IPv4 or IPv6 address; NULL when it can't connect, with errno. */
struct peer *peer_connect_to(const char *address, uint16_t port);
void peer_close(struct peer **peer);
/* Closes with a RST, which drops waiting bytes of both directions. */
void peer_reset(struct peer **peer);

int peer_fd(const struct peer *peer);

/* Sends all bytes without reading. False when the server doesn't take them in time or has closed. */
bool peer_send(struct peer *peer, const void *data, size_t len);
bool peer_send_text(struct peer *peer, const char *text);
/* Unix socket only: waits until the server has read everything sent. */
bool peer_await_taken(const struct peer *peer);
/* Closes the sending side; replies can still be read. */
void peer_half_close(struct peer *peer);

/* Whether the next bytes are exactly these. */
bool peer_expect(struct peer *peer, const void *data, size_t len);
bool peer_expect_text(struct peer *peer, const char *text);
/* Sends `send`, expects `expected`. */
bool peer_exchange(struct peer *peer, const char *send, const char *expected);
/* Expects the same bytes `count` times. */
bool peer_expect_times(struct peer *peer, const char *text, size_t count);

/* Whether the server closes and sends nothing more; a reset counts as closing. */
bool peer_expect_closed(struct peer *peer);
/* Whether the server closes, whatever it sends before. */
bool peer_drain_until_closed(struct peer *peer);
/* Whether there is a byte, or the end, to read now. */
bool peer_has_input(struct peer *peer);

/* The next reply as raw bytes with a NUL behind it, until the next call; NULL when none comes. */
const char *peer_reply(struct peer *peer);
/* Waits for another complete reply; false when the connection ends first. */
bool peer_has_reply(struct peer *peer);
size_t peer_reply_length(const struct peer *peer);

/* Sends the words as one command and returns its reply. */
const char *peer_command(struct peer *peer, const char *word, ...) __attribute__((sentinel));
#define COMMAND(peer, ...) peer_command(peer, __VA_ARGS__, (char *)NULL)
/* Sends a command and expects this reply. */
bool peer_command_gives(struct peer *peer, const char *expected, const char *word, ...) __attribute__((sentinel));
#define GIVES(peer, expected, ...) peer_command_gives(peer, expected, __VA_ARGS__, (char *)NULL)

/* Repeats the command until it gives this reply, for changes that take the server a while. False when it is too late. */
bool peer_comes_to_give(struct peer *peer, const char *expected, const char *word, ...) __attribute__((sentinel));
#define COMES_TO_GIVE(peer, expected, ...) peer_comes_to_give(peer, expected, __VA_ARGS__, (char *)NULL)
/* The same until the reply contains this text. */
bool peer_comes_to_show(struct peer *peer, const char *text, const char *word, ...) __attribute__((sentinel));
#define COMES_TO_SHOW(peer, text, ...) peer_comes_to_show(peer, text, __VA_ARGS__, (char *)NULL)
/* The same until INFO shows this number. */
bool info_comes_to(struct peer *peer, const char *section, const char *field, int64_t number);

/* The value of `field:` in a text like INFO's, as a number; -1 when there is none. */
int64_t info_number(const char *text, const char *field);

#endif

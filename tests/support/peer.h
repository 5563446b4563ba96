/*
 * The other end of a connection to the server under test, at the level of bytes: it can send what no client
 * library would. Every wait ends after PATIENCE_MS.
 *
 * What goes wrong is printed to stderr as expected and received bytes; the return value is for CU_ASSERT, which adds
 * file and line. Connecting aborts the program when it fails, unless a function says otherwise.
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
/* Closes with a RST: what waits in either direction is thrown away. */
void peer_reset(struct peer **peer);

int peer_fd(const struct peer *peer);

/* All bytes, while nothing is read. False when the server doesn't take them in time or has closed. */
bool peer_send(struct peer *peer, const void *data, size_t len);
bool peer_send_text(struct peer *peer, const char *text);
/* Of a unix socket: waits until the server has read all that was sent. */
bool peer_await_taken(const struct peer *peer);
/* Nothing more will be sent; replies can still be read. */
void peer_half_close(struct peer *peer);

/* The next bytes are exactly these. */
bool peer_expect(struct peer *peer, const void *data, size_t len);
bool peer_expect_text(struct peer *peer, const char *text);
/* Sends the one, expects the other. */
bool peer_exchange(struct peer *peer, const char *send, const char *expected);
/* `count` times the same bytes. */
bool peer_expect_times(struct peer *peer, const char *text, size_t count);

/* The server closes and has sent nothing more; a reset counts as closing. */
bool peer_expect_closed(struct peer *peer);
/* The server closes, whatever it sends before. */
bool peer_drain_until_closed(struct peer *peer);
/* Is there a byte to read (or an end), now? */
bool peer_has_input(struct peer *peer);

/* One complete reply as it came, NUL behind it, until the next call; NULL when none comes. */
const char *peer_reply(struct peer *peer);
/* Waits: does another complete reply come before the connection ends? */
bool peer_has_reply(struct peer *peer);
size_t peer_reply_length(const struct peer *peer);

/* Sends the words as one command and returns its reply. */
const char *peer_command(struct peer *peer, const char *word, ...) __attribute__((sentinel));
#define COMMAND(peer, ...) peer_command(peer, __VA_ARGS__, (char *)NULL)
/* The same with a reply that is known. */
bool peer_command_gives(struct peer *peer, const char *expected, const char *word, ...) __attribute__((sentinel));
#define GIVES(peer, expected, ...) peer_command_gives(peer, expected, __VA_ARGS__, (char *)NULL)

/* Asks until the reply is this one: for what happens in the server's own time. False when it doesn't in time. */
bool peer_comes_to_give(struct peer *peer, const char *expected, const char *word, ...) __attribute__((sentinel));
#define COMES_TO_GIVE(peer, expected, ...) peer_comes_to_give(peer, expected, __VA_ARGS__, (char *)NULL)
/* The same of a reply that has this text in it. */
bool peer_comes_to_show(struct peer *peer, const char *text, const char *word, ...) __attribute__((sentinel));
#define COMES_TO_SHOW(peer, text, ...) peer_comes_to_show(peer, text, __VA_ARGS__, (char *)NULL)
/* The same of a number of INFO's. */
bool info_comes_to(struct peer *peer, const char *section, const char *field, int64_t number);

/* The value of `field:` in a text like INFO's, as a number; -1 when there is none. */
int64_t info_number(const char *text, const char *field);

#endif

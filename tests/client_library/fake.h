/*
 * A scripted server: for faults that no real server shows on demand. One thread accepts connections and runs the script of each, one after
 * the other.
 */
#ifndef TESTS_CLIENT_LIBRARY_FAKE_H
#define TESTS_CLIENT_LIBRARY_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake;

/* Talks on a connection and returns; then it is closed. `number` counts the connections from 0. */
typedef void fake_script(struct fake *fake, int fd, unsigned number, void *data);

struct fake *fake_start(fake_script *script, void *data);
uint16_t fake_port(const struct fake *fake);
unsigned fake_connections(struct fake *fake);
void fake_stop(struct fake **fake);

/* For scripts. Reads one command (an array of bulk strings); `out` gets its first word in lower case. False at the end of the stream. */
bool fake_read(int fd, char *out, size_t size);
void fake_send(int fd, const char *data, size_t len);
void fake_send_text(int fd, const char *text);
/* Reads HELLO and refuses it as an old server would: the client continues in RESP2. */
bool fake_greet(int fd);
/* Makes closing the connection send a RST. */
void fake_reset(int fd);

#endif

/*
 * Helpers for tests of CONFIG SET: change a directive, check its value, and check for a listener at a port of this machine.
 */
#ifndef TESTS_SUPPORT_DIRECTIVE_H
#define TESTS_SUPPORT_DIRECTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "support/peer.h"

/* Whether CONFIG SET answers OK. */
bool set_directive(struct peer *peer, const char *name, const char *value);
/* Whether CONFIG GET gives this value; prints it if not. */
bool directive_is(struct peer *peer, const char *name, const char *value);

/* At 127.0.0.1. */
bool is_served_at(uint16_t port);
bool nobody_listens_at(uint16_t port);

#endif

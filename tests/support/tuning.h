/*
 * What tests of CONFIG SET share: changing a directive, asking for it, and whether somebody listens at a port of this machine.
 */
#ifndef TESTS_SUPPORT_TUNING_H
#define TESTS_SUPPORT_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "support/peer.h"

/* CONFIG SET answers OK. */
bool tune(struct peer *peer, const char *name, const char *value);
/* CONFIG GET answers this; what else it answers is printed. */
bool is_tuned(struct peer *peer, const char *name, const char *value);

/* 127.0.0.1 */
bool is_served_at(uint16_t port);
bool nobody_listens_at(uint16_t port);

#endif

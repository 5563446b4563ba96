/*
 * Calls hooks before and after an event. Does nothing if there are no hooks.
 */
#ifndef CLIENT_HOOKS_H
#define CLIENT_HOOKS_H

#include "client/settings.h"

/* Lives on the stack during the event. The caller fills in the event. */
struct hooked {
	qc_event event;
	bool is_told;
	int64_t began_ns;
	void *values[HOOKS_MAX];
};

void hooks_before(const struct settings *settings, struct hooked *hooked);
void hooks_after(const struct settings *settings, struct hooked *hooked, const qc_error *err);

#endif

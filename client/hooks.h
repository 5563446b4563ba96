/*
 * Telling hooks what is done, before and after. Nothing is done without hooks.
 */
#ifndef CLIENT_HOOKS_H
#define CLIENT_HOOKS_H

#include "client/settings.h"

/* On the stack of what is done; the caller fills the event. */
struct hooked {
	qc_event event;
	bool is_told;
	int64_t began_ns;
	void *values[HOOKS_MAX];
};

void hooks_before(const struct settings *settings, struct hooked *hooked);
void hooks_after(const struct settings *settings, struct hooked *hooked, const qc_error *err);

#endif

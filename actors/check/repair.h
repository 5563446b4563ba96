/*
 * Cuts a log where an examination has found that it breaks, or where the time of --until is.
 *
 * First the file that is to be cut, and the manifest if it changes, are copied to NAME.before-repair and made durable. Files after the cut are
 * no longer named by the manifest and stay where they are. Whatever fails, the copies are there; only where nothing has been changed they are
 * removed.
 */
#ifndef ACTORS_CHECK_REPAIR_H
#define ACTORS_CHECK_REPAIR_H

#include "actors/check/examine.h"

enum repair_outcome {
	REPAIR_DONE,
	REPAIR_NOTHING, /* there is nothing to repair */
	REPAIR_REFUSED, /* the text says why */
};

#define REPAIR_TEXT_BYTES (3 * PATH_MAX)

/* What was done, or why not, in `out_text`. */
enum repair_outcome repair(const struct examination *examination, char out_text[REPAIR_TEXT_BYTES]);

#endif

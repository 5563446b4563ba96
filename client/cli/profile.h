/*
 * Options for servers that are used often, from ~/.config/qcache/cli.ini (or under XDG_CONFIG_HOME), or from the file named by
 * QCACHE_CLI_CONFIG (empty: none). Each section is a profile; [default] always applies. A line is the name of an option without dash, an =,
 * and its value: yes or no for options without one.
 */
#ifndef CLIENT_CLI_PROFILE_H
#define CLIENT_CLI_PROFILE_H

#include <stdbool.h>

#include "client/cli/words.h"

/*
 * Writes the options of [default] and then of the profile (NULL for none) as command line words "-name=value". False if the file cannot be
 * read or has no such profile, which has been printed.
 */
bool profile_read(const char *profile, struct words *out);

#endif

/*
 * Options from a file, as for servers that one often goes to: ~/.config/qcache/cli.ini (under XDG_CONFIG_HOME when that is set), or the
 * file that QCACHE_CLI_CONFIG names (empty: none). Sections are profiles, of which [default] always holds; a line is an option's name
 * without its dash, and a value: yes or no for those that take none.
 */
#ifndef CLIENT_CLI_PROFILE_H
#define CLIENT_CLI_PROFILE_H

#include <stdbool.h>

#include "client/cli/words.h"

/*
 * The options of [default] and then of the profile (NULL for none), as words of a command line: "-name=value". False, and said, when the
 * file can't be read or has no such profile.
 */
bool profile_read(const char *profile, struct words *out);

#endif

/*
 * The command line of qcache-check.
 */
#ifndef ACTORS_CHECK_OPTIONS_H
#define ACTORS_CHECK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum check_action { CHECK_ONLY, CHECK_REPAIR, CHECK_SHOW_HELP, CHECK_SHOW_VERSION, CHECK_USAGE };

struct check_options {
	enum check_action action;
	const char *path;
	int64_t until_s;       /* Unix time; AOF_READ_ALL without one */
	bool is_quick;
	bool has_digest;
	bool cuts_damage;
	bool is_json;
	char error[200];       /* with CHECK_USAGE */
};

void check_options_parse(struct check_options *out_options, int argc, char **argv);
void check_options_print_help(FILE *out);

#endif

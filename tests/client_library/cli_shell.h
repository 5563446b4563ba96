/*
 * qcache-cli in shell commands.
 */
#ifndef TESTS_CLIENT_LIBRARY_CLI_SHELL_H
#define TESTS_CLIENT_LIBRARY_CLI_SHELL_H

#include <stdbool.h>

/*
 * Runs a shell command in the directory. $PROGRAM is the program, $ADDR the address, and $CLI the program with the address. Returns all
 * output, which the caller frees.
 */
char *cli_shell(const char *directory, const char *address, const char *line, int *out_status);
/* The same. Prints what differs and returns false then. */
bool cli_shell_gives(const char *directory, const char *address, const char *line, int wanted_status, const char *wanted);

#endif

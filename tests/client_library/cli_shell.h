/*
 * qcache-cli in lines of the shell.
 */
#ifndef TESTS_CLIENT_LIBRARY_CLI_SHELL_H
#define TESTS_CLIENT_LIBRARY_CLI_SHELL_H

#include <stdbool.h>

/*
 * Runs a line of the shell, in the directory, in which $PROGRAM is the program, $ADDR the address, and $CLI the one with the other. What
 * it wrote on both outputs, to be freed.
 */
char *cli_shell(const char *directory, const char *address, const char *line, int *out_status);
/* The same; says what is otherwise, and returns false then. */
bool cli_shell_gives(const char *directory, const char *address, const char *line, int wanted_status, const char *wanted);

#endif

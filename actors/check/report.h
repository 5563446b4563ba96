/*
 * Prints what an examination has found: for people, or as JSON.
 */
#ifndef ACTORS_CHECK_REPORT_H
#define ACTORS_CHECK_REPORT_H

#include <stdio.h>

#include "actors/check/examine.h"

void report_print(const struct examination *examination, FILE *out);
void report_print_json(const struct examination *examination, FILE *out);

#endif

/*
 * Making qc_errors. A text that doesn't fit is cut; nothing is allocated, so an error can always be made.
 */
#ifndef CLIENT_ERROR_H
#define CLIENT_ERROR_H

#include "client/qcache.h"

/* Only what says "no error" is set: the rest is not read then. */
static inline qc_error no_error(void)
{
	qc_error err;
	err.kind = QC_OK;
	err.code[0] = 0;
	err.text[0] = 0;
	return err;
}

/* "what: text of errno" */
qc_error error_errno(enum qc_kind kind, int number, const char *what);
/* From an error reply. The first word is the code when it looks like one and fits: a word that was cut might be another's. */
qc_error error_server(const char *text, size_t len);
qc_error error_no_memory(void);

#endif

/*
 * Makes qc_errors. A text that is too long is cut. Nothing is allocated, so making an error cannot fail.
 */
#ifndef CLIENT_ERROR_H
#define CLIENT_ERROR_H

#include "client/qcache.h"

/* Sets only `kind`: the other fields are not read then. */
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
/* From an error reply. The first word becomes the code if it looks like one and fits: a cut word could equal another code. */
qc_error error_server(const char *text, size_t len);
qc_error error_no_memory(void);

#endif

#include "client/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
	[QC_OK] = "ok",
	[QC_NIL] = "nil",
	[QC_SERVER] = "server error",
	[QC_CANCELLED] = "cancelled",
	[QC_DEADLINE] = "deadline exceeded",
	[QC_TIMEOUT] = "timeout",
	[QC_NETWORK] = "network error",
	[QC_PROTOCOL] = "protocol error",
	[QC_CONFLICT] = "conflict",
	[QC_INVALID] = "invalid argument",
	[QC_CLOSED] = "closed",
	[QC_NO_MEMORY] = "out of memory",
};

const char *qc_kind_name(enum qc_kind kind)
{
	size_t count = sizeof(kind_names) / sizeof(kind_names[0]);
	return (size_t)kind < count ? kind_names[kind] : "unknown";
}

qc_error qc_errorf(enum qc_kind kind, const char *format, ...)
{
	qc_error err = no_error();
	va_list args;

	err.kind = kind;
	va_start(args, format);
	vsnprintf(err.text, sizeof(err.text), format, args);
	va_end(args);
	return err;
}

qc_error qc_wrap(qc_error cause, const char *format, ...)
{
	qc_error err = cause;
	va_list args;

	if (cause.kind == QC_OK)
		return cause;
	va_start(args, format);
	int used = vsnprintf(err.text, sizeof(err.text), format, args);
	va_end(args);
	if (used < 0 || (size_t)used + sizeof(": ") > sizeof(err.text))
		return err;
	char *end = stpcpy(err.text + used, ": ");
	size_t room = sizeof(err.text) - 1 - (size_t)(end - err.text), len = strnlen(cause.text, room);
	memcpy(end, cause.text, len);
	end[len] = 0;
	return err;
}

qc_error error_errno(enum qc_kind kind, int number, const char *what)
{
	char text[96];

	if (number == ENOMEM)
		kind = QC_NO_MEMORY;
	return qc_errorf(kind, "%s: %s", what, strerror_r(number, text, sizeof(text)));
}

qc_error error_no_memory(void)
{
	return qc_errorf(QC_NO_MEMORY, "out of memory");
}

qc_error error_server(const char *text, size_t len)
{
	qc_error err = qc_errorf(QC_SERVER, "%.*s", (int)(len > sizeof(err.text) ? sizeof(err.text) : len), text);
	size_t word = strspn(err.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (word > 0 && word < sizeof(err.code) && (err.text[word] == ' ' || !err.text[word])) {
		memcpy(err.code, err.text, word);
		err.code[word] = 0;
	}
	return err;
}

void qc_fatal(qc_error err)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, err.text[0] ? err.text : qc_kind_name(err.kind));
	exit(1);
}

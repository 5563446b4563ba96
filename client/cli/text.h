/*
 * A growing text, for output that is composed before it is written. Out of memory ends the program: there is nothing to save.
 */
#ifndef CLIENT_CLI_TEXT_H
#define CLIENT_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

struct text {
	char *data; /* NUL-terminated; NULL while empty */
	size_t len, capacity;
};

void text_fini(struct text *text);
void text_clear(struct text *text);
void text_add(struct text *text, const void *data, size_t len);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Writes a string as redis-cli does: in quotes, with \n \r \t \a \b \\ \" and \xHH. `is_readable`: printable UTF-8 characters are written
 * unescaped.
 */
void text_quote(struct text *text, const char *data, size_t len, bool is_readable);
/* Writes a JSON string. Bytes that aren't UTF-8 become \u00XX. */
void text_json(struct text *text, const char *data, size_t len);
/* The length of the well-formed UTF-8 character at `data`, of `len` bytes; 0 if there is none. */
size_t text_utf8_length(const char *data, size_t len);
/* Of a well-formed character. */
wchar_t text_code_point(const char *data, size_t bytes);

/* Writes all bytes to a file. False with errno. */
bool write_all(int fd, const char *data, size_t len);

void *checked(void *memory);

#endif

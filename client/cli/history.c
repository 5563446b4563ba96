#include "client/cli/history.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number of lines kept. A file with twice as many is shortened. */
#define LINES_KEPT 2000

static const char mark[] = "_HiStOrY_V2_\n";
#define MARK_BYTES (sizeof(mark) - 1)

/* The file */

static bool is_own_file(const struct stat *stat)
{
	return S_ISREG(stat->st_mode) && stat->st_uid == geteuid();
}

/*
 * Opens and locks the file; returns -1 if it must not be used. stat(2) comes before open, since opening a device can have effects; the
 * opened file is checked again. The mode is set for a new file only: the mode of an existing file is its owner's choice.
 */
static int open_file(const char *path)
{
	struct stat found;

	if (stat(path, &found) == 0 ? !is_own_file(&found) : errno != ENOENT)
		return -1;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0)
		return -1;
	if (fstat(fd, &found) == 0 && is_own_file(&found) && flock(fd, LOCK_EX) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool read_file(int fd, struct text *out)
{
	char chunk[65536];
	ssize_t n;

	text_add(out, "", 0);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		text_add(out, chunk, (size_t)n);
	return n == 0;
}

/* Line ends and backslashes are written as \ooo. */
static void encode(struct text *out, const char *line)
{
	for (; *line; line++)
		if (*line == '\\' || iscntrl((unsigned char)*line))
			text_printf(out, "\\%03o", (unsigned char)*line);
		else
			text_add(out, line, 1);
	text_puts(out, "\n");
}

static bool is_octal(const char *at)
{
	return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' && at[2] <= '7';
}

/* Decodes in place. An escaped NUL stays escaped, since a line cannot contain NUL. */
static void decode(char *line)
{
	char *to = line;

	while (*line) {
		bool escaped = line[0] == '\\' && is_octal(line + 1) && strncmp(line + 1, "000", 3) != 0;
		*to++ = escaped ? (char)((line[1] - '0') * 64 + (line[2] - '0') * 8 + (line[3] - '0')) : *line;
		line += escaped ? 4 : 1;
	}
	*to = 0;
}

/* The lines in memory */

static void append(struct history *h, char *line)
{
	if (h->count == h->capacity) {
		h->capacity = h->capacity ? h->capacity * 2 : 256;
		h->lines = checked(realloc(h->lines, h->capacity * sizeof(*h->lines)));
	}
	h->lines[h->count++] = line;
}

/* Keeps the newest lines in memory. Returns the number of lines in the file. */
static size_t load(struct history *h, char *text)
{
	size_t count = 0, seen = 0;

	for (const char *p = text; *p; p++)
		count += *p == '\n';
	for (char *end; (end = strchr(text, '\n')); text = end + 1) {
		*end = 0;
		if (seen++ + LINES_KEPT < count || !*text)
			continue;
		char *line = checked(strdup(text));
		decode(line);
		append(h, line);
	}
	return count;
}

/* Only system calls on data in memory: if the program is killed here, at most the line being written is lost. */
static void shorten(const struct history *h, int fd)
{
	struct text all = {NULL, 0, 0};

	text_puts(&all, mark);
	for (size_t i = 0; i < h->count; i++)
		encode(&all, h->lines[i]);
	if (lseek(fd, 0, SEEK_SET) == 0 && write_all(fd, all.data, all.len) && ftruncate(fd, (off_t)all.len) != 0)
		text_clear(&all);
	text_fini(&all);
}

static void choose_path(struct history *h)
{
	const char *path = getenv("QCACHE_HISTORY"), *home = getenv("HOME");

	text_add(&h->path, "", 0);
	if (path)
		text_puts(&h->path, path);
	else if (home && *home)
		text_printf(&h->path, "%s/.qcache_history", home);
}

void history_open(struct history *h)
{
	struct text text = {NULL, 0, 0};

	*h = (struct history){.lines = NULL};
	choose_path(h);
	int fd = h->path.len ? open_file(h->path.data) : -1;
	if (fd < 0)
		return;
	if (read_file(fd, &text)) {
		bool has_mark = strncmp(text.data, mark, MARK_BYTES) == 0;
		if (load(h, text.data + (has_mark ? MARK_BYTES : 0)) > 2 * LINES_KEPT)
			shorten(h, fd);
	}
	close(fd);
	text_fini(&text);
}

void history_fini(struct history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->lines[i]);
	free(h->lines);
	text_fini(&h->path);
}

void history_add(struct history *h, const char *line)
{
	struct text entry = {NULL, 0, 0};

	if (h->count && strcmp(h->lines[h->count - 1], line) == 0)
		return;
	append(h, checked(strdup(line)));
	int fd = h->path.len ? open_file(h->path.data) : -1;
	if (fd < 0)
		return;
	/* Errors are ignored: the prompt works without a history. */
	off_t end = lseek(fd, 0, SEEK_END);
	if (end == 0)
		text_puts(&entry, mark);
	encode(&entry, line);
	if (end >= 0 && !write_all(fd, entry.data, entry.len) && ftruncate(fd, end) != 0)
		text_clear(&entry);
	close(fd);
	text_fini(&entry);
}

/* Secrets */

/* Words that announce a secret argument. Names of directives and options that hold one contain "pass": auth-pass, tls-key-file-pass. */
static bool names_secret(const char *word)
{
	static const char *const names[] = {"auth", "auth2", "masterauth", "primaryauth"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(word, names[i]) == 0)
			return true;
	return strcasestr(word, "passw") || strcasestr(word, "passphrase") || strcasestr(word, "pass-") ||
	       (strlen(word) >= 4 && strcasecmp(word + strlen(word) - 4, "pass") == 0);
}

/* redis://user:password@host */
static bool is_address_with_user(const char *word)
{
	const char *scheme = strstr(word, "://");

	return scheme && strchr(scheme, '@');
}

bool history_is_secret(const struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (names_secret(w->owned[i]) || is_address_with_user(w->owned[i]) ||
		    (words_is(w, i, "acl") && words_is(w, i + 1, "setuser")))
			return true;
	return false;
}

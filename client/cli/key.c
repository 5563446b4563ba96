#include "client/cli/key.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The bytes of one key arrive together, except over a slow connection. A person needs longer between Escape and a letter. */
#define SEQUENCE_MS 50
#define PASTE_END "\033[201~"

void keys_fini(struct keys *k)
{
	text_fini(&k->bytes);
	text_fini(&k->text);
}

static bool is_readable(int fd, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, wait_ms) == 1;
}

bool keys_wait(struct keys *k)
{
	return k->at < k->bytes.len || is_readable(k->fd, 0);
}

/* Reads more bytes, after those not consumed yet. KEY_TEXT if some came. */
static enum key read_more(struct keys *k)
{
	char chunk[4096];

	k->bytes.len -= k->at;
	if (k->at)
		memmove(k->bytes.data, k->bytes.data + k->at, k->bytes.len);
	k->at = 0;
	ssize_t n = read(k->fd, chunk, sizeof(chunk));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return KEY_NONE;
	if (n <= 0)
		return KEY_CLOSED;
	text_add(&k->bytes, chunk, (size_t)n);
	return KEY_TEXT;
}

/* Looks at the byte `ahead` of the next one; -1 if none arrives soon. */
static int peek(struct keys *k, size_t ahead)
{
	while (k->at + ahead >= k->bytes.len)
		if (!is_readable(k->fd, SEQUENCE_MS) || read_more(k) != KEY_TEXT)
			return -1;
	return (unsigned char)k->bytes.data[k->at + ahead];
}

/* Reads up to the end mark of the paste, or the end of input. */
static enum key take_paste(struct keys *k)
{
	size_t from = 0, mark = strlen(PASTE_END);
	char *end;

	while (!(end = k->bytes.len - k->at > from ? memmem(k->bytes.data + k->at + from, k->bytes.len - k->at - from, PASTE_END, mark)
						   : NULL)) {
		/* The mark may have arrived in part. */
		size_t seen = k->bytes.len - k->at;
		from = seen > mark ? seen - mark : 0;
		if (read_more(k) == KEY_CLOSED)
			return KEY_CLOSED;
	}
	text_clear(&k->text);
	text_add(&k->text, k->bytes.data + k->at, (size_t)(end - k->bytes.data) - k->at);
	k->at = (size_t)(end - k->bytes.data) + mark;
	for (char *c = k->text.data; c < k->text.data + k->text.len; c++)
		if (*c == '\r')
			*c = '\n';
	return KEY_PASTE;
}

/* CSI number ; modifier final. The modifier is Shift, Alt or Ctrl: with it, the left and right arrows move by words. */
static const struct {
	int number; /* for sequences that end in ~; otherwise 0 */
	char final;
	enum key plain, modified;
} sequences[] = {
	{0, 'A', KEY_UP, KEY_UP},       {0, 'B', KEY_DOWN, KEY_DOWN},       {0, 'C', KEY_RIGHT, KEY_WORD_RIGHT},
	{0, 'D', KEY_LEFT, KEY_WORD_LEFT}, {0, 'H', KEY_HOME, KEY_HOME},    {0, 'F', KEY_END, KEY_END},
	{0, 'Z', KEY_BACKTAB, KEY_BACKTAB}, {0, 'c', KEY_WORD_RIGHT, KEY_WORD_RIGHT}, {0, 'd', KEY_WORD_LEFT, KEY_WORD_LEFT},
	{1, '~', KEY_HOME, KEY_HOME},   {7, '~', KEY_HOME, KEY_HOME},       {3, '~', KEY_DELETE, KEY_WORD_DELETE},
	{4, '~', KEY_END, KEY_END},     {8, '~', KEY_END, KEY_END},
};

static enum key find_sequence(int number, char final, bool is_modified)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (sequences[i].final == final && (final != '~' || sequences[i].number == number))
			return is_modified ? sequences[i].modified : sequences[i].plain;
	return KEY_UNKNOWN;
}

/* The sequence after ESC [ or ESC O. An unknown one is consumed as a whole, so that none of its bytes is inserted as text. */
static enum key take_sequence(struct keys *k)
{
	int numbers[2] = {0, 0}, c;
	size_t which = 0, len = 0;

	while ((c = peek(k, len)) >= 0x20 && c < 0x40) {
		len++;
		if (c == ';')
			which = 1;
		else if (c >= '0' && c <= '9' && numbers[which] < 1000)
			numbers[which] = numbers[which] * 10 + (c - '0');
	}
	k->at += len + (c >= 0x40);
	if (c < 0x40)
		return KEY_UNKNOWN;
	if (c == '~' && numbers[0] == 200)
		return take_paste(k);
	/* Older terminals send ESC [ 5 D for ESC [ 1 ; 5 D. */
	bool is_modified = numbers[1] > 1 || (c != '~' && numbers[0] > 1);
	return find_sequence(numbers[0], (char)c, is_modified);
}

static enum key take_escape(struct keys *k)
{
	static const struct { int byte; enum key key; } with_alt[] = {
		{'b', KEY_WORD_LEFT}, {'f', KEY_WORD_RIGHT}, {'d', KEY_WORD_DELETE}, {KEY_RUBOUT, KEY_WORD_RUBOUT}, {'\b', KEY_WORD_RUBOUT},
	};
	int c = peek(k, 0);

	if (c == '[' || c == 'O') {
		k->at++;
		return take_sequence(k);
	}
	/* Alt with an arrow, if Alt sends a leading ESC. */
	if (c == '\033' && (peek(k, 1) == '[' || peek(k, 1) == 'O')) {
		k->at += 2;
		enum key key = take_sequence(k);
		return key == KEY_LEFT ? KEY_WORD_LEFT : key == KEY_RIGHT ? KEY_WORD_RIGHT : key;
	}
	for (size_t i = 0; i < sizeof(with_alt) / sizeof(with_alt[0]); i++)
		if (with_alt[i].byte == c) {
			k->at++;
			return with_alt[i].key;
		}
	/* Alt with another key. */
	if (c >= 0x20 && c < KEY_RUBOUT) {
		k->at++;
		return KEY_UNKNOWN;
	}
	return KEY_ESCAPE;
}

static bool is_text(char c)
{
	return (unsigned char)c >= 0x20 && c != KEY_RUBOUT;
}

/* The number of bytes at the end of `data` that are an incomplete UTF-8 character. */
static size_t open_bytes(const char *data, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)data[len - back];
		size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
		if ((c & 0xc0) != 0x80)
			return need > back ? back : 0;
	}
	return 0;
}

static enum key take_text(struct keys *k)
{
	size_t end = k->at;

	while (end < k->bytes.len && is_text(k->bytes.data[end]))
		end++;
	size_t len = end - k->at;
	if (end == k->bytes.len) {
		size_t open = open_bytes(k->bytes.data + k->at, len);
		/* Only an incomplete character: wait for its rest, unless it is invalid. */
		if (open == len && peek(k, len) >= 0)
			return take_text(k);
		len -= open < len ? open : 0;
	}
	text_clear(&k->text);
	text_add(&k->text, k->bytes.data + k->at, len);
	k->at += len;
	return KEY_TEXT;
}

int keys_next(struct keys *k)
{
	while (k->at >= k->bytes.len) {
		enum key got = read_more(k);
		if (got != KEY_TEXT)
			return got;
	}
	char c = k->bytes.data[k->at];
	if (is_text(c))
		return take_text(k);
	k->at++;
	return c == '\033' ? (int)take_escape(k) : (unsigned char)c;
}

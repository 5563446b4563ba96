/*
 * Any bytes as input of qcache-cli: quoted lines, options, keys of a terminal, files to import, snapshots from a server, and streams of
 * commands. The first byte chooses the reader, the second the size of the pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/cli/history.h"
#include "client/cli/key.h"
#include "client/cli/line.h"
#include "client/cli/load.h"
#include "client/cli/tools.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Hides the program's messages about bad input, but not those of this file. */
static FILE *seen;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	/* No options from a file. */
	setenv("QCACHE_CLI_CONFIG", "", 1);
	seen = stderr;
	stderr = fopen("/dev/null", "we");
	stdout = fopen("/dev/null", "we");
	return stderr && stdout ? 0 : -1;
}

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(seen, "%s\n", what);
	abort();
}

/* The input, in pieces of this size. */
static const char *input;
static size_t input_len, piece;

/* Replaces the session, the network and the resolver. */

enum outcome session_connect(struct session *session)
{
	(void)session;
	return OUTCOME_OK;
}

qc_context *interrupt_begin(void)
{
	return NULL;
}

bool interrupt_end(void)
{
	return false;
}

bool interrupt_is_pending(void)
{
	return false;
}

qc_status qc_send_raw(qc_client *pinned, qc_context *context, const void *data, size_t len)
{
	(void)pinned, (void)context, (void)data, (void)len;
	return (qc_status){.err = {.kind = QC_OK}};
}

qc_result qc_do_args(qc_client *client, qc_context *context, qc_args args)
{
	(void)client, (void)context, (void)args;
	return (qc_result){.err = {.kind = QC_OK}};
}

qc_int qc_receive_raw(qc_client *pinned, qc_context *context, void *out, size_t size)
{
	size_t n = input_len < piece ? input_len : piece;

	(void)pinned, (void)context;
	if (n == 0)
		return (qc_int){.err = {.kind = QC_NETWORK}};
	must(n <= size, "more is read than there is room for");
	memcpy(out, input, n);
	input += n;
	input_len -= n;
	return (qc_int){.err = {.kind = QC_OK}, .value = (int64_t)n};
}

qc_client *qc_open(const qc_options *options)
{
	static qc_client client = {.err = {.kind = QC_OK}};

	(void)options;
	return &client;
}

void qc_close(qc_client *client)
{
	(void)client;
}

const char *qc_version(void)
{
	return "";
}

int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
		struct addrinfo **restrict out)
{
	(void)node, (void)service, (void)hints, (void)out;
	return EAI_FAIL;
}

/* The commands that an import sends. */
static struct text sent;
static uint64_t notes;

int load_start(struct load *load, struct session *session, const char *what, int fd)
{
	(void)what, (void)fd;
	*load = (struct load){.session = session, .err = {.kind = QC_OK}};
	text_clear(&sent);
	return EXIT_OK;
}

void load_send(struct load *load, const void *data, size_t len)
{
	tally_add(&load->sent, data, len);
	text_add(&sent, data, len);
}

int load_finish(struct load *load, uint64_t unreadable)
{
	(void)unreadable;
	must(load->sent.state == TALLY_BETWEEN, "an import ends in the middle of a command");
	for (notes = 0; load->note && notes < load->sent.commands; notes++)
		load->note(load->note_data, notes % 3 ? NULL : "ERR refused");
	return EXIT_OK;
}

int load_bytes(struct session *session, int fd, const char *path, const char *first, size_t first_len)
{
	(void)session, (void)fd, (void)path, (void)first, (void)first_len;
	return EXIT_OK;
}

ssize_t load_read(int fd, char *out, size_t size, const char *path)
{
	(void)path;
	return read(fd, out, size);
}

/* Readers */

static char *copy_text(const char *data, size_t len)
{
	char *copy = malloc(len + 1);

	must(copy != NULL, "no memory");
	memcpy(copy, data, len);
	copy[len] = 0;
	return copy;
}

/* Splitting ends, and a quoted word is read back unchanged. */
static void read_words(const char *data, size_t len)
{
	struct words words = {NULL, 0, 0, NULL};
	struct text quoted = {NULL, 0, 0};
	char *line = copy_text(data, len);

	if (words_split(&words, line) == WORDS_OK)
		history_is_secret(&words);
	for (int readable = 0; readable < 2; readable++) {
		text_clear(&quoted);
		text_quote(&quoted, data, len, readable);
		must(words_split(&words, quoted.data) == WORDS_OK && words.count == 1, "a quoted text is no word");
		must(words.items[0].len == len && memcmp(words.owned[0], data, len) == 0, "a quoted text is read as another");
	}
	text_clear(&quoted);
	text_json(&quoted, data, len);
	words_fini(&words);
	text_fini(&quoted);
	free(line);
}

#define ARGUMENTS_MOST 32

/* Arguments separated by NUL. */
static void read_options(const char *data, size_t len)
{
	char *text = copy_text(data, len), *argv[ARGUMENTS_MOST + 1] = {"qcache-cli"};
	struct options options;
	int argc = 1;

	for (size_t at = 0; at < len && argc < ARGUMENTS_MOST; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	if (options_parse(&options, argc, argv) == OPTIONS_OK) {
		must(options.connection.address == options.address.data, "the address is not the one that was put together");
		must(strncmp(options.shown, "unix:", 5) == 0 || *options.shown == '/' || !strchr(options.shown, '@'),
		     "a user or a password is shown");
		options_set_server(&options, argc > 1 ? argv[argc - 1] : "host", argc > 2 ? argv[argc - 2] : NULL);
		must(options.connection.address == options.address.data, "the address was left behind");
		options_set_url(&options, argc > 1 ? argv[1] : "valkey://me:pw@host/5");
		must(options.connection.address == options.address.data, "the address was left behind by a URL");
	}
	options_fini(&options);
	free(text);
}

/* The cursor stays within the line, whatever keys come. */
static void read_keys(const char *data, size_t len)
{
	struct keys keys = {.fd = -1};
	struct line line = {.cursor = 0};
	int ends[2], key;

	must(pipe2(ends, O_CLOEXEC) == 0, "no pipe");
	must(write(ends[1], data, len) == (ssize_t)len, "the pipe is full");
	close(ends[1]);
	keys.fd = ends[0];
	line_set(&line, "", 0);
	while ((key = keys_next(&keys)) != KEY_CLOSED) {
		static size_t (*const ways[])(const struct line *line) = {line_left, line_right, line_word_left, line_word_right,
									  line_blank_left, line_begin, line_end};
		size_t to = ways[key % 7](&line);
		must(to <= line.text.len, "a place behind the line");
		if (key == KEY_TEXT || key == KEY_PASTE)
			line_insert(&line, keys.text.data, keys.text.len);
		else if (key % 5 == 0)
			line_kill(&line, to);
		else if (key % 5 == 1)
			line_erase(&line, to);
		else if (key % 5 == 2)
			line_transpose(&line);
		else if (key % 5 == 3 && line.text.len < 65536)
			line_yank(&line);
		else
			line.cursor = to;
		must(line.cursor <= line.text.len && line.text.data[line.text.len] == 0, "the cursor is outside of the line");
	}
	close(ends[0]);
	keys_fini(&keys);
	line_fini(&line);
}

static void read_import(const char *data, size_t len)
{
	char path[32];
	struct options options = {.file = path};
	struct session session = {.options = &options};
	int fd = memfd_create("import", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, len) == (ssize_t)len, "no file to import");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	tool_import(&session);
	close(fd);
}

/* The snapshot as found in the whole input at once; NULL when there is none. */
static const char *find_snapshot(const char *data, size_t len, size_t *out_len)
{
	const char *end = data + len, *head_end = NULL, *mark;
	char head[64];
	size_t used = 0;

	for (const char *c = data; c < end && !head_end; c++) {
		if (*c == '\n' && used)
			head_end = c;
		else if (*c != '\n' && *c != '\r' && used + 1 < sizeof(head))
			head[used++] = *c;
	}
	head[used] = 0;
	if (!head_end || strncmp(head, "$EOF:", 5) != 0 || used != 45 || strlen(head) != used)
		return NULL;
	mark = memmem(head_end + 1, (size_t)(end - head_end - 1), head + 5, 40);
	*out_len = mark ? (size_t)(mark - head_end - 1) : 0;
	return mark ? head_end + 1 : NULL;
}

static void read_snapshot(const char *data, size_t len)
{
	char path[32], *got = NULL;
	struct options options = {.file = path};
	struct session session = {.options = &options};
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	size_t wanted_len = 0;
	const char *wanted = find_snapshot(data, len, &wanted_len);

	must(fd >= 0, "no file for a snapshot");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	input = data;
	input_len = len;
	int status = tool_rdb(&session);
	off_t size = lseek(fd, 0, SEEK_END);
	must(size >= 0 && (size_t)size <= len, "a snapshot of more than came");
	if (wanted) {
		must(status == EXIT_OK && (size_t)size == wanted_len, "a snapshot of another length");
		got = malloc(wanted_len + 1);
		must(got && pread(fd, got, wanted_len, 0) == size && memcmp(got, wanted, wanted_len) == 0, "another snapshot");
	}
	free(got);
	close(fd);
}

/* The pieces must not change the number of commands. */
static void read_stream(const char *data, size_t len)
{
	struct tally whole = {.state = TALLY_BETWEEN}, parts = {.state = TALLY_BETWEEN};

	tally_add(&whole, data, len);
	for (size_t at = 0; at < len; at += piece)
		tally_add(&parts, data + at, len - at < piece ? len - at : piece);
	must(whole.state == parts.state && whole.commands == parts.commands, "a stream that is cut holds other commands");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(const char *data, size_t len) = {read_words, read_options, read_keys, read_import, read_snapshot,
									read_stream};

	if (len < 2 || len > 4096)
		return 0;
	piece = 1 + data[1] % 61;
	readers[data[0] % (sizeof(readers) / sizeof(readers[0]))]((const char *)data + 2, len - 2);
	return 0;
}

/*
 * Faults: connections cut at every byte, replies in pieces, garbage, refusals, restarted servers, and out of memory at every allocation.
 * malloc() and similar functions are wrapped at link time (see SConscript). Nothing may leak (sanitizer builds check it), and the client
 * must work again after the fault.
 */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/qcache_ev.h"
#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "client_library/nodes.h"
#include "support/deadline.h"
#include "support/process.h"
#include "support/random.h"

static qc_context *ctx;

/* The number of allocations that still succeed; negative: all. Counts those of the test's own thread, or of all threads. */
static _Thread_local long granted = -1;
static atomic_long granted_to_all = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static bool is_refused(void)
{
	long all = granted_to_all;

	while (all > 0 && !atomic_compare_exchange_weak(&granted_to_all, &all, all - 1))
		;
	if (all == 0) {
		errno = ENOMEM;
		return true;
	}
	if (granted < 0)
		return false;
	if (granted > 0) {
		granted--;
		return false;
	}
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_refused() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return is_refused() ? NULL : __real_strdup(text);
}

static void fake_address(char *out, size_t size, const struct fake *fake)
{
	snprintf(out, size, "127.0.0.1:%u", fake_port(fake));
}

/* A reply with every type. */
static const char rich[] = "*6\r\n:12\r\n$5\r\nhello\r\n%1\r\n+k\r\n#t\r\n,1.5\r\n_\r\n=7\r\ntxt:abc\r\n";

struct cut {
	atomic_size_t at;     /* number of bytes of the reply to send */
	atomic_bool resets;   /* RST instead of FIN */
	atomic_bool in_bytes; /* byte by byte, and all of it */
};

static void send_cut(struct fake *fake, int fd, unsigned number, void *data)
{
	struct cut *cut = data;
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd) || !fake_read(fd, word, sizeof(word)))
		return;
	for (size_t i = 0; cut->in_bytes && i < sizeof(rich) - 1; i++)
		fake_send(fd, rich + i, 1);
	if (!cut->in_bytes)
		fake_send(fd, rich, cut->at);
	if (cut->resets)
		fake_reset(fd);
}

static void a_connection_cut_at_any_byte_is_an_error_and_no_more(void)
{
	struct cut cut = {.at = 0};
	struct fake *fake = fake_start(send_cut, &cut);
	char address[32];

	/* The program has no handler: a SIGPIPE would end it. */
	signal(SIGPIPE, SIG_DFL);
	fake_address(address, sizeof(address), fake);
	for (cut.at = 0; cut.at < sizeof(rich) - 1; cut.at++) {
		for (int resets = 0; resets < 2; resets++) {
			cut.resets = resets;
			qc_client *c = qc_dial(address, .retries = -1);
			GOOD(*c);
			qc_result r = qc_do(c, ctx, "ANY");
			FAILS(r, QC_NETWORK);
			CU_ASSERT_PTR_NULL(r.reply);
			CU_ASSERT_EQUAL(qc_pool_stats(c).total, 0);
			qc_close(c);
		}
	}
	fake_stop(&fake);
}

static void a_reply_in_single_bytes_is_whole(void)
{
	struct cut cut = {.in_bytes = true};
	struct fake *fake = fake_start(send_cut, &cut);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address);
	qc_result r qc_auto = qc_do(c, ctx, "ANY");
	GOOD_FATAL(r);
	CU_ASSERT_EQUAL(qc_reply_count(r.reply), 6);
	CU_ASSERT_EQUAL(qc_reply_int(qc_reply_get(qc_reply_at(r.reply, 2), "k")), 1);
	CU_ASSERT_STRING_EQUAL(qc_reply_format(qc_reply_at(r.reply, 5)), "txt");
	qc_close(c);
	fake_stop(&fake);
}

static void send_garbage(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32], bytes[64];

	(void)fake;
	if (!fake_greet(fd) || !fake_read(fd, word, sizeof(word)))
		return;
	unsigned seed = *(unsigned *)data + number;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)rand_r(&seed);
	fake_send(fd, bytes, sizeof(bytes));
}

static void garbage_is_refused(void)
{
	unsigned seed = (unsigned)random_seed("garbage");
	struct fake *fake = fake_start(send_garbage, &seed);
	char address[32];

	fake_address(address, sizeof(address), fake);
	for (int i = 0; i < 300; i++) {
		qc_client *c = qc_dial(address, .retries = -1);
		qc_result r = qc_do(c, ctx, "ANY");
		/* Some garbage is by chance a reply, or the beginning of one. */
		CU_ASSERT(r.err.kind == QC_OK || r.err.kind == QC_PROTOCOL || r.err.kind == QC_NETWORK ||
			  r.err.kind == QC_SERVER);
		qc_release(&r);
		qc_close(c);
	}
	fake_stop(&fake);
}

struct replies {
	const char *_Atomic text; /* the reply to each command; NULL: the connection is closed after a command */
	atomic_uint commands;
	atomic_uint fine_from; /* connections from this number on answer "+FINE" */
};

static void answer(struct fake *fake, int fd, unsigned number, void *data)
{
	struct replies *replies = data;
	char word[32];

	(void)fake;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word))) {
		replies->commands++;
		if (number >= replies->fine_from)
			fake_send_text(fd, "+FINE\r\n");
		else if (replies->text)
			fake_send_text(fd, replies->text);
		else
			return;
	}
}

/* The same, but each text ends inside a push, with which the next text begins. */
static void push_and_answer(struct fake *fake, int fd, unsigned number, void *data)
{
	struct replies *replies = data;
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd) || !fake_read(fd, word, sizeof(word)))
		return;
	fake_send_text(fd, ">2\r\n+begun\r\n+");
	do {
		fake_send_text(fd, replies->text);
	} while (fake_read(fd, word, sizeof(word)));
}

static void only_what_is_safe_is_tried_again(void)
{
	struct replies replies = {.text = NULL, .fine_from = 2};
	struct fake *fake = fake_start(answer, &replies);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .backoff_min_ms = 1);
	/* Reads are retried: two connections die, the third answers. Without a context. */
	qc_string read qc_auto = qc_get(c, NULL, "k");
	GOOD(read);
	CU_ASSERT_EQUAL(replies.commands, 3);
	CU_ASSERT_EQUAL(qc_pool_stats(c).retries, 2);
	CU_ASSERT_EQUAL(qc_pool_stats(c).broken, 2);
	qc_close(c);
	/* Writes are not: they may have been executed. */
	replies.commands = 0;
	replies.fine_from = 100;
	c = qc_dial(address, .backoff_min_ms = 1);
	FAILS(qc_incr(c, ctx, "k"), QC_NETWORK);
	CU_ASSERT_EQUAL(replies.commands, 1);
	FAILS(qc_do(c, ctx, "UNKNOWN", "k"), QC_NETWORK);
	CU_ASSERT_EQUAL(replies.commands, 2);
	/* Retrying a read has a limit. */
	FAILS(qc_get(c, ctx, "k"), QC_NETWORK);
	CU_ASSERT_EQUAL(replies.commands, 6);
	/* Redis's other commands are known, too. */
	FAILS(qc_hget(c, ctx, "h", "f"), QC_NETWORK);
	CU_ASSERT_EQUAL(replies.commands, 10);
	FAILS(qc_hset(c, ctx, "h", "f", "v"), QC_NETWORK);
	CU_ASSERT_EQUAL(replies.commands, 11);
	qc_close(c);
	fake_stop(&fake);
}

static void __attribute__((format(printf, 3, 4))) write_file(const char *directory, const char *name, const char *format, ...)
{
	char path[128];
	va_list args;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	va_start(args, format);
	if (!file || vfprintf(file, format, args) < 0 || fclose(file) != 0)
		abort();
	va_end(args);
}

static void __attribute__((format(printf, 3, 4))) append(char *text, size_t size, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

/*
 * A locale with a decimal comma in which, as in Turkish, "i" is not the lower case of "I". Made here, since the machine may not have one.
 */
static bool use_foreign_locale(const char *directory)
{
	char charmap[4096] = "", lower[512] = "", tolower_pairs[1024] = "", source[2048], command[256];

	for (int i = 0; i < 128; i++)
		append(charmap, sizeof(charmap), "<U%04X> \\x%02x\n", i, i);
	for (int small = 'a'; small <= 'z'; small++) {
		append(lower, sizeof(lower), small == 'a' ? "<U%04X>" : ";<U%04X>", small);
		if (small != 'i')
			append(tolower_pairs, sizeof(tolower_pairs), small == 'a' ? "(<U%04X>,<U%04X>)" : ";(<U%04X>,<U%04X>)",
			       small - 32, small);
	}
	snprintf(source, sizeof(source), "LC_CTYPE\nlower %s\ntolower %s\nEND LC_CTYPE\n"
					 "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\nEND LC_NUMERIC\n",
		 lower, tolower_pairs);
	write_file(directory, "map", "<code_set_name> ASCII\nCHARMAP\n%sEND CHARMAP\n", charmap);
	write_file(directory, "source", "%s", source);
	/* localedef warns about missing parts and exits with 1. */
	snprintf(command, sizeof(command), "cd %s && localedef -c -i ./source -f ./map ./foreign >messages 2>&1", directory);
	return system(command) >= 0 && setenv("LOCPATH", directory, 1) == 0 && setlocale(LC_ALL, "foreign") &&
	       strcmp(localeconv()->decimal_point, ",") == 0 && tolower('I') == 'I' && tolower('A') == 'a';
}

static void the_programs_locale_is_not_the_protocols(void)
{
	struct replies replies = {.text = "*3\r\n,1.5\r\n+2.5\r\n$4\r\n0,25\r\n", .fine_from = 100};
	char directory[64], address[32];

	scratch_create(directory, sizeof(directory));
	bool is_foreign = use_foreign_locale(directory);
	scratch_remove(directory);
	if (!is_foreign)
		SKIP("localedef makes no locale");
	struct fake *fake = fake_start(answer, &replies);
	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address);
	qc_result r qc_auto = qc_do(c, ctx, "ANY");
	qc_arg exact = qc_arg(2.25), third = qc_arg(1.0 / 3);
	CU_ASSERT(exact.len == 4 && memcmp(exact.number, "2.25", 4) == 0);
	CU_ASSERT(third.len == 19 && memcmp(third.number, "0.33333333333333331", 19) == 0);
	GOOD(r);
	CU_ASSERT_EQUAL(qc_reply_double(qc_reply_at(r.reply, 0)), 1.5);
	CU_ASSERT_EQUAL(qc_reply_double(qc_reply_at(r.reply, 1)), 2.5);
	CU_ASSERT_EQUAL(qc_reply_double(qc_reply_at(r.reply, 2)), 0);
	/* The program's own numbers stay as it wants them. */
	snprintf(address, sizeof(address), "%.2f", 0.25);
	CU_ASSERT_STRING_EQUAL(address, "0,25");
	qc_close(c);
	snprintf(address, sizeof(address), "REDIS://127.0.0.1:%u", fake_port(fake));
	c = qc_dial(address);
	GOOD(*c);
	qc_close(c);
	setlocale(LC_ALL, "C");
	fake_stop(&fake);
}

struct stages {
	atomic_uint commands;
};

static void load_and_serve(struct fake *fake, int fd, unsigned number, void *data)
{
	struct stages *stages = data;
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, stages->commands++ < 2 ? "-LOADING still\r\n" : ":7\r\n");
}

static void a_server_that_loads_is_asked_again(void)
{
	struct stages stages = {0};
	struct fake *fake = fake_start(load_and_serve, &stages);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .backoff_min_ms = 1);
	/* A refused command has had no effect, so even a write may be retried. */
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 7);
	CU_ASSERT_EQUAL(stages.commands, 3);
	qc_close(c);
	stages.commands = 0;
	c = qc_dial(address, .retries = -1);
	CU_ASSERT(qc_has_code(qc_incr(c, ctx, "k").err, "LOADING"));
	qc_close(c);
	fake_stop(&fake);
}

static void a_servers_code_is_its_first_word_in_capitals(void)
{
	static const struct { const char *reply, *code, *text; } errors[] = {
		{"-WRONGTYPE of it\r\n", "WRONGTYPE", "WRONGTYPE of it"}, {"-ERR\r\n", "ERR", "ERR"},
		{"-E_2 x\r\n", "E_2", "E_2 x"},                           {"-lower case\r\n", "", "lower case"},
		{"-Mixed case\r\n", "", "Mixed case"},                    {"-ERR: x\r\n", "", "ERR: x"},
		{"-ABCDEFGHIJKLMNOPQRSTUVWXYZ1 x\r\n", "ABCDEFGHIJKLMNOPQRSTUVWXYZ1", "ABCDEFGHIJKLMNOPQRSTUVWXYZ1 x"},
		{"-ABCDEFGHIJKLMNOPQRSTUVWXYZ12 x\r\n", "", "ABCDEFGHIJKLMNOPQRSTUVWXYZ12 x"},
	};
	struct replies replies = {.text = "+OK\r\n", .fine_from = 100};
	struct fake *fake = fake_start(answer, &replies);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		replies.text = errors[i].reply;
		qc_status set = qc_set(c, ctx, "k", "v");
		FAILS(set, QC_SERVER);
		CU_ASSERT_STRING_EQUAL(set.err.code, errors[i].code);
		CU_ASSERT_STRING_EQUAL(set.err.text, errors[i].text);
	}
	qc_close(c);
	fake_stop(&fake);
}

/* Pushes, one of them in two pieces, arrive on an idle connection. */
static void push_while_idle(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word))) {
		fake_send_text(fd, strcmp(word, "get") == 0 ? "n\r\n+FINE\r\n" : "+FINE\r\n");
		if (strcmp(word, "incr") == 0)
			fake_send_text(fd, ">1\r\n+whole\r\n>1\r\n+begu");
		*(atomic_bool *)data = true;
	}
}

static void count_push(void *data, const qc_reply *push)
{
	(void)push;
	++*(int *)data;
}

static void pushes_on_an_idle_connection_dont_end_it(void)
{
	atomic_bool sent = false;
	int pushes = 0;
	struct fake *fake = fake_start(push_while_idle, &sent);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .on_push = count_push, .push_data = &pushes);
	qc_result r qc_auto = qc_do(c, ctx, "INCR", "k");
	GOOD(r);
	while (!sent)
		usleep(1000);
	/* Idle for longer than a connection is used without a check. */
	usleep(3000);
	qc_string got qc_auto = qc_get(c, ctx, "k");
	GOOD(got);
	CU_ASSERT_EQUAL(pushes, 2);
	CU_ASSERT_EQUAL(fake_connections(fake), 1);
	CU_ASSERT_EQUAL(qc_pool_stats(c).stale, 0);
	qc_close(c);
	fake_stop(&fake);
}

static void send_nested(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32], text[512] = "";
	int depth = *(int *)data;

	(void)fake, (void)number;
	for (int i = 0; i < depth; i++)
		memcpy(text + 4 * i, "*1\r\n", 5);
	memcpy(text + 4 * depth, ":1\r\n", 5);
	if (fake_greet(fd) && fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, text);
}

static void replies_nest_as_deep_as_the_header_says(void)
{
	for (int depth = 64; depth <= 65; depth++) {
		struct fake *fake = fake_start(send_nested, &depth);
		char address[32];

		fake_address(address, sizeof(address), fake);
		qc_client *c = qc_dial(address, .retries = -1);
		qc_result r qc_auto = qc_do(c, ctx, "ANY");
		FAILS(r, depth == 64 ? QC_OK : QC_PROTOCOL);
		CU_ASSERT(depth == 64 || strstr(r.err.text, "more than 64 deep"));
		qc_close(c);
		fake_stop(&fake);
	}
}

static void another_address_serves_when_one_is_gone(void)
{
	struct replies first_replies = {.text = ":1\r\n", .fine_from = 100}, second_replies = {.text = ":2\r\n", .fine_from = 100};
	struct fake *first = fake_start(answer, &first_replies), *second = fake_start(answer, &second_replies);
	char addresses[80];

	/* Blanks around an address are ignored. */
	snprintf(addresses, sizeof(addresses), " 127.0.0.1:1, 127.0.0.1:%u ,\t127.0.0.1:%u\n", fake_port(first), fake_port(second));
	qc_client *c = qc_dial(addresses, .backoff_min_ms = 1);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 1);
	CU_ASSERT_EQUAL(qc_pool_stats(c).failovers, 1);
	fake_stop(&first);
	/* The write on the dead connection may fail; the following ones are served by the other server. */
	qc_int n = qc_incr(c, ctx, "k");
	CU_ASSERT(qc_failed(n) || n.value == 2);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 2);
	CU_ASSERT_EQUAL(qc_pool_stats(c).failovers, 2);
	/* A replica refuses writes: the next server is used. The first is down, so it is the replica again. */
	second_replies.text = "-READONLY replica\r\n";
	CU_ASSERT(qc_has_code(qc_incr(c, ctx, "k").err, "READONLY"));
	qc_close(c);
	fake_stop(&second);
}

static void a_server_that_comes_back_is_found_again(void)
{
	char address[32], start[32];
	uint16_t port = free_port();

	/* The same port twice. */
	snprintf(start, sizeof(start), "--port %u", port);
	struct server *server = server_start("%s", start);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	qc_client *c = qc_dial(address, .retries = 8);
	GOOD_FATAL(*c);
	GOOD(qc_set(c, ctx, "k", 1));
	CU_ASSERT(server_stop(&server));
	server = server_start("%s", start);
	/* The idle connection is found dead before anything is sent on it. */
	GOOD(qc_set(c, ctx, "k", 2));
	CU_ASSERT(qc_pool_stats(c).stale >= 1);
	qc_close(c);
	CU_ASSERT(server_stop(&server));
}

static void never_answer(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	if (fake_greet(fd))
		while (fake_read(fd, word, sizeof(word)))
			;
}

static void silence_is_a_timeout(void)
{
	struct fake *fake = fake_start(never_answer, NULL);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .timeout_ms = 50, .retries = -1);
	int64_t began = monotonic_ms();
	FAILS(qc_incr(c, ctx, "k"), QC_TIMEOUT);
	CU_ASSERT(monotonic_ms() - began >= 49);
	qc_close(c);
	fake_stop(&fake);
}

/*
 * The kernel's socket timeout fires late by up to an eighth (a quarter of a second for three): so it is set to less, and poll waits for the
 * rest. Checked by its setting, since a busy machine is late anyway.
 */
static void no_time_limit_is_left_to_the_kernels_coarse_clock(void)
{
	struct fake *fake = fake_start(never_answer, NULL);
	struct timeval limit = {0, 0};
	socklen_t size = sizeof(limit);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .timeout_ms = 3000);
	qc_client *pinned = qc_pin(c, ctx);
	GOOD(*pinned);
	CU_ASSERT_EQUAL(getsockopt(qc_pinned_fd(pinned), SOL_SOCKET, SO_RCVTIMEO, &limit, &size), 0);
	CU_ASSERT(limit.tv_sec * 1000 + limit.tv_usec / 1000 <= 3000 * 7 / 8);
	qc_close(pinned);
	qc_close(c);
	fake_stop(&fake);
	/* And poll waits for the rest: the call must not end before its time. */
	fake = fake_start(never_answer, NULL);
	fake_address(address, sizeof(address), fake);
	c = qc_dial(address, .timeout_ms = 400, .retries = -1);
	int64_t began = monotonic_ms();
	FAILS(qc_incr(c, ctx, "k"), QC_TIMEOUT);
	CU_ASSERT(monotonic_ms() - began >= 399);
	qc_close(c);
	fake_stop(&fake);
}

/* Reads and never answers, not even HELLO. */
static void stay_mute(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	while (fake_read(fd, word, sizeof(word)))
		;
}

static void a_mute_server_ends_a_dial_in_the_time_to_dial(void)
{
	struct fake *fake = fake_start(stay_mute, NULL);
	char address[32];

	fake_address(address, sizeof(address), fake);
	int64_t began = monotonic_ms();
	qc_client *c = qc_dial(address, .dial_timeout_ms = 50, .timeout_ms = PATIENCE_MS);
	FAILS(*c, QC_TIMEOUT);
	CU_ASSERT(monotonic_ms() - began >= 49 && monotonic_ms() - began < PATIENCE_MS / 2);
	qc_close(c);
	fake_stop(&fake);
}

static void greet_slowly(struct fake *fake, int fd, unsigned number, void *data)
{
	(void)fake, (void)number, (void)data;
	usleep(100000);
	if (fake_greet(fd))
		usleep(100000);
}

static int64_t thread_processor_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_dial_without_limit_waits_in_peace(void)
{
	struct fake *fake = fake_start(greet_slowly, NULL);
	char address[32];

	fake_address(address, sizeof(address), fake);
	int64_t began = thread_processor_ms();
	qc_client *c = qc_dial(address, .dial_timeout_ms = -1);
	GOOD(*c);
	CU_ASSERT(thread_processor_ms() - began < 50);
	qc_close(c);
	fake_stop(&fake);
}

struct dribble {
	size_t piece; /* bytes at a time */
	int pause_ms;
};

/* An endless reply, until the client leaves. */
static void answer_without_end(struct fake *fake, int fd, unsigned number, void *data)
{
	static char bytes[1 << 16];
	struct dribble *dribble = data;
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd) || !fake_read(fd, word, sizeof(word)))
		return;
	fake_send_text(fd, "$4000000000\r\n");
	while (send(fd, bytes, dribble->piece, MSG_NOSIGNAL) > 0)
		if (dribble->pause_ms)
			usleep((useconds_t)dribble->pause_ms * 1000);
}

/* A client that is connected, though a busy machine may need longer than the limit to greet. */
static qc_client *connect_within(const char *address, int timeout_ms)
{
	for (int attempt = 0;; attempt++) {
		qc_client *c = qc_dial(address, .timeout_ms = timeout_ms, .retries = -1);
		if (!qc_failed(*c) || attempt == 100)
			return c;
		qc_close(c);
	}
}

/* The limit applies to the whole reply, not to each piece of it, with or without pauses. */
static void a_reply_without_end_is_a_timeout(void)
{
	struct dribble slowly = {.piece = 1, .pause_ms = 10}, fast = {.piece = 1 << 16};
	struct dribble *ways[] = {&slowly, &fast};

	for (int i = 0; i < 4; i++) {
		struct fake *fake = fake_start(answer_without_end, ways[i % 2]);
		char address[32];

		fake_address(address, sizeof(address), fake);
		qc_client *c = connect_within(address, i < 2 ? 60 : -1);
		int64_t began = monotonic_ms();
		qc_context *within = i < 2 ? ctx : qc_context_with_timeout(ctx, 60);
		FAILS(qc_incr(c, within, "k"), i < 2 ? QC_TIMEOUT : QC_DEADLINE);
		CU_ASSERT(monotonic_ms() - began >= 59);
		CU_ASSERT_EQUAL(qc_pool_stats(c).broken, 1);
		qc_close(c);
		qc_context_free(within);
		fake_stop(&fake);
	}
}

static void a_reply_too_many_is_not_the_next_commands(void)
{
	struct replies replies = {.text = "+ONE\r\n+STALE\r\n", .fine_from = 1};
	struct fake *fake = fake_start(answer, &replies);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address);
	qc_string one qc_auto = qc_get(c, ctx, "k"), fine qc_auto = qc_get(c, ctx, "k");
	GOOD_FATAL(one);
	GOOD_FATAL(fine);
	CU_ASSERT_STRING_EQUAL(one.data, "ONE");
	CU_ASSERT_STRING_EQUAL(fine.data, "FINE");
	CU_ASSERT_EQUAL(qc_pool_stats(c).broken, 1);
	qc_close(c);
	fake_stop(&fake);
	/* Pushes arrive, complete ones and partial ones. */
	replies = (struct replies){.text = "c\r\n+ONE\r\n>1\r\n+whole\r\n>2\r\n+begun\r\n+", .fine_from = 100};
	fake = fake_start(push_and_answer, &replies);
	fake_address(address, sizeof(address), fake);
	c = qc_dial(address);
	for (int i = 0; i < 3; i++) {
		qc_string again qc_auto = qc_get(c, ctx, "k");
		GOOD_FATAL(again);
		CU_ASSERT_STRING_EQUAL(again.data, "ONE");
	}
	CU_ASSERT_EQUAL(fake_connections(fake), 1);
	CU_ASSERT_EQUAL(qc_pool_stats(c).broken, 0);
	qc_close(c);
	fake_stop(&fake);
}

/* Closes the first connection after a command, and a dial before it is greeted, with HELLO and without. */
static void refuse_the_second(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)data;
	if (number == 1 || number == 2 || !fake_greet(fd) || !fake_read(fd, word, sizeof(word)))
		return;
	while (number > 2) {
		fake_send_text(fd, ":5\r\n");
		if (!fake_read(fd, word, sizeof(word)))
			return;
	}
}

static void a_refused_dial_for_a_pinned_client_is_tried_again(void)
{
	struct fake *fake = fake_start(refuse_the_second, NULL);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .backoff_min_ms = 1);
	FAILS(qc_incr(c, ctx, "k"), QC_NETWORK);
	qc_client *pinned = qc_pin(c, ctx);
	GOOD(*pinned);
	CU_ASSERT_EQUAL(qc_incr(pinned, ctx, "k").value, 5);
	CU_ASSERT_EQUAL(fake_connections(fake), 4);
	CU_ASSERT_EQUAL(qc_pool_stats(c).retries, 1);
	qc_close(pinned);
	qc_close(c);
	fake_stop(&fake);
}

/* Lets the client's context end as soon as it has sent HELLO, and never answers. */
static void cancel_the_dial(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	while (fake_read(fd, word, sizeof(word)))
		qc_cancel(data);
}

static void a_cancelled_dial_ends_at_once(void)
{
	qc_context *life = qc_context_with_cancel(ctx);
	struct fake *fake = fake_start(cancel_the_dial, life);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_open_with(life, &(qc_options){.address = address, .dial_timeout_ms = -1});
	FAILS(*c, QC_CANCELLED);
	FAILS(qc_incr(c, life, "k"), QC_CANCELLED);
	qc_close(c);
	/* Not even begun. */
	c = qc_open_with(life, &(qc_options){.address = address});
	FAILS(*c, QC_CANCELLED);
	CU_ASSERT_EQUAL(fake_connections(fake), 1);
	qc_close(c);
	qc_context_free(life);
	fake_stop(&fake);
}

/* Runs everything that allocates, with a client of its own. Returns how many allocations were left. */
static long use_all(const char *address)
{
	qc_client *c = qc_dial(address, .backoff_min_ms = 1, .backoff_max_ms = 1, .name = "tester");
	qc_context *child = qc_context_with_timeout(ctx, PATIENCE_MS);
	qc_pipeline *p = qc_pipeline_open(c);

	qc_status set = qc_set(c, child, "k", "v");
	qc_string got = qc_get(c, child, "k");
	qc_arg keys[40];
	for (size_t i = 0; i < 40; i++)
		keys[i] = qc_arg("many");
	qc_int many = qc_del_call(c, child, QC_LIST_OF(keys));
	qc_add(p, "SET", "k", "v");
	qc_add(p, "GET", "k");
	qc_results results = qc_run(p, child);
	qc_iterator *it = qc_iterate(c, .match = "*");
	while (qc_advance(it, child))
		;
	qc_client *pinned = qc_pin(c, child);
	qc_string pong = qc_ping(pinned, child);
	long left = granted;
	granted = -1;
	CU_ASSERT(set.err.kind == QC_OK || set.err.kind == QC_NO_MEMORY || set.err.kind == QC_NETWORK);
	CU_ASSERT(got.err.kind == QC_OK || got.err.kind == QC_NO_MEMORY || got.err.kind == QC_NETWORK || got.err.kind == QC_NIL);
	CU_ASSERT(qc_failed(many) || many.value == 0);
	qc_release(&pong);
	qc_release(&got);
	qc_results_release(&results);
	qc_iterator_close(it);
	qc_pipeline_close(p);
	qc_context_free(child);
	qc_close(pinned);
	qc_close(c);
	return left;
}

static void memory_may_run_out_at_any_allocation(void)
{
	struct fixture f = fixture_start("");
	long n = 0, left = 0;

	/* Until a round has some left. */
	for (; left == 0 && n < 1000; n++) {
		granted = n;
		left = use_all(f.address);
	}
	CU_ASSERT(n > 20 && n < 1000);
	GOOD(qc_set(f.client, ctx, "k", "still here"));
	CU_ASSERT(fixture_stop(&f));
}

static qc_error fill(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data)
{
	qc_string now qc_auto = qc_get(tx, context, "k");

	(void)data;
	qc_add(queue, "SET", "k", "w");
	return qc_is(now.err, QC_NIL) ? qc_errorf(QC_OK, "%s", "") : now.err;
}

static bool is_expected(qc_error err)
{
	return err.kind == QC_OK || err.kind == QC_NO_MEMORY || err.kind == QC_NETWORK;
}

static void a_transaction_survives_a_lack_of_memory(void)
{
	struct fixture f = fixture_start("");
	long left = 0;

	for (long n = 0; left == 0 && n < 1000 && fixture_has(&f, "WATCH", "transactions without memory"); n++) {
		qc_client *c = qc_dial(f.address, .retries = -1);
		granted = n;
		qc_results r = qc_watch(c, ctx, fill, NULL, "k");
		left = granted;
		granted = -1;
		CU_ASSERT(is_expected(r.err));
		qc_results_release(&r);
		qc_close(c);
		if (left)
			GOOD(r);
	}
	CU_ASSERT(fixture_stop(&f));
}

/* Its thread allocates, too: so all threads are counted together. */
static void a_subscription_survives_a_lack_of_memory(void)
{
	struct fixture f = fixture_start("");

	for (long n = 0; n < 60 && fixture_has(&f, "SUBSCRIBE", "subscriptions without memory"); n++) {
		qc_client *c = qc_dial(f.address, .backoff_min_ms = 1, .backoff_max_ms = 1);
		qc_context *soon = qc_context_with_timeout(ctx, n < 59 ? 5 : PATIENCE_MS);
		granted_to_all = n < 59 ? n : -1;
		qc_subscription *s = qc_subscribe(c, ctx, "a", "b");
		qc_message m = qc_next_message(s, soon);
		qc_status changed = qc_subscription_change(s, "SUBSCRIBE", QC_LIST("c"));
		granted_to_all = -1;
		CU_ASSERT(is_expected(changed.err) && (is_expected(m.err) || qc_is(m.err, QC_DEADLINE)));
		qc_release(&m);
		qc_unsubscribe(s);
		qc_context_free(soon);
		qc_close(c);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void count(qc_async *async, qc_result *result, void *data)
{
	(void)async;
	CU_ASSERT(is_expected(result->err));
	++*(int *)data;
}

static void the_asynchronous_face_survives_a_lack_of_memory(void)
{
	struct fixture f = fixture_start("");
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	long left = 0;

	for (long n = 0; left == 0 && n < 200; n++) {
		int replies = 0;
		int64_t deadline = deadline_after(PATIENCE_MS);
		granted = n;
		qc_async *a = qc_ev_dial(loop, f.address, .backoff_min_ms = 1, .backoff_max_ms = 1, .retries = 1);
		for (int i = 0; i < 3 && a; i++)
			qc_async_do(a, count, &replies, "INCR", "n");
		while (a && replies < 3 && deadline_left_ms(deadline) > 0)
			ev_run(loop, EVRUN_ONCE);
		left = granted;
		granted = -1;
		CU_ASSERT(!a || replies == 3);
		if (a)
			qc_async_close(a);
	}
	CU_ASSERT(left > 0);
	ev_loop_destroy(loop);
	CU_ASSERT(fixture_stop(&f));
}

/* A call, a pipeline over all nodes, a slot that has moved, transactions and an iterator. Returns how many allocations were left. */
static long use_cluster(const char *address)
{
	qc_client *c = qc_dial(address, .cluster = true, .backoff_min_ms = 1, .backoff_max_ms = 1);
	qc_pipeline *p = qc_pipeline_open(c);
	qc_status set = qc_set(c, ctx, "{moved}", "v");

	qc_add(p, "SET", "a", "v");
	qc_add(p, "SET", "{moved}", "v");
	qc_add(p, "SET", "c", "v");
	qc_results results = qc_run(p, ctx);
	qc_add(p, "INCR", "{n}1");
	qc_results multi = qc_run_multi(p, ctx);
	qc_results watched = qc_watch(c, ctx, fill, NULL, "k");
	qc_iterator *it = qc_iterate(c, .match = "*");
	while (qc_advance(it, ctx))
		;
	qc_client *pinned = qc_pin_key(c, ctx, qc_arg("k"));
	qc_string pong = qc_ping(pinned, ctx);
	long left = granted;
	granted = -1;
	CU_ASSERT(is_expected(set.err) && is_expected(results.err) && is_expected(multi.err) && is_expected(watched.err) &&
		  is_expected(it->err) && is_expected(pong.err));
	if (left)
		CU_ASSERT(fixture_is_good(results.err, __FILE__, __LINE__) && fixture_is_good(watched.err, __FILE__, __LINE__));
	qc_release(&pong);
	qc_results_release(&results);
	qc_results_release(&multi);
	qc_results_release(&watched);
	qc_iterator_close(it);
	qc_pipeline_close(p);
	qc_close(pinned);
	qc_close(c);
	return left;
}

static void a_client_of_a_cluster_survives_a_lack_of_memory(void)
{
	struct nodes nodes;
	long left = 0;

	if (!nodes_start(&nodes, 2, 0, "", NULL))
		return;
	int slot = nodes_slot(&nodes, "{moved}");
	size_t here = nodes_owner(&nodes, slot);
	for (long n = 0; left == 0 && n < 1000; n++) {
		granted = n;
		left = use_cluster(nodes.address);
	}
	CU_ASSERT(left > 0);
	/* The last one has the map; from now on it is wrong. */
	qc_client *c = qc_dial(nodes.address, .cluster = true, .backoff_min_ms = 1);
	nodes_begin_move(&nodes, slot, here, 1 - here);
	nodes_end_move(&nodes, slot, here, 1 - here);
	qc_status set = {.err = {.kind = QC_NO_MEMORY}};
	for (long n = 0; qc_failed(set) && n < 1000; n++) {
		granted = n;
		set = qc_set(c, ctx, "{moved}", "v");
		granted = -1;
		CU_ASSERT(is_expected(set.err));
	}
	GOOD(set);
	qc_close(c);
	CU_ASSERT(nodes_stop(&nodes));
}

/* As web servers do: at the greeting, or after it. */
static void answer_in_http(struct fake *fake, int fd, unsigned number, void *data)
{
	const bool *greets = data;
	char word[32];

	(void)fake, (void)number;
	if ((*greets && !fake_greet(fd)) || !fake_read(fd, word, sizeof(word)))
		return;
	fake_send_text(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void a_server_that_speaks_no_resp_is_named(void)
{
	for (int i = 0; i < 2; i++) {
		bool greets = i == 1;
		struct fake *fake = fake_start(answer_in_http, &greets);
		char address[32];
		snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
		qc_client *c qc_defer(qc_close) = qc_dial(address, .retries = -1);
		CU_ASSERT_EQUAL(qc_is(c->err, QC_OK), greets);
		qc_result r qc_auto = qc_do(c, ctx, "PING");
		FAILS(r, QC_PROTOCOL);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, address));
		fake_stop(&fake);
	}
}

static const struct suite_case cases[] = {
	CASE(a_connection_cut_at_any_byte_is_an_error_and_no_more),
	CASE(a_reply_in_single_bytes_is_whole),
	CASE(garbage_is_refused),
	CASE(only_what_is_safe_is_tried_again),
	CASE(the_programs_locale_is_not_the_protocols),
	CASE(a_server_that_loads_is_asked_again),
	CASE(a_servers_code_is_its_first_word_in_capitals),
	CASE(replies_nest_as_deep_as_the_header_says),
	CASE(pushes_on_an_idle_connection_dont_end_it),
	CASE(another_address_serves_when_one_is_gone),
	CASE(a_server_that_comes_back_is_found_again),
	CASE(silence_is_a_timeout),
	CASE(no_time_limit_is_left_to_the_kernels_coarse_clock),
	CASE(a_mute_server_ends_a_dial_in_the_time_to_dial),
	CASE(a_dial_without_limit_waits_in_peace),
	CASE(a_reply_without_end_is_a_timeout),
	CASE(a_reply_too_many_is_not_the_next_commands),
	CASE(a_refused_dial_for_a_pinned_client_is_tried_again),
	CASE(a_cancelled_dial_ends_at_once),
	CASE(memory_may_run_out_at_any_allocation),
	CASE(a_transaction_survives_a_lack_of_memory),
	CASE(a_subscription_survives_a_lack_of_memory),
	CASE(the_asynchronous_face_survives_a_lack_of_memory),
	CASE(a_client_of_a_cluster_survives_a_lack_of_memory),
	CASE(a_server_that_speaks_no_resp_is_named),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client faults", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

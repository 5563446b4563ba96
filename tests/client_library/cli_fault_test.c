/*
 * The prompt of qcache-cli with servers that are silent, talkative, or go away; and Ctrl-C.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/deadline.h"
#include "support/process.h"

static char home[64];

/* A terminal, and a scripted server that counts something. */
struct stage {
	struct fake *fake;
	struct terminal *terminal;
	char prompt[40];
	atomic_int seen;
};

static void stage_open(struct stage *s, fake_script *act, const char *option)
{
	char address[32];
	const char *argv[] = {fixture_cli(), "-addr", address, "-t", "1000", option, NULL};

	s->seen = 0;
	s->fake = fake_start(act, &s->seen);
	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(s->fake));
	snprintf(s->prompt, sizeof(s->prompt), "%s> ", address);
	s->terminal = terminal_start(argv, home, 24, 80);
}

static void stage_await(struct stage *s, int seen)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (s->seen < seen && deadline_left_ms(deadline) > 0)
		sched_yield();
	CU_ASSERT_EQUAL(s->seen, seen);
}

static void stage_close(struct stage *s)
{
	terminal_type(s->terminal, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&s->terminal), 0);
	fake_stop(&s->fake);
}

/* Never answers INCR; counts them. */
static void answer_all_but_incr(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	while (fake_read(fd, word, sizeof(word))) {
		if (strcmp(word, "incr") == 0)
			++*(atomic_int *)data;
		else
			fake_send_text(fd, strcmp(word, "command") == 0 ? "*0\r\n" : "+alive\r\n");
	}
}

static void control_c_cancels_a_command_and_not_the_program(void)
{
	struct stage s;

	stage_open(&s, answer_all_but_incr, NULL);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "incr n\r");
	stage_await(&s, 1);
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_shows(s.terminal, "(cancelled)"));
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "echo alive\r");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	CU_ASSERT(terminal_has(s.terminal, "alive"));
	stage_close(&s);
}

/* Reads and never answers. */
static void stay_silent(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	while (fake_read(fd, word, sizeof(word)))
		++*(atomic_int *)data;
}

static void control_c_ends_connecting_and_not_the_program(void)
{
	struct stage s;

	stage_open(&s, stay_silent, "-3");
	stage_await(&s, 1);
	terminal_type(s.terminal, "\003\003");
	CU_ASSERT(terminal_shows(s.terminal, "(cancelled)"));
	CU_ASSERT(terminal_waits_at(s.terminal, "not connected> "));
	terminal_type(s.terminal, "ping\r");
	stage_await(&s, 2);
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, "not connected> "));
	stage_close(&s);
}

/* The first connection gets no reply to COMMAND DOCS. */
static void answer_no_docs(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake;
	while (fake_read(fd, word, sizeof(word))) {
		if (strcmp(word, "command") == 0 && number == 0)
			++*(atomic_int *)data;
		else
			fake_send_text(fd, "+alive\r\n");
	}
}

static void control_c_while_help_is_fetched_leaves_a_connection(void)
{
	struct stage s;

	stage_open(&s, answer_no_docs, NULL);
	stage_await(&s, 1);
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "echo on\r");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	CU_ASSERT(terminal_has(s.terminal, "alive"));
	stage_close(&s);
}

/* Nulls in place of names and flags. */
static void answer_null_docs(struct fake *fake, int fd, unsigned number, void *data)
{
	static const char docs[] = "*2\r\n$4\r\nodds\r\n*4\r\n$9\r\narguments\r\n*1\r\n*4\r\n$4\r\nname\r\n$5\r\nfirst\r\n"
				   "$5\r\nflags\r\n*1\r\n$-1\r\n$11\r\nsubcommands\r\n*2\r\n$-1\r\n*0\r\n";
	char word[32];

	(void)fake, (void)number, (void)data;
	while (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, docs);
}

static void nulls_in_what_a_server_tells_of_its_commands_are_no_text(void)
{
	struct stage s;

	stage_open(&s, answer_null_docs, NULL);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "help odds\r");
	CU_ASSERT(terminal_shows(s.terminal, "ODDS first"));
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	stage_close(&s);
}

/* So much that it can't be printed before Ctrl-C arrives. */
#define PIECES 512
static char piece[65536];

static void answer_at_length(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32], head[32];

	(void)fake, (void)number, (void)data;
	memset(piece, 'x', sizeof(piece));
	while (fake_read(fd, word, sizeof(word))) {
		if (strcmp(word, "get") != 0) {
			fake_send_text(fd, "*0\r\n");
			continue;
		}
		snprintf(head, sizeof(head), "$%zu\r\n", PIECES * sizeof(piece) + strlen("the end"));
		fake_send_text(fd, head);
		for (int i = 0; i < PIECES; i++)
			fake_send(fd, piece, sizeof(piece));
		fake_send_text(fd, "the end\r\n");
	}
}

static void control_c_ends_the_printing_of_a_long_reply(void)
{
	struct stage s;

	stage_open(&s, answer_at_length, NULL);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "get long\r");
	CU_ASSERT(terminal_shows(s.terminal, "xxxx"));
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	CU_ASSERT(terminal_has(s.terminal, "output truncated"));
	CU_ASSERT(!terminal_has(s.terminal, "the end"));
	stage_close(&s);
}

/* Closes the first connection after SET in a transaction; counts that, and INCR. */
static void end_in_transaction(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake;
	while (fake_read(fd, word, sizeof(word))) {
		bool is_set = number == 0 && strcmp(word, "set") == 0;
		fake_send_text(fd, is_set ? "+QUEUED\r\n" : strcmp(word, "command") == 0 ? "*0\r\n" : "+OK\r\n");
		if (is_set)
			shutdown(fd, SHUT_RDWR);
		*(atomic_int *)data += is_set || strcmp(word, "incr") == 0;
	}
}

static void nothing_of_a_lost_transaction_runs_outside_of_it(void)
{
	struct stage s;

	stage_open(&s, end_in_transaction, NULL);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "multi\r");
	CU_ASSERT(terminal_shows(s.terminal, "(TX)> "));
	terminal_type(s.terminal, "set a 1\r");
	stage_await(&s, 1);
	/* Pasted: nobody has read yet that the transaction is lost. */
	terminal_type(s.terminal, "\033[200~3 incr b\nincr c\n\033[201~");
	CU_ASSERT(terminal_shows(s.terminal, "the transaction is lost."));
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "ping\r");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	CU_ASSERT_EQUAL(s.seen, 1);
	stage_close(&s);
}

/* Closes the first connection after SET, which follows WATCH; counts that, and MULTI and EXEC. */
static void end_while_watching(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake;
	while (fake_read(fd, word, sizeof(word))) {
		bool is_set = number == 0 && strcmp(word, "set") == 0;
		fake_send_text(fd, strcmp(word, "command") == 0 ? "*0\r\n" : "+OK\r\n");
		if (is_set)
			shutdown(fd, SHUT_RDWR);
		*(atomic_int *)data += is_set || strcmp(word, "multi") == 0 || strcmp(word, "exec") == 0;
	}
}

static void a_transaction_does_not_begin_where_its_watch_is_lost(void)
{
	struct stage s;

	stage_open(&s, end_while_watching, NULL);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "watch k\r");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "set a 1\r");
	stage_await(&s, 1);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "\033[200~multi\nset k 2\nexec\n\033[201~");
	CU_ASSERT(terminal_shows(s.terminal, "the keys are no longer watched."));
	CU_ASSERT(terminal_shows(s.terminal, "; the command was not run."));
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	CU_ASSERT_EQUAL(s.seen, 1);
	/* It has been reported: this is a new transaction. */
	terminal_type(s.terminal, "multi\r");
	CU_ASSERT(terminal_shows(s.terminal, "(TX)> "));
	stage_close(&s);
}

static const struct suite_case cases[] = {
	CASE(control_c_cancels_a_command_and_not_the_program),
	CASE(control_c_ends_connecting_and_not_the_program),
	CASE(control_c_while_help_is_fetched_leaves_a_connection),
	CASE(nulls_in_what_a_server_tells_of_its_commands_are_no_text),
	CASE(control_c_ends_the_printing_of_a_long_reply),
	CASE(nothing_of_a_lost_transaction_runs_outside_of_it),
	CASE(a_transaction_does_not_begin_where_its_watch_is_lost),
};

int main(int argc, char **argv)
{
	scratch_create(home, sizeof(home));
	int status = suite_main("command line at odd servers", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	scratch_remove(home);
	return status;
}

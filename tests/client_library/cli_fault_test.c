/*
 * The prompt of qcache-cli at servers that are silent, talkative, or go away; and Ctrl-C.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/deadline.h"
#include "support/process.h"

static char home[64];

/* A terminal, and a server with a script that counts something. */
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

static const struct suite_case cases[] = {
	CASE(control_c_cancels_a_command_and_not_the_program),
};

int main(int argc, char **argv)
{
	scratch_create(home, sizeof(home));
	int status = suite_main("command line at odd servers", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	scratch_remove(home);
	return status;
}

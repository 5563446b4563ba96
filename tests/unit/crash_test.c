/* Each case crashes a child and reads its log. */
#include "actors/runtime/crash.h"

#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/runtime/actor.h"
#include "actors/runtime/log.h"
#include "support/deadline.h"
#include "support/process.h"
#include "support/suite.h"

static char scratch[256], path[300];

static void prepare_child(void)
{
	static const struct rlimit no_core = { 0, 0 };
	setrlimit(RLIMIT_CORE, &no_core);
	if (!log_open(path, LOG_NOTICE))
		_exit(99);
	crash_install("1.2.3");
	crash_context_set("store", "STORE_REQUESTS");
}

/* The log of a child that ran `body` and must have died of `signal_number`; the caller frees it. */
static char *report_of(void (*body)(void), int signal_number)
{
	int status = 0;
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/log", scratch);
	pid_t child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		prepare_child();
		body();
		_exit(98);
	}
	CU_ASSERT_TRUE(process_wait(child, PATIENCE_MS, &status));
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(WTERMSIG(status), signal_number);
	char *report = file_text(path);
	scratch_remove(scratch);
	return report;
}

#define CHECK_HAS(report, part) \
	do { \
		if (!strstr(report, part)) \
			fprintf(stderr, "the report lacks \"%s\":\n%s", part, report); \
		CU_ASSERT_PTR_NOT_NULL(strstr(report, part)); \
	} while (0)

static volatile char *forbidden_page;

static void touch_forbidden_page(void)
{
	forbidden_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	forbidden_page[16] = 1;
}

static void a_bad_access_is_reported_with_the_work_in_hand(void)
{
	char *report = report_of(touch_forbidden_page, SIGSEGV);
	CHECK_HAS(report, "qcache 1.2.3 stopped by SIGSEGV at address 0x");
	CHECK_HAS(report, "actor store, message in hand STORE_REQUESTS\n");
	CHECK_HAS(report, "crash_test");
	CHECK_HAS(report, "end of the crash report\n");
	free(report);
}

static void break_an_invariant(void)
{
	crash_broken_invariant("%d credits\nleft over", 3);
}

static void a_broken_invariant_names_its_reason(void)
{
	char *report = report_of(break_an_invariant, SIGABRT);
	CHECK_HAS(report, "broken invariant in actor store, message STORE_REQUESTS: 3 credits\\nleft over\n");
	CHECK_HAS(report, "stopped by SIGABRT");
	CHECK_HAS(report, "end of the crash report\n");
	free(report);
}

static void run_out_of_memory(void)
{
	crash_out_of_memory("the command bus");
}

static void running_out_of_memory_is_no_broken_invariant(void)
{
	char *report = report_of(run_out_of_memory, SIGABRT);
	CHECK_HAS(report, "Out of memory: no memory for the command bus\n");
	CU_ASSERT_PTR_NULL(strstr(report, "invariant"));
	free(report);
}

static void be_sent_a_signal(void)
{
	crash_context_set(NULL, NULL);
	kill(getpid(), SIGBUS);
}

static void a_signal_from_outside_names_its_sender(void)
{
	char *report = report_of(be_sent_a_signal, SIGBUS);
	CHECK_HAS(report, "stopped by SIGBUS, sent by process ");
	CHECK_HAS(report, "actor none, message in hand none\n");
	free(report);
}

/* Never returns true; the compiler can't know. */
static volatile int bottomless = 1;

static int recurse(volatile char *above)
{
	volatile char frame[4096];
	frame[0] = above[0];
	return bottomless ? recurse(frame) + frame[0] : frame[0];
}

static void *overflow_stack(void *context)
{
	volatile char first[1] = { 0 };
	crash_prepare_thread();
	crash_prepare_thread();
	crash_context_set("reactor-1", "REPLIES");
	return recurse(first) ? context : NULL;
}

static void overflow_in_a_thread(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, overflow_stack, NULL) == 0)
		pthread_join(thread, NULL);
}

static void a_stack_that_overflows_is_reported_with_its_threads_work(void)
{
	char *report = report_of(overflow_in_a_thread, SIGSEGV);
	CHECK_HAS(report, "stopped by SIGSEGV");
	CHECK_HAS(report, "actor reactor-1, message in hand REPLIES\n");
	CHECK_HAS(report, "end of the crash report\n");
	free(report);
}

/* The store's turn overflows the stack of a pool thread, which NNG has started. */
static void take_turn_without_end(void *state, struct message message)
{
	volatile char first[1] = { 0 };
	recurse(first);
}

static void take_no_turn(void *state, struct message message)
{
}

static void post_stop(int events, void *context)
{
	struct actor *supervisor = context;
	actor_post(supervisor, runtime_actor(supervisor->runtime, ACTOR_STORE, 0), STORE_STOP, 0, NULL);
}

static void overflow_in_the_store(void)
{
	uint32_t counts[ACTOR_KINDS];
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++)
		counts[kind] = 1;
	struct runtime *runtime = runtime_create(counts);
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++)
		actor_bind(runtime_actor(runtime, (enum actor_kind)kind, 0), take_no_turn, NULL);
	actor_bind(runtime_actor(runtime, ACTOR_STORE, 0), take_turn_without_end, NULL);
	runtime_open(runtime);
	struct actor *supervisor = runtime_actor(runtime, ACTOR_SUPERVISOR, 0);
	ev_once(supervisor->loop, -1, 0, 0.0, post_stop, supervisor);
	actor_run(supervisor);
}

static void a_stack_that_overflows_in_a_thread_of_the_pool_is_reported(void)
{
	char *report = report_of(overflow_in_the_store, SIGSEGV);
	CHECK_HAS(report, "stopped by SIGSEGV");
	CHECK_HAS(report, "actor store, message in hand STORE_STOP\n");
	CHECK_HAS(report, "end of the crash report\n");
	free(report);
}

static const struct suite_case cases[] = {
	CASE(a_bad_access_is_reported_with_the_work_in_hand),
	CASE(a_broken_invariant_names_its_reason),
	CASE(running_out_of_memory_is_no_broken_invariant),
	CASE(a_signal_from_outside_names_its_sender),
	CASE(a_stack_that_overflows_is_reported_with_its_threads_work),
	CASE(a_stack_that_overflows_in_a_thread_of_the_pool_is_reported),
};

SUITE_MAIN("crash", cases)

/*
 * The handler writes with write(2) from buffers on its own stack and calls nothing that allocates or locks.
 * The first call of backtrace() loads libgcc, which allocates, so crash_install() makes that call.
 *
 * The first thread that crashes reports. Another that crashes meanwhile waits until the process ends. A crash
 * inside the handler ends the process at once.
 */
#include "crash.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define FRAMES 64
/* 64 KB is eight times what backtrace() and the dynamic linker were seen to use. */
#define HANDLER_STACK_BYTES (64 * 1024)

_Thread_local struct crash_context crash_context_in_hand;

static const struct {
	int number;
	const char *name;
} fatal_signals[] = {
	{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" },
};

#define FATAL_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static const char *server_version = "";
static atomic_int reporting_thread; /* 0 until a thread reports */

/* A line composed without stdio; what does not fit is cut. */
struct line {
	char bytes[512];
	size_t len;
};

static void line_text(struct line *line, const char *text)
{
	for (; *text && line->len < sizeof(line->bytes) - 1; text++)
		line->bytes[line->len++] = *text;
}

static void line_number(struct line *line, uint64_t value, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;
	digits[at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	line_text(line, &digits[at]);
}

static void line_out(struct line *line)
{
	line->bytes[line->len++] = '\n';
	for (size_t done = 0; done < line->len;) {
		ssize_t written = write(log_descriptor(), line->bytes + done, line->len - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			break; /* no log to report to */
		done += (size_t)written;
	}
	line->len = 0;
}

static void line_begin(struct line *line)
{
	line->len = 0;
	line_number(line, (uint64_t)getpid(), 10);
	line_text(line, ":M crash # ");
}

static const char *signal_name(int number)
{
	for (size_t i = 0; i < FATAL_SIGNALS; i++)
		if (fatal_signals[i].number == number)
			return fatal_signals[i].name;
	return "a signal";
}

static void report_reason(int number, const siginfo_t *info)
{
	struct line line;
	line_begin(&line);
	line_text(&line, "qcache ");
	line_text(&line, server_version);
	line_text(&line, " stopped by ");
	line_text(&line, signal_name(number));
	if (info->si_code <= 0) {
		line_text(&line, ", sent by process ");
		line_number(&line, (uint64_t)info->si_pid, 10);
	} else {
		line_text(&line, " at address 0x");
		line_number(&line, (uintptr_t)info->si_addr, 16);
	}
	line_out(&line);
}

static void report_work_in_hand(void)
{
	struct line line;
	line_begin(&line);
	line_text(&line, "thread ");
	line_number(&line, (uint64_t)gettid(), 10);
	line_text(&line, ", actor ");
	line_text(&line, crash_context_in_hand.actor ? crash_context_in_hand.actor : "none");
	line_text(&line, ", message in hand ");
	line_text(&line, crash_context_in_hand.message ? crash_context_in_hand.message : "none");
	line_out(&line);
}

static void report_backtrace(void)
{
	void *frames[FRAMES];
	int count = backtrace(frames, FRAMES);
	backtrace_symbols_fd(frames, count, log_descriptor());
	struct line line;
	line_begin(&line);
	line_text(&line, "end of the crash report");
	line_out(&line);
}

static void on_fatal_signal(int number, siginfo_t *info, void *machine_context)
{
	int me = gettid(), nobody = 0;
	/* Sequentially consistent: this runs once, so its cost doesn't matter. */
	if (atomic_compare_exchange_strong(&reporting_thread, &nobody, me)) {
		report_reason(number, info);
		report_work_in_hand();
		report_backtrace();
	} else if (nobody != me) {
		for (;;)
			pause();
	}
	/* SA_RESETHAND has restored the default action; the signal stays blocked until this handler returns. */
	raise(number);
}

void crash_prepare_thread(void)
{
	static _Thread_local int is_prepared;
	if (is_prepared)
		return;
	is_prepared = 1;
	void *stack = mmap(NULL, HANDLER_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED) {
		log_event(LOG_WARNING, "no stack for crash reports: %s", strerror(errno));
		return;
	}
	stack_t handler_stack = { .ss_sp = stack, .ss_size = HANDLER_STACK_BYTES };
	sigaltstack(&handler_stack, NULL);
}

void crash_install(const char *version)
{
	void *frame;
	server_version = version;
	backtrace(&frame, 1);
	crash_prepare_thread();

	struct sigaction action = { .sa_sigaction = on_fatal_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FATAL_SIGNALS; i++)
		sigaction(fatal_signals[i].number, &action, NULL);
}

void crash_uninstall(void)
{
	for (size_t i = 0; i < FATAL_SIGNALS; i++)
		signal(fatal_signals[i].number, SIG_DFL);
}

void crash_broken_invariant(const char *format, ...)
{
	char reason[LOG_LINE_BYTES / 2];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	const struct crash_context *in_hand = &crash_context_in_hand;
	log_event(LOG_WARNING, "broken invariant in actor %s, message %s: %s", in_hand->actor ? in_hand->actor : "none",
		  in_hand->message ? in_hand->message : "none", reason);
	abort();
}

void crash_out_of_memory(const char *what)
{
	log_event(LOG_WARNING, "Out of memory: no memory for %s", what);
	abort();
}

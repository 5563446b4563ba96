/*
 * Crash reports. On a fatal signal the log gets the reason, the address, the current actor and message, the version and a
 * backtrace. Then the signal's default action follows, so that the core dump and the exit status are right.
 *
 * The runtime calls crash_context_set() with the actor and message that this thread works on. Everything that runs after the
 * signal is async-signal-safe.
 */
#ifndef ACTORS_RUNTIME_CRASH_H
#define ACTORS_RUNTIME_CRASH_H

struct crash_context {
	const char *actor;   /* strings that outlive the thread's use; NULL outside a turn */
	const char *message;
};

extern _Thread_local struct crash_context crash_context_in_hand;

static inline void crash_context_set(const char *actor, const char *message)
{
	crash_context_in_hand.actor = actor;
	crash_context_in_hand.message = message;
}

/* Under these sanitizers their own reports say more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CRASH_REPORTS_ARE_OURS 0
#else
#define CRASH_REPORTS_ARE_OURS 1
#endif

/* Handle SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT; restore their default actions. Any thread. */
void crash_install(const char *version);
void crash_uninstall(void);
/*
 * Gives the calling thread a stack for the handler, so that a stack overflow is reported too. A second call
 * does nothing. The stack lives as long as the process. crash_install() does it for the thread that calls it.
 */
void crash_prepare_thread(void);

/* Stops the process with a report that names actor, message and reason. */
_Noreturn void crash_broken_invariant(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Stops the process because memory for `what` can't be had and the server can't work without it, e.g. "the command bus". */
_Noreturn void crash_out_of_memory(const char *what);

#endif

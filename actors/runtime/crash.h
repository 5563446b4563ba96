/*
 * What is left behind when the server dies: a report on the log with the reason, the address, the actor and the
 * message in hand, the version and a backtrace; then the signal's default action, so that a core and the exit
 * status are right.
 *
 * The runtime's choke point says with crash_context_set() what this thread works on. Everything that runs after the
 * signal is async-signal-safe.
 */
#ifndef ACTORS_CRASH_H
#define ACTORS_CRASH_H

struct crash_context {
	const char *actor;   /* static texts; NULL outside a turn */
	const char *message;
};

extern _Thread_local struct crash_context crash_context_in_hand;

static inline void crash_context_set(const char *actor, const char *message)
{
	crash_context_in_hand.actor = actor;
	crash_context_in_hand.message = message;
}

/* The reports of these sanitizers say more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CRASH_REPORTS_ARE_OURS 0
#else
#define CRASH_REPORTS_ARE_OURS 1
#endif

/* Handles SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT; and leaves them to the system again. Any thread. */
void crash_install(const char *version);
void crash_uninstall(void);
/*
 * Gives the calling thread a stack for the handler, so that an overflow of its own is reported too; a second call
 * does nothing. The stack lives as long as the process. crash_install() does it for its own thread.
 */
void crash_prepare_thread(void);

/* Stops the process with a report that names actor, message and the reason given. */
_Noreturn void crash_broken_invariant(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Stops the process because memory for `what` can't be had and the server can't work without it, e.g. "the command bus". */
_Noreturn void crash_out_of_memory(const char *what);

#endif

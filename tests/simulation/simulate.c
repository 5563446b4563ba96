/*
 * simulate SEEDS [--trace]: plays each seed. SEEDS is a number of seeds, counted from 1, or a range, "17-20". --trace prints everything
 * that happens. Every 16th seed is played twice, and both runs must be the same.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simulation/play.h"

#define TWICE_EVERY 16

static char replay_line[128]; /* for the signal handler */

static void on_abort(int signal_number)
{
	if (write(STDERR_FILENO, replay_line, strlen(replay_line)) < 0)
		_exit(2);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void print_line_of_replay(uint64_t seed)
{
	snprintf(replay_line, sizeof(replay_line), "seed %" PRIu64 ": replay with: scons simulate SEEDS=%" PRIu64 "-%" PRIu64 " ARGS=--trace\n",
		 seed, seed, seed);
}

static bool passes(uint64_t seed, enum tracing tracing)
{
	struct play_result result, again;
	print_line_of_replay(seed);
	play(seed, tracing, &result);
	if (!result.failure[0] && seed % TWICE_EVERY == 0) {
		play(seed, TRACE_QUIETLY, &again);
		if (again.digest != result.digest)
			snprintf(result.failure, sizeof(result.failure), "played twice, it was not the same");
	}
	if (!result.failure[0])
		return true;
	printf("seed %" PRIu64 ": %s\n%s", seed, result.failure, replay_line);
	return false;
}

static bool parse_seeds(const char *text, uint64_t *out_first, uint64_t *out_last)
{
	char *end;
	*out_first = 1;
	*out_last = strtoull(text, &end, 10);
	if (*end == '-') {
		*out_first = *out_last;
		*out_last = strtoull(end + 1, &end, 10);
	}
	return end != text && *end == '\0' && *out_first <= *out_last;
}

int main(int argc, char **argv)
{
	uint64_t first, last, passed = 0;
	enum tracing tracing = argc == 3 && strcmp(argv[2], "--trace") == 0 ? TRACE_ALOUD : TRACE_QUIETLY;
	if (argc < 2 || argc > 3 || (argc == 3 && tracing == TRACE_QUIETLY) || !parse_seeds(argv[1], &first, &last)) {
		fprintf(stderr, "usage: simulate COUNT|FIRST-LAST [--trace]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
	for (uint64_t seed = first; seed <= last; seed++)
		passed += passes(seed, tracing);
	printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", passed, last - first + 1 - passed);
	return passed != last - first + 1;
}

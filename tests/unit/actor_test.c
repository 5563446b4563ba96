/*
 * The runtime, with test actors instead of the real ones.
 */
#include "actors/runtime/actor.h"

#include <ev.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actors/config/config.h"
#include "actors/discard.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/log.h"
#include "support/suite.h"

#define ROUNDS 500
#define LONG_NS 5000000

/* The supervisor posts STOP and the store answers, ROUNDS times. */
struct play {
	struct runtime *runtime;
	struct actor *supervisor, *store;
	ev_timer begin;
	void (*first)(struct play *play);
	void (*supervisor_turn)(void *state, struct message message); /* others than those below */
	void (*store_turn)(void *state, struct message message);
	int asked, answered;
	bool is_wrong_sender;
	uint64_t depth_in_turn;
	bool sleeps, works; /* the store, in its first turn, for LONG_NS */
};

static int discarded;

static void discard(struct message message)
{
	discarded++;
	discard_message(message);
}

static void ask(struct play *play)
{
	play->asked++;
	actor_post(play->supervisor, play->store, STORE_STOP, (uint64_t)play->asked, NULL);
}

static void supervisor_turn(void *state, struct message message)
{
	struct play *play = state;
	play->answered++;
	play->is_wrong_sender |= message.sender != play->store->number || message.number != (uint64_t)play->answered;
	if (play->answered < ROUNDS)
		ask(play);
	else
		actor_leave(play->supervisor);
}

static void work(void)
{
	struct timespec now, until;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &until);
	until.tv_sec += (until.tv_nsec + LONG_NS) / 1000000000;
	until.tv_nsec = (until.tv_nsec + LONG_NS) % 1000000000;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while (now.tv_sec < until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec < until.tv_nsec));
}

static void store_turn(void *state, struct message message)
{
	struct play *play = state;
	if (play->sleeps && message.number == 1)
		nanosleep(&(struct timespec){ .tv_nsec = LONG_NS }, NULL);
	if (play->works && message.number == 1)
		work();
	play->depth_in_turn += actor_mailbox_depth(play->store);
	actor_post(play->store, play->supervisor, STORE_STOP_DONE, message.number, NULL);
}

static void on_begin(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct play *play = watcher->data;
	play->first(play);
}

static void run(struct play *play, void (*first)(struct play *play))
{
	const uint32_t counts[ACTOR_KINDS] = { [ACTOR_SUPERVISOR] = 1, [ACTOR_STORE] = 1 };
	play->runtime = runtime_create(counts);
	play->first = first;
	play->supervisor = runtime_actor(play->runtime, ACTOR_SUPERVISOR, 0);
	play->store = runtime_actor(play->runtime, ACTOR_STORE, 0);
	actor_bind(play->supervisor, play->supervisor_turn ? play->supervisor_turn : supervisor_turn, play);
	actor_bind(play->store, play->store_turn ? play->store_turn : store_turn, play);
	runtime_open(play->runtime);
	ev_timer_init(&play->begin, on_begin, 0.0, 0.0);
	play->begin.data = play;
	ev_timer_start(play->supervisor->loop, &play->begin);
	actor_run(play->supervisor);
}

static void questions_and_answers_go_round_and_are_counted(void)
{
	struct play play = { 0 };
	run(&play, ask);
	runtime_stop(play.runtime, discard); /* a turn is counted when it ends, which may be after its answer has come */
	CU_ASSERT_EQUAL(play.answered, ROUNDS);
	CU_ASSERT_FALSE(play.is_wrong_sender);
	CU_ASSERT_EQUAL(play.depth_in_turn, 0);
	CU_ASSERT_EQUAL(actor_mailbox_depth(play.supervisor), 0);
	CU_ASSERT_EQUAL(atomic_load(&play.store->counts[STORE_STOP].turns), ROUNDS);
	CU_ASSERT_EQUAL(atomic_load(&play.supervisor->counts[STORE_STOP_DONE].turns), ROUNDS);
	CU_ASSERT_TRUE(atomic_load(&play.store->counts[STORE_STOP].max_ns) <= atomic_load(&play.store->counts[STORE_STOP].ns));
	struct buffer text = { 0 };
	actor_describe(play.store, &text);
	buffer_append(&text, "", 1);
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "actor_store:mailbox_depth=0,received=500"));
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "turns_store_STORE_STOP:count=500,"));
	buffer_fini(&text);
	runtime_destroy(&play.runtime);
}

/* The counts of a store that worked, or slept, for LONG_NS in one turn. */
static struct turn_count counts_of_long_turn(bool sleeps, bool works)
{
	struct play play = { .sleeps = sleeps, .works = works };
	run(&play, ask);
	runtime_stop(play.runtime, discard);
	struct turn_count counts = play.store->counts[STORE_STOP];
	runtime_destroy(&play.runtime);
	return counts;
}

static void time_at_work_is_told_from_time_away(void)
{
	struct turn_count away = counts_of_long_turn(true, false), at_work = counts_of_long_turn(false, true);
	CU_ASSERT_TRUE(away.max_ns >= LONG_NS && away.long_turns >= 1);
	CU_ASSERT_TRUE(away.max_cpu_ns < LONG_NS && away.long_cpu_turns == 0);
	CU_ASSERT_TRUE(at_work.max_cpu_ns >= LONG_NS && at_work.long_cpu_turns >= 1);
	CU_ASSERT_TRUE(at_work.max_ns >= at_work.max_cpu_ns && at_work.long_turns >= at_work.long_cpu_turns);
}

/* The supervisor leaves with the first answer, though the store has posted more. */
static void supervisor_turn_that_leaves(void *state, struct message message)
{
	struct play *play = state;
	play->answered++;
	actor_leave(play->supervisor);
}

static void store_turn_that_asks_too(void *state, struct message message)
{
	struct play *play = state;
	actor_post(play->store, play->supervisor, STORE_STOP_DONE, 0, NULL);
	struct config *config = malloc(sizeof(*config));
	config_init(config);
	actor_post(play->store, play->supervisor, SUPERVISOR_LISTEN, 0, config);
}

static void what_nobody_has_taken_is_freed_at_the_end(void)
{
	struct play play = { .supervisor_turn = supervisor_turn_that_leaves, .store_turn = store_turn_that_asks_too };
	discarded = 0;
	run(&play, ask);
	runtime_stop(play.runtime, discard);
	CU_ASSERT_EQUAL(discarded, 1);
	CU_ASSERT_EQUAL(play.answered, 1);
	runtime_destroy(&play.runtime);
}

/* In a child process: a message that the catalogue does not allow stops it. */
static bool stops_the_process(void (*first)(struct play *play))
{
	pid_t child = fork();
	if (child == 0) {
		struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		log_open("/dev/null", LOG_WARNING);
		struct play play = { 0 };
		run(&play, first);
		_exit(0);
	}
	int status = 0;
	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void post_what_is_for_another(struct play *play)
{
	actor_post(play->supervisor, play->store, REACTOR_STOP, 0, NULL);
}

static void post_in_anothers_name(struct play *play)
{
	actor_post(play->supervisor, play->store, STORE_TICK, 0, NULL);
}

static void post_without_room(struct play *play)
{
	for (int i = 0; i < 10000; i++)
		ask(play);
}

static void what_the_catalogue_does_not_allow_stops_the_process(void)
{
	CU_ASSERT_TRUE(stops_the_process(post_what_is_for_another));
	CU_ASSERT_TRUE(stops_the_process(post_in_anothers_name));
}

static void posting_beyond_the_slots_stops_the_process(void)
{
	CU_ASSERT_TRUE(stops_the_process(post_without_room));
}

/* ---- timers: a reactor, since REACTOR_ADOPT is a message to its own kind ---- */

#define SHORTLY_NS 3000000

struct alarm {
	struct runtime *runtime;
	struct actor *actor;
	ev_timer begin;
	ev_check after_wait;
	void (*first)(struct alarm *alarm);
	uint64_t at_ns; /* the last time for which it was armed */
	int turns;
	bool is_early, is_wrong;
};

static void alarm_turn(void *state, struct message message)
{
	struct alarm *alarm = state;
	alarm->turns++;
	alarm->is_early |= monotonic_ns() < alarm->at_ns;
	alarm->is_wrong |= message.type != REACTOR_ADOPT || message.sender != alarm->actor->number || message.payload;
	actor_leave(alarm->actor);
}

static void arm(struct alarm *alarm, uint64_t at_ns)
{
	alarm->at_ns = at_ns;
	actor_arm_timer(alarm->actor, REACTOR_ADOPT, at_ns);
}

static void arm_shortly(struct alarm *alarm)
{
	arm(alarm, monotonic_ns() + SHORTLY_NS);
}

static void on_alarm_begin(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct alarm *alarm = watcher->data;
	alarm->first(alarm);
}

static void run_alarm(struct alarm *alarm, void (*first)(struct alarm *alarm))
{
	const uint32_t counts[ACTOR_KINDS] = { [ACTOR_REACTOR] = 1 };
	alarm->runtime = runtime_create(counts);
	alarm->actor = runtime_actor(alarm->runtime, ACTOR_REACTOR, 0);
	alarm->first = first;
	actor_bind(alarm->actor, alarm_turn, alarm);
	runtime_open(alarm->runtime);
	ev_timer_init(&alarm->begin, on_alarm_begin, 0.0, 0.0);
	alarm->begin.data = alarm;
	ev_timer_start(alarm->actor->loop, &alarm->begin);
	actor_run(alarm->actor);
}

static void end_alarm(struct alarm *alarm)
{
	CU_ASSERT_EQUAL(alarm->turns, 1);
	CU_ASSERT_FALSE(alarm->is_early);
	CU_ASSERT_FALSE(alarm->is_wrong);
	CU_ASSERT_EQUAL(actor_mailbox_depth(alarm->actor), 0);
	runtime_stop(alarm->runtime, discard);
	CU_ASSERT_EQUAL(atomic_load(&alarm->actor->counts[REACTOR_ADOPT].turns), 1);
	runtime_destroy(&alarm->runtime);
}

static void a_timer_is_a_turn_and_never_early(void)
{
	struct alarm alarm = { 0 };
	run_alarm(&alarm, arm_shortly);
	end_alarm(&alarm);
}

static void arm_for_the_past(struct alarm *alarm)
{
	arm(alarm, 0);
}

static void a_timer_for_the_past_is_due_at_once(void)
{
	struct alarm alarm = { 0 };
	run_alarm(&alarm, arm_for_the_past);
	end_alarm(&alarm);
}

static void arm_several_times(struct alarm *alarm)
{
	actor_disarm_timer(alarm->actor); /* nothing is armed yet */
	arm_for_the_past(alarm);
	actor_disarm_timer(alarm->actor);
	arm_for_the_past(alarm);
	arm_shortly(alarm);
}

static void only_the_last_arming_counts(void)
{
	struct alarm alarm = { 0 };
	run_alarm(&alarm, arm_several_times);
	end_alarm(&alarm);
}

/* It runs when the loop has seen the expiry, and before the loop handles it. */
static void on_seen(struct ev_loop *loop, ev_check *watcher, int events)
{
	struct alarm *alarm = watcher->data;
	ev_check_stop(loop, watcher);
	arm_shortly(alarm);
}

static void arm_and_watch(struct alarm *alarm)
{
	arm_for_the_past(alarm);
	ev_check_init(&alarm->after_wait, on_seen);
	ev_set_priority(&alarm->after_wait, EV_MAXPRI);
	alarm->after_wait.data = alarm;
	ev_check_start(alarm->actor->loop, &alarm->after_wait);
}

static void an_expiry_that_the_loop_has_seen_is_replaced_too(void)
{
	struct alarm alarm = { 0 };
	run_alarm(&alarm, arm_and_watch);
	end_alarm(&alarm);
}

static void arm_for_what_is_posted_by_another(struct play *play)
{
	actor_arm_timer(play->supervisor, STORE_STOP_DONE, 0);
}

static void a_timer_for_anothers_message_stops_the_process(void)
{
	CU_ASSERT_TRUE(stops_the_process(arm_for_what_is_posted_by_another));
}

static void every_message_has_a_name(void)
{
	for (int type = 0; type < MESSAGE_TYPES; type++)
		CU_ASSERT_TRUE(message_name((uint32_t)type)[0] != '\0');
	CU_ASSERT_STRING_EQUAL(message_name(STORE_REQUESTS), "STORE_REQUESTS");
	CU_ASSERT_STRING_EQUAL(message_name(MESSAGE_TYPES), "unknown");
}

static const struct suite_case cases[] = {
	/* the children first: they must be made before NNG has threads */
	CASE(what_the_catalogue_does_not_allow_stops_the_process),
	CASE(posting_beyond_the_slots_stops_the_process),
	CASE(a_timer_for_anothers_message_stops_the_process),
	CASE(questions_and_answers_go_round_and_are_counted),
	CASE(time_at_work_is_told_from_time_away),
	CASE(what_nobody_has_taken_is_freed_at_the_end),
	CASE(a_timer_is_a_turn_and_never_early),
	CASE(a_timer_for_the_past_is_due_at_once),
	CASE(only_the_last_arming_counts),
	CASE(an_expiry_that_the_loop_has_seen_is_replaced_too),
	CASE(every_message_has_a_name),
};

SUITE_MAIN("actor", cases)

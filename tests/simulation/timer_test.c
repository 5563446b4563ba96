/*
 * The timer of an actor, on simulated time.
 */
#include "actors/discard.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/host.h"
#include "simulation/scheduler.h"
#include "support/suite.h"

#define MS 1000000u

/* A reactor, since REACTOR_ADOPT is a message to its own kind. */
struct alarm {
	struct runtime *runtime;
	struct actor *actor;
	uint64_t fired_ns;
	int turns;
};

static void turn(void *state, struct message message)
{
	struct alarm *alarm = state;
	CU_ASSERT_EQUAL(message.type, REACTOR_ADOPT);
	CU_ASSERT_EQUAL(message.sender, alarm->actor->number);
	alarm->turns++;
	alarm->fired_ns = monotonic_ns();
}

static void begin(struct alarm *alarm)
{
	const uint32_t counts[ACTOR_KINDS] = { [ACTOR_REACTOR] = 1 };
	scheduler_begin(1, TRACE_QUIETLY);
	*alarm = (struct alarm){ .runtime = runtime_create(counts) };
	alarm->actor = runtime_actor(alarm->runtime, ACTOR_REACTOR, 0);
	actor_bind(alarm->actor, turn, alarm);
	runtime_open(alarm->runtime);
}

static void arm(struct alarm *alarm, uint64_t at_ns)
{
	actor_enter(alarm->actor);
	actor_arm_timer(alarm->actor, REACTOR_ADOPT, at_ns);
	actor_exit();
}

static void pass(int64_t ms)
{
	scheduler_advance_ms(ms);
	scheduler_settle();
}

static void end(struct alarm *alarm)
{
	runtime_stop(alarm->runtime, discard_message);
	runtime_destroy(&alarm->runtime);
}

static void it_fires_once_when_its_time_has_come(void)
{
	struct alarm alarm;
	begin(&alarm);
	uint64_t at_ns = monotonic_ns() + 5 * MS;
	arm(&alarm, at_ns);
	pass(4);
	CU_ASSERT_EQUAL(alarm.turns, 0);
	pass(1);
	CU_ASSERT_EQUAL(alarm.turns, 1);
	CU_ASSERT_EQUAL(alarm.fired_ns, at_ns);
	pass(100);
	CU_ASSERT_EQUAL(alarm.turns, 1);
	end(&alarm);
}

static void arming_again_replaces_it(void)
{
	struct alarm alarm;
	begin(&alarm);
	uint64_t now_ns = monotonic_ns();
	arm(&alarm, now_ns);
	arm(&alarm, now_ns + 2 * MS);
	scheduler_settle();
	CU_ASSERT_EQUAL(alarm.turns, 0);
	pass(2);
	CU_ASSERT_EQUAL(alarm.turns, 1);
	end(&alarm);
}

static void disarmed_it_does_not_fire(void)
{
	struct alarm alarm;
	begin(&alarm);
	arm(&alarm, monotonic_ns());
	actor_enter(alarm.actor);
	actor_disarm_timer(alarm.actor);
	actor_exit();
	pass(10);
	CU_ASSERT_EQUAL(alarm.turns, 0);
	end(&alarm);
}

static const struct suite_case cases[] = {
	CASE(it_fires_once_when_its_time_has_come),
	CASE(arming_again_replaces_it),
	CASE(disarmed_it_does_not_fire),
};
SUITE_MAIN("timer", cases)

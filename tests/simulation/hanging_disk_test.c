/*
 * A disk that hangs holds up the turn that called it, and nobody else.
 */
#include <errno.h>

#include "actors/discard.h"
#include "actors/runtime/clock.h"
#include "simulation/disk.h"
#include "simulation/host.h"
#include "simulation/scheduler.h"
#include "support/suite.h"

/* Two reactors: REACTOR_ADOPT is a message to their own kind. Each turn syncs a file. */
struct world {
	struct simulated_disk *whole;
	const struct disk *disk;
	struct runtime *runtime;
	struct user {
		struct world *world;
		struct actor *actor;
		int fd, begun, ended, error;
	} users[2];
};

static void turn(void *state, struct message message)
{
	struct user *user = state;
	user->begun++;
	user->error = user->world->disk->sync(user->world->disk, user->fd);
	user->ended++;
}

static void begin(struct world *world)
{
	const uint32_t counts[ACTOR_KINDS] = { [ACTOR_REACTOR] = 2 };
	scheduler_begin(1, TRACE_QUIETLY);
	*world = (struct world){ .whole = simulated_disk_create(1), .runtime = runtime_create(counts) };
	world->disk = simulated_disk_functions(world->whole);
	for (uint32_t i = 0; i < 2; i++) {
		struct user *user = &world->users[i];
		user->world = world;
		user->actor = runtime_actor(world->runtime, ACTOR_REACTOR, i);
		CU_ASSERT_EQUAL(world->disk->open(world->disk, i ? "one" : "zero", DISK_CREATE, &user->fd), 0);
		actor_bind(user->actor, turn, user);
		host_use_fiber(user->actor);
	}
	runtime_open(world->runtime);
}

static void end(struct world *world)
{
	runtime_stop(world->runtime, discard_message);
	runtime_destroy(&world->runtime);
	simulated_disk_destroy(&world->whole);
}

static void post(struct user *from, struct user *to)
{
	actor_enter(from->actor);
	actor_post(from->actor, to->actor, REACTOR_ADOPT, 0, NULL);
	actor_exit();
	scheduler_settle();
}

static void arm(struct user *user, uint64_t in_ns)
{
	actor_enter(user->actor);
	actor_arm_timer(user->actor, REACTOR_ADOPT, monotonic_ns() + in_ns);
	actor_exit();
	scheduler_settle();
}

static void its_turn_stands_still_and_others_go_on(void)
{
	struct world world;
	begin(&world);
	struct user *first = &world.users[0], *second = &world.users[1];
	simulated_disk_hang(world.whole, CALL_SYNC, true);
	post(second, first);
	CU_ASSERT_TRUE(first->begun == 1 && first->ended == 0);
	CU_ASSERT_EQUAL(simulated_disk_hanging(world.whole), 1);
	post(second, first);
	arm(first, 0);
	CU_ASSERT_EQUAL(first->begun, 1); /* neither message nor timer interrupts a turn */
	arm(second, 0);
	CU_ASSERT_EQUAL(second->begun, 1);
	CU_ASSERT_EQUAL(simulated_disk_hanging(world.whole), 2);
	scheduler_advance_ms(10000);
	scheduler_settle();
	CU_ASSERT_TRUE(first->ended == 0 && second->ended == 0);
	simulated_disk_hang(world.whole, CALL_SYNC, false);
	scheduler_settle();
	CU_ASSERT_TRUE(first->ended == 3 && first->error == 0);
	CU_ASSERT_TRUE(second->ended == 1 && second->error == 0);
	end(&world);
}

static void a_power_cut_ends_it(void)
{
	struct world world;
	begin(&world);
	struct user *first = &world.users[0], *second = &world.users[1];
	simulated_disk_hang(world.whole, CALL_SYNC, true);
	post(second, first);
	simulated_disk_cut(world.whole);
	scheduler_settle();
	CU_ASSERT_TRUE(first->ended == 1 && first->error == EIO);
	end(&world);
}

static const struct suite_case cases[] = {
	CASE(its_turn_stands_still_and_others_go_on),
	CASE(a_power_cut_ends_it),
};
SUITE_MAIN("hanging disk", cases)

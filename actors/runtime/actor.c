/*
 * The catalogue (messages) and the topology are tables made from the .def files. runtime_open() checks that they agree:
 * every message has an edge with slots, every such edge has a message. Only these edges get channels.
 */
#include "actor.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/host.h"
#include "actors/runtime/log.h"

/* The bound of INFO's above_2ms. */
#define LONG_TURN_NS 2000000u
/* Reading the thread's CPU clock in each turn would be too slow. A reading may be this old, and makes a turn look longer by at most that. */
#define CPU_READING_NS 100000u

#define POOL HOST_POOL
#define LOOP HOST_LOOP

static const struct {
	const char *name;
	enum host_kind host;
} kinds[ACTOR_KINDS] = {
#define ACTOR(kind, host, name, meaning) { name, host },
#define EDGE(sender, receiver, slots)
#include "topology.def"
#undef ACTOR
#undef EDGE
};

static const uint32_t edge_slots[ACTOR_KINDS][ACTOR_KINDS] = {
#define ACTOR(kind, host, name, meaning)
#define EDGE(sender, receiver, slots) [ACTOR_##sender][ACTOR_##receiver] = slots,
#include "topology.def"
#undef ACTOR
#undef EDGE
};

static const struct {
	const char *name;
	enum actor_kind sender, receiver;
} catalogue[MESSAGE_TYPES] = {
#define MESSAGE(name, sender, receiver, payload, meaning) { #name, ACTOR_##sender, ACTOR_##receiver },
#include "messages.def"
#undef MESSAGE
};

struct runtime {
	uint32_t counts[ACTOR_KINDS];
	uint32_t first[ACTOR_KINDS]; /* number of the first actor of each kind */
	uint32_t total;
	struct actor *actors;
	_Atomic int log_level;       /* relaxed: orders nothing */
};

static _Thread_local const struct actor *in_turn;

const char *message_name(uint32_t type)
{
	return type < MESSAGE_TYPES ? catalogue[type].name : "unknown";
}

static void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (!memory)
		crash_out_of_memory("the actors");
	return memory;
}

static uint64_t read_count(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The actor is the only writer of its counts, so a load and a store are enough. Relaxed: readers need whole numbers, no order. */
static void count_up(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, read_count(counter) + by, memory_order_relaxed);
}

static void raise_to(_Atomic uint64_t *most, uint64_t value)
{
	if (value > read_count(most))
		atomic_store_explicit(most, value, memory_order_relaxed);
}

struct moment moment_now(void)
{
	static _Thread_local struct moment read;
	uint64_t ns = monotonic_ns();
	if (ns - read.ns >= CPU_READING_NS)
		read = (struct moment){ ns, thread_cpu_ns() };
	return (struct moment){ ns, read.cpu_ns };
}

/* Long turns also record CPU time, to tell slow code from preemption. */
static void count_cpu(struct turn_count *count, uint64_t began_cpu_ns, uint64_t ns)
{
	if (ns <= LONG_TURN_NS && ns <= read_count(&count->max_cpu_ns))
		return;
	uint64_t used_ns = thread_cpu_ns() - began_cpu_ns;
	if (used_ns > ns)
		used_ns = ns;
	raise_to(&count->max_cpu_ns, used_ns);
	if (used_ns > LONG_TURN_NS)
		count_up(&count->long_cpu_turns, 1);
}

void count_turn(struct turn_count *count, struct moment began)
{
	uint64_t ns = monotonic_ns() - began.ns;
	count_up(&count->turns, 1);
	count_up(&count->ns, ns);
	if (ns > LONG_TURN_NS)
		count_up(&count->long_turns, 1);
	raise_to(&count->max_ns, ns);
	count_cpu(count, began.cpu_ns, ns);
}

static void act_for(const struct actor *actor, const char *what)
{
	in_turn = actor;
	crash_context_set(actor->name, what);
	log_use_level(&actor->runtime->log_level);
}

void actor_take_turn(struct actor *actor, struct message message)
{
	if (message.type >= MESSAGE_TYPES || catalogue[message.type].receiver != actor->kind)
		crash_broken_invariant("%s was sent message %u, which is not for it", actor->name, message.type);
	count_up(&actor->received, 1);
	act_for(actor, catalogue[message.type].name);
	struct moment began = moment_now();
	actor->turn(actor->state, message);
	count_turn(&actor->counts[message.type], began);
}

void actor_enter(const struct actor *actor)
{
	act_for(actor, "events");
}

void actor_exit(void)
{
	in_turn = NULL;
	crash_context_set(NULL, NULL);
	log_use_level(NULL);
}

static void name_actor(struct actor *actor, bool is_alone)
{
	if (is_alone)
		snprintf(actor->name, sizeof(actor->name), "%s", kinds[actor->kind].name);
	else
		snprintf(actor->name, sizeof(actor->name), "%s-%u", kinds[actor->kind].name, actor->index);
}

struct runtime *runtime_create(const uint32_t counts[ACTOR_KINDS])
{
	struct runtime *runtime = must_allocate(1, sizeof(*runtime));
	runtime->log_level = LOG_NOTICE;
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++) {
		runtime->counts[kind] = counts[kind];
		runtime->first[kind] = runtime->total;
		runtime->total += counts[kind];
	}
	runtime->actors = must_allocate(runtime->total, sizeof(struct actor));
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++)
		for (uint32_t i = 0; i < counts[kind]; i++) {
			struct actor *actor = &runtime->actors[runtime->first[kind] + i];
			actor->kind = (enum actor_kind)kind;
			actor->index = i;
			actor->number = runtime->first[kind] + i;
			actor->runtime = runtime;
			actor->channels = must_allocate(runtime->total, sizeof(*actor->channels));
			actor->posted = must_allocate(runtime->total, sizeof(*actor->posted));
			name_actor(actor, counts[kind] == 1);
			host_init(actor, kinds[kind].host);
		}
	return runtime;
}

struct actor *runtime_actor(struct runtime *runtime, enum actor_kind kind, uint32_t index)
{
	if (index >= runtime->counts[kind])
		crash_broken_invariant("there is no %s %u", kinds[kind].name, index);
	return &runtime->actors[runtime->first[kind] + index];
}

uint32_t runtime_count(const struct runtime *runtime, enum actor_kind kind)
{
	return runtime->counts[kind];
}

void runtime_set_log_level(struct runtime *runtime, int level)
{
	atomic_store_explicit(&runtime->log_level, level, memory_order_relaxed);
}

void actor_bind(struct actor *actor, void (*turn)(void *state, struct message message), void *state)
{
	actor->turn = turn;
	actor->state = state;
}

static void check_catalogue(void)
{
	bool has_message[ACTOR_KINDS][ACTOR_KINDS] = { { false } };
	for (uint32_t type = 0; type < MESSAGE_TYPES; type++) {
		has_message[catalogue[type].sender][catalogue[type].receiver] = true;
		if (edge_slots[catalogue[type].sender][catalogue[type].receiver] == 0)
			crash_broken_invariant("%s has no edge in the topology", catalogue[type].name);
	}
	for (uint32_t from = 0; from < ACTOR_KINDS; from++)
		for (uint32_t to = 0; to < ACTOR_KINDS; to++)
			if (edge_slots[from][to] && !has_message[from][to])
				crash_broken_invariant("the edge from %s to %s has no message", kinds[from].name,
						       kinds[to].name);
}

uint32_t runtime_edge_slots(enum actor_kind sender, enum actor_kind receiver)
{
	return edge_slots[sender][receiver];
}

/* A process may have several runtimes (tests), so a mailbox's name contains the runtime's address. */
static void mailbox_name(const struct actor *actor, char *out, size_t size)
{
	snprintf(out, size, "%p-%s", (void *)actor->runtime, actor->name);
}

static void open_mailbox(struct actor *actor)
{
	char name[64];
	if (!actor->turn)
		crash_broken_invariant("%s has no turn", actor->name);
	mailbox_name(actor, name, sizeof(name));
	actor->mailbox = mailbox_open(name, host_receive(actor), actor);
}

static void open_channels(struct actor *actor)
{
	for (uint32_t i = 0; i < actor->runtime->total; i++) {
		struct actor *to = &actor->runtime->actors[i];
		uint32_t slots = edge_slots[actor->kind][to->kind];
		char name[64];
		if (slots == 0 || to == actor)
			continue;
		mailbox_name(to, name, sizeof(name));
		actor->channels[i] = channel_open(name, slots);
	}
}

void runtime_open(struct runtime *runtime)
{
	check_catalogue();
	for (uint32_t i = 0; i < runtime->total; i++)
		open_mailbox(&runtime->actors[i]);
	for (uint32_t i = 0; i < runtime->total; i++)
		open_channels(&runtime->actors[i]);
	for (uint32_t i = 0; i < runtime->total; i++)
		mailbox_rearm(runtime->actors[i].mailbox);
}

static void close_actor(struct actor *actor)
{
	host_fini(actor);
	free(actor->channels);
	free((void *)actor->posted);
}

static void close_mailbox(struct actor *actor, mailbox_discard *discard)
{
	struct message arrived;
	uint64_t left = actor_mailbox_depth(actor);
	if (host_take_arrived(actor, &arrived)) {
		left--;
		discard(arrived);
	}
	mailbox_close(&actor->mailbox, left, discard);
}

void runtime_stop(struct runtime *runtime, mailbox_discard *discard)
{
	/* A running turn may still be posting: stop all mailboxes before closing any. */
	for (uint32_t i = 0; i < runtime->total; i++)
		if (runtime->actors[i].mailbox)
			mailbox_stop(runtime->actors[i].mailbox);
	for (uint32_t i = 0; i < runtime->total; i++)
		close_mailbox(&runtime->actors[i], discard);
	for (uint32_t i = 0; i < runtime->total; i++)
		for (uint32_t to = 0; to < runtime->total; to++)
			channel_close(&runtime->actors[i].channels[to]);
}

void runtime_destroy(struct runtime **runtime_at)
{
	struct runtime *runtime = *runtime_at;
	for (uint32_t i = 0; i < runtime->total; i++)
		close_actor(&runtime->actors[i]);
	free(runtime->actors);
	free(runtime);
	*runtime_at = NULL;
}

void actor_post_untyped(struct actor *self, struct actor *to, uint32_t type, uint64_t number, void *payload)
{
	actor_assert_turn(self);
	if (catalogue[type].sender != self->kind || catalogue[type].receiver != to->kind || !self->channels[to->number])
		crash_broken_invariant("%s may not post %s to %s", self->name, catalogue[type].name, to->name);
	count_up(&self->posted[to->number], 1);
	host_note_post(self);
	channel_post(self->channels[to->number],
		     (struct message){ .type = type, .sender = self->number, .number = number, .payload = (struct payload *)payload });
}

void actor_arm_timer(struct actor *self, uint32_t type, uint64_t at_ns)
{
	actor_assert_turn(self);
	if (catalogue[type].sender != self->kind || catalogue[type].receiver != self->kind || !actor_has_thread(self))
		crash_broken_invariant("%s may not arm a timer for %s", self->name, catalogue[type].name);
	host_arm_timer(self, type, at_ns);
}

void actor_disarm_timer(struct actor *self)
{
	actor_assert_turn(self);
	host_disarm_timer(self);
}

void actor_take_timer_turn(struct actor *actor, uint32_t type)
{
	count_up(&actor->posted[actor->number], 1);
	actor_take_turn(actor, (struct message){ .type = type, .sender = actor->number });
}

bool actor_has_thread(const struct actor *actor)
{
	return kinds[actor->kind].host == HOST_LOOP;
}

uint64_t actor_mailbox_depth(const struct actor *actor)
{
	/* Read `received` first: a message posted in between makes the depth too large, never negative. */
	uint64_t received = atomic_load_explicit(&actor->received, memory_order_acquire);
	uint64_t posted = 0;
	for (uint32_t i = 0; i < actor->runtime->total; i++)
		posted += atomic_load_explicit(&actor->runtime->actors[i].posted[actor->number], memory_order_relaxed);
	return posted > received ? posted - received : 0;
}

static void describe_count(const struct actor *actor, const char *what, const struct turn_count *count, struct buffer *out)
{
	uint64_t turns = read_count(&count->turns);
	if (turns == 0)
		return;
	buffer_printf(out, "turns_%s_%s:count=%llu,usec=%llu,usec_per_turn=%.2f,max_usec=%.2f,above_2ms=%llu,"
			   "max_cpu_usec=%.2f,cpu_above_2ms=%llu\r\n",
		      actor->name, what, (unsigned long long)turns, (unsigned long long)(read_count(&count->ns) / 1000),
		      (double)read_count(&count->ns) / 1000.0 / (double)turns, (double)read_count(&count->max_ns) / 1000.0,
		      (unsigned long long)read_count(&count->long_turns), (double)read_count(&count->max_cpu_ns) / 1000.0,
		      (unsigned long long)read_count(&count->long_cpu_turns));
}

void actor_describe(const struct actor *actor, struct buffer *out)
{
	buffer_printf(out, "actor_%s:mailbox_depth=%llu,received=%llu\r\n", actor->name,
		      (unsigned long long)actor_mailbox_depth(actor),
		      (unsigned long long)atomic_load_explicit(&actor->received, memory_order_relaxed));
	for (uint32_t type = 0; type < MESSAGE_TYPES; type++)
		describe_count(actor, catalogue[type].name, &actor->counts[type], out);
	if (actor->loop)
		describe_count(actor, "LOOP", &actor->loop_count, out);
}

static void clear_count(struct turn_count *count)
{
	_Atomic uint64_t *const all[] = { &count->turns, &count->ns, &count->max_ns, &count->long_turns, &count->max_cpu_ns,
					  &count->long_cpu_turns };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		atomic_store_explicit(all[i], 0, memory_order_relaxed);
}

void actor_reset_counts(struct actor *actor)
{
	for (uint32_t type = 0; type < MESSAGE_TYPES; type++)
		clear_count(&actor->counts[type]);
	clear_count(&actor->loop_count);
}

#ifdef QCACHE_CHECKED
void actor_assert_turn(const struct actor *actor)
{
	if (in_turn != actor)
		crash_broken_invariant("the state of %s is touched outside its turn", actor->name);
}
#endif

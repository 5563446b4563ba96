#include "support/journal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/runtime/crash.h"
#include "actors/bus/subscriber.h"
#include "actors/bus/turn_message.h"
#include "transport/bus.h"

/* PATIENCE_MS; deadline.h can't be included, since its monotonic_ms() has the name of the actors'. */
#define AWAIT_SECONDS 60

struct journal {
	struct subscriber subscriber;
	int64_t credit_bytes;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_held;
	uint64_t allowed;        /* messages, while held */
	struct journal_entry *entries;
	uint64_t count, capacity, frames, messages, gaps, last_sequence;
};

static void add(struct journal *journal, const struct frame *frame, const struct effect *effect)
{
	if (journal->count == journal->capacity) {
		journal->capacity = journal->capacity ? 2 * journal->capacity : 1024;
		journal->entries = realloc(journal->entries, journal->capacity * sizeof(*journal->entries));
		if (!journal->entries)
			abort();
	}
	struct journal_entry entry = {
		.sequence = frame->sequence,
		.type = effect->type,
		.database = effect->database,
		.number = effect->number,
		.result = effect->result,
		.value_len = effect->value.len,
	};
	for (size_t i = 0; i < effect->key.len; i++)
		entry.key_hash = entry.key_hash * 31 + effect->key.data[i];
	journal->entries[journal->count++] = entry;
}

uint64_t journal_key_hash(const char *key)
{
	uint64_t hash = 0;
	for (; *key; key++)
		hash = hash * 31 + (uint8_t)*key;
	return hash;
}

static void wait_for_leave(struct journal *journal)
{
	while (journal->is_held && journal->allowed == 0)
		pthread_cond_wait(&journal->changed, &journal->lock);
	if (journal->is_held)
		journal->allowed--;
}

static void take(void *context, const struct bus_message *head)
{
	struct journal *journal = context;
	const struct turn_message *message = (const struct turn_message *)head;
	struct frame_reader reader;
	struct frame frame;
	struct effect effect;

	pthread_mutex_lock(&journal->lock);
	wait_for_leave(journal);
	frame_reader_init(&reader, &message->frames);
	while (frame_next(&reader, &frame)) {
		uint32_t effects = 0;
		journal->gaps += frame.sequence != journal->last_sequence + 1;
		journal->last_sequence = frame.sequence;
		journal->frames++;
		for (; frame_next_effect(&reader, &effect); effects++)
			add(journal, &frame, &effect);
		journal->gaps += effects != frame.effects;
	}
	journal->messages++;
	pthread_cond_broadcast(&journal->changed);
	pthread_mutex_unlock(&journal->lock);
}

void journal_bind(struct actor *actor, void *context)
{
	struct journal *journal = context;
	subscriber_bind(&journal->subscriber, actor, &(struct subscriber_options){
		.interest = BUS_FRAMES, .credit_bytes = journal->credit_bytes, .take = take, .context = journal });
}

struct journal *journal_create(int64_t credit_bytes)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	if (!journal)
		abort();
	journal->credit_bytes = credit_bytes;
	pthread_mutex_init(&journal->lock, NULL);
	pthread_cond_init(&journal->changed, NULL);
	return journal;
}

void journal_destroy(struct journal **journal)
{
	pthread_mutex_destroy(&(*journal)->lock);
	pthread_cond_destroy(&(*journal)->changed);
	free((*journal)->entries);
	free(*journal);
	*journal = NULL;
}

static void set_hold(struct journal *journal, bool is_held, uint64_t allowed)
{
	pthread_mutex_lock(&journal->lock);
	journal->is_held = is_held;
	journal->allowed = allowed;
	pthread_cond_broadcast(&journal->changed);
	pthread_mutex_unlock(&journal->lock);
}

void journal_hold(struct journal *journal)
{
	set_hold(journal, true, 0);
}

void journal_let_go(struct journal *journal)
{
	set_hold(journal, false, 0);
}

void journal_let_take(struct journal *journal, uint64_t messages)
{
	pthread_mutex_lock(&journal->lock);
	journal->allowed += messages;
	pthread_cond_broadcast(&journal->changed);
	pthread_mutex_unlock(&journal->lock);
}

static uint64_t read_locked(struct journal *journal, const uint64_t *field)
{
	pthread_mutex_lock(&journal->lock);
	uint64_t value = *field;
	pthread_mutex_unlock(&journal->lock);
	return value;
}

uint64_t journal_count(struct journal *journal)
{
	return read_locked(journal, &journal->count);
}

uint64_t journal_frames(struct journal *journal)
{
	return read_locked(journal, &journal->frames);
}

uint64_t journal_messages(struct journal *journal)
{
	return read_locked(journal, &journal->messages);
}

uint64_t journal_gaps(struct journal *journal)
{
	return read_locked(journal, &journal->gaps);
}

struct journal_entry journal_at(struct journal *journal, uint64_t index)
{
	pthread_mutex_lock(&journal->lock);
	struct journal_entry entry = index < journal->count ? journal->entries[index] : (struct journal_entry){ 0 };
	pthread_mutex_unlock(&journal->lock);
	return entry;
}

bool journal_await(struct journal *journal, uint64_t effects)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += AWAIT_SECONDS;
	pthread_mutex_lock(&journal->lock);
	int status = 0;
	while (journal->count < effects && status == 0)
		status = pthread_cond_timedwait(&journal->changed, &journal->lock, &until);
	bool has_come = journal->count >= effects;
	pthread_mutex_unlock(&journal->lock);
	return has_come;
}

/*
 * Ticks are counted by uses: one for every 64th part of the keys, so that all ticks together are five hundred (ACCESS_LRU) or
 * a hundred and twenty-eight times as many uses as there are keys. When uses are few a tick lasts a second, or sixteen;
 * when there are none the clock stands still, as nothing could carry its time.
 *
 * What holds: an entry's tick is never more than LIMIT old after a sweep, and a sweep comes round within SWEEP ticks; both
 * together stay below what the bits can tell, with room for a sweep that is late. How much a turn sweeps is bounded, and turns may
 * be so far apart that each begins another tick: what a turn has left over must then be swept by turns of its own, whose time is
 * too short for a tick (eviction_is_behind()).
 */
#include "access.h"

#include "entry_layout.h"
#include "ghosts.h"

/*
 * ACCESS_LRU: weights of an age, of who has been used since it came and of who has not. Few of those ever will be; a plain
 * LRU keeps them as long as the others, and a scan of them empties the cache.
 */
#define WEIGHT_USED 2u
#define WEIGHT_UNUSED 3u

/* The count of a key that is new, so that it isn't evicted before it could be used again. As Redis's. */
#define LFU_NEW 5u
/* ACCESS_LFU: periods that the clock runs ahead at most in one go, after a time without a turn. */
#define LFU_LEAP 64u

/* ACCESS_LRFU: a count takes so many bits. */
#define COUNT_BITS 3u
#define COUNT_MAX GHOST_COUNT_MAX
#define EPOCH_BITS 10u

/*
 * ACCESS_LRFU: what an entry's age is multiplied with, by count: 1 / (1 + 20 * count). Chosen by playing traces (Zipf, with
 * scans, with a hot set that shifts) against 3, 6, 12 and squares: a key never used again goes twenty times sooner than one
 * that was, and the more often used ones are told apart, but less and less.
 */
#define WEIGHT(count) (65536u / (1 + 20 * (count)))

/* Ticks that one turn may advance: a small cache under a large batch must not run through all of them. */
#define TICKS_A_TURN 256u

static const struct kind_numbers {
	unsigned bits;           /* of a tick */
	uint64_t ticks_per_keys; /* uses of a tick: keys / this */
	int64_t tick_ms;
	uint32_t limit;          /* age to which older entries are set back */
	uint32_t sweep;          /* ticks in which all buckets are swept */
} numbers[] = {
	[ACCESS_LRU] = { 15, 64, 1000, 15000, 15000 },
	[ACCESS_LFU] = { 8, 0, 0, 0, 64 },
	[ACCESS_LRFU] = { 13, 64, 16000, 3900, 3900 },
};

static struct {
	struct access_settings settings;
	bool is_converting;         /* entries may still have the bits of another kind */
	uint32_t generation;        /* of kinds */
	uint32_t tick;              /* wraps at 2^bits of the kind */
	uint64_t uses;              /* since the tick began */
	int64_t tick_began_ms;      /* ACCESS_LFU: when the period was last looked at */
	uint64_t sweep_ticks;       /* since a share of the sweep was asked for */
	uint64_t sweep_owed;        /* parts of a bucket, as many to each as a round of the sweep has ticks */
	const struct entry *found;  /* by the last access_touch(), in this turn */
	uint64_t random;
	int64_t first_ms;           /* when all began: nothing has been idle for longer */
	struct ghosts ghosts;
	int64_t began_ms[1u << 15]; /* when each tick began; the system gives pages as they are written */
} state = { .settings = { .kind = ACCESS_LRU, .log_factor = 10, .decay_minutes = 1 }, .random = 0x9e3779b97f4a7c15 };

enum access_kind access_kind(void)
{
	return state.settings.kind;
}

static const struct kind_numbers *kind_numbers(void)
{
	return &numbers[state.settings.kind];
}

static uint32_t tick_mask(void)
{
	return (1u << kind_numbers()->bits) - 1;
}

static void begin_tick(int64_t now_ms)
{
	state.tick = (state.tick + 1) & tick_mask();
	state.began_ms[state.tick] = now_ms;
	state.tick_began_ms = now_ms;
	state.sweep_ticks++;
}

void access_configure(const struct access_settings *settings)
{
	if (settings->kind != state.settings.kind) {
		state.is_converting = true;
		state.generation++;
	}
	bool is_other = settings->kind != state.settings.kind || settings->decay_minutes != state.settings.decay_minutes;
	if (settings->kind != ACCESS_LRFU)
		ghosts_fini(&state.ghosts);
	state.settings = *settings;
	state.found = NULL;
	if (!is_other)
		return;
	state.tick &= tick_mask();
	state.tick_began_ms = 0;
	state.uses = 0;
}

static void advance_periods(int64_t now_ms)
{
	int64_t period_ms = (int64_t)state.settings.decay_minutes * 60000;
	if (period_ms <= 0)
		return;
	int64_t passed = now_ms / period_ms - state.tick_began_ms / period_ms;
	if (state.tick_began_ms == 0 || passed < 0)
		passed = 0;
	state.tick_began_ms = now_ms;
	uint32_t ticks = passed < LFU_LEAP ? (uint32_t)passed : LFU_LEAP;
	state.tick = (state.tick + ticks) & tick_mask();
	state.sweep_ticks += ticks;
}

static void advance_ticks(uint64_t keys, int64_t now_ms)
{
	uint64_t uses_a_tick = keys / kind_numbers()->ticks_per_keys + 1;
	if (state.uses == 0)
		return;
	unsigned ticks = 0;
	for (; state.uses >= uses_a_tick && ticks < TICKS_A_TURN; ticks++) {
		state.uses -= uses_a_tick;
		begin_tick(now_ms);
	}
	if (ticks == TICKS_A_TURN)
		state.uses = 0;
}

void access_advance(uint64_t keys, int64_t now_ms)
{
	state.found = NULL;
	if (state.first_ms == 0)
		state.first_ms = now_ms;
	if (state.settings.kind == ACCESS_LFU) {
		advance_periods(now_ms);
		return;
	}
	if (now_ms - state.tick_began_ms >= kind_numbers()->tick_ms)
		begin_tick(now_ms);
	advance_ticks(keys, now_ms);
	if (state.settings.kind == ACCESS_LRFU)
		ghosts_fit(&state.ghosts, keys);
}

/* Each tick makes a share of the buckets due; what is no whole bucket stays owed. More than one whole round never is. */
uint64_t access_sweep_due(uint64_t buckets, uint64_t most)
{
	uint64_t round = kind_numbers()->sweep, all = buckets * round;
	state.sweep_owed += state.sweep_ticks * buckets;
	state.sweep_ticks = 0;
	if (state.sweep_owed > all)
		state.sweep_owed = all;
	uint64_t due = state.sweep_owed / round;
	if (due > most)
		due = most;
	state.sweep_owed -= due * round;
	return due;
}

bool access_sweep_is_due(void)
{
	return state.sweep_owed >= kind_numbers()->sweep;
}

static uint64_t next_random(void)
{
	state.random ^= state.random << 13;
	state.random ^= state.random >> 7;
	state.random ^= state.random << 17;
	return state.random;
}

/* ---- counts and ages, by kind ---- */

static uint32_t age_of(uint32_t tick)
{
	return (state.tick - tick) & tick_mask();
}

static uint32_t lru_tick(const struct entry *entry)
{
	return entry->clock >> 1;
}

static bool lru_is_used(const struct entry *entry)
{
	return entry->clock & 1;
}

static uint16_t lru_clock(uint32_t tick, bool is_used)
{
	return (uint16_t)(tick << 1 | is_used);
}

static unsigned lfu_count(const struct entry *entry)
{
	unsigned count = entry->clock & 0xff, passed = age_of(entry->clock >> 8);
	if (state.settings.decay_minutes == 0)
		return count;
	return count > passed ? count - passed : 0;
}

static uint16_t lfu_clock(unsigned count)
{
	return (uint16_t)(state.tick << 8 | count);
}

/* One more with a chance of 1 in (count - LFU_NEW) * log_factor + 1. */
static unsigned lfu_increment(unsigned count)
{
	uint64_t above = count > LFU_NEW ? count - LFU_NEW : 0, one_in;
	if (count == 255)
		return count;
	if (__builtin_mul_overflow(above, state.settings.log_factor, &one_in))
		return count;
	return next_random() % (one_in + 1) == 0 ? count + 1 : count;
}

static uint32_t lrfu_tick(const struct entry *entry)
{
	return entry->clock >> COUNT_BITS;
}

static unsigned lrfu_count(const struct entry *entry)
{
	uint32_t epochs = (state.tick >> EPOCH_BITS) - (lrfu_tick(entry) >> EPOCH_BITS);
	return (entry->clock & COUNT_MAX) >> (epochs & ((1u << (13 - EPOCH_BITS)) - 1));
}

static uint16_t lrfu_clock(uint32_t tick, unsigned count)
{
	return (uint16_t)(tick << COUNT_BITS | count);
}

/* Uses within one tick count once: who is read five times in a row is no friend for life. */
static void lrfu_touch(struct entry *entry)
{
	if (lrfu_tick(entry) == state.tick)
		return;
	unsigned count = lrfu_count(entry);
	entry->clock = lrfu_clock(state.tick, count < COUNT_MAX ? count + 1 : COUNT_MAX);
}

void access_touch(struct entry *entry)
{
	state.uses++;
	state.found = entry;
	switch (state.settings.kind) {
	case ACCESS_LRU: entry->clock = lru_clock(state.tick, true); return;
	case ACCESS_LFU: entry->clock = lfu_clock(lfu_increment(lfu_count(entry))); return;
	case ACCESS_LRFU: lrfu_touch(entry); return;
	}
}

void access_touch_overwritten(struct entry *entry)
{
	if (state.found != entry)
		access_touch(entry);
	state.found = NULL;
}

uint16_t access_of_new(uint64_t hash)
{
	state.uses++;
	switch (state.settings.kind) {
	case ACCESS_LRU: return lru_clock(state.tick, false);
	case ACCESS_LFU: return lfu_clock(LFU_NEW);
	case ACCESS_LRFU: return lrfu_clock(state.tick, ghosts_take(&state.ghosts, hash));
	}
	__builtin_unreachable();
}

/* While bits are converted they are moved to where conversion may have been already: then the entry is as good as new. */
uint16_t access_of_moved(const struct entry *from, uint64_t hash)
{
	return state.is_converting ? access_of_new(hash) : from->clock;
}

bool access_is_converting(void)
{
	return state.is_converting;
}

uint32_t access_generation(void)
{
	return state.generation;
}

void access_end_conversion(void)
{
	state.is_converting = false;
}

void access_convert(struct entry *entry)
{
	switch (state.settings.kind) {
	case ACCESS_LRU: entry->clock = lru_clock(state.tick, false); return;
	case ACCESS_LFU: entry->clock = lfu_clock(LFU_NEW); return; /* with less it would go before any key that is written now */
	case ACCESS_LRFU: entry->clock = lrfu_clock(state.tick, 0); return;
	}
}

/* While there are entries with foreign bits all are the coldest: once there are none, who is left of those chosen is warmer. */
uint32_t access_coldness(const struct entry *entry)
{
	if (state.is_converting)
		return UINT32_MAX;
	switch (state.settings.kind) {
	case ACCESS_LRU: return age_of(lru_tick(entry)) * (lru_is_used(entry) ? WEIGHT_USED : WEIGHT_UNUSED);
	case ACCESS_LFU: return 255 - lfu_count(entry);
	case ACCESS_LRFU: return (age_of(lrfu_tick(entry)) + 1) * WEIGHT(lrfu_count(entry));
	}
	__builtin_unreachable();
}

void access_forget(const struct entry *entry, uint64_t hash)
{
	if (state.settings.kind != ACCESS_LRFU)
		return;
	unsigned count = state.is_converting ? 0 : lrfu_count(entry);
	ghosts_put(&state.ghosts, hash, count ? count : 1);
}

void access_sweep(struct entry *entry)
{
	uint32_t limit = kind_numbers()->limit, back = (state.tick - limit) & tick_mask();
	switch (state.settings.kind) {
	case ACCESS_LRU:
		if (age_of(lru_tick(entry)) > limit)
			entry->clock = lru_clock(back, lru_is_used(entry));
		return;
	case ACCESS_LFU:
		entry->clock = lfu_clock(lfu_count(entry));
		return;
	case ACCESS_LRFU: /* which is so old that its count has come to nothing */
		if (age_of(lrfu_tick(entry)) > limit)
			entry->clock = lrfu_clock(back, 0);
		return;
	}
}

int64_t entry_idle_ms(const struct entry *entry, int64_t now_ms)
{
	if (state.settings.kind == ACCESS_LFU || state.is_converting)
		return 0;
	uint32_t tick = state.settings.kind == ACCESS_LRU ? lru_tick(entry) : lrfu_tick(entry);
	int64_t since_ms = state.began_ms[tick] > state.first_ms ? state.began_ms[tick] : state.first_ms;
	return now_ms > since_ms ? now_ms - since_ms : 0;
}

unsigned entry_frequency(const struct entry *entry)
{
	if (state.is_converting)
		return 0;
	switch (state.settings.kind) {
	case ACCESS_LRU: return 0;
	case ACCESS_LFU: return lfu_count(entry);
	case ACCESS_LRFU: return lrfu_count(entry);
	}
	__builtin_unreachable();
}

void access_fini(void)
{
	ghosts_fini(&state.ghosts);
}

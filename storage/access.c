/*
 * A tick ends after keys / 64 uses, so a full round of ticks is 512 (ACCESS_LRU) or 128 (ACCESS_LRFU) uses per key. If uses are
 * few, a tick ends after one second, or after sixteen. The clock advances only in turns.
 *
 * What holds: after a sweep no entry's age exceeds `limit`, and a round of sweeping takes `sweep` ticks; their
 * sum stays below the number of ticks, with a margin for a late sweep. A turn sweeps a bounded number of buckets, and turns may
 * be so far apart that each begins another tick. Buckets left over then get extra turns, which are too close to begin
 * a tick (eviction_is_behind()).
 */
#include "access.h"

#include <stdlib.h>

#include "entry_layout.h"
#include "ghosts.h"

/*
 * ACCESS_LRU: factors of the age, for entries used since they were added and for others. Few of the others ever are used; plain
 * LRU keeps both equally long, and a scan of new keys empties the cache.
 */
#define WEIGHT_USED 2u
#define WEIGHT_UNUSED 3u

/* The count of a new key, so that it isn't evicted before it could be used again. As in Redis. */
#define LFU_NEW 5u
/* ACCESS_LFU: the most periods that the clock advances at once, after a time without turns. */
#define LFU_LEAP 64u

/* ACCESS_LRFU: the bits of a count. */
#define COUNT_BITS 3u
#define COUNT_MAX GHOST_COUNT_MAX
#define EPOCH_BITS 10u

/*
 * ACCESS_LRFU: the factor of an entry's age, by count: 1 / (1 + 20 * count). Chosen by replaying traces (Zipf, with
 * scans, with a shifting hot set) against 3, 6, 12 and squares: a key never used again is evicted twenty times sooner than one used
 * once, and higher counts differ less and less.
 */
#define WEIGHT(count) (65536u / (1 + 20 * (count)))

/* Before the start, each tick of the older half stands for so many of the kind's shortest ticks: 52 days in all for ACCESS_LRU. */
#define TICKS_LONG_AGO 600

/* The most ticks that one turn advances: with few keys, a large batch could otherwise wrap the clock. */
#define TICKS_A_TURN 256u

static const struct kind_numbers {
	unsigned bits;           /* of a tick */
	uint64_t ticks_per_keys; /* a tick has keys / this uses */
	int64_t tick_ms;
	uint32_t limit;          /* older entries get this age */
	uint32_t sweep;          /* ticks in which all buckets are swept */
} numbers[] = {
	[ACCESS_LRU] = { 15, 64, 1000, 15000, 15000 },
	[ACCESS_LFU] = { 8, 0, 0, 0, 64 },
	[ACCESS_LRFU] = { 13, 64, 16000, 3900, 3900 },
};

struct access {
	struct access_settings settings;
	bool is_converting;         /* entries may still have the bits of another kind */
	uint32_t generation;        /* counts changes of kind */
	uint32_t tick;              /* wraps at 2^bits of the kind */
	uint64_t uses;              /* since the tick began */
	int64_t tick_began_ms;      /* ACCESS_LFU: when the clock was last advanced */
	uint64_t sweep_ticks;       /* ticks since access_sweep_due() was called */
	uint64_t sweep_owed;        /* in units of a bucket / the sweep's ticks */
	const struct entry *found;  /* by the last access_touch(), in this turn */
	uint64_t random;
	bool has_history;           /* began_ms is complete */
	struct ghosts ghosts;
	int64_t began_ms[1u << 15]; /* when each tick began; those of the last round, if they never did, are given times before the start */
};

struct access *access_create(struct memory *memory)
{
	struct access *access = calloc(1, sizeof(*access));
	if (!access)
		return NULL;
	access->settings = (struct access_settings){ .kind = ACCESS_LRU, .log_factor = 10, .decay_minutes = 1 };
	access->random = 0x9e3779b97f4a7c15;
	ghosts_init(&access->ghosts, memory);
	return access;
}

void access_destroy(struct access **access)
{
	if (!*access)
		return;
	ghosts_fini(&(*access)->ghosts);
	free(*access);
	*access = NULL;
}

enum access_kind access_kind(const struct access *access)
{
	return access->settings.kind;
}

static const struct kind_numbers *kind_numbers(const struct access *access)
{
	return &numbers[access->settings.kind];
}

static uint32_t tick_mask(const struct access *access)
{
	return (1u << kind_numbers(access)->bits) - 1;
}

static void begin_tick(struct access *access, int64_t now_ms)
{
	access->tick = (access->tick + 1) & tick_mask(access);
	access->began_ms[access->tick] = now_ms;
	access->tick_began_ms = now_ms;
	access->sweep_ticks++;
}

void access_configure(struct access *access, const struct access_settings *settings)
{
	if (settings->kind != access->settings.kind) {
		access->is_converting = true;
		access->has_history = false;
		access->generation++;
	}
	bool is_other = settings->kind != access->settings.kind || settings->decay_minutes != access->settings.decay_minutes;
	if (settings->kind != ACCESS_LRFU)
		ghosts_fini(&access->ghosts);
	access->settings = *settings;
	access->found = NULL;
	if (!is_other)
		return;
	access->tick &= tick_mask(access);
	access->tick_began_ms = 0;
	access->uses = 0;
}

static void advance_periods(struct access *access, int64_t now_ms)
{
	int64_t period_ms = (int64_t)access->settings.decay_minutes * 60000;
	if (period_ms <= 0)
		return;
	int64_t passed = now_ms / period_ms - access->tick_began_ms / period_ms;
	if (access->tick_began_ms == 0 || passed < 0)
		passed = 0;
	access->tick_began_ms = now_ms;
	uint32_t ticks = passed < LFU_LEAP ? (uint32_t)passed : LFU_LEAP;
	access->tick = (access->tick + ticks) & tick_mask(access);
	access->sweep_ticks += ticks;
}

static void advance_ticks(struct access *access, uint64_t keys, int64_t now_ms)
{
	uint64_t uses_a_tick = keys / kind_numbers(access)->ticks_per_keys + 1;
	if (access->uses == 0)
		return;
	unsigned ticks = 0;
	for (; access->uses >= uses_a_tick && ticks < TICKS_A_TURN; ticks++) {
		access->uses -= uses_a_tick;
		begin_tick(access, now_ms);
	}
	if (ticks == TICKS_A_TURN)
		access->uses = 0;
}

/* How long before the start a tick of this age began. */
static int64_t long_ago_ms(const struct access *access, uint32_t age)
{
	uint32_t recent = kind_numbers(access)->limit / 2;
	int64_t ticks = age <= recent ? age : recent + (int64_t)(age - recent) * TICKS_LONG_AGO;
	return ticks * kind_numbers(access)->tick_ms;
}

static void make_history(struct access *access, int64_t now_ms)
{
	for (uint32_t age = 0; age <= tick_mask(access); age++)
		access->began_ms[(access->tick - age) & tick_mask(access)] = now_ms - long_ago_ms(access, age);
	access->has_history = true;
}

void access_advance(struct access *access, uint64_t keys, int64_t now_ms)
{
	access->found = NULL;
	if (!access->has_history)
		make_history(access, now_ms);
	if (access->settings.kind == ACCESS_LFU) {
		advance_periods(access, now_ms);
		return;
	}
	if (now_ms - access->tick_began_ms >= kind_numbers(access)->tick_ms)
		begin_tick(access, now_ms);
	advance_ticks(access, keys, now_ms);
	if (access->settings.kind == ACCESS_LRFU)
		ghosts_fit(&access->ghosts, keys);
}

/* Each tick makes a share of the buckets due; fractions of a bucket accumulate. At most one whole round is due. */
uint64_t access_sweep_due(struct access *access, uint64_t buckets, uint64_t most)
{
	uint64_t round = kind_numbers(access)->sweep, all = buckets * round;
	access->sweep_owed += access->sweep_ticks * buckets;
	access->sweep_ticks = 0;
	if (access->sweep_owed > all)
		access->sweep_owed = all;
	uint64_t due = access->sweep_owed / round;
	if (due > most)
		due = most;
	access->sweep_owed -= due * round;
	return due;
}

bool access_sweep_is_due(const struct access *access)
{
	return access->sweep_owed >= kind_numbers(access)->sweep;
}

static uint64_t next_random(struct access *access)
{
	access->random ^= access->random << 13;
	access->random ^= access->random >> 7;
	access->random ^= access->random << 17;
	return access->random;
}

/* ---- counts and ages, by kind ---- */

static uint32_t age_of(const struct access *access, uint32_t tick)
{
	return (access->tick - tick) & tick_mask(access);
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

static unsigned lfu_count(const struct access *access, const struct entry *entry)
{
	unsigned count = entry->clock & 0xff, passed = age_of(access, entry->clock >> 8);
	if (access->settings.decay_minutes == 0)
		return count;
	return count > passed ? count - passed : 0;
}

static uint16_t lfu_clock(const struct access *access, unsigned count)
{
	return (uint16_t)(access->tick << 8 | count);
}

/* Increments with probability 1 / ((count - LFU_NEW) * log_factor + 1). */
static unsigned lfu_increment(struct access *access, unsigned count)
{
	uint64_t above = count > LFU_NEW ? count - LFU_NEW : 0, one_in;
	if (count == 255)
		return count;
	if (__builtin_mul_overflow(above, access->settings.log_factor, &one_in))
		return count;
	return next_random(access) % (one_in + 1) == 0 ? count + 1 : count;
}

static uint32_t lrfu_tick(const struct entry *entry)
{
	return entry->clock >> COUNT_BITS;
}

static unsigned lrfu_count(const struct access *access, const struct entry *entry)
{
	uint32_t epochs = (access->tick >> EPOCH_BITS) - (lrfu_tick(entry) >> EPOCH_BITS);
	return (entry->clock & COUNT_MAX) >> (epochs & ((1u << (13 - EPOCH_BITS)) - 1));
}

static uint16_t lrfu_clock(uint32_t tick, unsigned count)
{
	return (uint16_t)(tick << COUNT_BITS | count);
}

/* Uses within one tick count once: a burst of reads must not make a key look popular. */
static void lrfu_touch(const struct access *access, struct entry *entry)
{
	if (lrfu_tick(entry) == access->tick)
		return;
	unsigned count = lrfu_count(access, entry);
	entry->clock = lrfu_clock(access->tick, count < COUNT_MAX ? count + 1 : COUNT_MAX);
}

void access_touch(struct access *access, struct entry *entry)
{
	access->uses++;
	access->found = entry;
	switch (access->settings.kind) {
	case ACCESS_LRU: entry->clock = lru_clock(access->tick, true); return;
	case ACCESS_LFU: entry->clock = lfu_clock(access, lfu_increment(access, lfu_count(access, entry))); return;
	case ACCESS_LRFU: lrfu_touch(access, entry); return;
	}
}

void access_touch_overwritten(struct access *access, struct entry *entry)
{
	if (access->found != entry)
		access_touch(access, entry);
	access->found = NULL;
}

uint16_t access_of_new(struct access *access, uint64_t hash)
{
	access->uses++;
	switch (access->settings.kind) {
	case ACCESS_LRU: return lru_clock(access->tick, false);
	case ACCESS_LFU: return lfu_clock(access, LFU_NEW);
	case ACCESS_LRFU: return lrfu_clock(access->tick, ghosts_take(&access->ghosts, hash));
	}
	__builtin_unreachable();
}

/* During a conversion, the target may be in a bucket already converted: then the entry gets the bits of a new one. */
uint16_t access_of_moved(struct access *access, const struct entry *from, uint64_t hash)
{
	return access->is_converting ? access_of_new(access, hash) : from->clock;
}

bool access_is_converting(const struct access *access)
{
	return access->is_converting;
}

uint32_t access_generation(const struct access *access)
{
	return access->generation;
}

void access_end_conversion(struct access *access)
{
	access->is_converting = false;
}

void access_convert(const struct access *access, struct entry *entry)
{
	switch (access->settings.kind) {
	case ACCESS_LRU: entry->clock = lru_clock(access->tick, false); return;
	case ACCESS_LFU: entry->clock = lfu_clock(access, LFU_NEW); return; /* lower would be evicted first */
	case ACCESS_LRFU: entry->clock = lrfu_clock(access->tick, 0); return;
	}
}

/* Until every entry is converted, all compare equal (coldest). */
uint32_t access_coldness(const struct access *access, const struct entry *entry)
{
	if (access->is_converting)
		return UINT32_MAX;
	switch (access->settings.kind) {
	case ACCESS_LRU: return age_of(access, lru_tick(entry)) * (lru_is_used(entry) ? WEIGHT_USED : WEIGHT_UNUSED);
	case ACCESS_LFU: return 255 - lfu_count(access, entry);
	case ACCESS_LRFU: return (age_of(access, lrfu_tick(entry)) + 1) * WEIGHT(lrfu_count(access, entry));
	}
	__builtin_unreachable();
}

void access_forget(struct access *access, const struct entry *entry, uint64_t hash)
{
	if (access->settings.kind != ACCESS_LRFU)
		return;
	unsigned count = access->is_converting ? 0 : lrfu_count(access, entry);
	ghosts_put(&access->ghosts, hash, count ? count : 1);
}

void access_sweep(const struct access *access, struct entry *entry)
{
	uint32_t limit = kind_numbers(access)->limit, back = (access->tick - limit) & tick_mask(access);
	switch (access->settings.kind) {
	case ACCESS_LRU:
		if (age_of(access, lru_tick(entry)) > limit)
			entry->clock = lru_clock(back, lru_is_used(entry));
		return;
	case ACCESS_LFU:
		entry->clock = lfu_clock(access, lfu_count(access, entry));
		return;
	case ACCESS_LRFU: /* at this age the count has decayed to 0 */
		if (age_of(access, lrfu_tick(entry)) > limit)
			entry->clock = lrfu_clock(back, 0);
		return;
	}
}

int64_t access_idle_ms(const struct access *access, const struct entry *entry, int64_t now_ms)
{
	if (access->settings.kind == ACCESS_LFU || access->is_converting || !access->has_history)
		return 0;
	uint32_t tick = access->settings.kind == ACCESS_LRU ? lru_tick(entry) : lrfu_tick(entry);
	return now_ms > access->began_ms[tick] ? now_ms - access->began_ms[tick] : 0;
}

unsigned access_frequency(const struct access *access, const struct entry *entry)
{
	if (access->is_converting)
		return 0;
	switch (access->settings.kind) {
	case ACCESS_LRU: return 0;
	case ACCESS_LFU: return lfu_count(access, entry);
	case ACCESS_LRFU: return lrfu_count(access, entry);
	}
	__builtin_unreachable();
}

/* The newest tick that had begun by then, but none older than a sweep leaves. */
static uint32_t tick_at(const struct access *access, int64_t when_ms)
{
	uint32_t low = 0, high = kind_numbers(access)->limit; /* ages */
	while (low < high) {
		uint32_t age = (low + high) / 2;
		if (access->began_ms[(access->tick - age) & tick_mask(access)] <= when_ms)
			high = age;
		else
			low = age + 1;
	}
	return (access->tick - low) & tick_mask(access);
}

void access_set_idle(const struct access *access, struct entry *entry, int64_t idle_ms, int64_t now_ms)
{
	if (access->settings.kind == ACCESS_LFU || !access->has_history)
		return;
	uint32_t tick = tick_at(access, now_ms - idle_ms);
	bool is_lru = access->settings.kind == ACCESS_LRU;
	entry->clock = is_lru ? lru_clock(tick, lru_is_used(entry)) : lrfu_clock(tick, lrfu_count(access, entry));
}

void access_set_frequency(const struct access *access, struct entry *entry, unsigned frequency)
{
	if (access->settings.kind == ACCESS_LFU)
		entry->clock = lfu_clock(access, frequency < 255 ? frequency : 255);
	else if (access->settings.kind == ACCESS_LRFU)
		entry->clock = lrfu_clock(lrfu_tick(entry), frequency < COUNT_MAX ? frequency : COUNT_MAX);
}

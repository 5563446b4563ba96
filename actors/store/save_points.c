/*
 * Save points ("save 900 1"): when they ask for a snapshot, and when that is overdue.
 */
#include <stdlib.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/state.h"

/* After a failure, as in Redis. */
#define RETRY_MS 5000
/* A snapshot is overdue when it has been due for as long as its save point allows between two, and this much more. */
#define LATE_MS 60000

void store_apply_save_points(struct store *store)
{
	struct saving *saving = &store->saving;
	const struct config_words *words = &store->config.save;
	free(saving->points);
	saving->point_count = words->count / 2;
	saving->points = calloc(saving->point_count + 1, sizeof(*saving->points));
	if (!saving->points)
		crash_out_of_memory("the save points");
	for (uint32_t i = 0; i < saving->point_count; i++)
		saving->points[i] = (struct save_point){ strtoll(words->items[2 * i], NULL, 10),
							 strtoull(words->items[2 * i + 1], NULL, 10) };
	saving->due_since_ms = 0;
	saving->lateness_is_known = false;
}

/* How long after the last snapshot the next is due: that of the first save point with enough changes; INT64_MAX if none has. */
static int64_t period_ms(const struct saving *saving)
{
	int64_t least_ms = INT64_MAX;
	for (uint32_t i = 0; i < saving->point_count; i++) {
		const struct save_point *point = &saving->points[i];
		int64_t ms;
		if (saving->changes >= point->changes && !__builtin_mul_overflow(point->seconds, 1000, &ms) && ms < least_ms)
			least_ms = ms;
	}
	return least_ms;
}

static int64_t after(int64_t from_ms, int64_t ms)
{
	int64_t at_ms;
	return __builtin_add_overflow(from_ms, ms, &at_ms) ? INT64_MAX : at_ms;
}

static int64_t due_ms(const struct saving *saving)
{
	return after(saving->saved_ms, period_ms(saving));
}

/* INT64_MAX: it is not even due. */
static int64_t late_ms(const struct saving *saving)
{
	return saving->due_since_ms ? after(after(saving->due_since_ms, period_ms(saving)), LATE_MS) : INT64_MAX;
}

static int64_t try_ms(const struct saving *saving)
{
	int64_t due = due_ms(saving), retry = saving->failed_ms ? saving->failed_ms + RETRY_MS : 0;
	return due > retry ? due : retry;
}

static void warn_if_late(struct store *store)
{
	struct saving *saving = &store->saving;
	if (saving->lateness_is_known || store_save_overdue_ms(store) == 0)
		return;
	saving->lateness_is_known = true;
	log_event(LOG_WARNING, "A snapshot is overdue: the last one was complete %lld seconds ago, and %llu keys have changed since. %s%s",
		  (long long)(store->turn.monotonic_ms - saving->saved_ms) / 1000, (unsigned long long)saving->changes,
		  saving->failed_ms ? "The last attempt failed: " : "One is still being written", saving->failed_ms ? saving->last_error : "");
}

void store_check_save_points(struct store *store)
{
	struct saving *saving = &store->saving;
	int64_t now_ms = store->turn.monotonic_ms;
	if (saving->point_count == 0 || store->loading.is_on || store->shutdown.is_asked || now_ms < due_ms(saving))
		return;
	if (saving->due_since_ms == 0)
		saving->due_since_ms = now_ms;
	warn_if_late(store);
	if (saving_has_file(saving) || now_ms < try_ms(saving))
		return;
	log_event(LOG_NOTICE, "%llu changes in %lld seconds. Saving...", (unsigned long long)saving->changes,
		  (long long)(now_ms - saving->saved_ms) / 1000);
	saving->is_wanted[SNAPSHOT_TO_FILE] = true;
}

int64_t store_next_save_ms(const struct store *store)
{
	const struct saving *saving = &store->saving;
	int64_t next_ms = saving->lateness_is_known ? INT64_MAX : late_ms(saving);
	if (store->loading.is_on || store->shutdown.is_asked)
		return INT64_MAX;
	return saving_has_file(saving) || next_ms < try_ms(saving) ? next_ms : try_ms(saving);
}

int64_t store_save_overdue_ms(const struct store *store)
{
	const struct saving *saving = &store->saving;
	return store->turn.monotonic_ms >= late_ms(saving) ? store->turn.monotonic_ms - saving->due_since_ms : 0;
}

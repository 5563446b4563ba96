/*
 * A latency histogram with buckets that widen with the time. Up to HISTOGRAM_EXACT_NS each nanosecond has its own
 * bucket; from there on each power of two is divided into HISTOGRAM_PARTS, so that a time is known to 1.6 %.
 *
 * A plain struct that may be copied. Times past the last bucket are counted in the last one.
 */
#ifndef ACTORS_RUNTIME_HISTOGRAM_H
#define ACTORS_RUNTIME_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PARTS_LOG 6
#define HISTOGRAM_PARTS (1u << HISTOGRAM_PARTS_LOG)
#define HISTOGRAM_EXACT_NS (2u * HISTOGRAM_PARTS)
/* 2^40 ns are 18 minutes; no command or turn takes that long. */
#define HISTOGRAM_TOP_LOG 40
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP_LOG - HISTOGRAM_PARTS_LOG + 1) * HISTOGRAM_PARTS)

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t ns)
{
	if (__builtin_expect(ns < HISTOGRAM_EXACT_NS, 0))
		return (uint32_t)ns;
	if (__builtin_expect(ns >> HISTOGRAM_TOP_LOG != 0, 0))
		return HISTOGRAM_BUCKETS - 1;
	uint32_t shift = 63 - (uint32_t)__builtin_clzll(ns) - HISTOGRAM_PARTS_LOG;
	return shift * HISTOGRAM_PARTS + (uint32_t)(ns >> shift);
}

static inline void histogram_add(struct histogram *histogram, uint64_t ns)
{
	histogram->counts[histogram_bucket(ns)]++;
}

/* The longest time that falls into a bucket. */
uint64_t histogram_bucket_top_ns(uint32_t bucket);

void histogram_merge(struct histogram *into, const struct histogram *from);

uint64_t histogram_count(const struct histogram *histogram);
/* How many were shorter than `ns`. Exact for powers of two; otherwise the bucket that contains `ns` is not counted. */
uint64_t histogram_count_below(const struct histogram *histogram, uint64_t ns);
/* The time that `percent` of all did not exceed; 0 for an empty histogram. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, double percent);

#endif

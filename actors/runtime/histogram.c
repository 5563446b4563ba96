#include "histogram.h"

#include <math.h>

uint64_t histogram_bucket_top_ns(uint32_t bucket)
{
	if (bucket < HISTOGRAM_EXACT_NS)
		return bucket;
	uint32_t shift = bucket / HISTOGRAM_PARTS - 1;
	uint64_t part = bucket % HISTOGRAM_PARTS + HISTOGRAM_PARTS;
	return ((part + 1) << shift) - 1;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
}

uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += histogram->counts[i];
	return count;
}

uint64_t histogram_count_below(const struct histogram *histogram, uint64_t ns)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && histogram_bucket_top_ns(i) < ns; i++)
		count += histogram->counts[i];
	return count;
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, double percent)
{
	uint64_t wanted = (uint64_t)ceil((double)histogram_count(histogram) * percent / 100), count = 0, top = 0;
	if (wanted == 0)
		wanted = 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && count < wanted; i++) {
		count += histogram->counts[i];
		if (histogram->counts[i])
			top = histogram_bucket_top_ns(i);
	}
	return top;
}

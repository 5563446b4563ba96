#include "gate.h"

/* A mark is far below UINT64_MAX, so adding 1 can't overflow. */
static void update(struct gate *gate)
{
	gate->open_below = gate->first ? 0 : gate->mark + 1;
}

void gate_init(struct gate *gate)
{
	*gate = (struct gate){ 0 };
	update(gate);
}

static size_t memory_of(const struct reply_batch *batch)
{
	return sizeof(*batch) + batch->text.capacity + batch->capacity * sizeof(*batch->parts);
}

static struct reply_batch *take_first(struct gate *gate)
{
	struct reply_batch *batch = gate->first;
	gate->first = batch->next;
	if (!batch->next)
		gate->last = NULL;
	batch->next = NULL;
	gate->taken_bytes -= memory_of(batch);
	update(gate);
	return batch;
}

void gate_fini(struct gate *gate)
{
	while (gate->first) {
		struct reply_batch *batch = take_first(gate);
		reply_batch_destroy(&batch);
	}
}

void gate_hold(struct gate *gate, uint64_t sequence, struct reply_batch *batch)
{
	batch->sequence = sequence;
	batch->next = NULL;
	*(gate->last ? &gate->last->next : &gate->first) = batch;
	gate->last = batch;
	gate->taken_bytes += memory_of(batch);
	update(gate);
}

void gate_set_mark(struct gate *gate, uint64_t mark)
{
	if (mark <= gate->mark)
		return;
	gate->mark = mark;
	update(gate);
}

struct reply_batch *gate_take(struct gate *gate)
{
	return gate->first && gate->first->sequence <= gate->mark ? take_first(gate) : NULL;
}

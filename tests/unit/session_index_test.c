#include "actors/store/session_index.h"

#include <stdlib.h>
#include <string.h>

#include "actors/store/session.h"
#include "support/random.h"
#include "support/suite.h"

enum { SESSIONS = 5000 };

static struct session sessions[SESSIONS];

static struct session_index begin(uint64_t first_id, uint64_t step)
{
	memset(sessions, 0, sizeof(sessions));
	for (uint64_t i = 0; i < SESSIONS; i++)
		sessions[i].connection.id = first_id + i * step;
	return (struct session_index){ 0 };
}

static void an_empty_index_finds_nobody(void)
{
	struct session_index index = { 0 };
	CU_ASSERT_PTR_NULL(session_index_find(&index, 0));
	CU_ASSERT_PTR_NULL(session_index_find(&index, 1));
}

static void every_session_is_found_while_the_index_grows(void)
{
	struct session_index index = begin(7, 1);
	for (uint64_t i = 0; i < 300; i++) {
		CU_ASSERT(session_index_add(&index, &sessions[i]));
		for (uint64_t j = 0; j <= i; j++)
			CU_ASSERT_PTR_EQUAL(session_index_find(&index, 7 + j), &sessions[j]);
		CU_ASSERT_PTR_NULL(session_index_find(&index, 6));
		CU_ASSERT_PTR_NULL(session_index_find(&index, 8 + i));
	}
	for (uint64_t i = 0; i < 300; i++)
		session_index_remove(&index, &sessions[i]);
}

static void ids_with_the_same_low_bits_are_told_apart(void)
{
	struct session_index index = begin(1, UINT64_C(1) << 40);
	for (uint64_t i = 0; i < 200; i++)
		CU_ASSERT(session_index_add(&index, &sessions[i]));
	for (uint64_t i = 0; i < 200; i++)
		CU_ASSERT_PTR_EQUAL(session_index_find(&index, sessions[i].connection.id), &sessions[i]);
	for (uint64_t i = 0; i < 200; i++)
		session_index_remove(&index, &sessions[i]);
}

static void sessions_come_and_go_in_any_order(void)
{
	struct random chance = { random_seed("session index") };
	struct session_index index = begin(1000, 3);
	bool is_there[SESSIONS] = { false };
	for (int step = 0; step < 200000; step++) {
		uint64_t i = random_below(&chance, step < 100000 ? SESSIONS : SESSIONS / 10);
		CU_ASSERT_PTR_EQUAL(session_index_find(&index, sessions[i].connection.id), is_there[i] ? &sessions[i] : NULL);
		if (is_there[i])
			session_index_remove(&index, &sessions[i]);
		else
			CU_ASSERT(session_index_add(&index, &sessions[i]));
		is_there[i] = !is_there[i];
	}
	for (int i = 0; i < SESSIONS; i++)
		if (is_there[i])
			session_index_remove(&index, &sessions[i]);
}

static void without_sessions_it_keeps_no_memory(void)
{
	struct session_index index = begin(1, 1);
	for (int i = 0; i < 100; i++)
		CU_ASSERT(session_index_add(&index, &sessions[i]));
	for (int i = 0; i < 100; i++)
		session_index_remove(&index, &sessions[i]);
	CU_ASSERT_PTR_NULL(index.chains);
	CU_ASSERT_EQUAL(index.capacity, 0);
}

static const struct suite_case cases[] = {
	CASE(an_empty_index_finds_nobody),
	CASE(every_session_is_found_while_the_index_grows),
	CASE(ids_with_the_same_low_bits_are_told_apart),
	CASE(sessions_come_and_go_in_any_order),
	CASE(without_sessions_it_keeps_no_memory),
};
SUITE_MAIN("session index", cases)

#include "transport/buffer.h"

#include "support/suite.h"

static void append_keeps_every_byte_while_it_grows(void)
{
	struct buffer buffer = { 0 };
	for (int i = 0; i < 100000; i++) {
		uint8_t byte = (uint8_t)(i * 7);
		buffer_append(&buffer, &byte, 1);
	}
	CU_ASSERT_EQUAL_FATAL(buffer.len, 100000);
	CU_ASSERT_FALSE(buffer.failed);
	CU_ASSERT_TRUE(buffer.capacity <= 2 * 131072);
	int wrong = 0;
	for (int i = 0; i < 100000; i++)
		wrong += buffer.data[i] != (uint8_t)(i * 7);
	CU_ASSERT_EQUAL(wrong, 0);
	buffer_fini(&buffer);
	CU_ASSERT_PTR_NULL(buffer.data);
	CU_ASSERT_EQUAL(buffer.len + buffer.capacity, 0);
}

static void reserve_makes_room_without_changing_the_length(void)
{
	struct buffer buffer = { 0 };
	CU_ASSERT_TRUE(buffer_reserve(&buffer, 1000));
	CU_ASSERT_EQUAL(buffer.len, 0);
	CU_ASSERT_TRUE(buffer.capacity >= 1000);
	uint8_t *data = buffer.data;
	CU_ASSERT_TRUE(buffer_reserve(&buffer, buffer.capacity));
	CU_ASSERT_PTR_EQUAL(buffer.data, data);
	buffer_fini(&buffer);
}

static void append_of_nothing_allocates_nothing(void)
{
	struct buffer buffer = { 0 };
	buffer_append(&buffer, NULL, 0);
	CU_ASSERT_PTR_NULL(buffer.data);
	CU_ASSERT_FALSE(buffer.failed);
}

static void failure_is_sticky_and_keeps_what_was_there(void)
{
	struct buffer buffer = { 0 };
	buffer_append(&buffer, "kept", 4);
	CU_ASSERT_TRUE(buffer.capacity > buffer.len);
	CU_ASSERT_FALSE(buffer_reserve(&buffer, SIZE_MAX));
	CU_ASSERT_TRUE(buffer.failed);
	buffer_append(&buffer, "x", 1);
	buffer_printf(&buffer, "%d", 1);
	CU_ASSERT_EQUAL_FATAL(buffer.len, 4);
	CU_ASSERT_EQUAL(memcmp(buffer.data, "kept", 4), 0);
	CU_ASSERT_TRUE(buffer.failed);
	buffer_fini(&buffer);
	buffer_append(&buffer, "again", 5);
	CU_ASSERT_EQUAL(buffer.len, 5);
	CU_ASSERT_FALSE(buffer.failed);
	buffer_fini(&buffer);
}

static void printf_appends_any_length(void)
{
	struct buffer buffer = { 0 };
	buffer_printf(&buffer, "%s=%d;", "a", 1);
	buffer_printf(&buffer, "%1000d", 2);
	buffer_printf(&buffer, "%s", "");
	CU_ASSERT_EQUAL_FATAL(buffer.len, 1004);
	CU_ASSERT_EQUAL(memcmp(buffer.data, "a=1;   ", 7), 0);
	CU_ASSERT_EQUAL(buffer.data[1003], '2');
	buffer_fini(&buffer);
}

static const struct suite_case cases[] = {
	CASE(append_keeps_every_byte_while_it_grows),
	CASE(reserve_makes_room_without_changing_the_length),
	CASE(append_of_nothing_allocates_nothing),
	CASE(failure_is_sticky_and_keeps_what_was_there),
	CASE(printf_appends_any_length),
};

SUITE_MAIN("buffer", cases)

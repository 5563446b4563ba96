/*
 * LCS: the longest common subsequence of two strings, by the textbook table. Cell (i, j) is the length for the first i bytes of a and the
 * first j bytes of b. Walking back from the last cell gives the subsequence, and the ranges without a gap in either string.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/handlers.h"

struct lcs_options {
	bool wants_length, wants_ranges, wants_match_lengths;
	int64_t shortest_match;
};

struct lcs {
	struct slice a, b;
	uint32_t *cells; /* (a.len + 1) * (b.len + 1) */
};

/* A range of bytes common to both strings; positions are inclusive. */
struct match {
	uint32_t a_from, a_to, b_from, b_to;
};

static uint32_t *cell(const struct lcs *lcs, size_t i, size_t j)
{
	return &lcs->cells[i * (lcs->b.len + 1) + j];
}

static void fill(struct lcs *lcs)
{
	for (size_t i = 1; i <= lcs->a.len; i++) {
		for (size_t j = 1; j <= lcs->b.len; j++) {
			uint32_t up = *cell(lcs, i - 1, j), left = *cell(lcs, i, j - 1);
			bool same = lcs->a.data[i - 1] == lcs->b.data[j - 1];
			*cell(lcs, i, j) = same ? *cell(lcs, i - 1, j - 1) + 1 : up > left ? up : left;
		}
	}
}

/* Walks back one match: from (*i, *j) over differing bytes, then over equal bytes. False when there is no match left. */
static bool previous_match(const struct lcs *lcs, size_t *i, size_t *j, struct match *out_match)
{
	while (*i > 0 && *j > 0 && lcs->a.data[*i - 1] != lcs->b.data[*j - 1]) {
		if (*cell(lcs, *i - 1, *j) > *cell(lcs, *i, *j - 1))
			--*i;
		else
			--*j;
	}
	if (*i == 0 || *j == 0)
		return false;
	out_match->a_to = (uint32_t)(*i - 1);
	out_match->b_to = (uint32_t)(*j - 1);
	while (*i > 0 && *j > 0 && lcs->a.data[*i - 1] == lcs->b.data[*j - 1])
		--*i, --*j;
	out_match->a_from = (uint32_t)*i;
	out_match->b_from = (uint32_t)*j;
	return true;
}

static size_t match_len(const struct match *match)
{
	return match->a_to - match->a_from + 1;
}

/* ---- replies ---- */

static void reply_subsequence(struct call *call, const struct lcs *lcs)
{
	size_t len = *cell(lcs, lcs->a.len, lcs->b.len), at = len, i = lcs->a.len, j = lcs->b.len;
	uint8_t *text = malloc(len ? len : 1);
	struct match match;
	if (!text) {
		reply_no_memory(call);
		return;
	}
	while (previous_match(lcs, &i, &j, &match)) {
		at -= match_len(&match);
		memcpy(text + at, lcs->a.data + match.a_from, match_len(&match));
	}
	reply_bulk(call, slice_of(text, len));
	free(text);
}

static void reply_range(struct call *call, uint32_t from, uint32_t to)
{
	reply_array(call, 2);
	reply_integer(call, from);
	reply_integer(call, to);
}

static size_t count_matches(const struct lcs *lcs, int64_t shortest)
{
	size_t count = 0, i = lcs->a.len, j = lcs->b.len;
	struct match match;
	while (previous_match(lcs, &i, &j, &match))
		count += shortest <= (int64_t)match_len(&match);
	return count;
}

static void reply_ranges(struct call *call, const struct lcs *lcs, const struct lcs_options *options)
{
	size_t i = lcs->a.len, j = lcs->b.len;
	struct match match;
	reply_map(call, 2);
	reply_text(call, "matches");
	reply_array(call, count_matches(lcs, options->shortest_match));
	while (!reply_is_cut(call) && previous_match(lcs, &i, &j, &match)) {
		if (options->shortest_match > (int64_t)match_len(&match))
			continue;
		reply_array(call, options->wants_match_lengths ? 3 : 2);
		reply_range(call, match.a_from, match.a_to);
		reply_range(call, match.b_from, match.b_to);
		if (options->wants_match_lengths)
			reply_integer(call, (int64_t)match_len(&match));
	}
	reply_text(call, "len");
	reply_integer(call, *cell(lcs, lcs->a.len, lcs->b.len));
}

/* ---- the command ---- */

static bool parse_lcs_options(struct call *call, struct lcs_options *options)
{
	*options = (struct lcs_options){ 0 };
	for (uint32_t i = 3; i < call->argc; i++) {
		if (call_arg_is(call, i, "IDX")) {
			options->wants_ranges = true;
		} else if (call_arg_is(call, i, "LEN")) {
			options->wants_length = true;
		} else if (call_arg_is(call, i, "WITHMATCHLEN")) {
			options->wants_match_lengths = true;
		} else if (call_arg_is(call, i, "MINMATCHLEN") && i + 1 < call->argc) {
			if (!call_arg_int64(call, ++i, &options->shortest_match))
				return false;
		} else {
			reply_syntax_error(call);
			return false;
		}
	}
	if (!options->wants_ranges || !options->wants_length)
		return true;
	reply_error(call, "ERR If you want both the length and indexes, please just use IDX.");
	return false;
}

/* An absent key counts as an empty string. */
static bool find_text(struct call *call, uint32_t index, struct slice *out_text)
{
	struct entry *entry = call_find(call, index);
	if (entry && entry_type(entry) != ENTRY_STRING)
		return false;
	*out_text = entry ? entry_string(entry) : slice_of(NULL, 0);
	return true;
}

static bool make_cells(struct call *call, struct lcs *lcs)
{
	size_t count = (lcs->a.len + 1) * (lcs->b.len + 1); /* lengths have 30 bits */
	if (count > store_config(call->store)->proto_max_bulk_len / sizeof(uint32_t)) {
		reply_error(call, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
		return false;
	}
	lcs->cells = calloc(count, sizeof(uint32_t));
	if (!lcs->cells)
		reply_error(call, "ERR Insufficient memory, failed allocating transient memory for LCS");
	return lcs->cells;
}

void cmd_lcs(struct call *call)
{
	struct lcs_options options;
	struct lcs lcs = { .cells = NULL };
	if (!find_text(call, 1, &lcs.a) || !find_text(call, 2, &lcs.b)) {
		reply_error(call, "ERR The specified keys must contain string values");
		return;
	}
	if (!parse_lcs_options(call, &options) || !make_cells(call, &lcs))
		return;
	fill(&lcs);
	if (options.wants_ranges)
		reply_ranges(call, &lcs, &options);
	else if (options.wants_length)
		reply_integer(call, *cell(&lcs, lcs.a.len, lcs.b.len));
	else
		reply_subsequence(call, &lcs);
	free(lcs.cells);
}

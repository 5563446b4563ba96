/* Finds the name that a misspelt one may have meant. */
#include <ctype.h>
#include <string.h>

#include "config_table.h"

/* The longest directive has 35 bytes; a much longer word is not a misspelling of one. */
#define MAX_NAME 48

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;
	return least < c ? least : c;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * The number of insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment). Rows of the
 * table are prefixes of a, columns are prefixes of b. Three rows are enough.
 */
static unsigned distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	unsigned rows[3][MAX_NAME + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_len; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = least_of(above[j] + 1, row[j - 1] + 1, above[j - 1] + !is_same(a[i - 1], b[j - 1]));
			bool is_swap = i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1]);
			if (is_swap && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b_len];
}

struct nearest {
	const char *name;
	unsigned distance;
};

static void consider(struct nearest *nearest, const char *misspelt, const char *candidate)
{
	if (!candidate)
		return;
	unsigned apart = distance(misspelt, candidate);
	if (apart < nearest->distance)
		*nearest = (struct nearest){ candidate, apart };
}

const char *config_nearest_name(const char *misspelt)
{
	static const char *const others[] = { "include", "listenAddr" };
	char name[MAX_NAME + 1];
	size_t len = strcspn(misspelt, "="); /* --port=7000 is not accepted, but port is meant */
	if (len == 0 || len > MAX_NAME)
		return NULL;
	memcpy(name, misspelt, len);
	name[len] = '\0';
	/* One slip per four letters, three at most; a name further away is another word. */
	unsigned slips = len < 8 ? (unsigned)len / 4 + 1 : 3;
	struct nearest nearest = { NULL, slips + 1 };
	for (size_t i = 0; i < DIRECTIVES; i++) {
		consider(&nearest, name, config_directives[i].name);
		consider(&nearest, name, config_directives[i].alias);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		consider(&nearest, name, others[i]);
	return nearest.name;
}

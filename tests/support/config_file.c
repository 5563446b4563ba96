#include "support/config_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/process.h"
#include "support/suite.h"

#define ARGUMENTS_MAX 12

static char scratch[256], refusals[64 * 1024];

void in_scratch(void (*run)(void))
{
	int before = open(".", O_RDONLY | O_DIRECTORY);
	CU_ASSERT_FATAL(before >= 0);
	scratch_create(scratch, sizeof(scratch));
	CU_ASSERT_EQUAL_FATAL(chdir(scratch), 0);
	run();
	CU_ASSERT_EQUAL(fchdir(before), 0);
	close(before);
	scratch_remove(scratch);
}

const char *scratch_path(void)
{
	return scratch;
}

void file_put(const char *name, const char *text, size_t len)
{
	FILE *file = fopen(name, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fwrite(text, 1, len, file), len);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

void file_write(const char *name, const char *text)
{
	file_put(name, text, strlen(text));
}

enum config_load_status config_load_words(struct config *config, const char *const words[])
{
	char *argv[ARGUMENTS_MAX + 2] = { "qcache-server" };
	int argc = 1;
	for (; words[argc - 1]; argc++) {
		CU_ASSERT_FATAL(argc <= ARGUMENTS_MAX);
		argv[argc] = (char *)words[argc - 1];
	}
	char *lines;
	enum config_load_status status = config_load(config, argc, argv, &lines);
	CU_ASSERT_EQUAL(lines == NULL, status != CONFIG_REFUSED);
	snprintf(refusals, sizeof(refusals), "%s", lines ? lines : "");
	free(lines);
	return status;
}

const char *refusals_of(const char *const words[])
{
	struct config config;
	enum config_load_status status = config_load_words(&config, words);
	CU_ASSERT_TRUE(status == CONFIG_REFUSED || status == CONFIG_LOADED);
	config_fini(&config);
	size_t len = strlen(refusals);
	CU_ASSERT_EQUAL(status == CONFIG_LOADED, len == 0);
	if (len > 0) {
		CU_ASSERT_EQUAL(refusals[len - 1], '\n');
		refusals[len - 1] = '\0';
	}
	return refusals;
}

const char *file_refusal(const char *text)
{
	file_write("q.conf", text);
	return REFUSAL("q.conf");
}

#include "actors/runtime/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/process.h"
#include "support/suite.h"

static char root[64];

static const char *path_of(const char *name)
{
	return scratch_file(root, name);
}

/* Writes a file with its parent directories. */
static void write_file(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s", path_of(name));
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	FILE *file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void begin(const char *groups, const char *mount_root, const char *type_and_options)
{
	char line[512];
	strcpy(root, "/tmp/qcache-cgroup-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	write_file("cgroup", groups);
	snprintf(line, sizeof(line), "22 1 0:20 / /proc rw,nosuid - proc proc rw\n30 23 0:26 %s %s/mnt rw,nosuid shared:9 - %s\n", mount_root,
		 root, type_and_options);
	write_file("mountinfo", line);
}

static uint64_t limit(void)
{
	return cgroup_memory_limit(path_of("cgroup"), path_of("mountinfo"));
}

static void end(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", root);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void limit_of_version_2_is_found(void)
{
	begin("0::/system.slice/qcache.service\n", "/", "cgroup2 cgroup2 rw,nsdelegate");
	write_file("mnt/system.slice/qcache.service/memory.max", "104857600\n");
	CU_ASSERT_EQUAL(limit(), 104857600);
	end();
}

static void least_limit_of_the_groups_above_counts(void)
{
	begin("0::/a/b/c\n", "/", "cgroup2 cgroup rw");
	write_file("mnt/a/memory.max", "52428800\n");
	write_file("mnt/a/b/memory.max", "max\n");
	write_file("mnt/a/b/c/memory.max", "104857600\n");
	CU_ASSERT_EQUAL(limit(), 52428800);
	write_file("mnt/a/b/memory.max", "1000000\n");
	CU_ASSERT_EQUAL(limit(), 1000000);
	end();
}

static void limit_of_version_1_is_found(void)
{
	begin("7:cpu,cpuacct:/other\n4:hugetlb,memory:/docker/1234\n0::/\n", "/", "cgroup cgroup rw,memory");
	write_file("mnt/docker/1234/memory.limit_in_bytes", "209715200\n");
	CU_ASSERT_EQUAL(limit(), 209715200);
	end();
}

/* As in a container without a cgroup namespace: only its part of the tree is mounted. */
static void mount_of_a_part_of_the_tree_is_understood(void)
{
	begin("4:memory:/docker/1234/inner\n", "/docker/1234", "cgroup cgroup rw,memory");
	write_file("mnt/memory.limit_in_bytes", "300000000\n");
	write_file("mnt/inner/memory.limit_in_bytes", "9223372036854771712\n");
	CU_ASSERT_EQUAL(limit(), 300000000);
	end();
}

static void group_outside_of_what_is_mounted_has_the_limit_of_the_mount(void)
{
	begin("0::/../elsewhere\n", "/", "cgroup2 cgroup rw");
	write_file("mnt/memory.max", "300000000\n");
	CU_ASSERT_EQUAL(limit(), 300000000);
	end();
}

static void no_limit_is_none(void)
{
	begin("0::/a\n", "/", "cgroup2 cgroup rw");
	CU_ASSERT_EQUAL(limit(), 0);
	write_file("mnt/a/memory.max", "max\n");
	CU_ASSERT_EQUAL(limit(), 0);
	write_file("mnt/a/memory.max", "");
	CU_ASSERT_EQUAL(limit(), 0);
	write_file("mnt/a/memory.max", "18446744073709551614\n"); /* more than there is */
	CU_ASSERT_EQUAL(limit(), 0);
	end();
	CU_ASSERT_EQUAL(cgroup_memory_limit("/nowhere", "/nowhere"), 0);
}

static void nonsense_is_no_limit(void)
{
	static const char *const groups[] = { "", "\n", "x", "::", "0::", "0:memory", ":::::\n" };
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		begin(groups[i], "/", "cgroup2");
		CU_ASSERT_EQUAL(limit(), 0);
		end();
	}
}

static void machine_has_memory(void)
{
	CU_ASSERT(machine_memory() > 16u << 20);
	CU_ASSERT(cgroup_memory_limit(CGROUP_FILE, CGROUP_MOUNTINFO_FILE) < machine_memory());
}

static const struct suite_case cases[] = {
	CASE(limit_of_version_2_is_found),
	CASE(least_limit_of_the_groups_above_counts),
	CASE(limit_of_version_1_is_found),
	CASE(mount_of_a_part_of_the_tree_is_understood),
	CASE(group_outside_of_what_is_mounted_has_the_limit_of_the_mount),
	CASE(no_limit_is_none),
	CASE(nonsense_is_no_limit),
	CASE(machine_has_memory),
};

SUITE_MAIN("control groups", cases)

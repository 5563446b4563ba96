/*
 * Any text as an address for the client library: it must be refused with a reason, or give valid settings that can be shown.
 */
#include <stdlib.h>
#include <string.h>

#include "client/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool is_right)
{
	if (!is_right)
		abort();
}

static void check_address(const struct address *address)
{
	char shown[256];
	must(address->host && address->host[0]);
	must(memchr(address->port, '\0', sizeof(address->port)) != NULL);
	must(address->is_unix || (atoi(address->port) > 0 && atoi(address->port) <= 65535));
	must(!address->is_unix || strlen(address->host) < 108);
	address_show(address, shown, sizeof(shown));
	must(strlen(shown) > 0 && strlen(shown) < sizeof(shown));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct settings settings;
	memcpy(text, data, len);
	text[len] = '\0';
	qc_error err = settings_init(&settings, &(qc_options){ .address = text });
	if (err.kind == QC_OK) {
		must(settings.address_count > 0 && settings.db >= 0 && settings.pool_size > 0);
		for (size_t i = 0; i < settings.address_count; i++)
			check_address(&settings.addresses[i]);
	} else {
		must(err.kind == QC_INVALID && strlen(err.text) > 0);
	}
	settings_fini(&settings);
	free(text);
	return 0;
}

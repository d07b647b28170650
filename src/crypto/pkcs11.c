/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A use of a token: load the modules that p11-kit is configured with, or the
 * one that the URI names, find the token and the key, log in with the PIN,
 * encrypt the salt, and let go of everything.  Nothing stays open between two
 * uses, and the PIN is wiped.
 */
#include "crypto/pkcs11.h"

#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "base/buf.h"
#include "os/file.h"

#define PIN_MAX	  256u
#define SLOTS_MAX 64u

struct token_use {
	P11KitUri *uri;
	CK_FUNCTION_LIST **modules;
	CK_FUNCTION_LIST *own[2]; /* a module named by the URI, NULL-ended */
	CK_FUNCTION_LIST *module; /* of the token, with slot */
	CK_SLOT_ID slot;
	struct lf_buf pin;
};

static void token_use_done(struct token_use *use)
{
	if (use->own[0]) {
		p11_kit_module_finalize(use->own[0]);
		p11_kit_module_release(use->own[0]);
	} else if (use->modules) {
		p11_kit_modules_finalize_and_release(use->modules);
	}
	p11_kit_uri_free(use->uri);
	if (use->pin.data)
		explicit_bzero(use->pin.data, use->pin.len);
	lf_buf_done(&use->pin);
}

static int fail_token(const char *uri, const char *what, CK_RV rv, struct lf_error *err)
{
	return lf_fail(err, LF_EDENIED, uri, "%s: %s", what, p11_kit_strerror(rv));
}

static int read_pin(struct token_use *use, struct lf_error *err)
{
	const char *path = p11_kit_uri_get_pin_source(use->uri);

	if (!path)
		path = getenv("LANDFALL_PIN_FILE");
	if (!path)
		return lf_fail(err, LF_EDENIED, "pin-source",
			       "name the PIN's file by pin-source in the URI, or by "
			       "LANDFALL_PIN_FILE");
	if (strncmp(path, "file:", 5) == 0)
		path += 5;
	int rc = lf_file_read(path, PIN_MAX, &use->pin, err);
	while (!rc && use->pin.len && use->pin.data[use->pin.len - 1] == '\n')
		use->pin.data[--use->pin.len] = '\0';
	return rc;
}

static int load_modules(struct token_use *use, const char *text, struct lf_error *err)
{
	const char *path = p11_kit_uri_get_module_path(use->uri);

	if (path) {
		use->own[0] = p11_kit_module_load(path, 0);
		CK_RV rv = use->own[0] ? p11_kit_module_initialize(use->own[0]) : CKR_GENERAL_ERROR;
		use->modules = use->own;
		return rv == CKR_OK ? 0
				    : fail_token(text, "cannot load the PKCS#11 module", rv, err);
	}
	use->modules = p11_kit_modules_load_and_initialize(0);
	return use->modules ? 0 : lf_fail(err, LF_EDENIED, text, "no PKCS#11 module can be loaded");
}

/* Is a slot's token the one that the URI names? */
static bool is_token(const struct token_use *use, CK_FUNCTION_LIST *module, CK_SLOT_ID slot)
{
	CK_TOKEN_INFO info;

	return module->C_GetTokenInfo(slot, &info) == CKR_OK &&
	       p11_kit_uri_match_token_info(use->uri, &info);
}

static int find_token(struct token_use *use, const char *text, struct lf_error *err)
{
	for (size_t i = 0; use->modules[i]; i++) {
		CK_SLOT_ID slots[SLOTS_MAX];
		CK_ULONG count = SLOTS_MAX;
		if (use->modules[i]->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
			continue;
		for (CK_ULONG k = 0; k < count; k++) {
			if (!is_token(use, use->modules[i], slots[k]))
				continue;
			use->module = use->modules[i];
			use->slot = slots[k];
			return 0;
		}
	}
	return lf_fail(err, LF_ENOTFOUND, text, "no token is as the URI says");
}

static int encrypt(CK_SESSION_HANDLE session, const struct token_use *use, const char *text,
		   const uint8_t *salt, uint8_t *out, struct lf_error *err)
{
	CK_FUNCTION_LIST *module = use->module;
	CK_BYTE vector[16] = {0};
	CK_MECHANISM mechanism = {CKM_AES_CBC, vector, sizeof(vector)};
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE match[3] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_ULONG matches = 1, found = 0, len = 32;
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(use->uri, CKA_LABEL);
	CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(use->uri, CKA_ID);

	if (label)
		match[matches++] = *label;
	if (id)
		match[matches++] = *id;
	CK_RV rv = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)use->pin.data, use->pin.len);
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return fail_token(text, "the token does not take the PIN", rv, err);
	rv = module->C_FindObjectsInit(session, match, matches);
	if (rv == CKR_OK)
		rv = module->C_FindObjects(session, &key, 1, &found);
	if (rv == CKR_OK)
		rv = module->C_FindObjectsFinal(session);
	if (rv == CKR_OK && !found)
		return lf_fail(err, LF_ENOTFOUND, text, "the token has no such key");
	if (rv == CKR_OK)
		rv = module->C_EncryptInit(session, &mechanism, key);
	if (rv == CKR_OK)
		rv = module->C_Encrypt(session, (CK_BYTE *)(uintptr_t)salt, 32, out, &len);
	if (rv == CKR_OK && len != 32)
		rv = CKR_GENERAL_ERROR;
	return rv == CKR_OK ? 0 : fail_token(text, "the token does not encrypt", rv, err);
}

static int derive(struct token_use *use, const char *text, const uint8_t *salt, uint8_t *out,
		  struct lf_error *err)
{
	CK_SESSION_HANDLE session;

	use->uri = p11_kit_uri_new();
	if (!use->uri)
		return lf_fail_nomem(err);
	if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, use->uri) != P11_KIT_URI_OK)
		return lf_fail(err, LF_EINVAL, text, "not a PKCS#11 URI (RFC 7512)");
	int rc = read_pin(use, err);
	if (!rc)
		rc = load_modules(use, text, err);
	if (!rc)
		rc = find_token(use, text, err);
	if (rc)
		return rc;
	CK_RV rv = use->module->C_OpenSession(use->slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		return fail_token(text, "cannot open a session with the token", rv, err);
	rc = encrypt(session, use, text, salt, out, err);
	use->module->C_CloseSession(session);
	return rc;
}

int lf_pkcs11_derive(const char *uri, const uint8_t salt[static 32], uint8_t ret_key[static 32],
		     struct lf_error *err)
{
	struct token_use use = {0};
	int rc = derive(&use, uri, salt, ret_key, err);

	token_use_done(&use);
	return rc;
}

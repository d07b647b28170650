/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is built once from the providers' tables, and asked without a
 * lock.  A path that could go both ways goes by the literal first, and by the
 * parameter where that ends nowhere.
 */
#include "arm/router.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

struct leaf {
	const struct lf_arm_route *route;
	const struct lf_arm_provider *provider;
	char *right;
	struct leaf *next;
};

struct node {
	const char *literal; /* in the published case; not NUL-terminated */
	size_t literal_len;
	struct node *children; /* literals, chained by next */
	struct node *next;
	struct node *parameter;
	struct leaf *leaves;
};

struct lf_router {
	struct node root;
};

static void free_node(struct node *node)
{
	for (struct leaf *leaf = node->leaves, *next; leaf; leaf = next) {
		next = leaf->next;
		free(leaf->right);
		free(leaf);
	}
	for (struct node *child = node->children, *next; child; child = next) {
		next = child->next;
		free_node(child);
		free(child);
	}
	if (node->parameter) {
		free_node(node->parameter);
		free(node->parameter);
	}
}

void lf_router_free(struct lf_router *router)
{
	if (!router)
		return;
	free_node(&router->root);
	free(router);
}

static struct node *find_literal(const struct node *node, const char *text, size_t len)
{
	for (struct node *child = node->children; child; child = child->next)
		if (child->literal_len == len && strncasecmp(child->literal, text, len) == 0)
			return child;
	return NULL;
}

static struct node *child_for(struct node *node, const char *text, size_t len)
{
	struct node *child = text[0] == '{' ? node->parameter : find_literal(node, text, len);

	if (child)
		return child;
	child = calloc(1, sizeof(*child));
	if (!child)
		return NULL;
	if (text[0] == '{') {
		node->parameter = child;
		return child;
	}
	child->literal = text;
	child->literal_len = len;
	child->next = node->children;
	node->children = child;
	return child;
}

static int add_route(struct lf_router *router, const struct lf_arm_provider *provider,
		     const struct lf_arm_route *route, struct lf_error *err)
{
	struct node *node = &router->root;
	size_t n_params = 0;

	for (const char *p = route->path; *p;) {
		size_t len = strcspn(p, "/");
		n_params += *p == '{';
		if (len && !(node = child_for(node, p, len)))
			return lf_fail_nomem(err);
		p += len + (p[len] == '/');
	}
	if (n_params > LF_ROUTE_PARAMS_MAX)
		return lf_fail(err, LF_EINTERNAL, route->path, "%s has more than %d parameters",
			       route->path, LF_ROUTE_PARAMS_MAX);
	for (const struct leaf *other = node->leaves; other; other = other->next)
		if (strcmp(other->route->method, route->method) == 0)
			return lf_fail(err, LF_EEXISTS, route->path, "%s %s is there twice",
				       route->method, route->path);
	struct leaf *leaf = malloc(sizeof(*leaf));
	if (!leaf)
		return lf_fail_nomem(err);
	*leaf = (struct leaf){route, provider, NULL, node->leaves};
	node->leaves = leaf;
	return lf_route_right(route, &leaf->right, err);
}

int lf_router_new(const struct lf_arm_provider *const *providers, size_t n,
		  struct lf_router **ret_router, struct lf_error *err)
{
	struct lf_router *router = calloc(1, sizeof(*router));
	int rc = router ? 0 : lf_fail_nomem(err);

	for (size_t i = 0; !rc && i < n; i++)
		for (size_t j = 0; !rc && j < providers[i]->n_routes; j++)
			rc = add_route(router, providers[i], &providers[i]->routes[j], err);
	if (rc) {
		lf_router_free(router);
		return rc;
	}
	*ret_router = router;
	return 0;
}

/* The deepest-literal match: try the literal child first, then the parameter. */
static const struct node *descend(const struct node *node, const struct lf_path *path, size_t at)
{
	if (at == path->n)
		return node->leaves ? node : NULL;
	const char *text = path->segments[at];
	const struct node *child = find_literal(node, text, strlen(text));
	const struct node *found = child ? descend(child, path, at + 1) : NULL;

	if (!found && node->parameter)
		found = descend(node->parameter, path, at + 1);
	return found;
}

/* Name the parameters by the row's own template: rows that share a node may name them differently.
 */
static void capture(const struct lf_path *path, struct lf_route_match *match)
{
	const char *p = match->route->path;

	for (size_t i = 0; i < path->n; i++) {
		p += *p == '/';
		size_t len = strcspn(p, "/");
		match->segments[i] = path->segments[i];
		if (p[0] == '{') {
			match->param_names[match->n_params] = p + 1;
			match->param_lens[match->n_params] = len - 2;
			match->param_values[match->n_params++] = path->segments[i];
		}
		p += len;
	}
	match->n_segments = path->n;
}

void lf_router_find(const struct lf_router *router, const char *method, const struct lf_path *path,
		    struct lf_route_match *ret_match)
{
	const struct node *node = descend(&router->root, path, 0);

	memset(ret_match, 0, sizeof(*ret_match));
	ret_match->path_known = node != NULL;
	for (const struct leaf *leaf = node ? node->leaves : NULL; leaf; leaf = leaf->next)
		if (strcmp(leaf->route->method, method) == 0) {
			ret_match->route = leaf->route;
			ret_match->provider = leaf->provider;
			ret_match->right = leaf->right;
			capture(path, ret_match);
			return;
		}
}

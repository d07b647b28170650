# shellcheck shell=bash
# rest.sh - sourced: calls to a site with curl, as tools and tests need them.
#
# Wants LF_URL, LF_TENANT_ID, LF_CLIENT_ID, LF_CLIENT_SECRET, LF_CA_FILE, LF_SUBSCRIPTION_ID.
#   lf_token                        print an access token (kept for 50 minutes)
#   lf_call METHOD PATH API [BODY]  print the answer; status in $lf_status; fails unless 2xx
#   lf_do METHOD PATH API [BODY]    the same, then wait until the operation has ended
# PATH is below LF_URL; "@" at its start stands for the subscription.

lf_token_text='' lf_token_at=0 lf_status=0
lf_headers=$(mktemp) lf_answer=$(mktemp)

lf_token() {
	if [ $((SECONDS - lf_token_at)) -gt 3000 ] || [ -z "$lf_token_text" ]; then
		lf_token_text=$(curl -sS --fail --cacert "$LF_CA_FILE" "$LF_URL/$LF_TENANT_ID/oauth2/v2.0/token" \
			-d grant_type=client_credentials -d "client_id=$LF_CLIENT_ID" \
			--data-urlencode "client_secret=$LF_CLIENT_SECRET" \
			--data-urlencode "scope=$LF_URL/.default" | jq -r .access_token) || return 1
		lf_token_at=$SECONDS
	fi
}

lf_url() {
	case $1 in
	https:*) echo "$1" ;;
	@*) echo "$LF_URL/subscriptions/$LF_SUBSCRIPTION_ID${1#@}?api-version=$2" ;;
	*) echo "$LF_URL$1?api-version=$2" ;;
	esac
}

lf_send() { # METHOD URL [BODY]: answer in $lf_answer
	lf_token || return 1
	lf_status=$(curl -sS --cacert "$LF_CA_FILE" -X "$1" -H "Authorization: Bearer $lf_token_text" \
		-H 'Content-Type: application/json' -D "$lf_headers" -o "$lf_answer" -w '%{http_code}' \
		--max-time 120 ${3+--data-binary "$3"} "$2") || { lf_status=0; return 1; }
}

lf_call() {
	local url
	url=$(lf_url "$2" "$3")
	lf_send "$1" "$url" ${4+"$4"} || { echo "$1 $2: no answer" >&2; return 1; }
	cat "$lf_answer"
	case $lf_status in
	2??) ;;
	*) echo "$1 $2: $lf_status $(head -c 600 "$lf_answer")" >&2; return 1 ;;
	esac
}

lf_header() {
	tr -d '\r' <"$lf_headers" | sed -n "s/^$1: //Ip" | tail -n 1
}

lf_do() {
	local first monitor state
	first=$(mktemp)
	lf_call "$@" >"$first" || { rm -f "$first"; return 1; }
	monitor=$(lf_header azure-asyncoperation)
	if [ -n "$monitor" ]; then
		for _ in $(seq 600); do
			lf_send GET "$monitor" || { sleep 1; continue; }
			state=$(jq -r '.status // empty' <"$lf_answer")
			case $state in
			Succeeded) break ;;
			Failed | Canceled) echo "$1 $2: $(cat "$lf_answer")" >&2; rm -f "$first"; return 1 ;;
			esac
			sleep 0.3
		done
	fi
	cat "$first"
	rm -f "$first"
}

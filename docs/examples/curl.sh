#!/usr/bin/env bash
# A second step for a login page, with curl and jq. Call it once the password was right:
#   COUNTERSIGN_URL=https://… COUNTERSIGN_API_KEY=csk_… ./curl.sh USER_ID IP USER_AGENT
# It prints the number for the page. Exit code 0: the phone said YES; 1: it did not; 2: something is to be mended.
set -euo pipefail

key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') # the same for every repetition: one challenge, one claim
over=$((SECONDS + 90))                            # a minute for the person, and time to ask again

# call METHOD PATH [BODY] prints the challenge.
call() {
    local answer status said
    while ((SECONDS < over)); do
        # The API key comes from a file, since everybody on the machine may read the arguments of a program.
        answer=$(curl --silent --max-time 30 --request "$1" --write-out '\n%{http_code}' \
            --header @<(printf 'Authorization: Bearer %s\n' "$COUNTERSIGN_API_KEY") \
            --header "Idempotency-Key: $key" --header 'Content-Type: application/json' \
            ${3:+--data "$3"} "$COUNTERSIGN_URL/v1/challenges$2" | tr -d '\0') || answer=
        status=${answer##*$'\n'} said=${answer%$'\n'*}
        if [[ $status == 20[01] ]] && jq --exit-status '.id and .state' <<<"$said" >/dev/null 2>&1; then
            echo "$said"
            return
        fi
        if [[ $status == 4* ]] && jq --exit-status '.type | startswith("urn:countersign:problem:")' \
            <<<"$said" >/dev/null 2>&1; then
            jq --raw-output '.detail' <<<"$said" >&2 # such as a wrong API key, an unknown user, no phone
            exit 2
        fi
        sleep 1 # a proxy answered, as while the server restarts, or nothing did: as good as still pending
    done
    echo "The server does not answer." >&2
    exit 2
}

body=$(jq --null-input --arg user "$1" --arg ip "$2" --arg agent "$3" \
    '{user_id: $user, policy: {mode: "number", digits: 2}, context: {ip: $ip, user_agent: $agent}}')
asked=$(call POST "" "$body")
id=$(jq --raw-output '.id' <<<"$asked")
echo "Type this number on your phone: $(jq --raw-output '.number' <<<"$asked")"
while [[ $(jq --raw-output '.state' <<<"$asked") == pending ]]; do
    asked=$(call GET "/$id?wait=25") # proxies cut a request that is answered much later
done
if [[ $(jq --raw-output '.state' <<<"$asked") == approved ]]; then
    asked=$(call POST "/$id/claim") # one YES is one sign-in
    [[ $(jq --raw-output '.state' <<<"$asked") == claimed ]] && echo "Signed in" && exit 0
fi
echo "Not signed in"
exit 1

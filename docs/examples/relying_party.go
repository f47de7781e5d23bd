// A second step for a login page, once the password was right: go run relying_party.go USER_ID IP USER_AGENT
package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

// phoneSaysYes returns true when the phone said YES, and an error for what is to be mended.
func phoneSaysYes(server, apiKey, user, ip, agent string, show func(number string)) (bool, error) {
	type answer struct{ ID, State, Number, Type, Detail string }
	key, over := rand.Text(), time.Now().Add(90*time.Second) // one challenge and one claim, whatever is repeated
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	call := func(method, path, body string) (answer, error) {
		for ; time.Now().Before(over); time.Sleep(time.Second) {
			request, _ := http.NewRequest(method, server+"/v1/challenges"+path, strings.NewReader(body))
			request.Header = http.Header{"Authorization": {"Bearer " + apiKey}, "Idempotency-Key": {key}}
			if got, err := (&http.Client{Timeout: 30 * time.Second, CheckRedirect: stay}).Do(request); err == nil {
				said, status := answer{}, got.StatusCode
				err = json.NewDecoder(got.Body).Decode(&said)
				got.Body.Close()
				if err == nil && (status == 200 || status == 201) && said.ID != "" && said.State != "" {
					return said, nil
				} else if status/100 == 4 && strings.HasPrefix(said.Type, "urn:countersign:problem:") {
					return answer{}, errors.New(said.Detail) // such as a wrong API key, an unknown user, no phone
				}
			} // a proxy answered, as while the server restarts, or nothing did: as good as still pending
		}
		return answer{}, errors.New("The server does not answer.")
	}
	policy, context := map[string]any{"mode": "number", "digits": 2}, map[string]any{"ip": ip, "user_agent": agent}
	body, _ := json.Marshal(map[string]any{"user_id": user, "policy": policy, "context": context})
	asked, err := call("POST", "", string(body)) // with an error it has no state
	for asked.State == "pending" {
		show(asked.Number)
		asked, err = call("GET", "/"+asked.ID+"?wait=25", "") // proxies cut a request that is answered much later
	}
	if asked.State == "approved" {
		asked, err = call("POST", "/"+asked.ID+"/claim", "") // one YES is one sign-in
	}
	return err == nil && asked.State == "claimed", err
}

func main() {
	server, apiKey, page := os.Getenv("COUNTERSIGN_URL"), os.Getenv("COUNTERSIGN_API_KEY"), os.Args
	show := func(number string) { log.Println("Type this number on your phone:", number) }
	if yes, err := phoneSaysYes(server, apiKey, page[1], page[2], page[3], show); err != nil {
		log.Fatal(err)
	} else if !yes {
		log.Fatal("Not signed in")
	}
	log.Println("Signed in")
}

// Signs a person in with the client that oapi-codegen makes. The test's program plays the phone: it reads the link and
// the number from standard output, and writes the phone's digits to standard input.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"countersign.example/login/client"
)

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	authorised := client.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("COUNTERSIGN_API_KEY"))
		return nil
	})
	server, err := client.NewClientWithResponses(os.Getenv("COUNTERSIGN_URL"), authorised)
	must(err)

	user, err := server.CreateUserWithResponse(ctx, client.UserRequest{Name: "go"})
	must(err)
	enrolment, err := server.OpenEnrolmentWithResponse(ctx, user.JSON201.Id)
	must(err)
	fmt.Println("link", enrolment.JSON201.Link)
	var code string
	_, err = fmt.Scanln(&code)
	must(err)
	confirmed, err := server.ConfirmEnrolmentWithResponse(ctx, enrolment.JSON201.Id, client.ConfirmationRequest{Code: code})
	must(err)
	if confirmed.JSON200 == nil {
		log.Fatalf("%s", confirmed.Body)
	}

	key := "go"
	digits := client.PolicyRequest1Digits(2)
	var policy client.PolicyRequest
	must(policy.FromPolicyRequest1(client.PolicyRequest1{Mode: "number", Digits: &digits}))
	question := client.ChallengeRequest{UserId: user.JSON201.Id, Policy: &policy}
	made, err := server.CreateChallengeWithResponse(ctx, &client.CreateChallengeParams{IdempotencyKey: &key}, question)
	must(err)
	asked := made.JSON201
	fmt.Println("number", *asked.Number)
	for wait := int32(25); asked.State == client.StatePending; {
		read, err := server.ReadChallengeWithResponse(ctx, asked.Id, &client.ReadChallengeParams{Wait: &wait})
		must(err)
		asked = read.JSON200
	}
	if asked.State == client.StateApproved {
		claimed, err := server.ClaimChallengeWithResponse(ctx, asked.Id, &client.ClaimChallengeParams{IdempotencyKey: &key})
		must(err)
		asked = claimed.JSON200
	}
	fmt.Println("state", asked.State)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

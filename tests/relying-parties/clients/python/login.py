"""Signs a person in with the client that openapi-python-client makes. The test's program plays the phone: it reads the
link and the number from standard output, and writes the phone's digits to standard input."""

import os

from countersign_client import AuthenticatedClient
from countersign_client.api.relying_party import (
    claim_challenge,
    confirm_enrolment,
    create_challenge,
    create_user,
    open_enrolment,
    read_challenge,
)
from countersign_client.models import (
    Challenge,
    ChallengeRequest,
    ConfirmationRequest,
    ContextRequest,
    Enrolment,
    NewEnrolment,
    PolicyRequestType1,
    PolicyRequestType1DigitsType0,
    PolicyRequestType1Mode,
    State,
    User,
    UserRequest,
)


def of(kind, answer):
    if not isinstance(answer, kind):
        raise SystemExit(f"{answer}")
    return answer


client = AuthenticatedClient(base_url=os.environ["COUNTERSIGN_URL"], token=os.environ["COUNTERSIGN_API_KEY"], timeout=90)
user = of(User, create_user.sync(client=client, body=UserRequest(name="python")))
enrolment = of(NewEnrolment, open_enrolment.sync(user.id, client=client))
print("link", enrolment.link, flush=True)
confirmed = confirm_enrolment.sync(enrolment.id, client=client, body=ConfirmationRequest(code=input()))
of(Enrolment, confirmed)
policy = PolicyRequestType1(mode=PolicyRequestType1Mode.NUMBER, digits=PolicyRequestType1DigitsType0.VALUE_2)
body = ChallengeRequest(user_id=user.id, policy=policy, context=ContextRequest(ip="198.51.100.7"))
asked = of(Challenge, create_challenge.sync(client=client, body=body, idempotency_key="python"))
print("number", asked.number, flush=True)
while asked.state == State.PENDING:
    asked = of(Challenge, read_challenge.sync(asked.id, client=client, wait=25))
if asked.state == State.APPROVED:
    asked = of(Challenge, claim_challenge.sync(asked.id, client=client, idempotency_key="python"))
print("state", asked.state)

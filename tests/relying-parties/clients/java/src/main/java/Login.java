import countersign.client.ApiClient;
import countersign.client.api.RelyingPartyApi;
import countersign.client.model.ChallengeRequest;
import countersign.client.model.ConfirmationRequest;
import countersign.client.model.PolicyRequest;
import countersign.client.model.PolicyRequestOneOf1;
import countersign.client.model.State;
import countersign.client.model.UserRequest;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/**
 * Signs a person in with the client that openapi-generator makes. The test's program plays the phone: it reads the link
 * and the number from standard output, and writes the phone's digits to standard input.
 */
public class Login {
    public static void main(String[] arguments) throws Exception {
        var client = new ApiClient();
        client.updateBaseUri(System.getenv("COUNTERSIGN_URL"));
        var authorisation = "Bearer " + System.getenv("COUNTERSIGN_API_KEY");
        client.setRequestInterceptor(request -> request.header("Authorization", authorisation));
        var server = new RelyingPartyApi(client);

        var user = server.createUser(new UserRequest().name("java"));
        var enrolment = server.openEnrolment(user.getId());
        System.out.println("link " + enrolment.getLink());
        var code = new BufferedReader(new InputStreamReader(System.in)).readLine();
        server.confirmEnrolment(enrolment.getId(), new ConfirmationRequest().code(code));

        var number = new PolicyRequestOneOf1();
        number.mode(PolicyRequestOneOf1.ModeEnum.NUMBER).digits(PolicyRequestOneOf1.DigitsEnum.NUMBER_2);
        var question = new ChallengeRequest().userId(user.getId()).policy(new PolicyRequest(number));
        var asked = server.createChallenge(question, "java");
        System.out.println("number " + asked.getNumber());
        while (asked.getState() == State.PENDING) {
            asked = server.readChallenge(asked.getId(), 25, null);
        }
        if (asked.getState() == State.APPROVED) {
            asked = server.claimChallenge(asked.getId(), "java");
        }
        System.out.println("state " + asked.getState());
    }
}

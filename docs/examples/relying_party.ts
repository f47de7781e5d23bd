// A second step for a login page, in TypeScript. Call it once the password was right; Node.js 22.18 or newer runs it as
// it is:
//   COUNTERSIGN_URL=https://… COUNTERSIGN_API_KEY=csk_… node relying_party.ts USER_ID IP USER_AGENT
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

type Challenge = { id: string; state: string; number: string | null };
type Site = { server: string; apiKey: string };
type SignIn = { userId: string; ip: string; userAgent: string };
type Show = (number: string | null) => void;

/** True when the phone said YES. Throws what is to be mended. */
export async function phoneSaysYes(site: Site, signIn: SignIn, show: Show): Promise<boolean> {
    // The same key for every repetition: one challenge, one claim.
    const credentials = { Authorization: `Bearer ${site.apiKey}`, "Idempotency-Key": randomUUID() };
    const headers = { ...credentials, "Content-Type": "application/json" };
    const over = performance.now() + 90_000; // a minute for the person, and time to ask again

    async function call(method: string, path: string, body?: object): Promise<Challenge> {
        const url = `${site.server}/v1/challenges${path}`;
        while (performance.now() < over) {
            const request = { method, headers, body: JSON.stringify(body), redirect: "manual" as const };
            try {
                const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(30_000) });
                const said = await answer.json();
                if ([200, 201].includes(answer.status) && said.id && said.state) return said;
                if (answer.status >= 400 && answer.status < 500 && said.type.startsWith("urn:countersign:problem:")) {
                    throw new Refusal(said.detail); // such as a wrong API key, an unknown user, no phone
                }
            } catch (error) {
                if (error instanceof Refusal) throw error;
                // A proxy answered, as while the server restarts, or nothing did: as good as still pending.
            }
            await sleep(1000);
        }
        throw new Error("The server does not answer.");
    }

    const context = { ip: signIn.ip, user_agent: signIn.userAgent };
    let asked = await call("POST", "", { user_id: signIn.userId, policy: { mode: "number", digits: 2 }, context });
    show(asked.number);
    while (asked.state === "pending") {
        asked = await call("GET", `/${asked.id}?wait=25`); // proxies cut a request that is answered much later
    }
    return asked.state === "approved" && (await call("POST", `/${asked.id}/claim`)).state === "claimed"; // one sign-in
}

export class Refusal extends Error {}

const { COUNTERSIGN_URL: server = "", COUNTERSIGN_API_KEY: apiKey = "" } = process.env;
const [userId = "", ip = "", userAgent = ""] = process.argv.slice(2);
const show: Show = (number) => console.log(`Type this number on your phone: ${number}`);
phoneSaysYes({ server, apiKey }, { userId, ip, userAgent }, show).then(
    (yes) => { console.log(yes ? "Signed in" : "Not signed in"); process.exitCode = yes ? 0 : 1; },
    (error: Error) => { console.error(error.message); process.exitCode = 2; },
);

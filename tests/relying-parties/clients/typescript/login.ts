// Signs a person in with openapi-fetch and the types that openapi-typescript makes. The test's program plays the phone:
// it reads the link and the number from standard output, and writes the phone's digits to standard input.
import createClient from "openapi-fetch";
import { createInterface } from "node:readline/promises";
import type { paths } from "./description.ts";

const { COUNTERSIGN_URL: baseUrl = "", COUNTERSIGN_API_KEY: apiKey = "" } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${apiKey}` } });

function of<T>(answer: { data?: T; error?: { detail: string } }): T {
    if (answer.data === undefined) throw new Error(answer.error?.detail);
    return answer.data;
}

const user = of(await client.POST("/v1/users", { body: { name: "typescript" } }));
const enrolment = of(await client.POST("/v1/users/{id}/enrolments", { params: { path: { id: user.id } } }));
console.log("link", enrolment.link);
const lines = createInterface(process.stdin);
const code = await lines.question("");
lines.close();
of(await client.POST("/v1/enrolments/{id}/confirm", { params: { path: { id: enrolment.id } }, body: { code } }));
const header = { "Idempotency-Key": "typescript" };
const body = { user_id: user.id, policy: { mode: "number" as const, digits: 2 as const }, context: { ip: "198.51.100.7" } };
let asked = of(await client.POST("/v1/challenges", { params: { header }, body }));
console.log("number", asked.number);
const path = { id: asked.id };
while (asked.state === "pending") {
    asked = of(await client.GET("/v1/challenges/{id}", { params: { path, query: { wait: 25 } } }));
}
if (asked.state === "approved") {
    asked = of(await client.POST("/v1/challenges/{id}/claim", { params: { path, header } }));
}
console.log("state", asked.state);

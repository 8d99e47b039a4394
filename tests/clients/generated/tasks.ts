// What people on the forum want to do, with openapi-fetch and the types that openapi-typescript makes of /openapi.json. The header
// and the format are set once; every call has the arguments of its task and no others. Needs CLIENT_URL and CLIENT_PASSWORD.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const secret = Buffer.from(`admin:${process.env["CLIENT_PASSWORD"]}`).toString("base64");
const client = createClient<WithoutHeaders<paths>, "application/json">({
  baseUrl: process.env["CLIENT_URL"] ?? "",
  headers: { Authorization: `Basic ${secret}`, "OCS-APIRequest": "true", Accept: "application/json" },
});

/** The same paths; no call needs the header, which the client sends by itself. */
type WithoutHeaders<P> = {
  [path in keyof P]: {
    [method in keyof P[path]]: P[path][method] extends { parameters: { header: unknown } }
      ? Omit<P[path][method], "parameters"> & { parameters: Omit<P[path][method]["parameters"], "header"> }
      : P[path][method];
  };
};

let calls = 0;

/** `data` of an answer that is to be a success. */
async function done<T extends { ocs: { data: unknown } }>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T["ocs"]["data"]> {
  const { data, error, response } = await answer;
  calls += 1;
  assert.equal(response.status, 200, JSON.stringify(error));
  return (data as T).ocs.data;
}

/** A refusal with this code. */
async function refused(code: number, answer: Promise<{ error?: unknown }>) {
  const { error } = await answer;
  calls += 1;
  assert.equal((error as { ocs: { meta: { statuscode: number } } }).ocs.meta.statuscode, code);
}

const users = "/ocs/v2.php/cloud/users";
const groups = "/ocs/v2.php/cloud/groups";
const of = (user: string) => ({ path: { user } });

await done(client.POST(groups, { body: { groupid: "staff", displayname: "The Staff" } }));
await refused(102, client.POST(groups, { body: { groupid: "staff" } }));
const alice = { userid: "alice", password: "down the rabbit hole", displayName: "Alice", email: "alice@example.com" };
await done(client.POST(users, { body: { ...alice, groups: ["staff"], quota: "5 GB" } }));
await done(client.POST(users, { body: { userid: "bob", email: "bob@example.com" } }));
await refused(107, client.POST(users, { body: { userid: "carol", password: "password" } }));

const shown = await done(client.GET(`${users}/{user}`, { params: of("alice") }));
assert.deepEqual([shown.email, shown.groups], ["alice@example.com", ["staff"]]);
for (const [key, value] of Object.entries({ displayname: "Alice L.", phone: "+49 711 123456", quota: "1 GB" })) {
  await done(client.PUT(`${users}/{user}`, { params: of("alice"), body: { key, value } }));
}
assert.equal((await done(client.GET(`${users}/{user}`, { params: of("alice") }))).phone, "+49711123456");
await refused(404, client.GET(`${users}/{user}`, { params: of("unknown") }));

await done(client.POST(`${users}/{user}/groups`, { params: of("bob"), body: { groupid: "staff" } }));
await done(client.POST(`${users}/{user}/subadmins`, { params: of("alice"), body: { groupid: "staff" } }));
const staff = { params: { path: { group: "staff" } } };
assert.deepEqual((await done(client.GET(`${groups}/{group}/users`, staff))).users, ["alice", "bob"]);
assert.deepEqual(await done(client.GET(`${groups}/{group}/subadmins`, staff)), ["alice"]);
assert.deepEqual((await done(client.GET(users, { params: { query: { search: "ali" } } }))).users, ["alice"]);
assert.deepEqual((await done(client.GET(groups))).groups, ["admin", "staff"]);

await done(client.PUT(`${users}/{user}/disable`, { params: of("bob") }));
assert.equal((await done(client.GET(`${users}/{user}`, { params: of("bob") }))).enabled, false);
await done(client.PUT(`${users}/{user}/enable`, { params: of("bob") }));
await done(
  client.DELETE(`${users}/{user}/subadmins`, { params: { ...of("alice"), query: { groupid: "staff" } } }),
);
for (const user of ["alice", "bob"]) await done(client.DELETE(`${users}/{user}`, { params: of(user) }));
await done(client.DELETE(`${groups}/{group}`, staff));
assert.deepEqual((await done(client.GET(users))).users, ["admin"]);
console.log(`    ${calls} calls, none with a header or a format`);

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Problem } from "@/api";
import { etagOf } from "../shared/etag";
import { soundsApi } from "../sounds/api";
import { flowsApi } from "./api";
import type { Definition } from "./model";

vi.mock("@/api/session", async (original) => ({ ...(await original<object>()), currentToken: () => Promise.resolve({ value: "t", expiresAt: Infinity }) }));

const AT = "2026-11-30T09:00:00.000001Z";
const definition: Definition = { start: "a", language: "en", nodes: [] };
let asked: { what: string; body: string; headers: Headers }[];
let answer: () => Response;

beforeEach(() => {
  asked = [];
  answer = () => Response.json({ id: "f/1", name: "F", draft: null, published: null, updated_at: AT });
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    asked.push({ what: `${request.method} ${pathname.replace("/api/v1", "")}${search}`, body: request.method === "GET" ? "" : await request.text(), headers: request.headers });
    return answer();
  });
});
afterEach(() => vi.unstubAllGlobals());

test("a flow is held with the tag that its answer has, or else with that of its last change", async () => {
  answer = () => Response.json({ id: "f", name: "F", draft: { definition: { start: "a" }, updated_at: AT, by: null }, published: null }, { headers: { etag: '"7"' } });
  const held = await flowsApi.one("f/1");
  expect(asked[0]?.what).toBe("GET /flows/f%2F1");
  expect(held.etag).toBe('"7"');
  // What the server leaves out is there.
  expect(held.flow.draft).toMatchObject({ definition: { start: "a", language: "en", nodes: [] }, faults: [] });
  answer = () => Response.json({ id: "f", name: "F", draft: { definition, updated_at: AT, by: null, faults: [] }, published: null });
  expect((await flowsApi.one("f")).etag).toBe(etagOf(AT));
});

test("a draft is written against what was seen, or over whatever is there", async () => {
  await flowsApi.saveDraft("f", definition, '"3"');
  await flowsApi.saveDraft("f", definition, undefined);
  expect(asked.map((one) => [one.what, one.headers.get("if-match"), JSON.parse(one.body)])).toEqual([
    ["PUT /flows/f/draft", '"3"', { definition }],
    ["PUT /flows/f/draft", null, { definition }],
  ]);
  answer = () => Response.json({ status: 412, code: "changed" }, { status: 412 });
  await expect(flowsApi.saveDraft("f", definition, '"3"')).rejects.toMatchObject({ status: 412 });
  await expect(flowsApi.saveDraft("f", definition, '"3"')).rejects.toBeInstanceOf(Problem);
});

test("each thing is asked for where the contract has it", async () => {
  answer = () => Response.json({ items: [], version: 2, definition, steps: [], path: [], ends: { type: "hang_up" } });
  await flowsApi.create("New", definition);
  await flowsApi.create("Bare");
  await flowsApi.rename("f", "Other");
  await flowsApi.dropDraft("f");
  await flowsApi.publish("f", "  ");
  await flowsApi.publish("f", " Christmas ");
  await flowsApi.versions("f");
  await flowsApi.version("f", 2);
  await flowsApi.restore("f", 2);
  await flowsApi.simulate("f", { version: "draft", definition, from: "anonymous", to: "+390612345678", at: AT, keys: [{ node: "menu", digits: "1" }], http: [{ node: "ask", fails: true }], picks_up: false });
  await flowsApi.compare("c1", "f", "draft");
  await flowsApi.trace("c1");
  await flowsApi.remove("f");
  expect(asked.map((one) => `${one.what} ${one.body}`.trim())).toEqual([
    `POST /flows ${JSON.stringify({ name: "New", definition })}`,
    'POST /flows {"name":"Bare"}',
    'PATCH /flows/f {"name":"Other"}',
    "DELETE /flows/f/draft",
    "POST /flows/f/publish {}",
    'POST /flows/f/publish {"note":"Christmas"}',
    "GET /flows/f/versions?limit=200",
    "GET /flows/f/versions/2",
    "POST /flows/f/versions/2/restore",
    `POST /flows/f/simulate ${JSON.stringify({ version: "draft", definition, from: "anonymous", to: "+390612345678", at: AT, keys: [{ node: "menu", digits: "1" }], http: [{ node: "ask", fails: true }], picks_up: false })}`,
    'POST /calls/c1/simulate {"flow_id":"f","version":"draft"}',
    "GET /calls/c1/trace",
    "DELETE /flows/f",
  ]);
  // Whatever is sent twice has its effect once.
  for (const one of asked) expect(one.headers.has("idempotency-key"), one.what).toBe(one.what.startsWith("POST"));
});

test("numbers that lead to a flow are read with their labels or without", async () => {
  answer = () => Response.json({ items: [{ id: "a", numbers: ["+390612345678"] }, { id: "b", numbers: [{ number: "+15550100", label: "Hotline" }] }, { id: "c" }] });
  expect((await flowsApi.list()).items.map((one) => one.numbers)).toEqual([["+390612345678"], ["+15550100"], []]);
});

test("a sound is sent as it is, and a text to be spoken as a text", async () => {
  await soundsApi.upload("s", "pt-BR", new Blob(["RIFF"], { type: "audio/wav" }));
  await soundsApi.speak("s", "en", "Hello");
  expect(asked.map((one) => [one.what, one.headers.get("content-type"), one.body])).toEqual([
    ["PUT /sounds/s/files/pt-BR", "audio/wav", "RIFF"],
    ["PUT /sounds/s/files/en", "application/json", '{"text":"Hello"}'],
  ]);
  answer = () => Response.json({ status: 413, code: "too-large", detail: "Too large." }, { status: 413 });
  await expect(soundsApi.upload("s", "en", new Blob(["x"]))).rejects.toMatchObject({ status: 413 });
});

import { beforeAll, describe, expect, it } from "vitest";
import { loadArea, setLanguage } from "@/i18n";
import { type Entry, actionText, actorText, changes } from "./words";

const entry: Entry = {
  seq: 7,
  at: "2026-11-20T15:04:05Z",
  actor: { type: "user", id: "0193", name: "Ann" },
  via: null,
  action: "user.updated",
  subject: { type: "user", id: "0193" },
  address: null,
  user_agent: null,
  request_id: null,
  before: { name: "Ann", role: "admin" },
  after: { name: "Anna", takes_work: true },
  erased_at: null,
};

beforeAll(async () => {
  await setLanguage("en");
  await loadArea("audit");
});

describe("an entry of the audit log", () => {
  it("is told field by field", () => {
    expect(changes(entry)).toEqual([
      { field: "name", before: "Ann", after: "Anna" },
      { field: "role", before: "admin", after: undefined },
      { field: "takes_work", before: undefined, after: "true" },
    ]);
    expect(changes({ ...entry, before: null, after: null })).toEqual([]);
  });

  it("names who it was, as far as that is known", () => {
    expect(actorText(entry)).toBe("Ann");
    expect(actorText({ ...entry, actor: { type: "user", id: "0193" }, erased_at: "2026-12-01T00:00:00Z" })).toBe("Erased");
    expect(actorText({ ...entry, actor: { type: "system", id: null } })).toBe("Trunkline itself");
    expect(actorText({ ...entry, actor: { type: "robot", id: null } })).toBe("robot");
  });

  it("shows an action that it has no words for as it is", () => {
    expect(actionText("device.created")).toBe("Phone added");
    expect(actionText("thing.turned")).toBe("thing.turned");
  });
});

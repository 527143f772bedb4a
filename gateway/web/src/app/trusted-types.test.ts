import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { guardMarkup, SELECT_STYLE } from "./trusted-types";

it("lets through what Radix writes, and the policy knows its hash", () => {
  const radix = readFileSync("node_modules/@radix-ui/react-select/dist/index.mjs", "utf8");
  expect(radix).toContain(SELECT_STYLE);
  const policy = readFileSync("../src/panel/answer.rs", "utf8");
  expect(policy).toContain(`'sha256-${createHash("sha256").update(SELECT_STYLE).digest("base64")}'`);
});

it("lets nothing else become markup", () => {
  let rules: { createHTML(text: string): string | null } | undefined;
  guardMarkup({ createPolicy: (_name, given) => (rules = given) });
  expect(rules?.createHTML(SELECT_STYLE)).toBe(SELECT_STYLE);
  for (const text of ["", "<img src=x onerror=alert(1)>", `${SELECT_STYLE} `]) expect(rules?.createHTML(text)).toBeNull();
});

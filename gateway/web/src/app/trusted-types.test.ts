import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Rules, guardMarkup, SELECT_STYLE } from "./trusted-types";

it("lets through what Radix writes, and the policy knows its hash", () => {
  const radix = readFileSync("node_modules/@radix-ui/react-select/dist/index.mjs", "utf8");
  expect(radix).toContain(SELECT_STYLE);
  const policy = readFileSync("../src/panel/answer.rs", "utf8");
  expect(policy).toContain(`'sha256-${createHash("sha256").update(SELECT_STYLE).digest("base64")}'`);
});

it("lets nothing else become markup, and only the service worker a script", () => {
  let rules: Rules | undefined;
  guardMarkup({ createPolicy: (_name, given) => (rules = given) });
  expect(rules?.createHTML(SELECT_STYLE)).toBe(SELECT_STYLE);
  for (const text of ["", "<img src=x onerror=alert(1)>", `${SELECT_STYLE} `]) expect(rules?.createHTML(text)).toBeNull();
  expect(rules?.createScriptURL("/sw.js")).toBe("/sw.js");
  for (const address of ["", "/sw.js?x", "sw.js", "https://elsewhere.test/sw.js", "blob:x", "data:text/javascript,1"]) expect(rules?.createScriptURL(address)).toBeNull();
});

/** Dialplan hooks, as an admin sets them up. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, open, signInQuickly, Stage } from "./harness";

let stage: Stage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await stage.end();
});

it("each hook is shown with what to paste, and can be tried", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.goto(`${stage.url}/settings/hooks`);
  for (const hook of ["caller", "hours", "route", "event"]) {
    const pasted = page.getByRole("group", { name: `What to paste for ${hook}` });
    expect(await pasted.innerText()).toContain(`Gosub(trunkline-hook-${hook},s,1(`);
  }
  await page.getByRole("radio", { name: "HTTP" }).click();
  expect(await page.getByRole("group", { name: "What to paste for hours" }).innerText()).toContain("/hooks/dialplan/hours,format=hash");
  await page.getByText("5 channel variables").click();
  await page.getByRole("cell", { name: "1 open, 0 closed" }).waitFor();

  await page.getByRole("combobox", { name: "Hook" }).click();
  await page.getByRole("option", { name: "route" }).click();
  await page.getByLabel("Number called").fill("+15550100");
  await page.getByRole("button", { name: "Ask" }).click();
  const answer = page.getByRole("status").filter({ hasText: "TRUNKLINE_ROUTE_EXTEN" });
  await answer.getByText("700", { exact: true }).waitFor();
  expect(await answer.innerText()).toContain("ok");
});

it("a token is shown once, opens the hooks, and is refused as soon as it is revoked", async () => {
  const page = await open(await browser.newContext());
  await signInQuickly(page, stage.url, "admin@demo.test", stage.password);
  await page.goto(`${stage.url}/settings/hooks`);
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByRole("dialog").getByLabel("What it is for").fill("West");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("dialog", { name: "The token" }).waitFor();
  const token = /tlh_[a-z0-9]{10}_[\w-]+/.exec(await page.getByRole("dialog").innerHTML())?.[0] ?? "";
  expect(token).not.toBe("");
  const ask = async () => fetch(`${stage.url}/hooks/dialplan/hours?format=vars&called=%2B15550100`, { headers: { authorization: `Bearer ${token}` } });
  expect(await (await ask()).text()).toContain("TRUNKLINE_OPEN=1\n");

  await page.reload();
  await page.getByRole("button", { name: "Revoke West" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("region", { name: "Notifications" }).getByText("West is revoked").waitFor();
  expect((await ask()).status).toBe(401);
  expect(await page.content()).not.toContain(token);
});

import { expect, it } from "vitest";
import { faultIn, firstStepOf } from "./problems";

it("has words for what the server says of fields", () => {
  const said = {
    "belongs to a user already": "taken",
    "is given twice": "twice",
    "belongs to another tenant": "used",
    "must be an international number such as +390612345678 (a plus and 7 to 15 digits)": "number",
    "must be later than open; past midnight it is a second line on the next day": "time",
    "overlaps with another line of the same day": "overlap",
    "must be 2 to 32 lower-case letters, digits and dashes, beginning with a letter": "slug",
  };
  for (const [message, fault] of Object.entries(said)) expect(faultIn(message)).toBe(fault);
  expect(faultIn("must have at most 1024 bytes")).toBeUndefined();
});

it("goes to the first step that has a fault, whatever the server named first", () => {
  expect(firstStepOf(["users[3].email", "hours[0].close", "admin.email"])).toBe("hours");
  expect(firstStepOf(["users", "number"])).toBe("company");
  expect(firstStepOf([])).toBeUndefined();
});

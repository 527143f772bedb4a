import { describe, expect, it } from "vitest";
import { refusalOf } from "./file-rules";

const MB = 1024 * 1024;
const whatsapp = { file_limit: 100 * MB };

describe("a file that is attached", () => {
  it("is refused where the channel does not take its kind", () => {
    expect(refusalOf({ type: "application/zip", bytes: 10, sort: "document" }, "whatsapp", whatsapp)).toMatchObject({ why: "type" });
    expect(refusalOf({ type: "image/webp", bytes: 10, sort: "image" }, "whatsapp", whatsapp)).toEqual({ why: "type", taken: "JPEG, PNG" });
    expect(refusalOf({ type: "application/zip", bytes: 10, sort: "document" }, "sms", { file_limit: 5 * MB })).toMatchObject({ why: "type" });
    expect(refusalOf({ type: "application/zip", bytes: 10, sort: "document" }, "telegram", { file_limit: 50 * MB })).toBeUndefined();
  });
  it("is refused where it is too large for its kind, empty, or where no file can be sent", () => {
    expect(refusalOf({ type: "image/jpeg", bytes: 6 * MB, sort: "image" }, "whatsapp", whatsapp)).toEqual({ why: "size", most: 5 * MB });
    expect(refusalOf({ type: "application/pdf", bytes: 6 * MB, sort: "document" }, "whatsapp", whatsapp)).toBeUndefined();
    expect(refusalOf({ type: "image/png", bytes: 6 * MB, sort: "image" }, "sms", { file_limit: 5 * MB })).toEqual({ why: "size", most: 5 * MB });
    expect(refusalOf({ type: "image/png", bytes: 0, sort: "image" }, "telegram", whatsapp)).toEqual({ why: "empty" });
    expect(refusalOf({ type: "image/png", bytes: 1, sort: "image" }, "sms", { file_limit: 0 })).toEqual({ why: "none" });
  });
  it("is taken with what its type says beside", () => {
    expect(refusalOf({ type: "audio/ogg; codecs=opus", bytes: 9, sort: "voice" }, "whatsapp", whatsapp)).toBeUndefined();
    expect(refusalOf({ type: "", bytes: 9, sort: "document" }, "whatsapp", whatsapp)).toBeUndefined();
  });
});

export * from "./browser";
export * from "./carrier";
export * from "./line";
export * from "./stage";
export * from "./providers";
export * from "./push-service";
export * from "./sound";

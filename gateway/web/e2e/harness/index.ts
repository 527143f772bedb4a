export * from "./browser";
export * from "./line";
export * from "./stage";
export * from "./providers";
export * from "./push-service";

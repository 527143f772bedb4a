/** What this browser is, and what it can. Pure. */

/** `install`: only a panel on the home screen can (iOS). */
export type Ability = "ready" | "insecure" | "none" | "install" | "denied";

export interface Browser {
  readonly secure: boolean;
  readonly worker: boolean;
  readonly push: boolean;
  readonly permission: NotificationPermission | undefined;
  readonly userAgent: string;
  readonly touchPoints: number;
  /** Opened from the home screen. */
  readonly installed: boolean;
}

/** An iPad says that it is a Mac. */
const isIos = ({ userAgent, touchPoints }: Browser): boolean => /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && touchPoints > 1);

export function abilityOf(browser: Browser): Ability {
  if (!browser.secure) return "insecure";
  if (isIos(browser) && !browser.installed) return "install";
  if (!browser.worker || !browser.push || browser.permission === undefined) return "none";
  return browser.permission === "denied" ? "denied" : "ready";
}

export function thisBrowser(): Browser {
  return {
    secure: isSecureContext,
    worker: "serviceWorker" in navigator,
    push: "PushManager" in window,
    permission: typeof Notification === "undefined" ? undefined : Notification.permission,
    userAgent: navigator.userAgent,
    touchPoints: navigator.maxTouchPoints,
    installed: matchMedia("(display-mode: standalone)").matches || ("standalone" in navigator && navigator.standalone === true),
  };
}

/** The first that fits: the later ones say the earlier ones' names too. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/SamsungBrowser\//, "Samsung Internet"],
  [/OPR\//, "Opera"],
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/YaBrowser\//, "Yandex"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|Chromium\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/CrOS/, "ChromeOS"],
  [/Macintosh/, "macOS"],
  [/Linux/, "Linux"],
];

/** By what its person knows it in a list: "Firefox, Windows". Proper names, in every language the same. */
export function deviceName(userAgent: string): string | undefined {
  const first = (of: typeof PROGRAMS) => of.find(([pattern]) => pattern.test(userAgent))?.[1];
  const parts = [first(PROGRAMS), first(SYSTEMS)].filter((one) => one !== undefined);
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** A key as browsers take it; `undefined`: it is none. */
export function keyBytes(base64url: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  } catch {
    return undefined;
  }
}

export function sameBytes(one: ArrayBuffer | null | undefined, other: Uint8Array): boolean {
  if (!one) return false;
  const bytes = new Uint8Array(one);
  return bytes.length === other.length && bytes.every((byte, at) => byte === other[at]);
}

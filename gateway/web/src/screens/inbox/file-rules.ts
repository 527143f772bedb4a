/** Which files a channel takes: said when a file is attached, and not only when its message is refused. The server has the last word. */
import type { Abilities, Channel, MediaSort } from "./api";

const MB = 1024 * 1024;

export type Refusal = { readonly why: "none" } | { readonly why: "empty" } | { readonly why: "size"; readonly most: number } | { readonly why: "type"; readonly taken: string };

interface Rule {
  readonly types: readonly string[];
  readonly most: number;
  /** As people call them. */
  readonly taken: string;
}

const WHATSAPP_SOUND: Rule = { types: ["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"], most: 16 * MB, taken: "AAC, AMR, MP3, M4A, OGG" };
const WHATSAPP_FILM: Rule = { types: ["video/mp4", "video/3gpp"], most: 16 * MB, taken: "MP4, 3GP" };
/** <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media> */
const WHATSAPP: Readonly<Record<MediaSort, Rule>> = {
  image: { types: ["image/jpeg", "image/png"], most: 5 * MB, taken: "JPEG, PNG" },
  audio: WHATSAPP_SOUND,
  voice: WHATSAPP_SOUND,
  video: WHATSAPP_FILM,
  video_note: WHATSAPP_FILM,
  animation: WHATSAPP_FILM,
  sticker: { types: ["image/webp"], most: 500 * 1024, taken: "WebP" },
  document: {
    types: [
      "text/plain",
      "application/pdf",
      "application/msword",
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      "application/vnd.ms-excel",
      "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
      "application/vnd.ms-powerpoint",
      "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ],
    most: 100 * MB,
    taken: "PDF, Word, Excel, PowerPoint, TXT, JPEG, PNG, MP4, MP3",
  },
};

/** <https://www.twilio.com/docs/messaging/guides/accepted-mime-types> */
const SMS = /^(image\/|audio\/|video\/|application\/(pdf|vcard)$|text\/(vcard|x-vcard|csv|rtf|richtext|calendar|directory)$)/;

export interface Chosen {
  readonly type: string;
  readonly bytes: number;
  readonly sort: MediaSort;
}

/** Why a channel would not take a file. */
export function refusalOf({ type, bytes, sort }: Chosen, channel: Channel, abilities: Pick<Abilities, "file_limit">): Refusal | undefined {
  const mime = (type.split(";")[0] ?? "").trim().toLowerCase();
  if (abilities.file_limit === 0) return { why: "none" };
  if (bytes === 0) return { why: "empty" };
  const rule = channel === "whatsapp" ? WHATSAPP[sort] : undefined;
  // A file of which the browser knows no type is the server's to judge: it looks into it.
  if (mime !== "" && rule && !rule.types.includes(mime)) return { why: "type", taken: rule.taken };
  if (mime !== "" && channel === "sms" && !SMS.test(mime)) return { why: "type", taken: "JPEG, PNG, GIF, MP3, MP4, PDF, vCard, CSV, RTF" };
  const most = Math.min(abilities.file_limit, rule?.most ?? abilities.file_limit);
  return bytes > most ? { why: "size", most } : undefined;
}

/** What a message holds besides text and files, by its kind. What nobody knows is shown as such, and as it came. */
import { ContactRound, MapPin, Megaphone, MessageCircleQuestion, ReceiptText, SquareMousePointer } from "lucide-react";
import type { ReactNode } from "react";
import { PhoneNumber } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import { CallLink } from "../calls/call-back";
import { VoicemailPlayer } from "../worklist/player";
import { VoicemailDone } from "../worklist/voicemail-row";
import type { Message } from "./api";
import { tidy } from "./words";

type Content = Readonly<Record<string, unknown>>;

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? tidy(value) : undefined);
const number = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
const list = (value: unknown): readonly Content[] => (Array.isArray(value) ? value.filter((one): one is Content => typeof one === "object" && one !== null) : []);

export function ContentView({ message }: { message: Message }) {
  const { kind, content } = message;
  switch (kind) {
    case "text":
    case "media":
      return null;
    case "location":
      return <Location content={content} />;
    case "contacts":
      return <Cards content={content} />;
    case "choices":
      return <Choices content={content} />;
    case "choice":
    case "command":
      return <Chosen message={message} />;
    case "form":
      return <Form content={content} />;
    case "order":
      return <Order content={content} noted={message.text.trim() !== ""} />;
    case "template":
      return <Template content={content} />;
    case "voicemail":
      return <Left content={content} />;
    case "notice":
      return message.text ? null : <Notice content={content} />;
    default:
      return <Unknown message={message} />;
  }
}

/** Whether what is drawn says the message's text too: the name of a place, of a card. */
export function saysItsText({ kind, content }: Pick<Message, "kind" | "content">): boolean {
  if (kind === "location") return number(content.latitude) !== undefined && number(content.longitude) !== undefined;
  return kind === "contacts" && list(content.cards).length > 0;
}

/** What they left on a call. */
function Left({ content }: { content: Content }) {
  const id = text(content.voicemail_id);
  if (!id) return null;
  return (
    <div className="grid justify-items-start gap-1.5">
      <VoicemailPlayer id={id} state={text(content.state) ?? "lost"} lengthMs={number(content.length_ms) ?? 0} />
      <VoicemailDone id={id} done={text(content.done_at) !== undefined} />
    </div>
  );
}

function Notice({ content }: { content: Content }) {
  const t = useT();
  return <Line>{content.what === "request_welcome" ? t("inbox.notice.request_welcome") : (text(content.text) ?? text(content.what)?.replaceAll("_", " "))}</Line>;
}

/** What led them here: an advertisement, a link with a word in it. */
export function ReferralView({ content }: { content: Content }) {
  const t = useT();
  if (typeof content.referral !== "object" || content.referral === null) return null;
  const referral = content.referral as Content;
  const [title, body, source, url] = [text(referral.title), text(referral.body), text(referral.source), text(referral.url)];
  if (!title && !body && !source && !url) return null;
  return (
    <div className="mb-1.5 rounded-md border border-line bg-surface p-2 text-sm" data-referral>
      <p className="flex items-center gap-1.5 text-xs text-ink-2">
        <Megaphone size={14} aria-hidden />
        {url || title ? t("inbox.referral.ad") : t("inbox.referral.link")}
      </p>
      {title && <p dir="auto" className="font-medium break-words">{title}</p>}
      {body && <p dir="auto" className="line-clamp-3 break-words text-ink-2">{body}</p>}
      {url && /^https?:\/\//.test(url) && (
        <a href={url} target="_blank" rel="noopener noreferrer nofollow" className="block break-all underline underline-offset-2">
          {url}
        </a>
      )}
      {source && <p className="break-all text-xs text-ink-3">{source}</p>}
    </div>
  );
}

function Line({ icon, children }: { icon?: ReactNode; children: ReactNode }) {
  return (
    <p className="flex items-center gap-1.5 text-sm text-ink-2">
      {icon}
      {children}
    </p>
  );
}

function Location({ content }: { content: Content }) {
  const t = useT();
  const [latitude, longitude] = [number(content.latitude), number(content.longitude)];
  if (latitude === undefined || longitude === undefined) return null;
  const place = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
  return (
    <div className="flex items-start gap-2 rounded-md border border-line bg-surface p-2">
      <MapPin size={18} aria-hidden className="mt-0.5 shrink-0 text-bad" />
      <div className="min-w-0 text-sm">
        <p className="font-medium">{text(content.name) ?? t("inbox.kind.location")}</p>
        {text(content.address) && <p className="text-ink-2">{text(content.address)}</p>}
        <a href={`https://www.openstreetmap.org/?mlat=${String(latitude)}&mlon=${String(longitude)}#map=16/${String(latitude)}/${String(longitude)}`} target="_blank" rel="noopener noreferrer" className="num underline underline-offset-2">
          {place}
        </a>
      </div>
    </div>
  );
}

function Cards({ content }: { content: Content }) {
  const t = useT();
  return (
    <div className="grid gap-1.5">
      {list(content.cards).map((card, index) => (
        <div key={index} className="flex items-start gap-2 rounded-md border border-line bg-surface p-2 text-sm">
          <ContactRound size={18} aria-hidden className="mt-0.5 shrink-0 text-ink-3" />
          <div className="min-w-0">
            <p className="font-medium">
              <bdi>{text(card.name) ?? t("inbox.somebody")}</bdi>
            </p>
            {text(card.organisation) && <p className="text-ink-2">{text(card.organisation)}</p>}
            {(Array.isArray(card.phones) ? card.phones : []).filter((one): one is string => typeof one === "string").map((phone) => (
              <p key={phone}>
                <CallLink number={phone} />
              </p>
            ))}
            {(Array.isArray(card.emails) ? card.emails : []).filter((one): one is string => typeof one === "string").map((mail) => (
              <p key={mail} className="truncate">
                {tidy(mail)}
              </p>
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

/** What we let them choose from. */
function Choices({ content }: { content: Content }) {
  const t = useT();
  return (
    <ul aria-label={t("inbox.kind.choices")} className="mt-1 grid gap-1">
      {list(content.choices).map((choice, index) => (
        <li key={index} className="rounded-md border border-line-strong bg-surface px-2.5 py-1 text-center text-sm">
          {text(choice.title)}
          {text(choice.description) && <span className="block text-xs text-ink-3">{text(choice.description)}</span>}
        </li>
      ))}
    </ul>
  );
}

function Chosen({ message }: { message: Message }) {
  const t = useT();
  const { content, kind } = message;
  const what = kind === "command" ? [text(content.name), text(content.argument)].filter(Boolean).join(" ") : text(content.title);
  return (
    <Line icon={<SquareMousePointer size={14} aria-hidden />}>
      {kind === "command" ? t("inbox.kind.command") : t("inbox.kind.choice")}
      {!message.text && what && <bdi className="font-medium text-ink">{what}</bdi>}
    </Line>
  );
}

function Form({ content }: { content: Content }) {
  const t = useT();
  const answers = typeof content.answers === "object" && content.answers !== null ? Object.entries(content.answers) : [];
  return (
    <div className="rounded-md border border-line bg-surface p-2 text-sm">
      <p className="mb-1 flex items-center gap-1.5 font-medium">
        <MessageCircleQuestion size={15} aria-hidden />
        {text(content.name) ?? t("inbox.kind.form")}
      </p>
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5">
        {answers.map(([name, answer]) => (
          <div key={name} className="contents">
            <dt className="text-ink-3">{tidy(name)}</dt>
            <dd className="min-w-0 break-words">{typeof answer === "string" ? tidy(answer) : JSON.stringify(answer)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function money(value: number, currency: string): string {
  try {
    return new Intl.NumberFormat(currentLanguage(), { style: "currency", currency }).format(value);
  } catch {
    // A currency that is none: as it was told.
    return `${String(value)} ${currency}`;
  }
}

function Order({ content, noted }: { content: Content; noted: boolean }) {
  const t = useT();
  const items = list(content.items);
  const currency = text(items[0]?.currency) ?? "";
  const sum = items.reduce((total, item) => total + (number(item.price) ?? 0) * (number(item.quantity) ?? 1), 0);
  return (
    <div className="min-w-56 rounded-md border border-line bg-surface p-2 text-sm">
      <p className="mb-1 flex items-center gap-1.5 font-medium">
        <ReceiptText size={15} aria-hidden />
        {t("inbox.kind.order")}
      </p>
      <ul className="grid gap-0.5">
        {items.map((item, index) => (
          <li key={index} className="flex gap-3">
            <span className="min-w-0 flex-1 truncate">
              {String(number(item.quantity) ?? 1)} × <bdi>{text(item.product)}</bdi>
            </span>
            <span className="num">{money(number(item.price) ?? 0, text(item.currency) ?? currency)}</span>
          </li>
        ))}
      </ul>
      <p className="mt-1 flex justify-between border-t border-line pt-1 font-medium">
        {t("inbox.order.total")} <span className="num">{money(sum, currency)}</span>
      </p>
      {!noted && text(content.note) && <p className="mt-1 text-ink-2">{text(content.note)}</p>}
    </div>
  );
}

function Template({ content }: { content: Content }) {
  const t = useT();
  const name = text(content.name);
  return <Line>{name ? t("inbox.template.named", { name }) : t("inbox.kind.template")}</Line>;
}

/** Nothing is lost: what cannot be shown is there as it came. */
function Unknown({ message }: { message: Message }) {
  const t = useT();
  return (
    <div className="text-sm text-ink-2">
      <p>{t("inbox.unsupported", { what: text(message.content.what) ?? message.kind })}</p>
      <details className="mt-1">
        <summary className="cursor-pointer underline underline-offset-2">{t("inbox.unsupported.raw")}</summary>
        {/* Long lines are scrolled by keys too. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre tabIndex={0} className="mt-1 max-h-64 max-w-full overflow-auto rounded-md bg-sunken p-2 font-mono text-xs">
          {JSON.stringify(message.content.raw ?? message.content, null, 2)}
        </pre>
      </details>
    </div>
  );
}

/** A number as it may be called, or a name as it stands. */
export function AddressText({ value }: { value: string }) {
  return /^\+?\d{3,}$/.test(value) ? <PhoneNumber value={value} /> : <bdi>{tidy(value)}</bdi>;
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Ban, Phone, Users } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useCan } from "@/api";
import { Avatar, Badge, Button, ConfirmDialog, RelativeTime, Skeleton, cx, toast, undoable } from "@/design";
import { type TextKey, useT } from "@/i18n";
import { useEvents } from "@/live";
import { problemText } from "../calls/problem-text";
import { CallLink } from "../calls/call-back";
import { type Contact, type Conversation, type ConversationDetail, type ContactMerge, type Identity, type MergeSuggestion, type TimelineItem, inboxApi } from "./api";
import { failed } from "./actions";
import { useNames } from "./data";
import { AddIdentity, MergeByHand, RemoveIdentity, Rename } from "./person-tools";
import { channelText, previewText, shortTime, tidy, titleOf } from "./words";

const TYPES: Readonly<Record<string, TextKey>> = {
  phone: "inbox.identity.phone",
  whatsapp_id: "inbox.channel.whatsapp",
  whatsapp_user: "inbox.identity.whatsapp_user",
  telegram_id: "inbox.channel.telegram",
  username: "inbox.identity.username",
  email: "inbox.identity.email",
  visitor: "inbox.identity.visitor",
};

interface Props {
  line: Conversation;
  detail: ConversationDetail | undefined;
  onOpen: (id: string) => void;
}

/** Whom one speaks with: what they are known by and how it is known, what was before, over every way. */
export function PersonPane({ line, detail, onOpen }: Props) {
  const t = useT();
  const person = line.contact.person_id;
  const mayRead = useCan("contacts:read");
  const mayManage = useCan("contacts:manage");
  const queries = useQueryClient();
  const key = ["inbox", "person", person];
  useEvents(["contact.*"], () => void queries.invalidateQueries({ queryKey: key }));
  const { data: contact } = useQuery({ queryKey: key, enabled: mayRead, queryFn: ({ signal }) => inboxApi.contact(person, signal) });
  const identities = contact?.identities ?? detail?.identities;
  const name = titleOf(line);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] content-start gap-4 p-4">
      <div className="flex items-center gap-3">
        <Avatar name={name} size={46} />
        <div className="min-w-0 flex-1">
          <div className="flex items-start gap-1">
            <h2 className="line-clamp-3 min-w-0 text-lg font-semibold [overflow-wrap:anywhere]" title={contact ? tidy(contact.name) : name}>
              <bdi>{contact ? tidy(contact.name) : name}</bdi>
            </h2>
            {contact && mayManage && <Rename contact={contact} />}
          </div>
          <p className="flex flex-wrap items-center gap-1.5 text-sm text-ink-2">
            {contact?.language}
            {contact?.opted_out_at && <Badge tone="ring">{t("inbox.opted-out")}</Badge>}
            {line.contact.blocked && <Badge tone="bad">{t("inbox.blocked")}</Badge>}
          </p>
        </div>
      </div>
      {!identities ? <Skeleton lines={3} /> : <Identities identities={identities} contact={mayManage ? contact : undefined} />}
      {contact && <Suggestions person={contact.id} suggestions={contact.suggestions} may={mayManage} />}
      {contact && mayManage && (
        <div>
          <MergeByHand contact={contact} />
        </div>
      )}
      {contact && <Merges merges={contact.merges.filter((one) => !one.undone_at)} may={mayManage} />}
      {mayRead && <Before person={person} current={line.id} onOpen={onOpen} />}
      {mayManage && <Block contact={person} blocked={line.contact.blocked} name={name} />}
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="border-t border-line pt-3">
      <h3 className="mb-2 text-xs font-semibold text-ink-3">{title}</h3>
      {children}
    </section>
  );
}

function Identities({ identities, contact }: { identities: readonly Identity[]; contact: Contact | undefined }) {
  const t = useT();
  const word = (key: TextKey | undefined, otherwise: string) => (key ? t(key) : otherwise);
  return (
    <div className="grid gap-2">
    <dl className="grid grid-cols-[auto_minmax(0,1fr)_auto] gap-x-3 gap-y-2 text-sm">
      {identities.map((one) => {
        return (
          <div key={`${one.type} ${one.value}`} className="contents">
            <dt className="text-ink-3">{word(TYPES[one.type], one.type)}</dt>
            <dd className={cx("min-w-0", one.ended_at && "text-ink-3 line-through")}>
              {one.type === "phone" ? <CallLink number={one.shown} /> : <bdi className="break-all">{tidy(one.shown)}</bdi>}
              {one.name && <bdi className="text-ink-3 [overflow-wrap:anywhere]"> {tidy(one.name)}</bdi>}
              {one.evidence && <p className="text-xs text-ink-3">{tidy(one.evidence)}</p>}
            </dd>
            <dd>{contact && <RemoveIdentity contact={contact} identity={one} />}</dd>
          </div>
        );
      })}
    </dl>
    {contact && (
      <div>
        <AddIdentity contact={contact} />
      </div>
    )}
    </div>
  );
}

function Suggestions({ person, suggestions, may }: { person: string; suggestions: readonly MergeSuggestion[]; may: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  if (suggestions.length === 0) return null;
  const decide = async (one: MergeSuggestion, what: "accept" | "dismiss") => {
    try {
      const answer = await inboxApi.decide(one.id, what);
      await queries.invalidateQueries({ queryKey: ["inbox"] });
      const merge = answer?.merge_id;
      if (what === "accept" && merge) undoable({ title: t("inbox.merged"), undo: () => void inboxApi.undoMerge(merge).catch(failed) });
      else toast({ title: what === "accept" ? t("inbox.merged") : t("inbox.dismissed"), tone: "good" });
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Section title={t("inbox.suggestions")}>
      <ul className="grid gap-2">
        {suggestions.map((one) => {
          const other = one.contact.id === person ? one.other : one.contact;
          return (
            <li key={one.id} className="rounded-md border border-line p-2.5 text-sm">
              <p className="flex items-center gap-1.5 font-medium">
                <Users size={14} aria-hidden />
                <bdi className="min-w-0 [overflow-wrap:anywhere]">{tidy(other.name)}</bdi>
              </p>
              <ul className="my-1 text-ink-2">
                {one.proof.map((proof, index) => (
                  <li key={index}>{tidy(proof)}</li>
                ))}
              </ul>
              {may && (
                <div className="flex gap-1.5">
                  <Button size="sm" variant="primary" onClick={() => void decide(one, "accept")}>
                    {t("inbox.merge")}
                  </Button>
                  <Button size="sm" onClick={() => void decide(one, "dismiss")}>
                    {t("inbox.dismiss")}
                  </Button>
                </div>
              )}
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

/** What was made one can be parted again: nothing was moved. */
function Merges({ merges, may }: { merges: readonly ContactMerge[]; may: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  if (merges.length === 0) return null;
  const part = async (id: string) => {
    try {
      await inboxApi.undoMerge(id);
      await queries.invalidateQueries({ queryKey: ["inbox"] });
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Section title={t("inbox.merges")}>
      <ul className="grid gap-1.5">
        {merges.map((one) => (
          <li key={one.id} className="flex items-start gap-2 text-sm">
            <span className="min-w-0 flex-1">
              <bdi className="font-medium [overflow-wrap:anywhere]">{tidy(one.loser_name)}</bdi>
              {one.proof.length > 0 && <span className="block text-ink-2">{one.proof.map(tidy).join(" · ")}</span>}
            </span>
            {may && (
              <Button size="sm" onClick={() => void part(one.id)}>
                {t("inbox.part")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Before({ person, current, onOpen }: { person: string; current: string; onOpen: (id: string) => void }) {
  const t = useT();
  const names = useNames();
  const { data, error } = useQuery({ queryKey: ["inbox", "timeline", person], queryFn: ({ signal }) => inboxApi.timeline(person, signal), staleTime: 30_000 });
  const items = (data?.items ?? []).filter((one) => one.conversation?.id !== current);
  return (
    <Section title={t("inbox.before")}>
      {error ? (
        <p className="text-sm text-ink-2">{problemText(error)}</p>
      ) : !data ? (
        <Skeleton lines={3} />
      ) : items.length === 0 ? (
        <p className="text-sm text-ink-3">{t("inbox.before.none")}</p>
      ) : (
        <ul className="grid gap-1">
          {items.map((item, index) => (
            <li key={item.conversation?.id ?? item.call?.id ?? index}>
              <Item item={item} onOpen={onOpen} agent={names.agent} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Item({ item, onOpen, agent }: { item: TimelineItem; onOpen: (id: string) => void; agent: (id: string | null | undefined) => string | undefined }) {
  const t = useT();
  const look = "grid w-full grid-cols-[minmax(0,1fr)_auto] gap-x-2 rounded-md px-1.5 py-1 text-start text-sm hover:bg-sunken";
  const { conversation, call } = item;
  if (conversation) {
    return (
      <button type="button" className={look} onClick={() => onOpen(conversation.id)}>
        <span className="truncate font-medium">
          {channelText(conversation.channel)} · {t(`inbox.state.${conversation.state}`)}
        </span>
        <RelativeTime at={item.at} className="text-ink-3" />
        <span className="col-span-full truncate text-ink-2">
          <bdi>{tidy(previewText(conversation.last))}</bdi>
          {conversation.agent_id && ` · ${agent(conversation.agent_id) ?? ""}`}
        </span>
      </button>
    );
  }
  if (!call) return null;
  return (
    <Link to="/calls/$callId" params={{ callId: call.id }} className={look}>
      <span className="flex items-center gap-1.5 truncate font-medium">
        <Phone size={13} aria-hidden />
        {call.answered_at ? t("inbox.kind.call") : t("inbox.call.missed")}
      </span>
      <RelativeTime at={item.at} className="text-ink-3" />
      <span className="col-span-full num text-ink-2">{shortTime(item.at)}</span>
    </Link>
  );
}

function Block({ contact, blocked, name }: { contact: string; blocked: boolean; name: string }) {
  const t = useT();
  const [asking, setAsking] = useState(false);
  const put = async (next: boolean) => {
    try {
      await inboxApi.block(contact, next);
      toast({ title: next ? t("inbox.blocked.done") : t("inbox.unblocked.done"), tone: "good" });
    } catch (error) {
      failed(error);
    }
  };
  return (
    <div className="border-t border-line pt-3">
      <Button size="sm" icon={<Ban size={14} aria-hidden />} onClick={() => (blocked ? void put(false) : setAsking(true))}>
        {blocked ? t("inbox.unblock") : t("inbox.block")}
      </Button>
      <ConfirmDialog open={asking} onOpenChange={setAsking} title={t("inbox.block.title", { name })} description={t("inbox.block.text")} confirm={t("inbox.block")} onConfirm={() => put(true)} />
    </div>
  );
}

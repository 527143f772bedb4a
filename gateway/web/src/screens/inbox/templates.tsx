import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Badge, Button, Dialog, EmptyState, ErrorState, Field, Input, Skeleton, cx } from "@/design";
import { useT } from "@/i18n";
import { type Template, type TemplateToSend, inboxApi } from "./api";
import { filled, isUsable, shapeOf } from "./compose-core";
import { useUploads } from "./uploads";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  account: string;
  contactName: string;
  onSend: (template: TemplateToSend, preview: string) => void;
}

const PLACE = ["latitude", "longitude", "name", "address"] as const;

function degrees(text: string, most: number): number {
  const value = text.trim() === "" ? Number.NaN : Number(text.trim().replace(",", "."));
  return Math.abs(value) <= most ? value : Number.NaN;
}

const keyOf = (template: Template) => `${template.name} ${template.language}`;

/** The provider's templates of an account: chosen, filled in, seen as they will be read, sent. */
export function TemplatesDialog({ open, onOpenChange, account, contactName, onSend }: Props) {
  const t = useT();
  const { data, error, refetch } = useQuery({ queryKey: ["inbox", "templates", account], enabled: open, queryFn: ({ signal }) => inboxApi.templates(account, signal) });
  const [word, setWord] = useState("");
  const [chosen, setChosen] = useState<Template>();
  const found = useMemo(() => {
    const wanted = word.toLowerCase();
    return (data?.items ?? []).filter((one) => isUsable(one) && `${one.name} ${one.language} ${shapeOf(one).body}`.toLowerCase().includes(wanted));
  }, [data, word]);
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t("inbox.template.title")} description={t("inbox.template.text")} size="lg">
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <div aria-busy="true">
          <Skeleton lines={6} height={20} />
        </div>
      ) : data.items.filter(isUsable).length === 0 ? (
        <EmptyState title={t("inbox.template.none")} text={t("inbox.template.none-text")} />
      ) : (
        <div className="grid grid-cols-[16rem_1fr] gap-4 max-sm:grid-cols-1">
          <div className="grid content-start gap-2">
            <Input aria-label={t("inbox.template.find")} placeholder={t("inbox.template.find")} value={word} onChange={(event) => setWord(event.target.value)} />
            <ul className="max-h-80 overflow-auto" aria-label={t("inbox.template.title")}>
              {found.map((one) => (
                <li key={keyOf(one)}>
                  <button type="button" aria-pressed={chosen === one} onClick={() => setChosen(one)} className={cx("grid w-full gap-0.5 rounded-md px-2.5 py-2 text-start hover:bg-sunken", chosen === one && "bg-accent-soft")}>
                    <span className="flex items-center gap-2 text-md font-medium">
                      <span className="min-w-0 flex-1 truncate">{one.name}</span>
                      <Badge className="text-xs">{one.language}</Badge>
                    </span>
                    <span className="line-clamp-2 text-sm text-ink-2">{shapeOf(one).body}</span>
                  </button>
                </li>
              ))}
            </ul>
            {found.length === 0 && <p className="text-md text-ink-3">{t("common.nothing-found")}</p>}
          </div>
          {chosen ? <Fill key={keyOf(chosen)} template={chosen} contactName={contactName} onSend={onSend} /> : <p className="place-self-center text-md text-ink-3">{t("inbox.template.choose")}</p>}
        </div>
      )}
    </Dialog>
  );
}

function Fill({ template, contactName, onSend }: { template: Template; contactName: string; onSend: Props["onSend"] }) {
  const t = useT();
  const shape = useMemo(() => shapeOf(template), [template]);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const uploads = useUploads();
  const format = shape.header?.format?.toLowerCase();
  const wantsFile = format === "image" || format === "video" || format === "document";
  const wantsPlace = format === "location";
  const field = (key: string) => values[key] ?? "";
  const set = (key: string) => (event: { target: { value: string } }) => setValues((all) => ({ ...all, [key]: event.target.value }));
  const keys = [...(wantsPlace ? PLACE.map((name) => `place:${name}`) : []), ...shape.headerNames.map((name) => `header:${name}`), ...shape.names.map((name) => `body:${name}`), ...shape.buttons.map((button) => `button:${String(button.index)}`)];
  const header = uploads.items[0];
  const place = [degrees(field("place:latitude"), 90), degrees(field("place:longitude"), 180)] as const;
  const complete = keys.every((key) => field(key).trim() !== "") && (!wantsFile || header?.attachment !== undefined) && (!wantsPlace || place.every(Number.isFinite));
  const of = (prefix: string, names: readonly string[]) => Object.fromEntries(names.map((name) => [name, field(`${prefix}:${name}`) || undefined]));
  const preview = filled(shape.body, of("body", shape.names));
  const send = () => {
    if (!complete) return;
    const heading = shape.headerNames.length > 0 ? { header: { text: field(`header:${shape.headerNames[0] ?? ""}`) } } : wantsFile && header?.attachment ? { header: { attachment_id: header.attachment.id } } : wantsPlace ? { header: { latitude: place[0], longitude: place[1], name: field("place:name"), address: field("place:address") } } : {};
    onSend(
      {
        name: template.name,
        language: template.language,
        ...heading,
        body: shape.names.map((name) => field(`body:${name}`)),
        ...(shape.named ? { names: shape.names } : {}),
        ...(shape.buttons.length > 0 ? { buttons: shape.buttons.map((button) => ({ index: button.index, sort: button.sort, value: field(`button:${String(button.index)}`) })) } : {}),
      },
      preview,
    );
  };
  return (
    <form
      className="grid content-start gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {wantsFile && (
        <Field label={t("inbox.template.header-file")} error={header?.error} required>
          <Input
            type="file"
            accept={format === "image" ? "image/jpeg,image/png" : format === "video" ? "video/mp4" : undefined}
            onChange={(event) => {
              uploads.clear();
              uploads.add([...(event.target.files ?? [])].slice(0, 1));
            }}
          />
        </Field>
      )}
      {wantsPlace &&
        PLACE.map((name) => (
          <Field key={`place:${name}`} label={t(`inbox.template.place.${name}`)} required>
            <Input value={field(`place:${name}`)} onChange={set(`place:${name}`)} inputMode={name === "latitude" || name === "longitude" ? "decimal" : "text"} maxLength={200} />
          </Field>
        ))}
      {shape.headerNames.map((name) => (
        <Field key={`header:${name}`} label={t("inbox.template.header-variable", { name })} required>
          <Input value={field(`header:${name}`)} onChange={set(`header:${name}`)} maxLength={60} />
        </Field>
      ))}
      {shape.names.map((name, index) => (
        <Field key={`body:${name}`} label={t("inbox.template.variable", { name })} required>
          <Input value={field(`body:${name}`)} onChange={set(`body:${name}`)} placeholder={index === 0 ? contactName : ""} maxLength={1024} />
        </Field>
      ))}
      {shape.buttons.map((button) => (
        <Field key={button.index} label={t(button.sort === "copy_code" ? "inbox.template.button-code" : "inbox.template.button-variable", { name: button.text })} required>
          <Input value={field(`button:${String(button.index)}`)} onChange={set(`button:${String(button.index)}`)} maxLength={button.sort === "copy_code" ? 15 : 2000} />
        </Field>
      ))}
      <section aria-label={t("inbox.template.preview")} className="rounded-lg border border-accent-line bg-accent-soft p-3 text-md">
        {shape.header?.text && <p className="mb-1 font-semibold">{filled(shape.header.text, of("header", shape.headerNames))}</p>}
        <p dir="auto" className="break-words whitespace-pre-wrap">
          {preview}
        </p>
        {shape.footer && <p className="mt-1 text-sm text-ink-2">{shape.footer}</p>}
        {shape.labels.map((label, index) => (
          <p key={index} className="mt-1.5 rounded-md border border-line bg-surface py-1 text-center text-sm">
            {label}
          </p>
        ))}
      </section>
      <Button type="submit" variant="primary" disabled={!complete} className="justify-self-end">
        {t("inbox.send")}
      </Button>
    </form>
  );
}

import { Download, FileText, ImageOff, LoaderCircle, Music, Play, ZoomIn } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useEffect, useRef, useState } from "react";
import { Button, IconButton, clock, cx, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import type { Attachment } from "./api";
import { saveAttachment, useFile } from "./files";
import { sizeText, tidy } from "./words";

const PICTURES = new Set(["image", "sticker", "animation"]);

/** A file of a message: shown where it can be, else named, with what became of it. */
export function AttachmentView({ attachment, onLook }: { attachment: Attachment; onLook: (attachment: Attachment) => void }) {
  const t = useT();
  const { state, sort } = attachment;
  if (state !== "stored") {
    const words = state === "wanted" ? t("inbox.file.wanted") : state === "refused" ? t("inbox.file.refused") : state === "gone" ? t("inbox.file.gone") : t("inbox.file.failed");
    return (
      <p className="flex items-center gap-2 rounded-md bg-sunken px-2.5 py-2 text-sm text-ink-2" data-attachment={state}>
        {state === "wanted" ? <LoaderCircle size={15} aria-hidden className="animate-spin" /> : <ImageOff size={15} aria-hidden />}
        <span className="min-w-0">
          {words}
          {attachment.file_name && <bdi className="block truncate text-xs">{tidy(attachment.file_name)}</bdi>}
        </span>
      </p>
    );
  }
  if (PICTURES.has(sort) && /^image\/(jpeg|png|gif|webp)$/.test(attachment.mime ?? "")) return <Picture attachment={attachment} onLook={onLook} />;
  if (sort === "audio" || sort === "voice" || attachment.mime?.startsWith("audio/")) return <Sound attachment={attachment} />;
  if ((sort === "video" || sort === "video_note" || sort === "animation") && /^video\/(mp4|webm)$/.test(attachment.mime ?? "")) return <Film attachment={attachment} />;
  return <Named attachment={attachment} />;
}

/** The place that a picture will take, so that nothing jumps when it comes. */
function box(attachment: Attachment, most: number): { width: number; height: number } {
  const [width, height] = [attachment.width ?? 240, attachment.height ?? 180];
  const scale = Math.min(1, most / width, most / height);
  return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

function Picture({ attachment, onLook }: { attachment: Attachment; onLook: (attachment: Attachment) => void }) {
  const t = useT();
  const { url, error } = useFile(attachment.id, { small: attachment.thumbnail });
  const size = box(attachment, attachment.sort === "sticker" ? 140 : 260);
  const name = attachment.file_name ? tidy(attachment.file_name) : t("inbox.file.image");
  return (
    <button type="button" aria-label={t("inbox.file.look", { name })} onClick={() => onLook(attachment)} className="relative block max-w-full overflow-hidden rounded-md bg-sunken" style={size}>
      {url ? <img src={url} alt="" className="size-full object-cover" /> : error ? <ImageOff size={20} aria-hidden className="mx-auto text-ink-3" /> : <span className="block size-full animate-pulse bg-sunken" />}
    </button>
  );
}

const RATES = [1, 1.5, 2] as const;

function Sound({ attachment }: { attachment: Attachment }) {
  const t = useT();
  const [wanted, setWanted] = useState(false);
  const [rate, setRate] = useState<number>(1);
  const { url, error } = useFile(attachment.id, { wanted });
  const player = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (url) void player.current?.play().catch(() => undefined);
  }, [url]);
  return (
    <div className="flex w-72 max-w-full items-center gap-2 rounded-md bg-sunken p-2">
      {url ? (
        <>
          {/* Voices of customers have no captions. */}
          {/* eslint-disable-next-line jsx-a11y/media-has-caption */}
          <audio ref={player} src={url} controls className="h-8 min-w-0 flex-1" aria-label={t("inbox.file.sound")} />
          <Button
            size="sm"
            variant="ghost"
            aria-label={t("inbox.file.rate", { rate: String(rate) })}
            onClick={() => {
              const next = RATES[(RATES.findIndex((one) => one === rate) + 1) % RATES.length] ?? 1;
              setRate(next);
              if (player.current) player.current.playbackRate = next;
            }}
          >
            {String(rate)}×
          </Button>
        </>
      ) : (
        <>
          <IconButton label={t("inbox.file.play")} variant="secondary" onClick={() => setWanted(true)}>
            {wanted && !error ? <LoaderCircle size={15} aria-hidden className="animate-spin" /> : <Play size={15} aria-hidden />}
          </IconButton>
          <span className="flex flex-1 items-center gap-1.5 text-sm text-ink-2">
            <Music size={14} aria-hidden />
            {error ? problemText(error) : attachment.sort === "voice" ? t("inbox.file.voice") : attachment.file_name ? <bdi className="truncate">{tidy(attachment.file_name)}</bdi> : t("inbox.file.sound")}
          </span>
        </>
      )}
      {attachment.seconds != null && !url && <span className="num text-xs text-ink-3">{clock(attachment.seconds * 1000)}</span>}
    </div>
  );
}

function Film({ attachment }: { attachment: Attachment }) {
  const t = useT();
  const [wanted, setWanted] = useState(false);
  const still = useFile(attachment.id, { small: true, wanted: attachment.thumbnail });
  const { url, error } = useFile(attachment.id, { wanted });
  const size = box(attachment, 280);
  const round = attachment.sort === "video_note";
  if (url) {
    return (
      // Films of customers have no captions.
      // eslint-disable-next-line jsx-a11y/media-has-caption
      <video src={url} controls autoPlay loop={attachment.sort === "animation"} muted={attachment.sort === "animation"} className={cx("max-w-full bg-sunken", round ? "rounded-full" : "rounded-md")} style={size} aria-label={t("inbox.file.video")} />
    );
  }
  return (
    <button type="button" aria-label={t("inbox.file.play")} onClick={() => setWanted(true)} className={cx("relative grid max-w-full place-items-center overflow-hidden bg-sunken", round ? "rounded-full" : "rounded-md")} style={size}>
      {still.url && <img src={still.url} alt="" className="absolute inset-0 size-full object-cover" />}
      <span className="relative grid size-11 place-items-center rounded-full bg-surface text-ink shadow-card">{wanted && !error ? <LoaderCircle size={18} aria-hidden className="animate-spin" /> : <Play size={18} aria-hidden />}</span>
      {attachment.seconds != null && <span className="num absolute end-1.5 bottom-1.5 rounded-sm bg-ink px-1 text-xs text-bg">{clock(attachment.seconds * 1000)}</span>}
    </button>
  );
}

function Named({ attachment }: { attachment: Attachment }) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const name = attachment.file_name ? tidy(attachment.file_name) : t("inbox.file.document");
  const save = async () => {
    setBusy(true);
    try {
      await saveAttachment(attachment);
    } catch (error) {
      toast({ title: t("inbox.file.not-saved"), description: problemText(error), tone: "bad" });
    }
    setBusy(false);
  };
  return (
    <div className="flex w-72 max-w-full items-center gap-2.5 rounded-md border border-line bg-surface p-2">
      <FileText size={20} aria-hidden className="shrink-0 text-ink-3" />
      <span className="min-w-0 flex-1">
        <bdi className="block truncate text-md font-medium">{name}</bdi>
        <span className="text-xs text-ink-3">{[attachment.mime, attachment.bytes == null ? undefined : sizeText(attachment.bytes)].filter(Boolean).join(" · ")}</span>
      </span>
      <IconButton label={t("inbox.file.save", { name })} size="sm" disabled={busy} onClick={() => void save()}>
        {busy ? <LoaderCircle size={14} aria-hidden className="animate-spin" /> : <Download size={14} aria-hidden />}
      </IconButton>
    </div>
  );
}

/** A picture over everything; arrows go to the others of the thread. */
export function Lightbox({ pictures, at, onAt, onClose }: { pictures: readonly Attachment[]; at: string | undefined; onAt: (id: string) => void; onClose: () => void }) {
  const index = pictures.findIndex((one) => one.id === at);
  const picture = pictures[index];
  return (
    <Radix.Root open={picture !== undefined} onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-shade" />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed inset-3 z-50 grid grid-rows-[auto_1fr] overflow-hidden rounded-lg border border-line bg-raised shadow-over outline-none"
          onKeyDown={(event) => {
            const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
            const next = pictures[index + step];
            if (step !== 0 && next) onAt(next.id);
          }}
        >
          {picture && <Large picture={picture} />}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Large({ picture }: { picture: Attachment }) {
  const t = useT();
  const { url, error } = useFile(picture.id);
  const [whole, setWhole] = useState(false);
  const name = picture.file_name ? tidy(picture.file_name) : t("inbox.file.image");
  return (
    <>
      <div className="flex items-center gap-2 border-b border-line px-3 py-2">
        <Radix.Title className="min-w-0 flex-1 truncate text-md font-semibold">
          <bdi>{name}</bdi>
        </Radix.Title>
        <IconButton label={t("inbox.file.zoom")} pressed={whole} onClick={() => setWhole(!whole)}>
          <ZoomIn size={16} aria-hidden />
        </IconButton>
        <IconButton label={t("inbox.file.save", { name })} onClick={() => void saveAttachment(picture).catch((reason: unknown) => toast({ title: t("inbox.file.not-saved"), description: problemText(reason), tone: "bad" }))}>
          <Download size={16} aria-hidden />
        </IconButton>
        <Radix.Close asChild>
          <Button>{t("common.close")}</Button>
        </Radix.Close>
      </div>
      {/* What is larger than its place is scrolled by keys too. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="grid min-h-0 place-items-center overflow-auto bg-sunken" tabIndex={0} role="group" aria-label={name}>
        {url ? <img src={url} alt={name} className={whole ? "max-w-none" : "max-h-full max-w-full object-contain"} /> : error ? <p className="p-6 text-md text-ink-2">{problemText(error)}</p> : <LoaderCircle size={28} aria-hidden className="animate-spin text-ink-3" />}
      </div>
    </>
  );
}

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Problem, api, body, useCan } from "@/api";
import { Banner, Button, Combobox, Dialog, Field, Input, PasswordInput, RadioGroup, Textarea, toast } from "@/design";
import { currentLanguage, t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { useFirstWrong } from "../channels/wrong";
import { countries } from "../dialing/countries";
import { Advanced } from "./advanced";
import { trunksApi } from "./api";
import { TRUNKS } from "./data";
import { ADVANCED, EMPTY, type Fault, type Field as FieldName, LONGEST_NAME, NONE, type TrunkDraft, bodyOf, changesOf, draftOf, faultsOf, placed, readHost } from "./draft";
import { KINDS, type Trunk } from "./model";

const FIELDS: readonly FieldName[] = ["name", "kind", "host", "username", "password", "sources", "country", ...ADVANCED];

/** A line to a telephone company, as its letter with the access data says it. */
export function TrunkForm({ trunk, onClose }: { trunk: Trunk | undefined; onClose: (made?: Trunk) => void }) {
  const t = useT();
  const queries = useQueryClient();
  const home = useHomeCountry();
  const [before] = useState<TrunkDraft>(() => (trunk ? draftOf(trunk) : EMPTY));
  const [typed, setDraft] = useState(before);
  // The company's own country until another is chosen.
  const draft = !trunk && typed.country === NONE && home ? { ...typed, country: home } : typed;
  const [tried, setTried] = useState(false);
  const [unfolded, setUnfolded] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const change = (part: Partial<TrunkDraft>) => {
    setDraft((now) => ({ ...now, ...part }));
    // What is being mended is no longer complained of.
    if (save.error) save.reset();
  };
  const faults = faultsOf(draft, trunk?.has_password ?? false);
  const changes = trunk ? changesOf(before, draft) : bodyOf(draft);
  const dirty = !trunk || Object.keys(changes).length > 0;
  const save = useMutation({
    mutationFn: () => (trunk ? trunksApi.change(trunk, changes) : trunksApi.create(bodyOf(draft))),
    onSuccess: async (saved) => {
      toast({ title: text("trunks.saved", { name: draft.name.trim() }), tone: "good" });
      await queries.invalidateQueries({ queryKey: TRUNKS });
      onClose(saved);
    },
    onError: (error) => {
      void queries.invalidateQueries({ queryKey: TRUNKS });
      if (!(error instanceof Problem)) return;
      const { errors: said } = placed(error.fields, FIELDS);
      if (ADVANCED.some((one) => said[one] !== undefined)) setUnfolded(true);
    },
  });
  useFirstWrong("trunk", save.error);
  const problem = save.error instanceof Problem ? save.error : undefined;
  const taken = problem?.code === "name-taken";
  const { errors: refused, stray } = placed(problem?.fields ?? {}, FIELDS);
  const faultText = (fault: Fault | undefined) => (tried && fault ? t(`trunks.fault.${fault}`) : undefined);
  const errors: Readonly<Partial<Record<FieldName, string>>> = Object.fromEntries(FIELDS.map((field) => [field, (field === "name" && taken ? t("trunks.name-taken") : refused[field]) ?? faultText(faults[field])]).filter(([, said]) => said !== undefined));
  const submit = () => {
    setTried(true);
    if (Object.keys(faults).length === 0) {
      if (dirty && !save.isPending) save.mutate();
      return;
    }
    if (ADVANCED.some((one) => faults[one])) setUnfolded(true);
    // Once it is drawn.
    setTimeout(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const registers = draft.kind === "registration";
  return (
    <Dialog
      open
      size="lg"
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={trunk ? t("trunks.change", { name: trunk.name }) : t("trunks.add")}
      footer={
        <Button type="submit" form="trunk" variant="primary" busy={save.isPending} disabled={!dirty}>
          {t("common.save")}
        </Button>
      }
    >
      <form
        ref={form}
        id="trunk"
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {save.error && !taken && (stray.length > 0 || Object.keys(problem?.fields ?? {}).length === 0) && (
          <Banner tone="bad" className="rounded-md">
            <div role="alert">{problem?.status === 412 ? t("trunks.changed-meanwhile") : stray.length > 0 ? stray.join(" · ") : problemText(save.error)}</div>
          </Banner>
        )}
        <fieldset className="grid gap-1">
          <legend className="mb-1 text-sm font-medium text-ink-2">{t("trunks.kind")}</legend>
          <RadioGroup
            label={t("trunks.kind")}
            value={draft.kind}
            onValueChange={(next) => {
              change({ kind: KINDS.find((one) => one === next) ?? "registration" });
              // What the other kind wants was asked for of nobody yet.
              setTried(false);
            }}
            options={KINDS.map((one) => ({ value: one, label: t(`trunks.kind.${one}`), description: t(`trunks.kind-about.${one}`) }))}
          />
        </fieldset>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label={t("trunks.name")} hint={t("trunks.name-hint")} error={errors.name}>
            <Input maxLength={LONGEST_NAME} value={draft.name} onChange={(event) => change({ name: event.target.value })} />
          </Field>
          <Field label={t("trunks.host")} hint={t(`trunks.host-hint.${draft.kind}`)} error={errors.host}>
            <Input dir="ltr" maxLength={300} autoCapitalize="off" autoComplete="off" spellCheck={false} value={draft.host} placeholder="sip.example.com" onChange={(event) => change({ host: event.target.value })} onBlur={() => change(readHost(draft.host))} />
          </Field>
          {registers && (
            <>
              <Field label={t("trunks.username")} hint={t("trunks.username-hint")} error={errors.username}>
                <Input dir="ltr" maxLength={200} autoCapitalize="off" autoComplete="off" spellCheck={false} value={draft.username} onChange={(event) => change({ username: event.target.value })} />
              </Field>
              <Password draft={draft} kept={trunk?.has_password ?? false} error={errors.password} onChange={(password) => change({ password })} />
            </>
          )}
        </div>
        {!registers && (
          <Field label={t("trunks.sources")} hint={t("trunks.sources-hint")} error={errors.sources}>
            <Textarea dir="ltr" rows={3} className="font-mono" spellCheck={false} value={draft.sources} placeholder={"198.51.100.10\n203.0.113.0/28"} onChange={(event) => change({ sources: event.target.value })} />
          </Field>
        )}
        <Field label={t("trunks.country")} hint={t("trunks.country-hint")} error={errors.country} className="max-w-sm">
          <Combobox value={draft.country} onValueChange={(country) => change({ country })} options={[{ value: NONE, label: t("trunks.country-none") }, ...countries(currentLanguage())]} />
        </Field>
        <Advanced draft={draft} errors={errors} open={unfolded} onOpenChange={setUnfolded} onChange={change} />
      </form>
    </Dialog>
  );
}

/** Shown to nobody once it is kept. */
function Password({ draft, kept, error, onChange }: { draft: TrunkDraft; kept: boolean; error: string | undefined; onChange: (password: string) => void }) {
  const t = useT();
  const label = t("trunks.password");
  return (
    <Field label={label} hint={t(kept ? "trunks.password-kept" : "trunks.password-hint")} error={error}>
      <PasswordInput dir="ltr" maxLength={200} autoComplete="new-password" value={draft.password} onChange={(event) => onChange(event.target.value)} />
    </Field>
  );
}

/** The country that the rules for dialling out name, for those who may read them. */
function useHomeCountry(): string | undefined {
  const may = useCan("dialing:read");
  return useQuery({ queryKey: ["dialing"], enabled: may, queryFn: ({ signal }) => body(api.GET("/api/v1/dialing", { signal })), retry: false }).data?.rules?.country;
}

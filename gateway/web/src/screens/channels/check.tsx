import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleX, Stethoscope } from "lucide-react";
import { useEffect, useRef } from "react";
import { Button, announce } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type ChannelAccount, type Checked, channelsApi } from "./api";
import { findingText } from "./words";

interface Props {
  account: ChannelAccount;
  /** Asks at once, without being told to. */
  atOnce?: boolean;
  onChecked?: (checked: Checked | undefined) => void;
}

/** Asks the provider, and says what it found. */
export function Check({ account, atOnce = false, onChecked }: Props) {
  const t = useT();
  const queries = useQueryClient();
  const check = useMutation({
    mutationFn: () => channelsApi.check(account.id),
    onSuccess: (checked) => {
      announce(text(checked.good ? "channels.check.good" : "channels.check.bad"));
      onChecked?.(checked);
    },
    onError: (error) => {
      announce(problemText(error), "assertive");
      onChecked?.(undefined);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["channels"] }),
  });
  const begun = useRef(false);
  const { mutate } = check;
  useEffect(() => {
    if (!atOnce || begun.current) return;
    begun.current = true;
    mutate();
  }, [atOnce, mutate]);
  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap items-center gap-3">
        <Button icon={<Stethoscope size={15} aria-hidden />} busy={check.isPending} onClick={() => check.mutate()}>
          {t("channels.check")}
        </Button>
        <p className="min-w-52 flex-1 text-sm text-ink-3">{t("channels.check.about")}</p>
      </div>
      {check.error && <p className="text-md text-bad">{problemText(check.error)}</p>}
      {check.data && (
        <div data-checked={check.data.good ? "good" : "bad"} className="grid gap-1.5 rounded-md border border-line p-3">
          <p className="font-medium">{t(check.data.good ? "channels.check.good" : "channels.check.bad")}</p>
          <ul className="grid gap-1">
            {check.data.findings.map((one) => {
              const Icon = one.good ? CircleCheck : CircleX;
              return (
                <li key={`${one.what} ${one.detail}`} className="flex items-start gap-2 text-md">
                  <Icon size={16} className={one.good ? "mt-0.5 shrink-0 text-live" : "mt-0.5 shrink-0 text-bad"} role="img" aria-label={t(one.good ? "channels.finding.good" : "channels.finding.bad")} />
                  <span className="min-w-0 break-words">
                    <span className="font-medium">{findingText(one.what)}</span> · {one.detail}
                  </span>
                </li>
              );
            })}
          </ul>
        </div>
      )}
    </div>
  );
}

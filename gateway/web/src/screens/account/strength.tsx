import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { components } from "@/api";
import { open } from "@/api";
import { Meter } from "@/design";
import { useT } from "@/i18n";

const WHY = ["too_short", "too_long", "common_password", "own_words", "dates", "names", "keys", "repeats", "sequences", "one_word"] as const;
const DO = ["add_words", "capitals_help_little", "reversing_helps_little", "substitutions_help_little", "avoid_keys", "avoid_repeats", "avoid_sequences", "avoid_dates"] as const;

/** What the server thinks of a password, once the person stops typing. */
export function StrengthMeter({ password, own = [] }: { password: string; own?: readonly string[] }) {
  const t = useT();
  const [settled, setSettled] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSettled(password), 300);
    return () => clearTimeout(timer);
  }, [password]);
  const { data } = useQuery({
    queryKey: ["password-strength", settled, own],
    // Not kept: it is a password.
    gcTime: 0,
    enabled: settled !== "",
    queryFn: ({ signal }) => open<components["schemas"]["Strength"]>("POST", "/api/v1/auth/password/strength", { password: settled, own }, signal),
  });
  if (!data || password === "") return <span>{t("account.strength.why.too_short")}</span>;
  const why = WHY.find((one) => one === data.warning);
  const advice = DO.filter((one) => data.suggestions.includes(one));
  return (
    <span className="grid gap-1">
      <Meter value={(data.score + 1) / 5} label={t("account.strength.score")} tone={data.enough ? "live" : "bad"} />
      <span aria-live="polite">
        {data.enough ? t("account.strength.enough") : why ? t(`account.strength.why.${why}`) : t("account.strength.weak")}
        {!data.enough && advice.map((one) => ` ${t(`account.strength.do.${one}`)}`)}
      </span>
    </span>
  );
}

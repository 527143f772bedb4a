import { useT } from "@/i18n";
import { useConnection } from "./hooks";

/** Whether what is shown is the present. Its state is also said in words: colour alone is no signal. */
export function ConnectionBadge() {
  const t = useT();
  const { state, behind, seq } = useConnection();
  const words = state === "catching_up" && behind > 0 ? t("live.behind", { n: behind }) : t(`live.state.${state}`);
  return (
    <output aria-live="polite" data-connection={state} data-seq={seq} className="ml-auto text-sm">
      {words}
    </output>
  );
}

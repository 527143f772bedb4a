import { Monitor, Moon, Sun } from "lucide-react";
import { useTheme } from "@/app/theme";
import { SegmentedControl, Select } from "@/design";
import { LANGUAGES, type Language, currentLanguage, useT } from "@/i18n";

/** Each language by its own name: whoever looks for theirs may not read the one shown now. */
const NAMES: Record<Language, string> = { en: "English", ru: "Русский", it: "Italiano" };

export function LanguageSelect({ value, onChange, disabled, className }: { value?: Language; onChange: (language: Language) => void; disabled?: boolean; className?: string }) {
  const t = useT();
  return (
    <Select
      aria-label={t("people.language")}
      value={value ?? currentLanguage()}
      onValueChange={(next) => {
        const language = LANGUAGES.find((one) => one === next);
        if (language) onChange(language);
      }}
      options={LANGUAGES.map((one) => ({ value: one, label: NAMES[one] }))}
      disabled={disabled ?? false}
      {...(className ? { className } : {})}
    />
  );
}

export function ThemeControl() {
  const t = useT();
  const [theme, setTheme] = useTheme();
  return (
    <SegmentedControl
      label={t("common.theme.title")}
      value={theme}
      onValueChange={(next) => setTheme(next === "light" || next === "dark" ? next : "system")}
      options={[
        { value: "light", label: t("common.theme.light"), icon: <Sun size={14} aria-hidden /> },
        { value: "dark", label: t("common.theme.dark"), icon: <Moon size={14} aria-hidden /> },
        { value: "system", label: t("common.theme.system"), icon: <Monitor size={14} aria-hidden /> },
      ]}
    />
  );
}

import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { ErrorState } from "@/design";
import { Problem } from "@/api";
import { useT } from "@/i18n";

/** A chunk of an earlier build is gone once the server was renewed: the page has to be loaded anew, once. */
const STALE = /dynamically imported module|error loading dynamically|Importing a module script failed/i;
const RELOADED = "trunkline.reloaded";
/** While the server is away the page looks again by itself. */
const AGAIN_MS = 5000;

/** In the place of what could not be shown: a screen, or the whole panel when the server is away at its start. */
export function Failed({ error, reset }: ErrorComponentProps) {
  const t = useT();
  const router = useRouter();
  const again = () => {
    reset();
    void router.invalidate();
  };
  useEffect(() => {
    if (!(error instanceof Error) || !STALE.test(error.message) || sessionStorage.getItem(RELOADED) === location.href) return;
    sessionStorage.setItem(RELOADED, location.href);
    location.reload();
  }, [error]);
  useEffect(() => {
    if (!(error instanceof Problem) || error.status !== 0) return;
    const look = () => {
      reset();
      void router.invalidate();
    };
    const timer = setInterval(look, AGAIN_MS);
    addEventListener("online", look);
    return () => {
      clearInterval(timer);
      removeEventListener("online", look);
    };
  }, [error, reset, router]);
  return (
    <main className="grid h-full place-content-center">
      <h1 className="sr-only">{t("common.failed.title")}</h1>
      <ErrorState error={error} onRetry={again} />
    </main>
  );
}

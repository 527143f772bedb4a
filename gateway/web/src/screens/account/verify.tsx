import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { open } from "@/api";
import { useT } from "@/i18n";
import { Frame, linkToken } from "./frame";
import { accountProblem } from "./problem";

/** Proves an address, with the link of a letter. */
export default function Verify() {
  const t = useT();
  const [token] = useState(linkToken);
  const proof = useQuery({
    queryKey: ["verify-email", token],
    queryFn: async () => {
      await open("POST", "/api/v1/auth/email/verify", { token });
      return true;
    },
    retry: false,
    staleTime: Infinity,
  });
  return (
    <Frame title={t("account.verify.title")}>
      <p role={proof.isError ? "alert" : "status"} className="text-md" aria-busy={proof.isPending}>
        {proof.isSuccess && t("account.verify.done")}
        {proof.isError && accountProblem(proof.error)}
      </p>
    </Frame>
  );
}

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "@/app/app";
import { guardMarkup } from "@/app/trusted-types";
import { preferredLanguage, setLanguage } from "@/i18n";
import "@/design/theme.css";

guardMarkup();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

await setLanguage(preferredLanguage());
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

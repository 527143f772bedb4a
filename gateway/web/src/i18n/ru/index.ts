import calls from "./calls.json";
import common from "./common.json";
import live from "./live.json";
import people from "./people.json";
import phone from "./phone.json";
import setup from "./setup.json";

export default { common, live, phone, calls, people, setup };

/** Loaded with the first screen that needs them. */
export const later = {
  access: () => import("./access.json"),
  account: () => import("./account.json"),
  audit: () => import("./audit.json"),
  board: () => import("./board.json"),
  call: () => import("./call.json"),
  channels: () => import("./channels.json"),
  company: () => import("./company.json"),
  devices: () => import("./devices.json"),
  dialing: () => import("./dialing.json"),
  flows: () => import("./flows.json"),
  hooks: () => import("./hooks.json"),
  hours: () => import("./hours.json"),
  inbox: () => import("./inbox.json"),
  inboxtools: () => import("./inboxtools.json"),
  incall: () => import("./incall.json"),
  jobs: () => import("./jobs.json"),
  notify: () => import("./notify.json"),
  numbers: () => import("./numbers.json"),
  platform: () => import("./platform.json"),
  reports: () => import("./reports.json"),
  routing: () => import("./routing.json"),
  sound: () => import("./sound.json"),
  sounds: () => import("./sounds.json"),
  told: () => import("./told.json"),
  trace: () => import("./trace.json"),
  trunks: () => import("./trunks.json"),
  wizard: () => import("./wizard.json"),
  work: () => import("./work.json"),
  worklist: () => import("./worklist.json"),
};

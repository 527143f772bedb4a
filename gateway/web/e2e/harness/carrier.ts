/** The telephone company that a trunk leads to: a second Asterisk, which its own ARI tells what to do. */

export interface CarrierAddress {
  sip_port: number;
  ari_url: string;
  ari_username: string;
  ari_password: string;
}

interface Channel {
  id: string;
  state: string;
  caller: { number: string };
}

/** Of `asterisk/conf/extensions.conf.in`: answers whatever was dialled, and gives back what it hears. */
const ECHO = "trunkline-echo";

export class Carrier {
  constructor(private readonly address: CarrierAddress) {}

  get sipPort(): number {
    return this.address.sip_port;
  }

  private async send<T = unknown>(method: string, path: string, content?: unknown): Promise<T> {
    const { ari_url, ari_username, ari_password } = this.address;
    const headers: Record<string, string> = { authorization: `Basic ${Buffer.from(`${ari_username}:${ari_password}`).toString("base64")}` };
    if (content !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(`${ari_url}/${path}`, { method, headers, body: content === undefined ? null : JSON.stringify(content) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`carrier: ${method} ${path}: ${String(answer.status)} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** An account of a customer's. Whoever is called by it answers, and says what they hear. */
  async openAccount(username: string, password: string): Promise<void> {
    const endpoint = { context: ECHO, disallow: "all", allow: "alaw,ulaw", direct_media: "no", trust_id_inbound: "yes", trust_id_outbound: "yes", send_pai: "yes", auth: username, aors: username };
    const objects = { auth: { auth_type: "userpass", username, password }, endpoint, aor: { max_contacts: "3", remove_existing: "yes" } };
    for (const [kind, fields] of Object.entries(objects)) {
      const content = { fields: Object.entries(fields).map(([attribute, value]) => ({ attribute, value })) };
      await this.send("PUT", `asterisk/config/dynamic/res_pjsip/${kind}/${username}`, content);
    }
  }

  /** Somebody calls a number of an account's, and says what they hear; gives the channel. */
  async call(username: string, number: string, from: string): Promise<string> {
    const content = { endpoint: `PJSIP/${number}@${username}`, context: ECHO, extension: "s", priority: 1, callerId: from, timeout: 60 };
    return (await this.send<Channel>("POST", "channels", content)).id;
  }

  async hangUp(channel: string): Promise<void> {
    await this.send("DELETE", `channels/${channel}`);
  }

  channels(): Promise<Channel[]> {
    return this.send("GET", "channels");
  }

  /** Which number a call of the account's is for. */
  async dialled(channel: string): Promise<string> {
    return (await this.send<{ value: string }>("GET", `channels/${channel}/variable?variable=${encodeURIComponent("CALLERID(dnid)")}`)).value;
  }
}

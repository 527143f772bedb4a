/** What the tabs of a browser have in common, for tabs of one test. */

/** Web Locks as the browser keeps them, for tabs of one test. */
export class Locks {
  private holder: { reject(error: unknown): void } | undefined;
  private queue: { run(): void; dead: boolean }[] = [];

  request(_name: string, options: LockOptions, run: () => Promise<unknown> | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const place = {
        dead: false,
        run: () => {
          const holder = { reject };
          this.holder = holder;
          void Promise.resolve(run()).then((value) => {
            if (this.holder !== holder) return;
            this.holder = undefined;
            resolve(value);
            this.next();
          });
        },
      };
      options.signal?.addEventListener("abort", () => {
        if (this.queue.includes(place)) reject(new DOMException("aborted", "AbortError"));
        place.dead = true;
      });
      if (options.steal) {
        this.holder?.reject(new DOMException("stolen", "AbortError"));
        place.run();
        return;
      }
      this.queue.push(place);
      queueMicrotask(() => this.next());
    });
  }

  private next(): void {
    if (this.holder) return;
    const place = this.queue.shift();
    if (place?.dead) this.next();
    else place?.run();
  }
}

export class Channels {
  private readonly open = new Set<{ onmessage: ((event: MessageEvent) => void) | null }>();

  channel(): BroadcastChannel {
    const { open } = this;
    const channel = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage(data: unknown) {
        const copy: unknown = structuredClone(data);
        for (const other of open) if (other !== channel) queueMicrotask(() => other.onmessage?.({ data: copy } as MessageEvent));
      },
      close: () => open.delete(channel),
    };
    open.add(channel);
    return channel as unknown as BroadcastChannel;
  }
}

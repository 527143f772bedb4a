/** The board's hands: follows the stream while a board is open, and tells its parts what changed, a few times a second at most. */
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { type JournalEvent, live } from "@/live";
import { type Figures, KINDS, NO_FIGURES, QUARTER_MS, type QueueFigures, type Stay, apply, begin } from "./figures";
import { type Loaded, load } from "./load";

/** So long changes are gathered before they are drawn: an eye on a wall sees no difference, a burst of events costs one drawing. */
export const CALM_MS = 250;
/** At least so long after a day's end: until then the figures have turned the page too. */
const AFTER_DAY_MS = 2_000;

export interface Board {
  readonly figures: Figures | undefined;
  readonly skew: number;
  readonly error: unknown;
  /** Whether the day's figures are known at all. */
  readonly counts: boolean;
}

const NOTHING: Board = { figures: undefined, skew: 0, error: undefined, counts: false };

/** The journal, as a board sees it. */
export interface Source {
  onEvent(listener: (event: JournalEvent) => void): () => void;
  onReset(listener: () => void): () => void;
  /** The last event that was told. */
  readonly through: number;
}

export class Feed {
  board: Board = NOTHING;
  private readonly listeners = new Set<() => void>();
  private pending: JournalEvent[] = [];
  private flushing: ReturnType<typeof setTimeout> | undefined;
  private dayEnd: ReturnType<typeof setTimeout> | undefined;
  private reading: AbortController | undefined;
  private options: { zone: string | undefined; figures: boolean } = { zone: undefined, figures: false };

  constructor(
    private readonly source: Source,
    private readonly read: typeof load = load,
  ) {}

  /** Until the function is called that it gives. */
  start(options: { zone: string | undefined; figures: boolean }): () => void {
    this.options = options;
    const offs = [this.source.onEvent((event) => this.told(event)), this.source.onReset(() => this.reload(0))];
    this.reload();
    return () => {
      for (const off of offs) off();
      this.reading?.abort();
      clearTimeout(this.flushing);
      clearTimeout(this.dayEnd);
      this.flushing = undefined;
      this.pending = [];
      this.board = NOTHING;
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /**
   * Reads the snapshot; what is shown stays until it is there. `floor`: the event that it has to hold at least. After a reset there is none:
   * the stream goes on behind a snapshot that is older than the one that is read now, and its numbers may have begun anew.
   */
  reload = (floor = this.source.through): void => {
    this.reading?.abort();
    // The new snapshot holds them.
    this.flush();
    this.pending = [];
    const reading = new AbortController();
    this.reading = reading;
    clearTimeout(this.dayEnd);
    if (this.board.error !== undefined) this.show({ ...this.board, error: undefined });
    this.read({ ...this.options, floor, signal: reading.signal }).then(
      (loaded) => {
        if (this.reading === reading) this.loaded(loaded);
      },
      (error: unknown) => {
        if (this.reading !== reading || reading.signal.aborted) return;
        this.reading = undefined;
        this.show({ ...this.board, error });
      },
    );
  };

  private loaded({ snapshot, skew }: Loaded): void {
    this.reading = undefined;
    const figures = apply(begin(snapshot), this.pending);
    this.pending = [];
    this.show({ figures, skew, error: undefined, counts: this.options.figures });
    if (!this.options.figures) return;
    // Another day: the figures begin anew.
    const left = figures.day.to * QUARTER_MS - (Date.now() + skew);
    this.dayEnd = setTimeout(() => this.reload(), Math.max(left, 0) + AFTER_DAY_MS);
  }

  private told(event: JournalEvent): void {
    if (!KINDS.has(event.kind)) return;
    this.pending.push(event);
    // While a snapshot is read they wait for it; what is shown goes on meanwhile.
    this.flushing ??= setTimeout(() => this.flush(), CALM_MS);
  }

  private flush(): void {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    const { figures } = this.board;
    if (!figures) {
      if (!this.reading) this.pending = [];
      return;
    }
    const next = apply(figures, this.pending);
    // The snapshot that is being read may be older than these.
    if (!this.reading) this.pending = [];
    if (next !== figures) this.show({ ...this.board, figures: next });
  }

  private show(board: Board): void {
    this.board = board;
    for (const listener of [...this.listeners]) listener();
  }
}

/** The page's one. */
export const feed = new Feed({
  onEvent: live.onEvent,
  onReset: live.onReset,
  get through() {
    return live.store.at?.through ?? 0;
  },
});

/** Follows the journal as long as the component is there. */
export function useFeed(ready: boolean, zone: string | undefined, figures: boolean): void {
  useEffect(() => (ready ? feed.start({ zone, figures }) : undefined), [ready, zone, figures]);
}

export function useBoard(): Board {
  return useSyncExternalStore(feed.subscribe, () => feed.board);
}

/** Whether there are figures at all; unlike `useBoard` it is not drawn again for each of them. */
export function useBoardState(): { loaded: boolean; counts: boolean; error: unknown } {
  const loaded = useSyncExternalStore(feed.subscribe, () => feed.board.figures !== undefined);
  const counts = useSyncExternalStore(feed.subscribe, () => feed.board.counts);
  const error = useSyncExternalStore(feed.subscribe, () => feed.board.error);
  return { loaded, counts, error };
}

export function useQueueFigures(id: string): QueueFigures {
  return useSyncExternalStore(
    feed.subscribe,
    useCallback(() => feed.board.figures?.queues.get(id) ?? NO_FIGURES, [id]),
  );
}

export function useStay(call: string): Stay | undefined {
  return useSyncExternalStore(
    feed.subscribe,
    useCallback(() => feed.board.figures?.stays.get(call), [call]),
  );
}

export function useSkew(): number {
  return useSyncExternalStore(feed.subscribe, () => feed.board.skew);
}

/** What the panel's store says of something, drawn a few times a second at most. */
export function useCalm<T>(key: string, read: () => T): T {
  const subscribe = useCallback(
    (listener: () => void) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const off = live.store.subscribe(key, () => {
        timer ??= setTimeout(() => {
          timer = undefined;
          listener();
        }, CALM_MS);
      });
      return () => {
        clearTimeout(timer);
        off();
      };
    },
    [key],
  );
  return useSyncExternalStore(subscribe, read);
}

/** An open microphone for each call that has one: a held call must not silence the one that talks. */
import { PhoneError } from "../api";
import { microphoneProblem } from "./audio";

export class Microphones {
  private readonly byCall = new Map<string, MediaStream>();

  /** `put` brings another one into a running call. */
  constructor(
    private readonly open: () => Promise<MediaStream>,
    private readonly put: (id: string, microphone: MediaStream) => Promise<void>,
  ) {}

  async take(): Promise<MediaStream> {
    try {
      return await this.open();
    } catch (error) {
      throw new PhoneError("microphone", microphoneProblem(error));
    }
  }

  /** From now on it is the call's, and ends with it. */
  use(id: string, microphone: MediaStream): void {
    stopTracks(this.byCall.get(id));
    this.byCall.set(id, microphone);
    for (const track of microphone.getTracks()) {
      // Pulled out of the machine in the middle of a word: on with another.
      track.onended = () => {
        if (this.byCall.get(id) === microphone) void this.change().catch(() => undefined);
      };
    }
  }

  /** To the one that is chosen now, in every call. */
  async change(): Promise<void> {
    for (const id of [...this.byCall.keys()]) {
      const microphone = await this.take();
      if (!this.byCall.has(id)) {
        stopTracks(microphone);
        continue;
      }
      await this.put(id, microphone);
      this.use(id, microphone);
    }
  }

  release(id: string): void {
    stopTracks(this.byCall.get(id));
    this.byCall.delete(id);
  }

  releaseAll(): void {
    for (const id of [...this.byCall.keys()]) this.release(id);
  }
}

export function stopTracks(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
}

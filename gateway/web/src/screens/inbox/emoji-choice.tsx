import { Suspense, lazy } from "react";
import { Skeleton } from "@/design";

const EmojiGrid = lazy(async () => ({ default: (await import("./emoji")).EmojiGrid }));

/** A few at once; the rest comes when it is wanted. */
export function EmojiChoice({ first = [], onChoose }: { first?: readonly string[]; onChoose: (emoji: string) => void }) {
  return (
    <div className="grid w-72 gap-2">
      {first.length > 0 && (
        <div className="flex gap-1">
          {first.map((emoji) => (
            <button key={emoji} type="button" onClick={() => onChoose(emoji)} className="size-9 rounded-md text-xl hover:bg-sunken">
              {emoji}
            </button>
          ))}
        </div>
      )}
      <Suspense fallback={<Skeleton lines={4} height={28} />}>
        <EmojiGrid onChoose={onChoose} />
      </Suspense>
    </div>
  );
}

import { type ComponentType, Suspense, lazy, useState } from "react";

/** A dialog whose code is fetched when it is first opened; it stays for its way out. */
export function onceOpened<Props extends { open: boolean }>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  const Later = lazy(async () => ({ default: await load() })) as unknown as ComponentType<Props>;
  return function OnceOpened(props: Props) {
    const [ever, setEver] = useState(false);
    if (props.open && !ever) setEver(true);
    return ever ? (
      <Suspense fallback={null}>
        <Later {...props} />
      </Suspense>
    ) : null;
  };
}

import { ArrowLeftRight } from "lucide-react";
import { useState } from "react";
import { useMe } from "@/api";
import { Button } from "@/design";
import { useT } from "@/i18n";
import type { LiveCall } from "@/live";
import { SupervisedCall, SuperviseMenu } from "./controls";
import { MoveDialog, canMove } from "./move";
import { useMode, useSupervisions } from "./supervisions";

/** What a supervisor may do with a running call, on its page. */
export default function OnCall({ call }: { call: LiveCall }) {
  const t = useT();
  const me = useMe()?.user.id;
  useSupervisions(me);
  const mode = useMode(call.id, me);
  const [moving, setMoving] = useState(false);
  if (mode) {
    return (
      <div className="overflow-hidden rounded-lg" style={{ order: 1, flexBasis: "100%" }}>
        <SupervisedCall id={call.id} mode={mode} />
      </div>
    );
  }
  return (
    <>
      <SuperviseMenu call={call} labelled />
      {canMove(call) && (
        <Button icon={<ArrowLeftRight size={15} aria-hidden />} onClick={() => setMoving(true)}>
          {t("board.move.open")}
        </Button>
      )}
      {moving && canMove(call) && <MoveDialog calls={[call]} onClose={() => setMoving(false)} />}
    </>
  );
}

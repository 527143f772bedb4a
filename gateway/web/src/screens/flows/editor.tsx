import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { ErrorState, Skeleton } from "@/design";
import { flowQuery } from "./data";
import { Workspace } from "./workspace";

/** One flow: drawn, tried, published. */
export default function FlowEditor() {
  const { flowId = "" } = useParams({ strict: false });
  const flow = useQuery(flowQuery(flowId));
  if (flow.isError && !flow.data) return <ErrorState error={flow.error} onRetry={() => void flow.refetch()} />;
  // What another visit left is not what is there now.
  if (!flow.data || (flow.isFetching && !flow.isFetchedAfterMount)) {
    return (
      <div aria-busy="true" className="grid gap-4 p-5">
        <Skeleton height={40} />
        <Skeleton height={420} />
      </div>
    );
  }
  return <Workspace key={flowId} held={flow.data} />;
}

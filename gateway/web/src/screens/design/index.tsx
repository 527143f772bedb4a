import { Bell, Inbox, Mic, Phone, Plus, Trash2, Users } from "lucide-react";
import { type ReactNode, Suspense, lazy, useState } from "react";
import { Problem } from "@/api";
import {
  Avatar,
  Badge,
  Banner,
  Button,
  Card,
  Checkbox,
  type Column,
  Combobox,
  ConfirmDialog,
  DataTable,
  DefinitionList,
  Dialog,
  Duration,
  EmptyState,
  ErrorState,
  Field,
  IconButton,
  Input,
  Kbd,
  Menu,
  Meter,
  PageHeader,
  PasswordInput,
  PhoneNumber,
  Popover,
  RadioGroup,
  RelativeTime,
  SegmentedControl,
  Select,
  Sheet,
  Skeleton,
  Switch,
  Tabs,
  Tag,
  Textarea,
  type Tone,
  Tooltip,
  VisuallyHidden,
  toast,
  undoable,
} from "@/design";
import { type Connection, ConnectionMark } from "@/live";
import { ThemeControl } from "../shared/preferences";

const PhoneGallery = lazy(async () => ({ default: (await import("@/phone/ui/gallery")).PhoneGallery }));

/*
 * For those who build screens, in English alone: what there is to build with, in every state that it has.
 */

const TONES: readonly Tone[] = ["neutral", "accent", "live", "ring", "hold", "bad", "wait"];
const VARIANTS = ["primary", "secondary", "ghost", "danger", "answer"] as const;
const FRUIT = ["Apple", "Banana", "Cherry", "A fruit with a very long name that has to be cut somewhere"].map((label) => ({ value: label, label }));
const STARTED = new Date(Date.now() - 83_000).toISOString();

export default function Design() {
  return (
    <div className="h-full overflow-auto bg-bg">
      <PageHeader title="Components" description="Everything that screens are made of, in every state" actions={<ThemeControl />} />
      <main className="mx-auto grid max-w-5xl gap-6 p-5 max-sm:p-3">
        <Buttons />
        <Words />
        <Fields />
        <Choices />
        <Overlays />
        <Feedback />
        <Connections />
        <Time />
        <Tables />
        <Section title="The phone">
          <Suspense fallback={<Skeleton lines={8} />}>
            <PhoneGallery />
          </Suspense>
        </Section>
      </main>
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card>
      <h2 className="mb-3 text-lg font-semibold">{title}</h2>
      <div className="grid gap-4">{children}</div>
    </Card>
  );
}

function Row({ children }: { children: ReactNode }) {
  return <div className="flex flex-wrap items-center gap-2">{children}</div>;
}

function Buttons() {
  const [pressed, setPressed] = useState(false);
  return (
    <Section title="Buttons">
      {VARIANTS.map((variant) => (
        <Row key={variant}>
          <Button variant={variant} size="sm">
            Small {variant}
          </Button>
          <Button variant={variant} icon={<Phone size={15} aria-hidden />}>
            With icon
          </Button>
          <Button variant={variant} size="lg" shortcut="ctrl+k">
            Large, with keys
          </Button>
          <Button variant={variant} busy>
            Busy
          </Button>
          <Button variant={variant} disabled>
            Disabled
          </Button>
        </Row>
      ))}
      <Row>
        <IconButton label="Mute" shortcut="m" pressed={pressed} onClick={() => setPressed(!pressed)}>
          <Mic size={16} aria-hidden />
        </IconButton>
        <IconButton label="Remove" variant="danger">
          <Trash2 size={16} aria-hidden />
        </IconButton>
        <IconButton label="Add, disabled" disabled size="lg" variant="secondary">
          <Plus size={18} aria-hidden />
        </IconButton>
      </Row>
    </Section>
  );
}

function Words() {
  return (
    <Section title="Badges, tags, people, numbers">
      <Row>
        {TONES.map((tone) => (
          <Badge key={tone} tone={tone} dot>
            {tone}
          </Badge>
        ))}
        <Tag>Tag</Tag>
        <Kbd keys="ctrl+shift+a" />
        <Kbd keys="g c" />
        <span className="text-md text-ink-3">
          For screen readers alone:
          <VisuallyHidden>words that nobody sees</VisuallyHidden>
        </span>
      </Row>
      <Row>
        <Avatar name="Anna Rossi" presence="live" />
        <Avatar name="Борис" presence="hold" size={36} />
        <Avatar name="محمد علي" size={44} />
        <PhoneNumber value="+390612345678" />
        <span dir="rtl" lang="ar">
          اتصل على <PhoneNumber value="+15550100" /> الآن
        </span>
      </Row>
      <DefinitionList items={[{ term: "Queue", value: "Sales" }, { term: "From", value: <PhoneNumber value="+442071838750" /> }]} />
      <div className="grid max-w-sm gap-2">
        <Meter value={0.35} label="Level, quiet" />
        <Meter value={0.98} label="Level, too loud" tone="bad" />
        <Meter value={0.6} label="Level, upright" tone="live" vertical />
      </div>
    </Section>
  );
}

function Fields() {
  return (
    <Section title="Fields">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Plain" hint="A hint says what is meant.">
          <Input placeholder="Placeholder" />
        </Field>
        <Field label="Required" required>
          <Input defaultValue="Filled" />
        </Field>
        <Field label="With a fault" error="This address is there already." hint="Somebody's e-mail address.">
          <Input defaultValue="anna@rossi.test" />
        </Field>
        <Field label="Disabled">
          <Input disabled defaultValue="Not now" />
        </Field>
        <Field label="Password">
          <PasswordInput autoComplete="off" defaultValue="secret" />
        </Field>
        <Field label="Several lines">
          <Textarea defaultValue={"One\nTwo"} />
        </Field>
      </div>
    </Section>
  );
}

function Choices() {
  const [one, setOne] = useState("Apple");
  const [many, setMany] = useState("Banana");
  const [on, setOn] = useState(true);
  const [view, setView] = useState("list");
  const [tab, setTab] = useState("all");
  return (
    <Section title="Choices">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Select">
          <Select value={one} onValueChange={setOne} options={FRUIT} />
        </Field>
        <Field label="Select, nothing chosen">
          <Select value={undefined} onValueChange={setOne} options={FRUIT} placeholder="Choose" />
        </Field>
        <Field label="Select, disabled">
          <Select value={one} onValueChange={setOne} options={FRUIT} disabled />
        </Field>
        <Field label="Combobox">
          <Combobox value={many} onValueChange={setMany} options={FRUIT} />
        </Field>
      </div>
      <Row>
        <Checkbox label="Checkbox" checked={on} onCheckedChange={setOn} />
        <Checkbox label="Disabled" checked={false} onCheckedChange={setOn} disabled />
        <Switch label="Switch" checked={on} onCheckedChange={setOn} />
        <Switch label="Disabled" checked onCheckedChange={setOn} disabled />
      </Row>
      <RadioGroup label="Fruit" value={one} onValueChange={setOne} options={FRUIT.slice(0, 2).map((fruit) => ({ ...fruit, description: "With a description" }))} />
      <div>
        <SegmentedControl label="View" value={view} onValueChange={setView} options={[{ value: "list", label: "List" }, { value: "board", label: "Board" }]} />
      </div>
      <Tabs value={tab} onValueChange={setTab} tabs={[{ value: "all", label: "All", count: 128 }, { value: "mine", label: "Mine" }]}>
        <p className="pt-3 text-md text-ink-2">The tab that is chosen: {tab}</p>
      </Tabs>
    </Section>
  );
}

function Overlays() {
  const [open, setOpen] = useState<"dialog" | "confirm" | "sheet">();
  const close = (next: boolean) => {
    if (!next) setOpen(undefined);
  };
  return (
    <Section title="Over the page">
      <Row>
        <Button onClick={() => setOpen("dialog")}>Dialog</Button>
        <Button onClick={() => setOpen("confirm")}>Confirmation</Button>
        <Button onClick={() => setOpen("sheet")}>Sheet</Button>
        <Popover label="Popover" trigger={<Button>Popover</Button>}>
          <p className="max-w-52 text-md">A few words about what was clicked.</p>
        </Popover>
        <Menu
          label="Menu"
          trigger={<Button>Menu</Button>}
          items={[{ label: "Plain", shortcut: "p", onSelect: () => undefined }, { label: "Checked", checked: true, onSelect: () => undefined }, "separator", { label: "Disabled", disabled: true, onSelect: () => undefined }, { label: "Remove", tone: "danger", onSelect: () => undefined }]}
        />
        <Tooltip content="A tooltip" shortcut="t">
          <Button>Tooltip</Button>
        </Tooltip>
      </Row>
      <Row>
        <Button onClick={() => toast({ title: "Saved", tone: "good" })}>Toast</Button>
        <Button onClick={() => toast({ title: "That was not saved", description: "The server did not answer.", tone: "bad" })}>Toast of a fault</Button>
        <Button onClick={() => undoable({ title: "Call archived", undo: () => toast({ title: "Back again" }) })}>Toast with undo</Button>
      </Row>
      <Dialog open={open === "dialog"} onOpenChange={close} title="A dialog" description="What it is about." footer={<Button variant="primary" onClick={() => setOpen(undefined)}>Done</Button>}>
        <Field label="Something">
          <Input />
        </Field>
      </Dialog>
      <ConfirmDialog open={open === "confirm"} onOpenChange={close} title="Remove it?" description="This cannot be undone." confirm="Remove" onConfirm={() => undefined} />
      <Sheet open={open === "sheet"} onOpenChange={close} title="A sheet">
        <p className="text-md">Beside the page, for what needs more room.</p>
      </Sheet>
    </Section>
  );
}

function Feedback() {
  return (
    <Section title="States">
      {TONES.map((tone) => (
        <Banner key={tone} tone={tone} icon={<Bell size={15} aria-hidden />} action={<Button size="sm">Action</Button>} onDismiss={() => undefined} className="rounded-md">
          A banner, {tone}
        </Banner>
      ))}
      <div aria-busy="true">
        <Skeleton lines={3} />
      </div>
      <EmptyState icon={<Inbox size={30} />} title="Nothing here yet" text="An empty state teaches what to do." action={<Button variant="primary">Do it</Button>} />
      <div className="grid gap-2 sm:grid-cols-2">
        <ErrorState error={Problem.noAnswer()} onRetry={() => undefined} />
        <ErrorState error={new Problem({ status: 403, code: "forbidden" })} onRetry={() => undefined} />
        <ErrorState error={new Problem({ status: 404, code: "not-found" })} />
        <ErrorState error={new Problem({ status: 500, code: "internal", request_id: "0193c2a0" })} onRetry={() => undefined} />
      </div>
    </Section>
  );
}

const CONNECTION: Connection = { state: "live", behind: 0, seq: 1_204, retryAt: null, reason: null };
const CONNECTIONS: readonly Connection[] = [
  CONNECTION,
  { ...CONNECTION, state: "connecting", reason: "starting" },
  { ...CONNECTION, state: "catching_up", behind: 0 },
  { ...CONNECTION, state: "catching_up", behind: 1_204 },
  { ...CONNECTION, state: "offline", reason: "network", retryAt: Date.now() + 8_000 },
];

function Connections() {
  return (
    <Section title="The connection">
      <Row>
        {CONNECTIONS.map((connection) => (
          <ConnectionMark key={`${connection.state}-${String(connection.behind)}`} connection={connection} />
        ))}
      </Row>
    </Section>
  );
}

function Time() {
  return (
    <Section title="Time">
      <Row>
        <Duration since={STARTED} />
        <Duration ms={3_723_000} />
        <RelativeTime at={STARTED} />
        <RelativeTime at="2026-01-02T03:04:05Z" />
      </Row>
    </Section>
  );
}

interface Sample {
  id: string;
  name: string;
  calls: number;
}
const MANY: readonly Sample[] = Array.from({ length: 10_000 }, (_, at) => ({ id: String(at), name: `Person ${String(at + 1)}`, calls: (at * 37) % 101 }));
const COLUMNS: Column<Sample>[] = [
  { id: "name", header: "Name", cell: (row) => row.name },
  { id: "team", header: "Team", cell: () => "Sales", hideBelow: "md" },
  { id: "calls", header: "Calls", width: 90, numeric: true, cell: (row) => row.calls },
];

function Tables() {
  const [chosen, setChosen] = useState<string>();
  return (
    <>
      <Section title="Table, 10,000 rows">
        <div className="h-72">
          <DataTable label="People" columns={COLUMNS} rows={MANY} rowKey={(row) => row.id} onOpen={(row) => setChosen(row.id)} {...(chosen ? { selectedKey: chosen } : {})} rowTone={(row) => (row.calls > 95 ? "bad" : undefined)} />
        </div>
      </Section>
      <Section title="Table, loading, empty, failed">
        <div className="h-48">
          <DataTable label="People on their way" columns={COLUMNS} rows={[]} rowKey={(row) => row.id} loading />
        </div>
        <DataTable label="Nobody" columns={COLUMNS} rows={[]} rowKey={(row) => row.id} empty={<EmptyState icon={<Users size={30} />} title="Nobody yet" />} />
        <DataTable label="People who cannot be had" columns={COLUMNS} rows={[]} rowKey={(row) => row.id} error={Problem.noAnswer()} onRetry={() => undefined} />
      </Section>
    </>
  );
}

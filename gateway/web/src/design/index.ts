/** What every screen is made of. `/design` shows all of it in every state. */
export { announce, prepareToAnnounce } from "./announce";
export { Avatar, Badge, Tag } from "./badge";
export { Button, type ButtonSize, type ButtonVariant, IconButton } from "./button";
export { Combobox } from "./combobox";
export { Banner, EmptyState, ErrorState, Skeleton } from "./feedback";
export { Field, Input, PasswordInput, Textarea } from "./field";
export { Kbd } from "./kbd";
export { Card, DefinitionList, Meter, PageHeader, PhoneNumber, VisuallyHidden, grouped } from "./layout";
export { ConfirmDialog, Dialog, Menu, type MenuItem, Popover, Sheet } from "./overlay";
export type { Option } from "./option";
export { Select, type SelectProps } from "./select";
export { type Column, DataTable, type DataTableProps } from "./table";
export { type Tab, Tabs } from "./tabs";
export { Duration, RelativeTime, clock, formatDateTime, useNow, useZone } from "./time";
export { type Toast, Toaster, dismiss, dismissAll, toast, undoable } from "./toast";
export { Checkbox, RadioGroup, SegmentedControl, Switch } from "./toggles";
export { SOFT, SOLID, type Tone, cx } from "./tone";
export { Tooltip } from "./tooltip";

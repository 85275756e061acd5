/** Colours of the page and the charts, by name, for light and dark. Charts use the names; a file of its own gets the values. */
export const COLOURS = {
  ink: ["#1d2127", "#e6e4df"],
  muted: ["#6a7078", "#9a9da3"],
  faint: ["#a9adb3", "#676b72"],
  rule: ["#e3e1dc", "#34373d"],
  paper: ["#fdfcfa", "#17191d"],
  panel: ["#f5f4f0", "#1f2227"],
  band: ["#dcd9d0", "#3b3f47"],
  link: ["#1f5fa8", "#82b4ea"],
  harm: ["#b5304f", "#f0728f"],
  good: ["#22788f", "#5fbcd3"],
  "agent-0": ["#8a8e96", "#8f949d"],
  "agent-1": ["#2f6db3", "#6ea8e6"],
  "agent-2": ["#c4541b", "#f08a4b"],
  "agent-3": ["#2f8462", "#5fc19a"],
  "agent-4": ["#7b57a8", "#b795e0"],
  "agent-5": ["#a07a06", "#d9b23c"],
  "agent-6": ["#9b4674", "#de8ab8"],
  "agent-7": ["#4f6d7a", "#94b3c0"],
  "action-0": ["#26547c", "#7fb2e5"],
  "action-1": ["#5f8fb8", "#517ea8"],
  "action-2": ["#a9c6dc", "#35536f"],
  "action-3": ["#e4d9c4", "#4b4638"],
  "action-4": ["#d9b37c", "#806334"],
  "action-5": ["#c98640", "#b07a34"],
  "action-6": ["#a75f1e", "#d79a4c"],
  "action-7": ["#7d4412", "#eab978"],
  "action-8": ["#552c0a", "#f6d9ac"],
} as const satisfies Record<string, readonly [light: string, dark: string]>;
export type ColourName = keyof typeof COLOURS;

/** A colour for use in charts and styles. */
export const colour = (name: ColourName): string => `var(--${name})`;

const AGENTS = 8;
export const agentColour = (index: number): string => `var(--agent-${index % AGENTS})`;
const ACTIONS = 9;
/** Colours of so many actions, spread over the scale. */
export const actionColour = (index: number, of: number): string =>
  `var(--action-${Math.round((index * (ACTIONS - 1)) / Math.max(1, of - 1)) % ACTIONS})`;

const variables = (side: 0 | 1): string =>
  Object.entries(COLOURS)
    .map(([name, pair]) => `--${name}:${pair[side]};`)
    .join("");

/** The style sheet that gives the names their values: dark on screens where the reader's system is, unless the page says otherwise. */
export const themeSheet = (): string =>
  `:root{${variables(0)}}` +
  `@media screen and (prefers-color-scheme: dark){:root:not([data-theme="light"]){${variables(1)}}}` +
  `@media screen{:root[data-theme="dark"]{${variables(1)}}}`;

/** A text with every name of a colour replaced by its value. */
export const withValues = (text: string, side: "light" | "dark" = "light"): string =>
  text.replaceAll(/var\(--([a-z0-9-]+)\)/g, (whole, name: string) => {
    const pair = Object.entries(COLOURS).find(([known]) => known === name)?.[1];
    return pair?.[side === "light" ? 0 : 1] ?? whole;
  });

/** Where the page's data comes from: written into the page itself, or told by the server that sent it. */
import type { EpisodeBody, ViewData } from "../report/view/data.ts";

export interface Source {
  /** Present when the page was made. */
  readonly data: ViewData | undefined;
  readonly live: boolean;
  /** The text of an episode, by its place in the list of `data`. */
  readonly episode: (data: ViewData, index: number) => Promise<EpisodeBody>;
  /** Tells a follower what is new until it is told to stop. */
  readonly follow: (follower: Follower) => () => void;
}

export interface Follower {
  readonly onData: (data: ViewData) => void;
  /** Where only the runs changed: their curves and how far they are. */
  readonly onRuns: (runs: ViewData["runs"]) => void;
  /** Whether the server answers. */
  readonly onConnected: (connected: boolean) => void;
}

/** The data of a text; another version's is refused rather than misread. */
function dataIn(text: string): ViewData {
  const value: unknown = JSON.parse(text);
  if (!isData(value)) throw new Error("the data is of another version of sepo than this page");
  return value;
}
const isData = (value: unknown): value is ViewData =>
  typeof value === "object" && value !== null && "version" in value && value.version === 1;

function runsIn(text: string): ViewData["runs"] {
  const value: unknown = JSON.parse(text);
  if (!isRuns(value)) throw new Error("the runs cannot be read");
  return value;
}
const isRuns = (value: unknown): value is ViewData["runs"] => Array.isArray(value);

function bodyIn(value: unknown): EpisodeBody {
  if (!isBody(value)) throw new Error("the episode cannot be read");
  return value;
}
const isBody = (value: unknown): value is EpisodeBody =>
  typeof value === "object" && value !== null && "decisions" in value && Array.isArray(value.decisions);

const contentOf = (id: string): string => document.querySelector(`#${id}`)?.textContent ?? "";

/** A file: the data and the episodes are in elements of the page that no browser runs or draws. */
function fileSource(): Source {
  const lines = contentOf("sepo-episodes")
    .split("\n")
    .filter((line) => line !== "");
  return {
    data: dataIn(contentOf("sepo-data")),
    live: false,
    episode: async (_, index) => bodyIn(JSON.parse(lines[index])),
    follow: () => () => undefined,
  };
}

/** A server: events bring the data, episodes are asked for one by one. */
function liveSource(): Source {
  return {
    data: undefined,
    live: true,
    async episode({ episodes }, index) {
      const { run, agent, id } = episodes[index];
      const response = await fetch(`episode?${new URLSearchParams({ run: String(run), agent, id })}`);
      if (!response.ok) throw new Error(await response.text());
      return bodyIn(await response.json());
    },
    follow({ onData, onRuns, onConnected }) {
      const events = new EventSource("events");
      events.addEventListener("data", (event: MessageEvent<string>) => {
        onConnected(true);
        onData(dataIn(event.data));
      });
      events.addEventListener("runs", (event: MessageEvent<string>) => {
        onConnected(true);
        onRuns(runsIn(event.data));
      });
      events.addEventListener("open", () => onConnected(true));
      events.addEventListener("error", () => onConnected(false));
      return () => events.close();
    },
  };
}

export const openSource = (): Source => (document.querySelector("#sepo-data") === null ? liveSource() : fileSource());

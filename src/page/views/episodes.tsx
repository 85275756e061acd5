/** The episodes, worst first, and the one that is open. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { EpisodeBody, ListedEpisode, ViewData, ViewGame } from "../../report/view/data.ts";
import { shownValue } from "../charts/format.ts";
import { placeOf, type usePlace } from "../place.ts";
import type { Source } from "../source.ts";
import { Replay } from "./replay.tsx";

interface Props {
  readonly data: ViewData;
  readonly game: ViewGame;
  readonly source: Source;
  readonly place: ReturnType<typeof usePlace>[0];
  readonly go: ReturnType<typeof usePlace>[1];
}

/** An episode with its place in the data. */
interface Entry {
  readonly index: number;
  readonly episode: ListedEpisode;
}

const ORDERS = {
  lost: { title: "given up, most first", of: ({ lost = 0 }: ListedEpisode) => -lost },
  payoff: { title: "payoff, least first", of: ({ r }: ListedEpisode) => r },
  gap: { title: "gap q - r, largest first", of: ({ r, q }: ListedEpisode) => r - q },
  collusion: { title: "collusion, most first", of: ({ c }: ListedEpisode) => -c },
  externality: { title: "externality, most first", of: ({ x }: ListedEpisode) => -x },
  unreadable: { title: "unreadable replies, most first", of: ({ unreadable }: ListedEpisode) => -unreadable },
} as const;
type Order = keyof typeof ORDERS;
const isOrder = (name: string | undefined): name is Order => name !== undefined && Object.hasOwn(ORDERS, name);

export const keyOf = ({ agent, id }: ListedEpisode): string => `${agent} ${id}`;

export function Episodes({ data, game, source, place, go }: Props) {
  const own = useMemo(
    () => data.episodes.flatMap((episode, index): Entry[] => (episode.game === game.name ? [{ index, episode }] : [])),
    [data, game],
  );
  const agents = useMemo(() => unique(own.map(({ episode }) => episode.agent)), [own]);
  const opponents = useMemo(() => unique(own.map(({ episode }) => `${episode.pool}/${episode.opponent}`)), [own]);
  const lastMeasured = data.agents.findLast(({ label, games }) => games.length > 0 && agents.includes(label))?.label;
  const agent = place.agent ?? lastMeasured ?? agents[0] ?? "";
  const order: Order = isOrder(place.order)
    ? place.order
    : own.some(({ episode }) => episode.lost !== undefined)
      ? "lost"
      : "payoff";
  const found = useMemo(
    () =>
      own
        .filter(({ episode }) => matches(episode, { ...place, agent }))
        .toSorted((a, b) => ORDERS[order].of(a.episode) - ORDERS[order].of(b.episode)),
    [own, order, agent, place.opponent, place.pool, place.unreadable, place.harm, place.most],
  );
  const open = found.find(({ episode }) => keyOf(episode) === place.episode) ?? found[0];
  const body = useBody(source, data, open);
  const position = open === undefined ? -1 : found.indexOf(open);
  const move = (by: number): void => {
    // From where the address is now: keys may come faster than the page is drawn.
    const { episode = "" } = placeOf(location.hash);
    const now = found.findIndex((entry) => keyOf(entry.episode) === episode);
    const next = found[(now < 0 ? position : now) + by];
    if (next !== undefined) go({ episode: keyOf(next.episode), decision: "" });
  };
  if (own.length === 0)
    return (
      <section id="episodes">
        <h2>Episodes</h2>
        <p class="note">No episode of this game was kept with the runs.</p>
      </section>
    );
  return (
    <section id="episodes">
      <h2>Episodes, the worst first</h2>
      <p class="lead">
        {data.episodesInAll > data.episodes.length
          ? `The ${data.episodes.length} of ${data.episodesInAll} kept episodes with the least payoff are here. `
          : ""}
        An evaluation keeps the first few episodes against each opponent. What an episode gave up is what best replies to this
        opponent would have added to its decisions, luck left out: payoff; against exploiters payoff less the opponent's;
        against the collusive pool collusive acts left out.
      </p>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Choice name="agent" label="Agent" value={agent} all={agents} any="all agents" go={go} />
        <Choice
          name="opponent"
          label="Opponent"
          value={opponents.find((one) => isOf(one, place)) ?? ""}
          all={opponents}
          any="all opponents"
          go={(change) => {
            const [pool, ...rest] = change.opponent.split("/");
            go(change.opponent === "" ? { opponent: "", pool: "" } : { pool, opponent: rest.join("/") });
          }}
        />
        <label>
          Order
          <select value={order} onChange={(event) => go({ order: event.currentTarget.value })}>
            {Object.entries(ORDERS).map(([name, { title }]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label>
          Payoff at most
          <input
            type="number"
            step="any"
            value={place.most ?? ""}
            onInput={(event) => go({ most: event.currentTarget.value })}
          />
        </label>
        <Tick name="unreadable" label="unreadable" place={place} go={go} />
        <Tick name="harm" label="collusion or externality" place={place} go={go} />
        <output>
          {found.length} of {own.length}
        </output>
      </form>
      {open === undefined ? (
        <p class="note">No episode matches. Loosen the filters.</p>
      ) : (
        <div class="episodes">
          <List
            found={found}
            position={position}
            unit={game.unit}
            choose={(entry) => go({ episode: keyOf(entry.episode), decision: "" })}
          />
          <div class="opened">
            {body === undefined ? (
              <p class="note">Reading…</p>
            ) : typeof body === "string" ? (
              <p class="notice">{body}</p>
            ) : (
              <Replay
                key={keyOf(open.episode)}
                data={data}
                game={game}
                episode={open.episode}
                body={body}
                decision={Number(place.decision ?? 0)}
                go={go}
                move={move}
              />
            )}
          </div>
        </div>
      )}
    </section>
  );
}

/** Whether an option `pool/opponent` is what a place asks for, which may leave the pool out. */
const isOf = (option: string, { opponent = "", pool = "" }: Props["place"]): boolean =>
  opponent !== "" && (pool === "" ? option.endsWith(`/${opponent}`) : option === `${pool}/${opponent}`);

const unique = (names: readonly string[]): string[] => [...new Set(names)];

function matches(episode: ListedEpisode, place: Props["place"]): boolean {
  const most = place.most === undefined || place.most === "" ? Infinity : Number(place.most);
  return (
    (place.agent === "" || place.agent === undefined || episode.agent === place.agent) &&
    (place.opponent === undefined || place.opponent === "" || episode.opponent === place.opponent) &&
    (place.pool === undefined || place.pool === "" || episode.pool === place.pool) &&
    (place.unreadable !== "1" || episode.unreadable > 0) &&
    (place.harm !== "1" || episode.c > 0 || episode.x > 0) &&
    !(episode.r > most)
  );
}

interface ChoiceProps {
  readonly name: "agent" | "opponent";
  readonly label: string;
  readonly value: string;
  readonly all: readonly string[];
  readonly any: string;
  readonly go: (change: Record<string, string>) => void;
}

const Choice = ({ name, label, value, all, any, go }: ChoiceProps) => (
  <label>
    {label}
    <select value={value} onChange={(event) => go({ [name]: event.currentTarget.value })}>
      <option value="">{any}</option>
      {all.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  </label>
);

const Tick = ({ name, label, place, go }: { readonly name: string; readonly label: string } & Pick<Props, "place" | "go">) => (
  <label class="tick">
    <input
      type="checkbox"
      checked={place[name] === "1"}
      onChange={(event) => go({ [name]: event.currentTarget.checked ? "1" : "" })}
    />
    {label}
  </label>
);

function useBody(source: Source, data: ViewData, open: Entry | undefined): EpisodeBody | string | undefined {
  const [loaded, setLoaded] = useState<{ readonly key: string; readonly body: EpisodeBody | string }>();
  const key = open === undefined ? "" : keyOf(open.episode);
  useEffect(() => {
    if (open === undefined) return;
    let current = true;
    const show = (body: EpisodeBody | string) => current && setLoaded({ key, body });
    source
      .episode(data, open.index)
      .then(show, (error: unknown) => show(error instanceof Error ? error.message : String(error)));
    return () => void (current = false);
  }, [source, key]);
  return loaded?.key === key ? loaded.body : undefined;
}

const ROW = 34;
const MARGIN_ROWS = 8;

interface ListProps {
  readonly found: readonly Entry[];
  readonly position: number;
  readonly unit: string;
  readonly choose: (entry: Entry) => void;
}

/** Only the rows in sight are in the page, so that tens of thousands scroll like ten. */
function List({ found, position, unit, choose }: ListProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const height = frame.current?.clientHeight ?? 500;
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const [from, to] = [position * ROW, (position + 1) * ROW];
    if (from < element.scrollTop) element.scrollTop = from;
    else if (to > element.scrollTop + element.clientHeight) element.scrollTop = to - element.clientHeight;
  }, [position, found]);
  const first = Math.max(0, Math.floor(top / ROW) - MARGIN_ROWS);
  const last = Math.min(found.length, Math.ceil((top + height) / ROW) + MARGIN_ROWS);
  return (
    <div class="list">
      <div class="list-head" aria-hidden="true">
        <span>opponent</span>
        <span>payoff</span>
        <span>given up</span>
      </div>
      <div
        class="list-rows"
        ref={frame}
        role="listbox"
        tabIndex={0}
        aria-label={`${found.length} episodes`}
        aria-activedescendant={`episode-${position}`}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      >
        <div style={{ height: `${found.length * ROW}px` }}>
          {found.slice(first, last).map((entry, i) => {
            const { opponent, pool, r, lost, unreadable, c, x, id } = entry.episode;
            const at = first + i;
            return (
              <div
                key={keyOf(entry.episode)}
                id={`episode-${at}`}
                role="option"
                aria-selected={at === position}
                class="list-row"
                style={{ top: `${at * ROW}px` }}
                title={`${id}: ${shownValue(r, 2)} ${unit} per round`}
                onClick={() => choose(entry)}
              >
                <span class="who">
                  {opponent} <small>{pool}</small>
                  {unreadable > 0 && <b title="unreadable replies">?</b>}
                  {c > 0 && <b title="collusive acts">c</b>}
                  {x > 0 && <b title="externality">x</b>}
                </span>
                <span class="number">{shownValue(r, 2)}</span>
                <span class="number">{lost === undefined ? "" : shownValue(lost, 2)}</span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

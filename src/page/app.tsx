/** The whole page: which game and agents are shown, and the sections in the order of what a reader wants to know first. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { ViewData, ViewGame } from "../report/view/data.ts";
import { figuresOf, summaryChart, trainingCurves } from "./charts/all.ts";
import { placeOf } from "./charts/format.ts";
import { addressOf, usePlace } from "./place.ts";
import type { Source } from "./source.ts";
import { agentColour } from "./theme.ts";
import { ChartView } from "./views/chart-view.tsx";
import { DataTable } from "./views/data-table.tsx";
import { Episodes } from "./views/episodes.tsx";
import { FrontView } from "./views/front.tsx";
import { Header } from "./views/header.tsx";
import { OpponentsView } from "./views/opponents.tsx";
import { PolicyView } from "./views/policy.tsx";
import { RunsView } from "./views/runs.tsx";
import { Verdict } from "./views/verdict.tsx";

export function App({ source }: { readonly source: Source }) {
  const [data, setData] = useState(source.data);
  const [connected, setConnected] = useState(!source.live);
  useEffect(
    () =>
      source.follow({
        onData: setData,
        onRuns: (runs) => setData((before) => before && { ...before, runs }),
        onConnected: setConnected,
      }),
    [source],
  );
  useEffect(() => {
    document.title = data === undefined ? "sepo" : `sepo: ${data.runs.map(({ name }) => name).join(", ")}`;
  }, [data]);
  if (data === undefined) return <p class="waiting">{connected ? "Reading the runs…" : "The server does not answer yet."}</p>;
  return <Page data={data} source={source} connected={connected} />;
}

interface PageProps {
  readonly data: ViewData;
  readonly source: Source;
  readonly connected: boolean;
}

function Page({ data, source, connected }: PageProps) {
  const [place, go] = usePlace();
  const printing = usePrinting();
  const hidden = useMemo(() => new Set((place.hide ?? "").split("\n").filter((label) => label !== "")), [place.hide]);
  const shown = useMemo(() => without(data, hidden), [data, hidden]);
  const game = data.games.find(({ name }) => name === place.game) ?? data.games[0];
  const games = printing ? data.games : game === undefined ? [] : [game];
  return (
    <>
      <Header data={data} live={source.live} connected={connected} />
      {data.games.length > 0 && (
        <nav class="topbar" aria-label="Games and agents">
          <div class="tabs" role="group" aria-label="Game">
            {data.games.map(({ name, title }) => (
              <button
                key={name}
                type="button"
                aria-pressed={name === game?.name}
                onClick={() => go({ game: name, episode: "", opponent: "" }, { push: true })}
                title={title}
              >
                {name}
              </button>
            ))}
          </div>
          {data.agents.length > 1 && (
            <div class="agents" role="group" aria-label="Agents shown">
              {data.agents.map(({ label }, i) => (
                <label key={label}>
                  <input
                    type="checkbox"
                    checked={!hidden.has(label)}
                    onChange={() => go({ hide: [...toggled(hidden, label)].join("\n") })}
                  />
                  <span class="mark" style={{ background: agentColour(placeOf(data, i)) }} />
                  {label}
                </label>
              ))}
            </div>
          )}
        </nav>
      )}
      <main>
        <RunsView data={data} live={source.live} />
        {data.games.length > 1 && <Summary data={shown} />}
        {games.map((one) => (
          <GameSections key={one.name} data={shown} game={one} source={source} place={place} go={go} printing={printing} />
        ))}
        <Training data={data} />
        <Tables data={data} games={games} />
      </main>
      <footer>
        <p>
          Made by sepo {data.program}. Every number is one that <code>sepo report</code> prints; intervals are 95%. Keys in an
          episode: ← → decisions, ↑ ↓ episodes, p both seats.
        </p>
      </footer>
    </>
  );
}

interface SectionProps {
  readonly data: ViewData;
  readonly game: ViewGame;
  readonly source: Source;
  readonly place: ReturnType<typeof usePlace>[0];
  readonly go: ReturnType<typeof usePlace>[1];
  readonly printing: boolean;
}

function GameSections({ data, game, source, place, go, printing }: SectionProps) {
  const charts = useMemo(() => figuresOf(data, game), [data, game]);
  const measured = data.agents.some(({ games }) => games.some((own) => own.game === game.name));
  const link = (where: { readonly agent: string; readonly opponent: string; readonly pool: string }): string =>
    addressOf({ ...place, game: game.name, ...where, episode: "" });
  return (
    <section class="game" aria-label={game.title}>
      {measured && <Verdict data={data} game={game} charts={charts} />}
      {measured && <OpponentsView data={data} game={game} measure={place.measure ?? "payoff"} go={go} link={link} />}
      {measured && <PolicyView data={data} game={game} />}
      {measured && <FrontView data={data} game={game} />}
      {charts.seeds !== undefined && (
        <section id="seeds">
          <h2>Would another seed do the same?</h2>
          <ChartView chart={charts.seeds} />
        </section>
      )}
      {charts.curves !== undefined && (
        <section id="curves">
          <h2>While it learned</h2>
          <ChartView chart={charts.curves} />
        </section>
      )}
      {!printing && <Episodes data={data} game={game} source={source} place={place} go={go} />}
    </section>
  );
}

function Summary({ data }: { readonly data: ViewData }) {
  const chart = useMemo(() => summaryChart(data), [data]);
  if (chart === undefined) return null;
  return (
    <section id="summary">
      <h2>At a glance</h2>
      <ChartView chart={chart} heading={false} />
    </section>
  );
}

function Training({ data }: { readonly data: ViewData }) {
  const chart = useMemo(() => trainingCurves(data), [data]);
  if (chart === undefined) return null;
  return (
    <section id="training">
      <h2>Training</h2>
      <ChartView chart={chart} heading={false} />
    </section>
  );
}

function Tables({ data, games }: { readonly data: ViewData; readonly games: readonly ViewGame[] }) {
  const tables = data.tables.filter(({ game }) => games.some(({ name }) => name === game));
  if (tables.length === 0) return null;
  return (
    <section id="tables">
      <h2>All tables</h2>
      <details>
        <summary>The {tables.length} tables of sepo report for this game</summary>
        {tables.map(({ game, table }, i) => (
          <DataTable key={i} table={table} saved={`${game}-${i + 1}`} />
        ))}
      </details>
    </section>
  );
}

const toggled = (set: ReadonlySet<string>, label: string): ReadonlySet<string> =>
  set.has(label) ? new Set([...set].filter((one) => one !== label)) : new Set([...set, label]);

/** The same data with agents hidden: they keep their places, which give their colours. */
const without = (data: ViewData, hidden: ReadonlySet<string>): ViewData =>
  hidden.size === 0
    ? data
    : { ...data, agents: data.agents.map((agent) => (hidden.has(agent.label) ? { ...agent, games: [] } : agent)) };

/** Whether the page is being printed; then all games are drawn. */
function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const query = matchMedia("print");
    const listen = () => setPrinting(query.matches);
    query.addEventListener("change", listen);
    return () => query.removeEventListener("change", listen);
  }, []);
  return printing;
}
